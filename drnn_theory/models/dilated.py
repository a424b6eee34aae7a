r"""The dilated recurrent network of [1].

[1] Chang et al., Dilated Recurrent Neural Networks, NIPS 2017, arXiv:1710.02224.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from drnn_theory.checks import as_integer, as_number, one_of
from drnn_theory.dilations import as_dilations
from drnn_theory.models.adjoint import has_adjoint, rows_of_adjoint
from drnn_theory.models.checks import autocasts, check_input, check_state, refusal_of_gates
from drnn_theory.models.folding import LayerState, run_layer, run_ragged_layer, take_rows
from drnn_theory.models.initialisation import MATRICES, draw_matrix, initialise
from drnn_theory.models.recurrence import run_columns, runs_in_columns

_CELLS = {"RNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}


class DilatedRNN(torch.nn.Module):
    r"""A stack of recurrent layers, layer l reading its own state of s_l steps before [1].

    .. math:: c_t^{(l)} = f(x_t^{(l)}, c_{t - s_l}^{(l)}), \quad x_t^{(l + 1)} = c_t^{(l)}

    Args:
        input_size: features of the input.
        hidden_size: units of every layer, or of each, bottom layer first.
        dilations: s_1, .., s_L, bottom layer first; any positive integers in any order.
        cell: f, one of "RNN", "GRU", "LSTM".
        nonlinearity: "tanh" or "relu", of the cell "RNN" only.
        init: how parameters are drawn: "torch", as torch.nn draws them; "orthogonal" or "glorot",
            every gate's matrix on its own, with zero biases, those of an LSTM's forget gate 1 in
            sum (:func:`~drnn_theory.models.initialise`).
        batch_first: input and output are (batch, time, features) instead of
            (time, batch, features); the state is not affected, as in torch.nn.GRU.
        bias: whether layers have biases.
        dropout: probability that a unit is dropped, in training, on its way from one layer to the
            next; it needs two layers or more.
        fusion: add a last layer that fuses the top states of the last s_1 steps, a causal
            convolution. It repairs a scheme that starts with s_1 > 1, whose residue classes of
            time would otherwise never meet [1].
        device, dtype: of the parameters.

    ``model(x, state=None, lengths=None)`` returns ``(output, state)``. The input is a tensor
    (time, batch, input_size), unbatched (time, input_size), or a PackedSequence; the output is of
    the same kind. For a padded batch ``lengths`` gives the steps of each sequence, 0 to time, in
    any order; outputs beyond them are zero.

    The state is a tuple with one entry per layer: its last s_l states, a tensor
    (s_l, batch, hidden_size), oldest first; for "LSTM" a pair (h, c) of such tensors; with fusion
    one entry more, the top layer's last s_1 - 1 outputs. Unbatched, the batch axis is absent.
    ``None`` stands for zeros. Passing the state on feeds a sequence in pieces of any length, 0
    included; each sequence's state ends at its own length. It is never written to.

    The parameters live in ``layers``, one torch.nn.RNN, GRU or LSTM per dilation, and ``fuse``, a
    torch.nn.Conv1d whose last column weighs the present step. Under autocast the state takes the
    lower precision too, and may be passed on. torch.compile accepts the model, but runs its layers
    outside the graph, as it does with torch.nn's. On the CPU, layers in float32 and float64
    run by a backward pass of their own, an LSTM in float32 on one thread only; hooks on ``layers``
    are not called then.

    >>> model = DilatedRNN(3, 5, [1, 2, 4], cell="GRU")
    >>> output, state = model(torch.zeros(10, 2, 3))
    >>> output.shape, [h.shape[0] for h in state]
    (torch.Size([10, 2, 5]), [1, 2, 4])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Iterable[int],
        dilations: Iterable[int],
        *,
        cell: str = "RNN",
        nonlinearity: str = "tanh",
        init: str = "torch",
        batch_first: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
        fusion: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        one_of(cell, "cell", _CELLS)
        one_of(nonlinearity, "nonlinearity", ("tanh", "relu"))
        if cell != "RNN" and nonlinearity != "tanh":
            raise ValueError(
                f"nonlinearity must be 'tanh' unless the cell is 'RNN', got {nonlinearity!r}"
                f" with the cell {cell!r}"
            )
        one_of(init, "init", MATRICES)
        self.dilations = as_dilations(dilations)
        self.input_size = as_integer(input_size, "input_size")
        self.hidden_sizes = _as_sizes(hidden_size, len(self.dilations))
        self.hidden_size = (
            self.hidden_sizes if isinstance(hidden_size, Iterable) else self.hidden_sizes[0]
        )
        self.cell = cell
        self.nonlinearity = nonlinearity
        self.init = init
        self.batch_first = batch_first
        self.dropout = _as_probability(dropout, len(self.dilations))
        self.fusion = fusion
        options: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        choice = {"nonlinearity": nonlinearity} if cell == "RNN" else {}
        inputs = (self.input_size, *self.hidden_sizes)
        self.layers = torch.nn.ModuleList(
            _CELLS[cell](fan_in, hidden, **choice, **options)
            for fan_in, hidden in zip(inputs, self.hidden_sizes, strict=False)
        )
        if fusion:
            top = self.hidden_sizes[-1]
            self.fuse = torch.nn.Conv1d(top, top, self.dilations[0], **options)
        if init != "torch":
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters once more, by ``init``.

        >>> model = DilatedRNN(3, 5, [1, 2], cell="GRU", init="orthogonal")
        >>> model.reset_parameters()
        >>> [bool(p.any()) for name, p in model.named_parameters() if "bias" in name]
        [False, False, False, False]
        """
        layer: Any
        for layer in self.layers:
            if self.init == "torch":
                layer.reset_parameters()
            else:
                initialise(layer, matrices=self.init, biases="zero")
        if not self.fusion:
            return
        if self.init == "torch":
            self.fuse.reset_parameters()
        else:
            draw_matrix(self.fuse.weight, self.init)
            if self.fuse.bias is not None:
                torch.nn.init.zeros_(self.fuse.bias)

    def forward(
        self,
        x: Tensor | PackedSequence,
        state: Sequence[Any] | None = None,
        lengths: Tensor | Sequence[int] | None = None,
    ) -> tuple[Any, tuple[Any, ...]]:
        """Return the output and the state from which the next piece goes on.

        >>> model, x = DilatedRNN(3, 5, [1, 2], cell="GRU"), torch.randn(7, 2, 3)
        >>> first, state = model(x[:4])
        >>> second, state = model(x[4:], state)
        >>> torch.allclose(torch.cat([first, second]), model(x)[0], atol=1e-6)
        True
        """
        if isinstance(x, PackedSequence):
            if lengths is not None:
                raise ValueError(f"lengths must be None for a PackedSequence, got {lengths}")
            return self._forward_packed(x, state)
        check_input(self, x, casts=True)
        if x.dim() == 2:
            if lengths is not None:
                raise ValueError(f"lengths must be None for unbatched input, got {lengths}")
            output, new_state = self._run(x.unsqueeze(1), self._batched(state), None)
            return output.squeeze(1), _map(lambda h: h.squeeze(1), new_state)
        if self.batch_first:
            x = x.transpose(0, 1)
        if lengths is not None:
            lengths = _as_lengths(lengths, x)
        output, new_state = self._run(x, state, lengths)
        return output.transpose(0, 1) if self.batch_first else output, new_state

    def jacobian_rows(
        self, x: Tensor, times: Sequence[int], asked: Callable[[int, int], Tensor], memory: int
    ) -> Iterator[tuple[int, Tensor]] | None:
        """Return (index of the time, rows): rows[c, t, b] = v_cb @ d output[time, b] / d x[t, b].

        ``x`` is (time, batch, features), ``asked`` gives the cotangents v, (cotangents, batch,
        units), for the index of a time and a number of units; each time's rows come in order, in
        chunks that take ``memory`` bytes. None where hooks or a subclass make another model of it,
        of which autograd alone knows the Jacobian.

        >>> model, x = DilatedRNN(1, 3, [1, 2]), torch.ones(5, 1, 1)
        >>> def units(index, count):
        ...     return torch.eye(count).unsqueeze(1)
        >>> ((index, rows),) = model.jacobian_rows(x, [4], units, 2**20)
        >>> rows.shape
        torch.Size([3, 5, 1, 1])
        """
        return rows_of_adjoint(self, x, times, asked, memory) if has_adjoint(self) else None

    def weights_by_lag(self) -> list[tuple[Tensor, int | None]]:
        """Return every matrix (out, in) with the lag of its edge, without gradients.

        Raises ValueError for a gated cell, whose carry from step to step is no weight.

        >>> [(tuple(weight.shape), lag) for weight, lag in DilatedRNN(2, 3, [4]).weights_by_lag()]
        [((3, 2), 0), ((3, 3), 4)]
        """
        if self.cell != "RNN":
            raise ValueError(refusal_of_gates(self.cell))
        weights: list[tuple[Tensor, int | None]] = []
        layer: Any
        for layer, dilation in zip(self.layers, self.dilations, strict=True):
            weights += [(layer.weight_ih_l0.data, 0), (layer.weight_hh_l0.data, dilation)]
        if self.fusion:
            taps = self.fuse.weight.data.unbind(2)  # the last is the present
            weights += [(tap, lag) for lag, tap in enumerate(reversed(taps))]
        return weights

    def _forward_packed(
        self, x: PackedSequence, state: Sequence[Any] | None
    ) -> tuple[PackedSequence, tuple[Any, ...]]:
        check_input(self, x.data, casts=True)
        padded, lengths = pad_packed_sequence(x)  # in the user's order, as the state is
        output, new_state = self._run(padded, state, lengths)
        if x.sorted_indices is not None:
            order = x.sorted_indices
            output, lengths = output.index_select(1, order), lengths[order.to(lengths.device)]
        data = pack_padded_sequence(output, lengths).data
        return PackedSequence(data, x.batch_sizes, x.sorted_indices, x.unsorted_indices), new_state

    def _run(
        self, x: Tensor, state: Sequence[Any] | None, lengths: Tensor | None
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """Run on (T, B, F) from the state, each sequence to its own length where one is given."""
        dtype = next(self.parameters()).dtype
        state = self._zeros(x, dtype) if state is None else self._checked_state(state, x)
        if autocasts(x):  # what an autocast layer returned may come in: cast it as autocast would
            x, state = x.to(dtype), _map(lambda h: h.to(dtype), state)
        steps, batch, _ = x.shape
        columns = lengths is None and self._runs_in_columns(x, state)
        if columns:
            x = x.flatten(0, 1).t()  # (F, T*B)
        new_state: list[Any] = []
        for index, (layer, dilation) in enumerate(zip(self.layers, self.dilations, strict=True)):
            if index and self.dropout:
                x = torch.nn.functional.dropout(x, self.dropout, self.training)
            old: LayerState = state[index] if self.cell == "LSTM" else (state[index],)
            if columns:
                x, last = run_columns(layer, x, tuple(h.flatten(0, 1).t() for h in old))
                new: LayerState = tuple(_rows(h, dilation, batch) for h in last)
            elif lengths is None:
                x, new = run_layer(layer, x, old, dilation)
            else:
                x, new = run_ragged_layer(layer, x, old, dilation, lengths)
            new_state.append(new if self.cell == "LSTM" else new[0])
        if columns:
            x = _rows(x, steps, batch)
        if self.fusion:
            x, recent = self._fuse(x, state[-1], lengths)
            new_state.append(recent)
        return x, tuple(new_state)

    def _runs_in_columns(self, x: Tensor, state: Sequence[Any]) -> bool:
        """Tell whether the layers may run on feature-major data with a backward of their own."""
        if not x.size(0) or not x.size(1):
            return False
        alone = torch.get_num_threads() == 1 and torch.is_grad_enabled()
        if self.cell == "LSTM" and x.dtype == torch.float32 and not alone:
            return False  # torch has a kernel for this, faster unless one thread trains
        states = [h for entry in state for h in (entry if isinstance(entry, tuple) else (entry,))]
        return runs_in_columns(x, *states, *self.layers.parameters())

    def _fuse(self, x: Tensor, recent: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the causal convolution of the top states and the last d - 1 of them."""
        seen = torch.cat([recent, x])  # (d - 1 + T, B, H)
        fused = x
        if x.size(0):
            fused = self.fuse(seen.permute(1, 2, 0)).permute(2, 0, 1)  # (T, B, H)
        if lengths is None:
            return fused, seen[x.size(0) :].clone()
        beyond = torch.arange(x.size(0)).unsqueeze(1) >= lengths  # (T, B)
        fused = fused.masked_fill(beyond.to(x.device).unsqueeze(2), 0.0)
        last = torch.arange(recent.size(0)).unsqueeze(1) + lengths  # (d - 1, B)
        return fused, take_rows(seen, last)

    def _shapes(self, batch: int) -> list[tuple[int, int, int]]:
        """Return the shape that every entry of the state must have."""
        shapes = [
            (s, batch, hidden) for s, hidden in zip(self.dilations, self.hidden_sizes, strict=True)
        ]
        return shapes + [(self.dilations[0] - 1, batch, self.hidden_sizes[-1])] * self.fusion

    def _zeros(self, x: Tensor, dtype: torch.dtype) -> tuple[Any, ...]:
        """Return the state that None stands for, made from x so that vmap sees it."""
        pairs = len(self.layers) if self.cell == "LSTM" else 0
        return tuple(
            (x.new_zeros(shape, dtype=dtype), x.new_zeros(shape, dtype=dtype))
            if index < pairs
            else x.new_zeros(shape, dtype=dtype)
            for index, shape in enumerate(self._shapes(x.size(1)))
        )

    def _batched(self, state: Any) -> Any:
        """Return the state of an unbatched sequence with the batch axis put in."""

        def put_in(h: Any) -> Any:
            if isinstance(h, Tensor) and h.dim() != 2:
                raise ValueError(
                    f"state must hold tensors (s, hidden_size) for unbatched input,"
                    f" got shape {tuple(h.shape)}"
                )
            return h.unsqueeze(1) if isinstance(h, Tensor) else h

        return _map(put_in, state) if isinstance(state, (tuple, list)) else state

    def _checked_state(self, state: Any, x: Tensor) -> tuple[Any, ...]:
        """Return the state as a tuple, or refuse what this model cannot have returned."""
        shapes = self._shapes(x.size(1))
        rule = f"state must be a tuple of {len(shapes)} entries"
        if isinstance(state, Tensor) or not isinstance(state, Sequence):
            raise TypeError(f"{rule}, got {type(state).__name__}")
        if len(state) != len(shapes):
            raise ValueError(f"{rule}, got {len(state)}")
        checked: list[Any] = []
        for index, (entry, shape) in enumerate(zip(state, shapes, strict=True)):
            pair = self.cell == "LSTM" and index < len(self.layers)
            kind = "a pair (h, c) of tensors" if pair else "a tensor"
            name = f"state[{index}]"
            if pair and (not isinstance(entry, (tuple, list)) or len(entry) != 2):
                got = type(entry).__name__
                raise TypeError(f"{name} must be {kind} of shape {shape}, got {got}")
            for h in entry if pair else (entry,):
                check_state(self, name, kind, h, shape, casts=True)
            checked.append(tuple(entry) if pair else entry)
        return tuple(checked)

    def extra_repr(self) -> str:
        """Say what the layers' own lines do not."""
        text = f"dilations={self.dilations}"
        if self.batch_first:
            text += ", batch_first=True"
        return text + (f", dropout={self.dropout}" if self.dropout else "")


