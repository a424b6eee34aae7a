r"""A recurrent network wired as any cyclic graph.

Time is cut into rows of ``period`` steps, so that a node, which exists at one phase only, has one
state per row, and an edge of lag n from phase p to phase q reads the source's state of
(n - q + p) / period rows before: its *shift*. A graph of any period is thereby one of period 1
over rows, and its cycles have positive total shifts as they had positive total lags.

What may run at once follows from the condensation of the graph. Edges between strongly connected
components are one product over all rows. Within a component b rows are computed at once, b being
its smallest positive shift, node after node in the order of its edges of shift 0. A component of
one node that reads itself by matrices runs as a layer of torch does, see
:mod:`drnn_theory.models.loops`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import networkx as nx
import torch
from torch import Tensor
from torch.nn.functional import pad

from drnn_theory.checks import as_integer, one_of, require_memory, shown
from drnn_theory.costs import require_equal_widths
from drnn_theory.edges import (
    bare_inputs,
    identity_edges,
    matrices,
    scaled_identities,
    sums,
    unit_of,
)
from drnn_theory.graphs import as_graph
from drnn_theory.models.initialisation import MATRICES, sample_matrix
from drnn_theory.models.inputs import check_input, check_state
from drnn_theory.models.loops import Term, loops_of, multiplied, run_loops
from drnn_theory.models.scheduling import Blocks, Read, Stage, stage_of

_NONLINEARITIES: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "identity": lambda x: x,
}


_DECAYS = 0.9, 0.999  # between which a state space's decays begin


class GraphState(NamedTuple):
    """What a GraphRNN keeps between two pieces of a sequence.

    ``phase`` is the time of the next step modulo the graph's period; ``recent`` holds, per node
    that a lagged edge leaves, its last states (rows, batch, size), oldest first.

    >>> from drnn_theory import clockwork_rnn
    >>> output, state = GraphRNN(clockwork_rnn([1, 2]), 3, 5)(torch.zeros(7, 1, 3))
    >>> state.phase, len(state.recent)  # 7 modulo the period 2
    (1, 3)
    """

    phase: int
    recent: tuple[Tensor, ...]


class GraphRNN(torch.nn.Module):
    r"""The recurrent network whose wiring is a cyclic graph.

    .. math:: h_v(t) = f\Big(b_v + \sum_{\text{edges}} W_{(u, v, n)} h_u(t - n)\Big)
        + \sum_{\text{identities}} h_u(t - n)

    Every node v has a state of ``hidden_size`` units and a bias, every edge (u, v, n) a matrix. A
    node that only identities enter is their sum alone. Where the period is above 1 a node is a pair
    (phase, unit): it has a state at the times of its phase only. Weights are shared over time,
    between the phases of a unit too, as a clockwork RNN shares them: of the edges from one unit
    into a node the one of least lag has the same matrix in every phase, the next one too, and so
    on. ``share_phases=False`` gives every phase its own. States before time 0 are zero.

    An input unit's state is the input itself; all of them read the same. If edges enter it, or if
    it is an output as well, it is a node like the others that reads the input by one matrix more.
    The output is the sum of the output units' states; a unit that does not exist at a time adds
    nothing, so that the output is zero where none does. An identity from an input needs an
    ``input_size`` equal to ``hidden_size``.

    Args:
        graph: a cyclic graph, from :func:`cyclic_graph` or the zoo.
        input_size: features of the input.
        hidden_size: units of every node.
        nonlinearity: f, one of "tanh", "relu", "identity".
        init: how parameters are drawn: "orthogonal" or "glorot", matrix by matrix, with zero
            biases; "torch", uniformly up to 1 / sqrt(hidden_size) as in torch.nn.RNN.
        share_phases: whether the phases of a unit share their weights.
        batch_first: input and output are (batch, time, features) instead of
            (time, batch, features).
        device, dtype: of the parameters.

    ``model(x, state=None)`` returns ``(output, state)``; x may be unbatched, (time, input_size).
    The state, a :class:`GraphState`, is never written to; ``None`` stands for zeros at time 0.
    Passing it on feeds a sequence in pieces of any length, 0 included.

    ``weights[i]`` is the matrix of ``edges[i]`` = (source, target, lag), ``biases[i]`` the bias of
    ``cells[i]``, a node that is no sum, and ``entries[i]`` the input's matrix of ``entrances[i]``;
    what is shared stands there more than once. A diagonal edge multiplies each unit by a number of
    its own, as the decay of a state space does: ``weights[i]`` is then a vector, and ``decays``
    holds those of diagonal identities. The edges of attention read their window by one matrix, each
    with the same weight: the softmax of an attention is no part of a graph.

    >>> from drnn_theory import skip_rnn
    >>> model = GraphRNN(skip_rnn(4), 3, 5)
    >>> model.edges
    [('x', 'h1', 0), ('h1', 'h1', 1), ('h1', 'h1', 4)]
    >>> output, state = model(torch.zeros(10, 2, 3))
    >>> output.shape, [h.shape for h in state.recent]
    (torch.Size([10, 2, 5]), [torch.Size([4, 2, 5])])
    """

    def __init__(
        self,
        graph: nx.MultiDiGraph,
        input_size: int,
        hidden_size: int,
        *,
        nonlinearity: str = "tanh",
        init: str = "orthogonal",
        share_phases: bool = True,
        batch_first: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.graph = as_graph(graph)
        self.input_size = as_integer(input_size, "input_size")
        self.hidden_size = as_integer(hidden_size, "hidden_size")
        one_of(init, "init", MATRICES)
        self.nonlinearity = one_of(nonlinearity, "nonlinearity", _NONLINEARITIES)
        self.init = init
        self.batch_first = batch_first
        self.period: int = graph.graph["period"]
        require_equal_widths(graph, self.input_size, self.hidden_size)
        inputs, outputs = set(graph.graph["inputs"]), set(graph.graph["outputs"])
        self._bare = bare_inputs(graph)
        added = sums(graph)
        self.nodes = [node for node in graph if node not in self._bare]
        self.cells = [node for node in self.nodes if unit_of(node, self.period) not in added]
        matrices_of = matrices(graph, share_phases=share_phases)
        self.edges = [(edge.source, edge.target, edge.lag) for edge in matrices_of]
        self.identities = identity_edges(graph)
        self.entrances = [n for n in self.nodes if unit_of(n, self.period) in inputs]
        self._bias_of = {node: index for index, node in enumerate(self.cells)}
        self._entry_of = {node: index for index, node in enumerate(self.entrances)}
        self.outputs = [node for node in self.nodes if unit_of(node, self.period) in outputs]
        # rows kept of every node: as many as an edge can reach back, whatever the phase it runs in
        lagged = sorted([*self.edges, *self.identities], key=lambda edge: edge[2])
        reach = {u: -(-lag // self.period) for u, _, lag in lagged}
        self._kept = {node: reach.get(node, 0) for node in graph}
        require_memory(
            8 * sum(kept * self._size(node) for node, kept in self._kept.items()),
            "the state of one sequence",
        )
        condensed = nx.condensation(nx.DiGraph(graph))
        self._components = [
            set(condensed.nodes[part]["members"]) for part in nx.topological_sort(condensed)
        ]
        self._schedules: dict[int, list[Stage]] = {}
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        hidden = self.hidden_size
        self.weights = _shared(
            (
                (edge.name, (hidden,) if edge.form == "diagonal" else (hidden, self._size(edge[0])))
                for edge in matrices_of
            ),
            options,
        )
        decays = scaled_identities(graph)
        self._decay_of = {edge: index for index, edge in enumerate(decays)}
        self.decays = _shared(((name, (hidden,)) for name in decays.values()), options)
        unit = (lambda node: unit_of(node, self.period)) if share_phases else (lambda node: node)
        self.biases = _shared(((unit(node), (hidden,)) for node in self.cells), options)
        self.entries = _shared(
            ((unit(node), (hidden, self.input_size)) for node in self.entrances), options
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters once more, by ``init``.

        >>> from drnn_theory import skip_rnn
        >>> model = GraphRNN(skip_rnn(4), 1, 4, init="torch")
        >>> model.reset_parameters()
        >>> all(bool((p.abs() <= 0.5).all()) for p in model.parameters())
        True
        """
        bound = self.hidden_size**-0.5
        # a state space's decays, whether they are edges or identities
        decays = {id(w) for w in [*self.weights, *self.decays] if w.dim() == 1}
        for parameter in self.parameters():
            if id(parameter) in decays:
                torch.nn.init.uniform_(parameter, *_DECAYS)
            elif self.init == "torch":
                torch.nn.init.uniform_(parameter, -bound, bound)
            elif parameter.dim() == 1:
                torch.nn.init.zeros_(parameter)
            else:
                sample_matrix(parameter, self.init)

    def forward(self, x: Tensor, state: GraphState | None = None) -> tuple[Tensor, GraphState]:
        """Return the output and the state from which the next piece goes on.

        >>> from drnn_theory import skip_rnn
        >>> model, x = GraphRNN(skip_rnn(4), 3, 5), torch.randn(7, 2, 3)
        >>> first, state = model(x[:3])
        >>> second, state = model(x[3:], state)
        >>> torch.allclose(torch.cat([first, second]), model(x)[0], atol=1e-6)
        True
        """
        check_input(self, x)
        unbatched = x.dim() == 2
        x, phase, tracks = self._ran(x, state)
        output = self._output(x, phase, tracks, self.outputs)
        recent = tuple(tracks[node][-kept:] for node, kept in self._kept.items() if kept)
        if unbatched:
            recent = tuple(h.squeeze(1) for h in recent)
        state = GraphState((phase + x.size(0)) % self.period, recent)
        return self._in_form(output, unbatched), state

    def states(self, x: Tensor, state: GraphState | None = None) -> dict[Any, Tensor]:
        """Return every unit's state over time, (time, batch, hidden_size), by unit.

        Input units that nothing enters are left out: their states are the input. Where the period
        is above 1 a unit's state is zero at times at which it does not exist.

        >>> from drnn_theory import skip_rnn
        >>> model, x = GraphRNN(skip_rnn(4, layers=2), 3, 5), torch.randn(7, 2, 3)
        >>> states = model.states(x)
        >>> list(states), torch.equal(states["h2"], model(x)[0])
        (['h1', 'h2'], True)
        """
        check_input(self, x)
        unbatched = x.dim() == 2
        x, phase, tracks = self._ran(x, state)
        nodes: dict[Any, list[Any]] = {}
        for node in self.nodes:
            nodes.setdefault(unit_of(node, self.period), []).append(node)
        return {
            unit: self._in_form(self._output(x, phase, tracks, own), unbatched)
            for unit, own in nodes.items()
        }

    def _ran(self, x: Tensor, state: Any) -> tuple[Tensor, int, dict[Any, Tensor]]:
        """Return the input, time-major, the phase of its first step and every node's states."""
        unbatched = x.dim() == 2
        if unbatched:
            x = x.unsqueeze(1)
        elif self.batch_first:
            x = x.transpose(0, 1)
        phase, tracks = self._started(state, x, unbatched)
        for stage in self._schedule(phase):
            self._run(stage, x, tracks)
        return x, phase, tracks

    def _in_form(self, y: Tensor, unbatched: bool) -> Tensor:
        """Return time-major data in the form of the input."""
        if unbatched:
            return y.squeeze(1)
        return y.transpose(0, 1) if self.batch_first else y

    def _run(self, stage: Stage, x: Tensor, tracks: dict[Any, Tensor]) -> None:
        """Add the rows of one component to the tracks, which hold what was kept, then all rows."""
        entering: dict[Any, list[Term]] = {}  # what comes from outside, before the nonlinearity
        carried: dict[Any, Tensor] = {}  # what identities add after it
        for node in stage.nodes:
            seen = x[stage.first[node] :: self.period]  # (R, B, F): the input at the node's phase
            if node in self._bare:
                tracks[node] = torch.cat([tracks[node], seen])
                continue
            terms = entering[node] = []
            if node in self._entry_of:
                terms.append((seen, self.entries[self._entry_of[node]]))
            for read in stage.outer[node]:
                start = self._kept[read.source] - read.shift
                states = tracks[read.source][start : start + len(seen)]
                if read.matrix is None:
                    before = self._carried(read, states)
                    carried[node] = carried[node] + before if node in carried else before
                else:
                    terms.append((states, self.weights[read.matrix]))
        if not carried and (loops := loops_of(stage, self.weights)):
            (node,) = stage.nodes
            bias = self.biases[self._bias_of[node]]
            rows = run_loops(self.nonlinearity, loops, bias, entering[node], tracks[node])
            if rows is not None:
                tracks[node] = rows
                return
        sums = {node: self._sum(node, terms, x, stage) for node, terms in entering.items()}
        if stage.block == 0:
            for node, total in sums.items():
                state = self._state(node, total, carried.get(node))
                tracks[node] = torch.cat([tracks[node], state])
            return
        blocks = {node: Blocks(tracks[node], stage.block) for node in stage.nodes}
        pieces = {node: total.split(stage.block) for node, total in sums.items()}
        added = {node: total.split(stage.block) for node, total in carried.items()}
        for index in range(max(len(parts) for parts in pieces.values())):
            for node in stage.nodes:
                if index < len(pieces[node]) and len(pieces[node][index]):
                    total = pieces[node][index]
                    beside = added[node][index] if node in added else None
                    for read in stage.inner[node]:
                        row = index * stage.block - read.shift
                        states = blocks[read.source].read(row, len(total))
                        if read.matrix is None:
                            before = self._carried(read, states)
                            beside = before if beside is None else beside + before
                        else:
                            total = total + multiplied(states, self.weights[read.matrix])
                    blocks[node].append(self._state(node, total, beside))
        for node in stage.nodes:
            tracks[node] = blocks[node].joined()

    def _sum(self, node: Any, terms: list[Term], x: Tensor, stage: Stage) -> Tensor:
        """Return a node's bias and what enters it from outside, over all rows."""
        rows = len(range(stage.first[node], len(x), self.period))
        if node in self._bias_of:
            total = self.biases[self._bias_of[node]].expand(rows, x.size(1), -1)
        else:
            total = x.new_zeros(rows, x.size(1), self.hidden_size)
        return sum((multiplied(states, weight) for states, weight in terms), total)

    def _carried(self, read: Read, states: Tensor) -> Tensor:
        """Return what an identity carries of the states that it reads."""
        return states if read.decay is None else states * self.decays[read.decay]

    def _state(self, node: Any, total: Tensor, carried: Tensor | None) -> Tensor:
        """Return a node's state of the sum of what it reads and of what identities carry to it."""
        if node not in self._bias_of:  # a sum: what it reads is nothing
            return total if carried is None else carried
        state = _NONLINEARITIES[self.nonlinearity](total)
        return state if carried is None else state + carried

    def _schedule(self, phase: int) -> list[Stage]:
        """Return the components in order, as they run from a time of the given phase."""
        if phase not in self._schedules:
            split = self.period > 1
            first = {v: (v[0] - phase) % self.period if split else 0 for v in self.graph}

            def shift(edge: tuple[Any, Any, int]) -> int:
                return (edge[2] - first[edge[1]] + first[edge[0]]) // self.period

            shifted = [
                (edge[1], Read(edge[0], shift(edge), index, None))
                for index, edge in enumerate(self.edges)
            ]
            shifted += [
                (edge[1], Read(edge[0], shift(edge), None, self._decay_of.get(edge)))
                for edge in self.identities
            ]
            self._schedules[phase] = [stage_of(part, shifted, first) for part in self._components]
        return self._schedules[phase]

    def _output(
        self, x: Tensor, phase: int, tracks: dict[Any, Tensor], nodes: Sequence[Any]
    ) -> Tensor:
        """Return the sum of some nodes' states, time-major."""
        rows = -(-x.size(0) // self.period)
        columns = [x.new_zeros(rows, x.size(1), self.hidden_size) for _ in range(self.period)]
        for stage in self._schedule(phase):
            for node in stage.nodes:
                if node in nodes:
                    states = tracks[node][self._kept[node] :]
                    missing = rows - len(states)
                    if missing:
                        states = pad(states, (0, 0, 0, 0, 0, missing))
                    first = stage.first[node]
                    columns[first] = columns[first] + states
        if self.period == 1:
            return columns[0]
        return torch.stack(columns, dim=1).flatten(0, 1)[: x.size(0)]  # (rows, period, ..) -> time

    def _size(self, node: Any) -> int:
        return self.input_size if node in self._bare else self.hidden_size

    def _started(self, state: Any, x: Tensor, unbatched: bool) -> tuple[int, dict[Any, Tensor]]:
        """Return the phase of the first step and, per node, the states kept from before it."""
        shapes = {node: (kept, x.size(1), self._size(node)) for node, kept in self._kept.items()}
        if state is None:
            return 0, {node: x.new_zeros(shape) for node, shape in shapes.items()}
        if not isinstance(state, GraphState):
            raise TypeError(f"state must be a GraphState, got {type(state).__name__}")
        phase = as_integer(state.phase, "phase of the state", minimum=0)
        if phase >= self.period:
            raise ValueError(f"phase of the state must be below {self.period}, got {phase}")
        held = [node for node, kept in self._kept.items() if kept]
        if len(state.recent) != len(held):
            raise ValueError(f"state must hold {len(held)} tensors, got {len(state.recent)}")
        tracks = {node: x.new_zeros(shape) for node, shape in shapes.items() if not shape[0]}
        for node, recent in zip(held, state.recent, strict=True):
            rows, batch, size = shapes[node]
            shape = (rows, size) if unbatched else (rows, batch, size)
            check_state(self, f"state of node {shown(node)}", "a tensor", recent, shape)
            tracks[node] = recent.unsqueeze(1) if unbatched else recent
        return phase, tracks

    def unshared(self) -> GraphRNN:
        """Return a copy in which every edge has a matrix of its own, in every phase.

        >>> from drnn_theory import clockwork_rnn
        >>> model = GraphRNN(clockwork_rnn([1, 2]), 1, 3)
        >>> len(list(model.parameters())), len(list(model.unshared().parameters()))
        (10, 17)
        """
        single = copy.deepcopy(self)
        for parameters in (single.weights, single.biases, single.entries, single.decays):
            for i, parameter in enumerate(parameters):
                parameters[i] = torch.nn.Parameter(parameter.detach().clone())
        return single

    def weights_by_lag(self) -> list[tuple[Tensor, int | None]]:
        """Return every matrix (out, in) with the lag of its edge, without gradients.

        The lag of a matrix by which the input enters a node, which is no edge, is None.

        >>> from drnn_theory import skip_rnn
        >>> [lag for _, lag in GraphRNN(skip_rnn(4), 3, 5).weights_by_lag()]
        [0, 1, 4]
        """
        lags = [lag for _, _, lag in self.edges]
        columns = [w.data if w.dim() > 1 else w.data[:, None] for w in self.weights]
        edges = list(zip(columns, lags, strict=True))
        return [*edges, *((entry.data, None) for entry in self.entries)]

    def extra_repr(self) -> str:
        """Say what the parameters' own lines do not."""
        identities = f"{len(self.identities)} identities, " if self.identities else ""
        return (
            f"{len(self.nodes)} nodes, {len(self.edges)} edges, {identities}period={self.period}, "
            f"input_size={self.input_size}, hidden_size={self.hidden_size}, "
            f"nonlinearity={self.nonlinearity!r}"
        )


def _shared(shapes: Iterable[tuple[Any, tuple[int, ...]]], options: Any) -> torch.nn.ParameterList:
    """Return a parameter for each (name, shape), the same one where names are equal."""
    named: dict[Any, torch.nn.Parameter] = {}
    parameters = torch.nn.ParameterList()
    for name, shape in shapes:
        if name not in named:
            named[name] = torch.nn.Parameter(torch.empty(shape, **options))
        parameters.append(named[name])
    return parameters
