"""Random schemes and random cyclic graphs for the tests that state laws."""

from hypothesis import strategies as st

from drnn_theory import cyclic_graph

schemes = st.lists(st.integers(1, 24), min_size=1, max_size=5)
complete_schemes = schemes.map(lambda dilations: [1, *dilations])


@st.composite
def cyclic_graphs(draw, periods=(1, 1, 2, 3, 4), complete=None):
    """Draw a cyclic graph of a few units: parallel edges, self-loops, dead ends and all.

    A complete one has every lag reachable from every phase: its input feeds a unit with a lag-1
    path to the output. ``complete=None`` draws that too, mostly true.
    """
    period = draw(st.sampled_from(periods))
    units = [f"u{i}" for i in range(draw(st.integers(1, 4)))]
    phases = st.integers(0, period - 1)
    edges = []
    for _ in range(draw(st.integers(1, 9))):
        low, high = draw(st.integers(0, len(units))), draw(st.integers(0, len(units) - 1))
        source, target = ["x", *units][low], units[high]
        before, after = draw(phases), draw(phases)
        lag = (after - before) % period + period * draw(st.integers(0, 8 // period))
        if lag == 0 and high < low:  # edges of lag 0 climb, so that no cycle of them arises
            lag = period
        edges.append(((before, source), (after, target), lag))
    if draw(st.sampled_from([True, True, False])) if complete is None else complete:
        for phase in range(period):
            edges.append(((phase, "x"), (phase, units[-1]), 0))
            edges.append(((phase, units[-1]), ((phase + 1) % period, units[-1]), 1))
    else:  # whatever was drawn, the input and the output exist
        edges.append(((0, "x"), (0, units[-1]), 0))
    if period == 1:
        edges = [(u, v, lag) for (_, u), (_, v), lag in edges]
    outputs = draw(st.sets(st.sampled_from(units), max_size=1)) - {units[0]}
    touched = {node if period == 1 else node[1] for u, v, _ in edges for node in (u, v)}
    outputs = sorted((outputs | {units[-1]}) & touched)
    inputs = ["x", *draw(st.sets(st.sampled_from(sorted(touched - {"x"})), max_size=1))]
    return cyclic_graph(edges, inputs=inputs, outputs=outputs, period=period)