def _rows(x: Tensor, steps: int, batch: int) -> Tensor:
    """Return feature-major data (H, T*B) as (T, B, H), in memory of its own."""
    return x.t().clone(memory_format=torch.contiguous_format).unflatten(0, (steps, batch))


def _map(function: Any, state: Sequence[Any]) -> tuple[Any, ...]:
    """Apply a function to every tensor of a state."""
    return tuple(
        tuple(function(h) for h in entry) if isinstance(entry, (tuple, list)) else function(entry)
        for entry in state
    )


def _as_sizes(hidden_size: int | Iterable[int], layers: int) -> tuple[int, ...]:
    """Return one size per layer."""
    if isinstance(hidden_size, (str, bytes)) or not isinstance(hidden_size, Iterable):
        return (as_integer(hidden_size, "hidden_size"),) * layers
    sizes = tuple(as_integer(size, "hidden_size") for size in hidden_size)
    if len(sizes) != layers:
        raise ValueError(
            f"hidden_size must be one integer or one per layer, {layers}, got {len(sizes)}: {sizes}"
        )
    return sizes


def _as_probability(dropout: float, layers: int) -> float:
    """Return the probability of dropout, which must have a place to act."""
    as_number(dropout, "dropout", high=1)
    if dropout and layers == 1:
        raise ValueError(
            f"dropout must be 0 for one layer, got {dropout}: it acts between two layers"
        )
    return float(dropout)


def _as_lengths(lengths: Tensor | Sequence[int], x: Tensor) -> Tensor:
    """Return the lengths of a batch (T, B, F) as a tensor on the CPU, where torch packs from."""
    steps, batch, _ = x.shape
    rule = f"lengths must be {batch} integers from 0 to {steps}, one per sequence"
    values = torch.as_tensor(lengths).cpu()
    if values.shape != (batch,):
        raise ValueError(f"{rule}, got shape {tuple(values.shape)}")
    if values.numel() and (values.is_floating_point() or values.dtype == torch.bool):
        raise TypeError(f"{rule}, got {values.dtype}")
    if values.numel() and (int(values.min()) < 0 or int(values.max()) > steps):
        raise ValueError(f"{rule}, got {values.tolist()}")
    return values.long()
