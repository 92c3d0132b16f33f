"""Stages, in words and in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hrnet_graph.analysis.cost import Cost, Report
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.hierarchy import branch_of, prefixes, results_of
from hrnet_graph.ir.types import TensorType


@dataclass(frozen=True)
class StageFacts:
    """What a stage of a network is: `number` counts from 1.

    maps: what it hands on, finest first; branches: the map of each of its branches
    """

    number: int
    maps: tuple[TensorType, ...]
    branches: tuple[TensorType, ...]
    cost: Cost


def stage_facts(graph: Graph, report: Report) -> Iterator[StageFacts]:
    """The stages of a network, or of the part of one, in order."""
    stages = [scope for scope in graph.scopes if scope.kind == "stage"]
    for number, scope in enumerate(stages, start=1):
        members = [node for node in graph.order if node.path.startswith(f"{scope.path}.")]
        if members:
            maps = tuple(node.type for node in results_of(graph, members))
            cost = sum((report.nodes[node.path] for node in members), Cost())
            yield StageFacts(number, maps, _branches(graph, members), cost)


def _branches(graph: Graph, members: Iterable[Node]) -> tuple[TensorType, ...]:
    """The map at the end of every branch; a fuse unit, of which there may be a part, keeps it."""
    ends = {}
    for node in members:
        around = (graph.scope_at.get(path) for path in prefixes(node.path))
        if not any(scope is not None and scope.kind == "fuse" for scope in around):
            ends[branch_of(graph, node.path) or 0] = node.type
    return tuple(ends[branch] for branch in sorted(ends))


def stage_words(stage: object) -> str:
    """Block, branches and modules of what is stated of a stage: `basic, 4 branches x 3 modules`."""
    if not isinstance(stage, Mapping):
        return ""
    block = stage.get("block")
    block = block.get("kind") if isinstance(block, Mapping) else block
    counted = [
        f"{number} {key if number != 1 else _ONE[key]}"
        for key in ("branches", "modules")
        if isinstance(number := stage.get(key), int)
    ]
    return ", ".join(part for part in (str(block or ""), " x ".join(counted)) if part)


_ONE = {"branches": "branch", "modules": "module"}
