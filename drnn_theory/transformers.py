r"""Sequence models without, or with little, recurrence: attention, state spaces and hybrids.

All begin with a layer that gives the input its width and have a residual sum around every later
layer, as the papers have them. What acts on each step by itself, the feed-forward networks and
normalisations between these layers, lies on no shortest path, since the sums lead around it, and is
left out; so are its parameters. A step attends to itself and to the past alone.

Where a function names code that it was compared with, the wiring was read there; else what it says
of its paper beyond the abstract is recalled.

[1] Vaswani et al., Attention Is All You Need, NIPS 2017, arXiv:1706.03762.
[2] Beltagy, Peters, Cohan, Longformer: The Long-Document Transformer, arXiv:2004.05150.
[3] Jiang et al., Mistral 7B, arXiv:2310.06825.
[4] Ding et al., LongNet: Scaling Transformers to 1,000,000,000 Tokens, arXiv:2307.02486.
[5] Gupta, Gu, Berant, Diagonal State Spaces are as Effective as Structured State Spaces,
NeurIPS 2022, arXiv:2203.14343.
[6] Orvieto et al., Resurrecting Recurrent Neural Networks for Long Sequences, ICML 2023,
arXiv:2303.06349.
[7] De et al., Griffin: Mixing Gated Linear Recurrences with Local Attention for Efficient Language
Models, arXiv:2402.19427.
"""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from drnn_theory.checks import as_integer, require_memory
from drnn_theory.dilations import as_dilations
from drnn_theory.layers import Attended, Attention, Convolution, Layer, StateSpace, sequential

__all__ = [
    "causal_transformer",
    "griffin",
    "longnet",
    "sliding_window_transformer",
    "state_space_rnn",
]


def causal_transformer(length: int, layers: int = 6) -> nx.MultiDiGraph:
    """Return a causal Transformer [1] for sequences of ``length`` steps: each reads all before it.

    Every lag below ``length`` takes two edges, one into the width of the model and one of
    attention, in whichever layer: the constant of the paper's O(1).

    >>> from drnn_theory import shortest_path_lengths
    >>> shortest_path_lengths(causal_transformer(6), 6)
    array([1., 2., 2., 2., 2., 2., 3.])
    """
    return sliding_window_transformer(as_integer(length, "length"), layers)


def sliding_window_transformer(window: int, layers: int = 6) -> nx.MultiDiGraph:
    """Return a Transformer whose steps attend to the last ``window`` steps, as in [2] and [3].

    The step itself is one of them. Lag n takes one edge into the width of the model and
    ceil(n / (window - 1)) of attention, while that is at most ``layers``. Of Mistral's model [3]
    its authors' code says that information moves on by W steps a layer: their window is of W steps
    in the past, ``window`` = W + 1. The windows of Longformer [2] lie on both sides of a step
    unless they are causal, as here, and some of its tokens attend to all.

    >>> from drnn_theory import receptive_field, shortest_path_lengths
    >>> graph = sliding_window_transformer(3, layers=2)
    >>> shortest_path_lengths(graph, 4)
    array([1., 2., 2., 3., 3.])
    >>> receptive_field(graph)
    5
    """
    window = as_integer(window, "window")
    return _residual([Attention(window)] * as_integer(layers, "layers"))


def longnet(segments: Iterable[int], dilations: Iterable[int], layers: int = 6) -> nx.MultiDiGraph:
    """Return dilated attention after LongNet [4]: near steps densely, far ones ever more sparsely.

    A layer mixes one pattern for each pair of a segment length w and a dilation r, of which each
    reads w / r steps, every r-th. As modelled here a segment ends at the step that reads it: the
    lags 0, r, 2 r, .. below w. In the authors' code (torchscale) segments lie in a fixed grid, cut
    off at their borders, and a head is shifted so that queries and keys have the same remainder
    modulo r: lags are multiples of r there, too, and the heads together serve every step. With
    dilations 1, a, a^2, .. and segments a constant times longer, as the paper takes them, the lags
    are those of a number's digits, which is why the layers that any lag takes grow like its
    logarithm.

    >>> from drnn_theory import shortest_path_lengths
    >>> shortest_path_lengths(longnet([2, 4, 8], [1, 2, 4], layers=3), 7)
    array([1., 2., 2., 3., 2., 3., 3., 4.])
    """
    lengths = as_dilations(segments, name="segments")
    spacings = as_dilations(dilations)
    if len(lengths) != len(spacings):
        raise ValueError(
            f"segments must be as many as dilations, {len(spacings)}, got {len(lengths)}"
        )
    for w, r in zip(lengths, spacings, strict=True):
        if r > w:
            raise ValueError(f"dilations must be at most their segments, got {r} in one of {w}")
    taps = sum(-(-w // r) for w, r in zip(lengths, spacings, strict=True))
    require_memory(1000 * taps * as_integer(layers, "layers"), f"a graph of {taps} taps a layer")
    lags = {lag for w, r in zip(lengths, spacings, strict=True) for lag in range(0, w, r)}
    return _residual([Attended(tuple(sorted(lags)))] * int(layers))


def state_space_rnn(layers: int = 4, *, counted: bool = False) -> nx.MultiDiGraph:
    """Return a stack of diagonal state spaces [5, 6], whose states decay unit by unit.

    S4, which they simplify, has matrices that are diagonal but for a low rank.

    A layer writes its state by one matrix and reads it by another. With ``counted`` the decay from
    step to step is an edge, as the matrix of a recurrent layer is, and the mean grows with the
    span; without it is an identity, which mixes nothing and passes no nonlinearity, and every lag
    takes three edges. Both readings have its parameters, one number per unit. What the gradient
    loses on the way is the decay to the power of the lag, which no count of edges shows.

    >>> from drnn_theory import shortest_path_lengths
    >>> for counted in (True, False):
    ...     print(shortest_path_lengths(state_space_rnn(counted=counted), 4))
    [1. 4. 5. 6. 7.]
    [1. 3. 3. 3. 3.]
    """
    return _residual([StateSpace(counted)] * as_integer(layers, "layers"))


def griffin(blocks: int = 2, window: int = 1024, *, counted: bool = False) -> nx.MultiDiGraph:
    """Return the pattern of Griffin [7]: two gated linear recurrences, then local attention.

    The pattern is repeated ``blocks`` times. The recurrences decay unit by unit; ``counted`` as in
    :func:`state_space_rnn`. Attention reads ``window`` steps, the present one among them. Pattern
    and window are those of the authors' code (recurrentgemma, whose window of 1,024 is of steps in
    the past). There a convolution over four steps stands before every recurrence and a gate beside
    it, which are left out: neither makes a lag out of the window shorter by more than its taps.

    >>> from drnn_theory import shortest_path_lengths
    >>> shortest_path_lengths(griffin(window=4), 8)
    array([1., 2., 2., 2., 3., 3., 3., 3., 3.])
    """
    pattern: list[Layer] = [StateSpace(counted), StateSpace(counted), Attention(window)]
    return _residual(pattern * as_integer(blocks, "blocks"))


def _residual(layers: list[Layer]) -> nx.MultiDiGraph:
    """Return the layers with sums around all of them, above one that gives the input its width."""
    return sequential([Convolution(1), *layers], residual=True)
