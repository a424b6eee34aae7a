"""Components of a cyclic graph in the order in which they run, and their rows in blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import networkx as nx
import torch
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["Blocks", "Read", "Stage", "stage_of"]


class Read(NamedTuple):
    """What an edge reads: by the matrix of that number, or as an identity, perhaps with a decay."""

    source: Any
    shift: int
    matrix: int | None
    decay: int | None


@dataclass
class Stage:
    """One strongly connected component, ready to run.

    ``block`` is its smallest positive internal shift, 0 if it has no internal edge; ``nodes`` are
    in the order of their edges of shift 0. ``first`` gives the time of every node's first row;
    ``outer`` and ``inner`` the edges into a node.
    """

    block: int
    nodes: list[Any]
    first: dict[Any, int]
    outer: dict[Any, list[Read]]
    inner: dict[Any, list[Read]]


def stage_of(members: set[Any], edges: list[tuple[Any, Read]], first: dict[Any, int]) -> Stage:
    """Return the component of these nodes with the edges into each, (target, what is read)."""
    instant: nx.DiGraph = nx.DiGraph()
    instant.add_nodes_from(node for node in first if node in members)
    outer: dict[Any, list[Read]] = {node: [] for node in instant}
    inner: dict[Any, list[Read]] = {node: [] for node in instant}
    block = 0
    for target, read in edges:
        if target in members:
            inside = read.source in members
            (inner if inside else outer)[target].append(read)
            if inside and read.shift == 0:
                instant.add_edge(read.source, target)
            elif inside:
                block = min(block or read.shift, read.shift)
    return Stage(block, list(nx.topological_sort(instant)), first, outer, inner)


class Blocks:
    """The rows of a node in blocks of equal length; row 0 is the first after those kept."""

    def __init__(self, kept: Tensor, block: int) -> None:
        self.block = block
        self.kept = kept
        self.before = -(-len(kept) // block) * block  # rows in front of row 0, whole blocks
        if self.before > len(kept):
            kept = pad(kept, (0, 0, 0, 0, self.before - len(kept), 0))
        self.blocks = list(kept.split(block)) if self.before else []

    def read(self, row: int, count: int) -> Tensor:
        """Return ``count`` rows, at most a block, from ``row`` on: a view of one block or two."""
        index, offset = divmod(row + self.before, self.block)
        block = self.blocks[index]
        if offset == 0:
            return block if count == len(block) else block[:count]
        if offset + count <= len(block):
            return block[offset : offset + count]
        rest = count - (len(block) - offset)
        return torch.cat([block[offset:], self.blocks[index + 1][:rest]])

    def append(self, rows: Tensor) -> None:
        """Add the next block."""
        self.blocks.append(rows)

    def joined(self) -> Tensor:
        """Return the rows kept and all rows after them."""
        return torch.cat([self.kept, *self.blocks[self.before // self.block :]])
