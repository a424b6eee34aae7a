r"""Recurrent architectures as linear systems for a scalar white input.

A state :math:`x(t) = A x(t-1) + B u(t)` and what is read of it, :math:`y(t) = C x(t)`. For a
cyclic graph with linear units the state is *delay-augmented*: it holds the states of every unit as
far back as an edge reaches, in a stack of dilations :math:`\sum_l s_l H` values. The wiring of a
graph of period m repeats every m steps, so that it has m matrices A, B and C.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import networkx as nx
import numpy as np
from scipy import sparse

from drnn_theory.architectures import Architecture, as_cyclic_graph
from drnn_theory.capacities.spectra import is_stable, spectral_radius
from drnn_theory.checks import as_integer, as_number, one_of, require_memory, shown
from drnn_theory.edges import edge_table, unit_of

__all__ = ["LinearSystem", "assemble", "linear_system", "sample_matrices"]

Triple: TypeAlias = tuple[Any, Any, int]
Sparse: TypeAlias = sparse.csr_array


@dataclass(frozen=True)
class EdgeMatrices:
    """The matrices of a graph's edges by (from, to, lag), and of the input into its nodes."""

    edges: Mapping[Triple, np.ndarray]
    entries: Mapping[Any, np.ndarray]


class LinearSystem:
    r"""The linear system x(t) = A x(t-1) + B u(t), y(t) = C x(t), u white and of variance 1.

    Args:
        A: N x N, dense or sparse. A sequence of m matrices is a system of period m: A[p] leads to
            the times t with t mod m = p.
        B: N values. m of them, stacked, for a period m.
        C: p x N, what is read; None reads the whole state. m of them for a period m.
        noise: N x q, how noise enters in :func:`fisher_memory`; None lets it enter every state.

    Attributes A and C are tuples of scipy.sparse arrays, B and noise of numpy arrays and sparse
    arrays, one per phase. Raises ValueError or TypeError for shapes that do not fit and values that
    are not finite.

    >>> leaky = LinearSystem([[0.5]], [1.0])
    >>> leaky.size, leaky.spectral_radius, leaky.responses(3).ravel()
    (1, 0.5, array([1.   , 0.5  , 0.25 , 0.125]))
    """

    def __init__(self, A: Any, B: Any, C: Any = None, *, noise: Any = None) -> None:
        parts = list(A) if not sparse.issparse(A) and _axes(A) == 3 else [A]
        self.period = len(parts)
        self.A = tuple(_matrix(part, "A") for part in parts)
        self.size: int = self.A[0].shape[0]
        n = self.size
        if n == 0 or any(part.shape != (n, n) for part in self.A):
            raise ValueError(f"A must be square and not empty, got shape {self.A[0].shape}")
        self.B = self._of_phases(B, "B", (n,))
        self.C = self._of_phases(sparse.eye_array(n) if C is None else C, "C", (None, n))
        enters = sparse.eye_array(n) if noise is None else noise
        self.noise = self._of_phases(enters, "noise", (n, None))

    def _of_phases(self, value: Any, name: str, shape: tuple[int | None, ...]) -> tuple[Any, ...]:
        """Return one array of the shape per phase; a single one holds for all."""
        dimensions = len(shape)
        axes = 2 if sparse.issparse(value) else _axes(value)
        several = self.period > 1 and axes == dimensions + 1 and len(value) == self.period
        parts = list(value) if several else [value] * self.period
        checked: list[Any] = []
        for part in parts:
            array: Any
            if dimensions == 1:
                array = _matrix(np.reshape(part, (-1, 1)), name).toarray().ravel()
            else:
                array = _matrix(part, name)
            expected = [w if w is not None else s for w, s in zip(shape, array.shape, strict=True)]
            if list(array.shape) != expected or 0 in array.shape:
                sizes = " x ".join("any" if w is None else str(w) for w in shape)
                raise ValueError(f"{name} must have shape {sizes}, got {array.shape}")
            checked.append(array)
        return tuple(checked)

    @property
    def outputs(self) -> int:
        """How many values are read.

        >>> linear_system([1, 2, 4], 5).outputs
        5
        """
        return int(self.C[0].shape[0])

    def is_stable(self, limit: float = 1.0) -> bool:
        """Tell whether the spectral radius is below a limit, which is faster than computing it.

        >>> LinearSystem([[0, 1], [1, 0]], [1, 0]).is_stable()
        False
        """
        return is_stable(self._one_period(), limit**self.period)

    @cached_property
    def spectral_radius(self) -> float:
        """The largest modulus of an eigenvalue of A; of m matrices, of their product's m-th root.

        >>> round(linear_system([1, 4], 6, gain=0.81).spectral_radius, 6)  # 0.81 ** (1 / 4)
        0.948683
        """
        return spectral_radius(self._one_period()) ** (1 / self.period)

    def _one_period(self) -> Sparse:
        product = self.A[0]
        for part in self.A[1:]:
            product = part @ product
        return sparse.csr_array(product)

    def responses(self, lags: int, *, phase: int = 0) -> np.ndarray:
        """Return what is read k = 0..lags steps after an impulse: shape (lags + 1, outputs).

        ``phase`` is the time of the impulse modulo the period.

        >>> LinearSystem([[0, 0], [1, 0]], [1, 0]).responses(2)
        array([[1., 0.],
               [0., 1.],
               [0., 0.]])
        """
        lags = as_integer(lags, "lags", minimum=0)
        require_memory(8 * (lags + 1) * self.outputs, f"{lags + 1} responses")
        phase = as_integer(phase, "phase", minimum=0) % self.period
        return self.run(self.B[phase], phase, lags + 1)[0]

    def run(self, state: np.ndarray, time: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what is read at ``count`` times without input, and the state after them.

        ``state`` is that at ``time``; the result's second entry that at ``time + count``.

        >>> LinearSystem([[0.5]], [1.0]).run(np.ones(1), 0, 2)
        (array([[1. ],
               [0.5]]), array([0.25]))
        """
        read = np.empty((count, self.outputs))
        for row in range(count):
            read[row] = self.C[(time + row) % self.period] @ state
            state = self.A[(time + row + 1) % self.period] @ state
        return read, state

    def __repr__(self) -> str:
        period = f", period {self.period}" if self.period > 1 else ""
        return f"LinearSystem of {self.size} states, {self.outputs} of them read{period}"


def linear_system(
    architecture: Architecture,
    hidden_size: int,
    *,
    gain: float = 0.9,
    matrices: Literal["orthogonal", "gaussian"] = "orthogonal",
    seed: int = 0,
) -> LinearSystem:
    r"""Return an architecture with linear units and random matrices as a linear system.

    Every unit has a state of ``hidden_size`` values, every edge a matrix, as in a
    :class:`GraphRNN` of identity activation without biases; what is read is its output, the present
    states of the output units, in a stack the top layer's. An identity adds the state itself.

    Args:
        architecture: a sequence of dilations, a cyclic graph of any period, or a model.
        hidden_size: H, values per unit.
        gain: g of the edges of lag 1 and more, divided by how many of them lead to the unit, so
            that a layer of orthogonal matrices contracts for g < 1 whatever its lags. Edges of lag
            0 have gain 1, divided likewise.
        matrices: "orthogonal", uniform on the orthogonal group, or "gaussian", of variance 1 / H;
            from the scalar input a random unit vector, or a Gaussian one.
        seed: of the random matrices.

    Noise, in :func:`fisher_memory`, enters the states that are computed, not those that are stored.
    Raises ValueError or TypeError for what is out of range and for outputs that no input reaches.

    >>> system = linear_system([1, 2, 4], 10)
    >>> system  # (1 + 2 + 4) * 10 values
    LinearSystem of 70 states, 10 of them read
    >>> np.linalg.norm(system.responses(1), axis=1).round(6)  # one path each, of 0 edges and of 1
    array([1. , 0.9])
    """
    graph = as_cyclic_graph(architecture)
    hidden_size = as_integer(hidden_size, "hidden_size")
    sampled = sample_matrices(graph, hidden_size, gain=gain, matrices=matrices, seed=seed)
    return assemble(graph, hidden_size, sampled)


def sample_matrices(
    graph: nx.MultiDiGraph,
    hidden_size: int,
    *,
    gain: float = 0.9,
    matrices: str = "orthogonal",
    seed: int = 0,
) -> EdgeMatrices:
    """Return random matrices for the edges of a graph, as :func:`linear_system` takes them."""
    gain = as_number(gain, "gain")
    one_of(matrices, "matrices", ("orthogonal", "gaussian"))
    generator = np.random.default_rng(as_integer(seed, "seed", minimum=0))
    roles = _Roles(graph)
    lagged = dict.fromkeys(graph, 0)
    instant = {node: int(node in roles.entered) for node in graph}
    for _, target, lag in roles.weighted:
        (lagged if lag else instant)[target] += 1
    edges, entries = {}, {}
    for edge in roles.weighted:
        source, target, lag = edge
        columns = 1 if source in roles.bare else hidden_size
        size = gain / lagged[target] if lag else 1 / instant[target]
        edges[edge] = size * _random(generator, hidden_size, columns, matrices)
    for node in roles.entered:
        vector = _random(generator, hidden_size, 1, matrices)
        entries[node] = vector.ravel() / instant[node]
    return EdgeMatrices(edges, entries)


def assemble(graph: nx.MultiDiGraph, hidden_size: int, sampled: EdgeMatrices) -> LinearSystem:
    """Return the linear system of a graph whose edges have these matrices.

    Units on no walk from an input to an output are left out: they change nothing that is read.
    """
    roles = _Roles(graph)
    period: int = graph.graph["period"]
    sizes = {node: 1 if node in roles.bare else hidden_size for node in roles.nodes}
    kept = dict.fromkeys(roles.nodes, 0)
    for source, _, lag in [*roles.weighted, *roles.identities]:
        kept[source] = max(kept[source], -(-lag // period))
    for node in roles.outputs:  # what is read must be stored
        kept[node] = max(kept[node], 1)
    first = dict(zip(kept, np.cumsum([0, *(kept[v] * sizes[v] for v in kept)]), strict=False))
    states = int(sum(kept[v] * sizes[v] for v in kept))
    require_memory(100 * period * states, f"a linear system of {states} states")
    computed = [node for node in roles.nodes if node not in roles.bare]
    noisy = {node: hidden_size * index for index, node in enumerate(computed)}
    width = states + 1 + hidden_size * len(computed)  # state before, input, noise

    def stored(node: Any, lag: int) -> Sparse:
        """Select the node's state of ``lag`` steps ago from the state one step ago."""
        begin = first[node] + (lag - 1) // period * sizes[node]
        return _selection(begin, sizes[node], width)

    transitions, inputs, noises, reads = [], [], [], []
    for phase in range(period):
        rows: dict[Any, Sparse] = {}
        for node in roles.of_phase(phase):
            if node in roles.bare:
                rows[node] = _selection(states, 1, width)
                continue
            total = _selection(states + 1 + noisy[node], hidden_size, width)
            for edge in roles.into[node]:
                source, _, lag = edge
                before = stored(source, lag) if lag else rows[source]
                total = total + sparse.csr_array(sampled.edges[edge]) @ before
            for source, _, lag in roles.added[node]:
                before = stored(source, lag) if lag else rows[source]
                if sizes[source] != hidden_size:
                    raise ValueError(
                        f"an identity must join states of one size, got one from the input of 1 "
                        f"value to {shown(node)} of {hidden_size}"
                    )
                total = total + before
            if node in sampled.entries:
                column = sparse.csr_array(sampled.entries[node].reshape(-1, 1))
                total = total + column @ _selection(states, 1, width)
            rows[node] = sparse.csr_array(total)
        blocks = []
        for node in roles.nodes:
            shift = sizes[node] if node in rows else 0
            size = kept[node] * sizes[node]
            if shift and size:
                blocks.append(rows[node])
            if size > shift:
                blocks.append(_selection(first[node], size - shift, width))
        step = sparse.csr_array(sparse.vstack(blocks, format="csr"))
        transitions.append(step[:, :states])
        inputs.append(step[:, [states]].toarray().ravel())
        noises.append(step[:, states + 1 :])
        read = sparse.csr_array((hidden_size, states))
        for node in roles.outputs:
            if node in rows:
                read = read + _selection(first[node], hidden_size, states)
        reads.append(read)
    if period == 1:
        return LinearSystem(transitions[0], inputs[0], reads[0], noise=noises[0])
    return LinearSystem(transitions, inputs, reads, noise=noises)


class _Roles:
    """Which nodes and edges of a graph play which part, in the order of computation."""

    def __init__(self, graph: nx.MultiDiGraph) -> None:
        period: int = graph.graph["period"]
        used = set(edge_table(graph).nodes)
        if not used:
            raise ValueError(
                "an output must be reached by an input, got outputs "
                f"{shown(graph.graph['outputs'])} that none reaches"
            )
        inputs, outputs = set(graph.graph["inputs"]), set(graph.graph["outputs"])
        fed = {unit_of(node, period) for node in graph if graph.in_degree(node)}
        bare = inputs - fed - outputs
        self.nodes = [node for node in graph if node in used]
        self.bare = {node for node in self.nodes if unit_of(node, period) in bare}
        self.entered = [
            n for n in self.nodes if unit_of(n, period) in inputs and n not in self.bare
        ]
        self.outputs = [node for node in self.nodes if unit_of(node, period) in outputs]
        edges = [
            ((u, v, int(data["lag"])), bool(data.get("identity", False)))
            for u, v, data in graph.edges(data=True)
            if u in used and v in used
        ]
        self.weighted = [edge for edge, identity in edges if not identity]
        self.identities = [edge for edge, identity in edges if identity]
        self.into: dict[Any, list[Triple]] = {node: [] for node in self.nodes}
        self.added: dict[Any, list[Triple]] = {node: [] for node in self.nodes}
        for edge in self.weighted:
            self.into[edge[1]].append(edge)
        for edge in self.identities:
            self.added[edge[1]].append(edge)
        instant: nx.DiGraph = nx.DiGraph()
        instant.add_nodes_from(self.nodes)
        instant.add_edges_from((u, v) for (u, v, lag), _ in edges if lag == 0)
        self._sorted = list(nx.topological_sort(instant))
        self._phase_of = {node: node[0] if period > 1 else 0 for node in self.nodes}

    def of_phase(self, phase: int) -> list[Any]:
        """Return the nodes that are computed at times of a phase, in order."""
        return [node for node in self._sorted if self._phase_of[node] == phase]


def _random(generator: np.random.Generator, rows: int, columns: int, how: str) -> np.ndarray:
    """Return a random matrix, or for one column of several rows a random vector."""
    normal = generator.standard_normal((rows, columns))
    if how == "gaussian":
        return normal / rows**0.5
    if columns != rows:
        return normal / np.linalg.norm(normal)
    q, r = np.linalg.qr(normal)
    return q * np.sign(np.diag(r))  # uniform: the signs that QR fixes are sampled as well


def _selection(begin: int, size: int, width: int) -> Sparse:
    """Return the matrix that takes ``size`` entries from ``begin`` on of a vector."""
    columns = np.arange(begin, begin + size)
    return sparse.csr_array((np.ones(size), (np.arange(size), columns)), shape=(size, width))


def _axes(value: Any) -> int:
    """Return how many axes an array has, or a list of sparse or numpy arrays."""
    if isinstance(value, (list, tuple)) and value:
        return 3 if sparse.issparse(value[0]) else 1 + _axes(value[0])
    return np.ndim(value)


def _matrix(value: Any, name: str) -> Sparse:
    """Return a finite matrix of numbers as a sparse array."""
    if not sparse.issparse(value):
        try:
            array = np.asarray(value)
            value = array if np.iscomplexobj(array) else array.astype(float)
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be a matrix of numbers, got {shown(value)}") from None
    if np.iscomplexobj(value):
        raise ValueError(
            f"{name} must be real, got complex numbers: write a + bi as [[a, -b], [b, a]]"
        )
    if value.ndim != 2:
        raise ValueError(f"{name} must have two axes, got shape {value.shape}")
    matrix = sparse.csr_array(value, dtype=float)
    if not np.isfinite(matrix.data).all():
        raise ValueError(f"{name} must be finite, got {shown(float(matrix.data.sum()))} in its sum")
    return matrix
