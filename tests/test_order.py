"""Orders and circles of graphs, against networkx: figures and counts do without it."""

from __future__ import annotations

from graphlib import CycleError
from random import Random

import networkx as nx
import pytest

from hrnet_graph.ir.graph import in_order, sort
from hrnet_graph.ir.hierarchy import cyclic_boxes

Sources = dict[str, set[str]]


def some(seed: int) -> Sources:
    """Ten boxes in some order, which read from some of each other."""
    random = Random(seed)
    names = random.sample([f"box{i}" for i in range(10)], 10)
    edges = random.randint(3, 18)
    sources: Sources = {name: set() for name in names}
    for _ in range(edges):
        reader, source = random.sample(names, 2)
        sources[reader].add(source)
    return sources


def as_graph(sources: Sources) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sources)
    graph.add_edges_from((source, path) for path, read in sources.items() for source in read)
    return graph


def test_the_order_is_the_nearest_to_what_was_there() -> None:
    sorted_ones = cyclic = 0
    for seed in range(600):
        sources = some(seed)
        place = {name: i for i, name in enumerate(sources)}
        if nx.is_directed_acyclic_graph(as_graph(sources)):
            wanted = nx.lexicographical_topological_sort(as_graph(sources), key=place.__getitem__)
            assert [*sort(sources)] == [*wanted]
            sorted_ones += not in_order(sources)
        else:
            with pytest.raises(CycleError):
                sort(sources)
            cyclic += 1
    assert min(sorted_ones, cyclic) > 100


def test_boxes_on_a_circle_are_those_that_reach_themselves() -> None:
    for seed in range(600):
        sources = some(seed)
        parts = nx.strongly_connected_components(as_graph(sources))
        assert cyclic_boxes(sources) == {box for part in parts if len(part) > 1 for box in part}


def test_a_long_way_is_no_deep_one() -> None:
    """Ten thousand boxes, each of which reads from the next, and the last from the first."""
    names = [f"box{i}" for i in range(10_000)]
    sources = {name: {names[(i + 1) % len(names)]} for i, name in enumerate(names)}
    assert cyclic_boxes(sources) == {*names}
    sources[names[-1]] = set()
    assert [*sort(sources)] == names[::-1]
