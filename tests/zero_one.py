"""A 0-1 breadth-first search over time, independent of the package's engines and of networkx."""

import math
import random
from collections import deque

from drnn_theory import cyclic_graph


def zero_one_lengths(graph, horizon, start, *, vertical=True):
    """Return d_start(0..horizon): a matrix costs one, an identity nothing, by its attribute."""
    period = graph.graph["period"]

    def unit(node):
        return node if period == 1 else node[1]

    leaving = {}
    for u, v, data in graph.edges(data=True):
        free = data.get("identity", False) or (data["lag"] == 0 and not vertical)
        leaving.setdefault(u, []).append((v, data["lag"], 0 if free else 1))
    known = {}
    line = deque()
    for node in graph:
        if unit(node) in graph.graph["inputs"] and (period == 1 or node[0] == start % period):
            line.append((0, 0, node))
    while line:
        length, time, node = line.popleft()
        if (time, node) in known:
            continue
        known[time, node] = length
        for target, lag, cost in leaving.get(node, []):
            if time + lag <= horizon:
                (line.append if cost else line.appendleft)((length + cost, time + lag, target))
    ends = [node for node in graph if unit(node) in graph.graph["outputs"]]
    return [min(known.get((n, end), math.inf) for end in ends) for n in range(horizon + 1)]


def random_wiring(seed):
    """Return a random graph with identities, sums, several outputs and a period of 1 to 4."""
    draw = random.Random(seed)
    period = draw.choice([1, 1, 2, 3, 4])
    units = [f"u{i}" for i in range(draw.randint(1, 5))]

    def edge(names):
        low, high = draw.choice(range(len(names))), draw.choice(range(1, len(names)))
        before, after = draw.randrange(period), draw.randrange(period)
        lag = (after - before) % period + period * draw.randint(0, 9 // period)
        if lag == 0 and low >= high:  # edges of lag 0 climb, so that no cycle of them arises
            lag = period
        if period == 1:
            return names[low], names[high], lag
        return (before, names[low]), (after, names[high]), lag

    edges = [edge(["x", *units]) for _ in range(draw.randint(2, 8))]
    top = units[-1]
    edges += [("x", top, 0)] if period == 1 else [((p, "x"), (p, top), 0) for p in range(period)]
    # the sum s reads only identities and is an output
    identities = [edge(["x", *units, "s"]) for _ in range(draw.randint(1, 6))]
    identities.append((top, "s", 2) if period == 1 else ((0, top), (0, "s"), 2 * period))
    name = (lambda node: node) if period == 1 else (lambda node: node[1])
    known = {name(node) for e in edges for node in e[:2]} | {"s"}
    identities = [e for e in identities if {name(e[0]), name(e[1])} <= known]
    outputs = ["s", *draw.sample(sorted(known - {"x", "s"}), draw.randint(0, 1))]
    inputs = ["x", *draw.sample(sorted(known - {"x", "s"}), draw.choice([0, 0, 1]))]
    return cyclic_graph(edges, inputs=inputs, outputs=outputs, period=period, identities=identities)
