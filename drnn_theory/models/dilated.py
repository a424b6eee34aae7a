r"""The dilated recurrent network of [1].

[1] Chang et al., Dilated Recurrent Neural Networks, NIPS 2017, arXiv:1710.02224.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from drnn_theory.checks import as_integer, refusal_of_gates, shown
from drnn_theory.models.adjoint import has_adjoint, rows_of_adjoint
from drnn_theory.models.building import (
    CELLS,
    as_groups,
    as_probability,
    as_sizes,
    build_layers,
    check_cell,
    sample_parameters,
)
from drnn_theory.models.folding import take_rows
from drnn_theory.models.inputs import as_lengths, autocasts, check_input
from drnn_theory.models.needed import run_needed, spares
from drnn_theory.models.own_cells import try_layer
from drnn_theory.models.running import own_rows, run_one
from drnn_theory.models.states import (
    EntryForm,
    batched,
    cast_state,
    checked_state,
    grow,
    leaves_of,
    map_state,
    pair_form,
    tensor_form,
)
from drnn_theory.models.streaming import Stream
from drnn_theory.models.ways import are_plain, is_watched, runs_as_written


class DilatedRNN(torch.nn.Module):
    r"""A stack of recurrent layers, layer l reading its own state of s_l steps before [1].

    .. math:: c_t^{(l)} = f(x_t^{(l)}, c_{t - s_l}^{(l)}), \quad x_t^{(l + 1)} = c_t^{(l)}

    Args:
        input_size: features of the input.
        hidden_size: units of every layer, or of each, bottom layer first.
        dilations: s_1, .., s_L, bottom layer first; any positive integers in any order. Nested,
            [[1, 2], [4, 8]], they are groups: around every group but the first, its input is added
            to its output, as :func:`~drnn_theory.residual_rnn` wires them.
        cell: f, one of "RNN", "GRU", "LSTM", or a function (input_size, hidden_size) -> layer for
            layers of your own, torch modules that are called as ``output, state = layer(x, state)``
            with x (time, batch, features) and a state of any nesting, every tensor of which has the
            batch at axis 1; a state of None is one of zeros.
        nonlinearity: "tanh" or "relu", of the cell "RNN" only.
        init: how parameters are drawn: "orthogonal" or "glorot", every gate's matrix on its own,
            with zero biases, those of an LSTM's forget gate 1 in sum
            (:func:`~drnn_theory.models.initialise`); "torch", as torch.nn draws them. None takes
            "orthogonal", by which all three cells learned (docs/explanation/learning.md); layers
            of your own draw their own.
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
    one entry more, the top layer's last s_1 - 1 outputs. For a layer of your own the entry is
    nested as its state is, a tensor (1, batch, ..) of which becomes (s_l, batch, ..), one
    (k, batch, ..) of another k (s_l, batch, k, ..). Unbatched, the batch axis is absent.
    ``None`` stands for zeros. Passing the state on feeds a sequence in pieces of any length, 0
    included; each sequence's state ends at its own length. It is never written to.

    The parameters live in ``layers``, one torch.nn.RNN, GRU or LSTM per dilation, and ``fuse``, a
    torch.nn.Conv1d whose last column weighs the present step. Under autocast the state takes the
    lower precision too, and may be passed on. torch.compile accepts the model, but runs its layers
    outside the graph, as it does with torch.nn's. On the CPU, torch's own layers run by a
    backward pass of their own where that is faster; layers with hooks, subclasses and what tools
    put in their place are called as torch would call them.

    >>> model = DilatedRNN(3, 5, [1, 2, 4], cell="GRU")
    >>> output, state = model(torch.zeros(10, 2, 3))
    >>> output.shape, [h.shape[0] for h in state]
    (torch.Size([10, 2, 5]), [1, 2, 4])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Iterable[int],
        dilations: Iterable[int] | Iterable[Iterable[int]],
        *,
        cell: str | Callable[[int, int], torch.nn.Module] = "RNN",
        nonlinearity: str = "tanh",
        init: str | None = None,
        batch_first: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
        fusion: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_cell(cell, nonlinearity, bias, init)
        if init is None:
            init = "torch" if callable(cell) else "orthogonal"
        self.groups = as_groups(dilations)
        self.dilations = tuple(s for group in self.groups for s in group)
        self.num_layers = len(self.dilations)
        self._ends = [sum(map(len, self.groups[: n + 1])) for n in range(len(self.groups))]
        self.input_size = as_integer(input_size, "input_size")
        self.hidden_sizes = as_sizes(hidden_size, self.groups)
        self.hidden_size = (
            self.hidden_sizes if isinstance(hidden_size, Iterable) else self.hidden_sizes[0]
        )
        self.cell = cell
        self.nonlinearity = nonlinearity
        self.bias = bias
        self.init = init
        self.batch_first = batch_first
        self.dropout = as_probability(dropout, len(self.dilations))
        self.fusion = fusion
        options: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        sizes = (self.input_size, *self.hidden_sizes)
        self.layers = build_layers(cell, sizes, nonlinearity, options)
        if fusion:
            top = self.hidden_sizes[-1]
            self.fuse = torch.nn.Conv1d(top, top, self.dilations[0], **options)
        self._own_forms: list[Any] = []  # of layers of the user's own, once tried
        if init != "torch":
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters once more, by ``init``.

        >>> model = DilatedRNN(3, 5, [1, 2], cell="GRU", init="orthogonal")
        >>> model.reset_parameters()
        >>> [bool(p.any()) for name, p in model.named_parameters() if "bias" in name]
        [False, False, False, False]
        """
        sample_parameters(self.layers, self.fuse if self.fusion else None, self.init)

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
        return self._run_tensor(x, state, lengths)

    def states(
        self,
        x: Tensor,
        state: Sequence[Any] | None = None,
        lengths: Tensor | Sequence[int] | None = None,
    ) -> tuple[Tensor, ...]:
        """Return every layer's output over time, (time, batch, hidden_size) each, bottom first.

        They are what the layers return: before dropout, which acts on the way to the next layer in
        training; before a residual sum; and before fusion, whose output is no layer's.

        >>> model = DilatedRNN(3, 5, [1, 2, 4], cell="GRU")
        >>> [tuple(h.shape) for h in model.states(torch.zeros(7, 2, 3))]
        [(7, 2, 5), (7, 2, 5), (7, 2, 5)]
        """
        tops: list[Tensor] = []
        self._run_tensor(x, state, lengths, tops)
        return tuple(tops)

    def outputs_at(self, x: Tensor, times: Sequence[int]) -> Tensor:
        """Return the outputs at some steps, (times, batch, hidden_size), from a state of zeros.

        ``forward`` gives the same to rounding. Here layers run the steps alone that these outputs
        read, where that is faster: for the last output of dilations 1, 2, .., 256 over 784 steps
        22 % of them. So on the CPU, for 16 sequences or more, torch's layers without hooks, one
        group, and neither fusion nor dropout in training; else everything is run.

        >>> model, x = DilatedRNN(3, 5, [1, 2, 4], cell="GRU"), torch.randn(20, 2, 3)
        >>> last = model.outputs_at(x, [19])
        >>> tuple(last.shape), torch.allclose(last, model(x)[0][19:], atol=1e-6)
        ((1, 2, 5), True)
        """
        axis = 1 if self.batch_first and isinstance(x, Tensor) and x.dim() == 3 else 0
        check_input(self, x, casts=True)
        if not isinstance(times, Iterable) or getattr(times, "ndim", 1) == 0:
            raise TypeError(f"times must be a list of steps, got {shown(times)}")
        places = [as_integer(time, "times", minimum=0) for time in times]
        steps = x.size(axis)
        if not places or max(places) >= steps:
            which = f"from 0 to {steps - 1}" if steps else "of the input, which has none"
            raise ValueError(f"times must be steps {which}, one or more, got {shown(places)}")
        drops = bool(self.dropout) and self.training
        alone = x.dim() == 3 and len(self.groups) == 1 and not self.fusion and not drops
        if alone and not is_watched() and are_plain([x]) and runs_as_written(self):
            rows = x.transpose(0, axis)
            if spares(self, rows, places):
                return run_needed(self, rows, places).transpose(0, axis)
        whole = self(x)  # of a class of its own the output may come alone
        output = whole[0] if isinstance(whole, tuple) else whole
        return output.index_select(axis, torch.tensor(places, device=x.device))

    def stream(self, batch_size: int = 1, state: Sequence[Any] | None = None) -> Stream:
        """Return the model as it runs step by step, from a state as ``forward`` returns it.

        No gradient is recorded, and nothing is dropped: a model in training mode with dropout is
        refused. The state is copied; the weights are the model's own.

        >>> model, x = DilatedRNN(3, 5, [1, 2], cell="GRU"), torch.randn(7, 2, 3)
        >>> stream = model.stream(batch_size=2)
        >>> torch.allclose(torch.stack([stream.step(now) for now in x]), model(x)[0], atol=1e-6)
        True
        >>> [h.shape for h in stream.state]
        [torch.Size([1, 2, 5]), torch.Size([2, 2, 5])]
        """
        return Stream(self, batch_size, state)

    def jacobian_rows(
        self,
        x: Tensor,
        times: Sequence[int],
        cotangents_of: Callable[[int, int], Tensor],
        memory: int,
    ) -> Iterator[tuple[int, Tensor]] | None:
        """Return (index of the time, rows): rows[c, t, b] = v_cb @ d output[time, b] / d x[t, b].

        ``x`` is (time, batch, features), ``cotangents_of`` gives the cotangents v, (cotangents,
        batch, units), for the index of a time and a number of units; each time's rows come in
        order, in chunks that take ``memory`` bytes. None where hooks or a subclass make another
        model of it, of which autograd alone knows the Jacobian.

        >>> model, x = DilatedRNN(1, 3, [1, 2]), torch.ones(5, 1, 1)
        >>> def units(index, count):
        ...     return torch.eye(count).unsqueeze(1)
        >>> ((index, rows),) = model.jacobian_rows(x, [4], units, 2**20)
        >>> rows.shape
        torch.Size([3, 5, 1, 1])
        """
        return rows_of_adjoint(self, x, times, cotangents_of, memory) if has_adjoint(self) else None

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

    def _run_tensor(
        self,
        x: Any,
        state: Sequence[Any] | None,
        lengths: Tensor | Sequence[int] | None,
        tops: list[Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """Return the output and the state; add every layer's output to ``tops``."""
        check_input(self, x, casts=True)
        unbatched = x.dim() == 2
        if unbatched:
            if lengths is not None:
                raise ValueError(f"lengths must be None for unbatched input, got {lengths}")
            x = x.unsqueeze(1)
            state = None if state is None else batched(state, self._forms(x))
        elif self.batch_first:
            x = x.transpose(0, 1)
        if lengths is not None:
            lengths = as_lengths(lengths, x)
        output, new_state = self._run(x, state, lengths, tops)
        results = [output] if tops is None else [*tops, output]
        if unbatched:
            results = [y.squeeze(1) for y in results]
            new_state = map_state(lambda h: h.squeeze(1), new_state)
        elif self.batch_first:
            results = [y.transpose(0, 1) for y in results]
        if tops is not None:
            tops[:] = results[:-1]
        return results[-1], new_state

    def _run(
        self,
        x: Tensor,
        state: Sequence[Any] | None,
        lengths: Tensor | None,
        tops: list[Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """Run on (T, B, F) from the state, each sequence to its own length where one is given."""
        batch, forms = x.size(1), self._forms(x)
        own = next(self.parameters(), x).dtype
        if state is None:
            state = tuple(form.zeros(x, batch, own) for form in forms)
        else:
            state = checked_state(self, forms, state, batch)
        if autocasts(x):  # what an autocast layer returned may come in: cast it as autocast would
            x, state = x.to(own), cast_state(state, own)
        if x.is_meta:
            lengths = None  # there is nothing but shapes, which they do not change
        watched = is_watched() or not are_plain([x, *leaves_of(state)])
        carried = x  # the input of the group, which its residual sum adds
        new_state: list[Any] = []
        for index, (layer, form) in enumerate(zip(self.layers, forms, strict=False)):
            if index in self._ends:
                carried = x
            if index and self.dropout:
                x = torch.nn.functional.dropout(x, self.dropout, self.training)
            hidden, old = self.hidden_sizes[index], tuple(leaves_of(state[index]))
            x, new = run_one(layer, x, old, form, hidden, lengths, watched)
            new_state.append(grow(form.tree, iter(new)))
            if tops is not None:
                tops.append(own_rows(x, batch))
            if index + 1 in self._ends[1:]:
                x = own_rows(x, batch) + own_rows(carried, batch)
        x = own_rows(x, batch)
        if self.fusion:
            x, recent = self._fuse(x, state[-1], lengths)
            new_state.append(recent)
        return x, tuple(new_state)

    def _fuse(self, x: Tensor, recent: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the causal convolution of the top states and the last d - 1 of them."""
        seen = torch.cat([recent, x])  # (d - 1 + T, B, H)
        if x.size(0):
            fused = self.fuse(seen.permute(1, 2, 0)).permute(2, 0, 1)  # (T, B, H)
        else:
            fused = x + sum(p.sum() for p in self.fuse.parameters())  # for autograd: no number
        if lengths is None:
            return fused, seen[x.size(0) :].clone()
        steps = torch.arange(seen.size(0), device=lengths.device).unsqueeze(1)
        beyond = steps[: x.size(0)] >= lengths  # (T, B)
        fused = fused.masked_fill(beyond.to(x.device).unsqueeze(2), 0.0)
        return fused, take_rows(seen, steps[: recent.size(0)] + lengths)

    def _forms(self, x: Tensor) -> list[EntryForm]:
        """Return what every entry of the state must look like."""
        if self.cell in CELLS:
            form = pair_form if self.cell == "LSTM" else tensor_form
            forms = list(map(form, self.dilations, self.hidden_sizes))
        else:
            forms = self._tried_forms(x)
        if self.fusion:
            forms.append(tensor_form(self.dilations[0] - 1, self.hidden_sizes[-1]))
        return forms

    def _tried_forms(self, x: Tensor) -> list[EntryForm]:
        """Return the forms of layers of the user's own, learnt at the first call."""
        kind = (x.dtype, x.device)
        if not self._own_forms or self._own_forms[0].kind_of_input != kind:
            sizes = (self.input_size, *self.hidden_sizes)
            self._own_forms = [
                try_layer(layer, index, x, size, hidden, s)
                for index, (layer, size, hidden, s) in enumerate(
                    zip(self.layers, sizes, self.hidden_sizes, self.dilations, strict=False)
                )
            ]
        return list(self._own_forms)

    def extra_repr(self) -> str:
        """Say what the layers' own lines do not."""
        nested = len(self.groups) > 1
        text = f"dilations={self.groups if nested else self.dilations}"
        if self.batch_first:
            text += ", batch_first=True"
        return text + (f", dropout={self.dropout}" if self.dropout else "")
