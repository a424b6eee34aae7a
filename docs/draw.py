"""Draw the pictures of the README and of the pages: python docs/draw.py."""

from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt

import drnn_theory as d
from drnn_theory.figures import plot_unfolded

IMAGES = Path(__file__).parent / "images"
ZOO = {
    "stacked_rnn(3)": (d.stacked_rnn(3), 8),
    "dilated_rnn([1, 2, 4])": (d.dilated_rnn([1, 2, 4]), 8),
    "dilated_rnn([2, 4], fusion=True)": (d.dilated_rnn([2, 4], fusion=True), 7),
    "skip_rnn(4, layers=2)": (d.skip_rnn(4, 2), 8),
    "layers_rnn([[1], [1, 2], [1, 4]])": (d.layers_rnn([[1], [1, 2], [1, 4]]), 8),
    "residual_rnn([[1, 2], [4]])": (d.residual_rnn([[1, 2], [4]]), 8),
    "narx_rnn(4)": (d.narx_rnn(4), 8),
    "mist_rnn([1, 2, 4, 8])": (d.mist_rnn([1, 2, 4, 8]), 8),
    "clockwork_rnn([1, 2, 4])": (d.clockwork_rnn([1, 2, 4]), 7),
    "hierarchical_rnn([1, 2, 4])": (d.hierarchical_rnn([1, 2, 4]), 7),
    'zhang_rnn("bu")': (d.zhang_rnn("bu"), 8),
    'zhang_rnn("td")': (d.zhang_rnn("td"), 8),
    "gated_feedback_rnn(3)": (d.gated_feedback_rnn(3), 8),
    "fast_slow_rnn(3)": (d.fast_slow_rnn(3), 6),
    "dilated_cnn([1, 2, 4])": (d.dilated_cnn([1, 2, 4]), 7),
    "wavenet([1, 2], blocks=2)": (d.wavenet([1, 2], blocks=2), 6),
    "tcn([1, 2])": (d.tcn([1, 2]), 6),
    "causal_transformer(8, layers=2)": (d.causal_transformer(8, 2), 7),
    "sliding_window_transformer(3, layers=3)": (d.sliding_window_transformer(3, 3), 6),
    "longnet([2, 4, 8], [1, 2, 4], layers=3)": (d.longnet([2, 4, 8], [1, 2, 4], 3), 7),
    "state_space_rnn(2)": (d.state_space_rnn(2), 8),
    "griffin(1, window=4)": (d.griffin(1, 4), 8),
}


def main() -> None:
    """Write all pictures but that of the explorer."""
    with mpl.rc_context({"font.size": 7}):
        figure, axes = plt.subplots(11, 2, figsize=(7, 18.5), layout="constrained")
        for ax, (name, (graph, lag)) in zip(axes.flat, ZOO.items(), strict=True):
            path = d.shortest_path(graph, lag, start=1)
            plot_unfolded(graph, 9, path=path, ax=ax)
            length = d.shortest_path_lengths(graph, lag, start=1)[lag]
            ax.set_title(f"{name}, lag {lag}: {length:.0f} edges", fontsize=7)
        figure.savefig(IMAGES / "zoo.png", dpi=150, metadata={"Software": None})
        figure, ax = plt.subplots(figsize=(6, 2.3), layout="constrained")
        path = d.shortest_path(d.dilated_rnn([1, 2, 4]), 14, start=1)
        plot_unfolded(d.dilated_rnn([1, 2, 4]), 16, path=path, ax=ax)
        ax.set_title("dilations 1, 2, 4: a shortest path to lag 14 has 8 edges", fontsize=8)
        figure.savefig(IMAGES / "unfolded.png", dpi=160, metadata={"Software": None})
    figure = d.FIGURES["engines"].draw()  # from the table that tests/benchmarks/engines.py writes
    figure.savefig(IMAGES / "engine_speed.png", dpi=130, metadata={"Software": None})
    for name in ("learnability", "signal_growth"):  # from the tables of tests/studies
        figure = d.FIGURES[name].draw("neurips")
        figure.savefig(IMAGES / f"{name}.png", dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()
