"""Random graphs of strongly connected components: what certificates have to cope with."""

import random

from drnn_theory import cyclic_graph


def component_graph(seed):
    """Return a graph of 1 to 4 components of 1 to 3 units, lags to 30, a period of 1 to 6.

    Each component is a ring with up to three edges more; later ones read the input or earlier ones,
    the output reads the last and some of the others. With a period an edge may miss some phases,
    but an input arrives at each.
    """
    dice = random.Random(seed)
    period = dice.randint(1, 6)
    edges = set()

    def add(source, target, lag, phase):
        ends = (phase, source), ((phase + lag) % period, target)
        edges.add((source, target, lag) if period == 1 else (*ends, lag))

    parts = []
    for part in range(dice.randint(1, 4)):
        units = [f"u{part}{i}" for i in range(dice.randint(1, 3))]
        more = [(dice.choice(units), dice.choice(units)) for _ in range(dice.randint(0, 3))]
        for source, target in [*zip(units, units[1:] + units[:1], strict=True), *more]:
            for phase in range(period):
                if period == 1 or dice.random() > 0.3:
                    add(source, target, dice.randint(1, 30), phase)
        readable = ["x", *(unit for earlier in parts for unit in earlier)]
        for _ in range(dice.randint(1, 2)):
            source = dice.choice(readable)
            for phase in range(period):
                add(
                    source,
                    dice.choice(units),
                    dice.choice([0, 0, dice.randint(0, 30)]),
                    phase,
                )
        parts.append(units)
    for part in parts:
        if part is parts[-1] or dice.random() < 0.5:
            for phase in range(period):
                add(dice.choice(part), "y", dice.choice([0, 0, dice.randint(0, 30)]), phase)
    return cyclic_graph(sorted(edges, key=repr), inputs=["x"], outputs=["y"], period=period)
