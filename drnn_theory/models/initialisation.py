r"""Random matrices and biases, as they are drawn before training.

A gated layer keeps the matrices of its gates stacked in one tensor; each is a matrix of its own
here. Torch draws all numbers uniformly up to 1 / sqrt(hidden_size), which gives a recurrent matrix
a spectral radius of about 1 / sqrt(3): a gradient shrinks by that factor at every step.
Orthogonal matrices [1] keep the length of a vector. Glorot's [2] are uniform up to
sqrt(6 / (rows + columns)); a square one has a radius of about 1.

[1] Saxe, McClelland, Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks, ICLR 2014, arXiv:1312.6120.
[2] Glorot, Bengio, Understanding the difficulty of training deep feedforward neural networks,
    AISTATS 2010.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from drnn_theory.checks import one_of

MATRICES = ("torch", "orthogonal", "glorot")
BIASES = ("torch", "zero")
_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}
_SAMPLERS: dict[str, Callable[[Tensor], Any]] = {
    "orthogonal": torch.nn.init.orthogonal_,
    "glorot": torch.nn.init.xavier_uniform_,
}


def initialise(
    layer: torch.nn.RNN | torch.nn.GRU | torch.nn.LSTM,
    *,
    matrices: str = "torch",
    biases: str = "torch",
    forget: float = 1.0,
) -> None:
    r"""Draw the matrices and the biases of one of torch's recurrent layers, in place.

    Args:
        layer: a torch.nn.RNN, GRU or LSTM, of any depth and direction.
        matrices: "torch", uniform up to 1 / sqrt(hidden_size); "orthogonal", gate by gate, an input
            matrix with orthonormal columns or rows, whichever are fewer; "glorot", gate by gate,
            uniform up to sqrt(6 / (rows + columns)).
        biases: "torch", uniform up to 1 / sqrt(hidden_size); or "zero".
        forget: what zero biases of an LSTM add to the forget gate, both biases together.

    >>> layer = torch.nn.LSTM(3, 5)
    >>> initialise(layer, matrices="orthogonal", biases="zero")
    >>> gate = layer.weight_hh_l0[5:10].detach()
    >>> torch.allclose(gate @ gate.T, torch.eye(5), atol=1e-6)
    True
    >>> (layer.bias_ih_l0 + layer.bias_hh_l0)[4:11].tolist()  # gates in torch's order: i, f, g, o
    [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    """
    if not isinstance(layer, torch.nn.RNNBase):
        raise TypeError(
            f"layer must be a torch.nn.RNN, GRU or LSTM, got {type(layer).__name__}: "
            "other layers know how to draw their own parameters"
        )
    one_of(matrices, "matrices", MATRICES)
    one_of(biases, "biases", BIASES)
    bound = layer.hidden_size**-0.5
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith("bias"):
                if biases == "torch":
                    parameter.uniform_(-bound, bound)
                else:
                    parameter.zero_()
                    if layer.mode == "LSTM" and name.startswith("bias_ih"):
                        parameter.chunk(4)[1].fill_(forget)
            elif matrices == "torch":
                parameter.uniform_(-bound, bound)
            else:  # the projection of an LSTM is one matrix, whatever its gates
                count = 1 if name.startswith("weight_hr") else _GATES[layer.mode]
                for gate in parameter.chunk(count):
                    sample_matrix(gate, matrices)


def sample_matrix(matrix: Tensor, kind: str) -> None:
    """Fill one matrix, or a convolution's (out, in, steps), by "orthogonal" or "glorot"."""
    exact = matrix.dtype in (torch.float32, torch.float64)
    sampled = torch.empty_like(matrix, dtype=matrix.dtype if exact else torch.float32)
    _SAMPLERS[kind](sampled)  # a QR decomposition needs single precision at least
    with torch.no_grad():
        matrix.copy_(sampled)
