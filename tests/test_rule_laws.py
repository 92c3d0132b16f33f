"""What holds for every network that the rules make: each block, fuse unit and head together."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest
import torch
from onnx_models import assert_same, filled, made
from rule_specs import random_spec
from torch.utils._pytree import tree_leaves
from written import check

import hrnet_graph as hg
from hrnet_graph.analysis.dead import dead_nodes
from hrnet_graph.benchmark.verify import verify
from hrnet_graph.ir.hierarchy import LEVELS, collapse
from hrnet_graph.ir.ops import Op, WindowAttention
from hrnet_graph.rules.registry import names

BLOCKS, FUSES, HEADS = names("block"), names("fuse"), names("head")

MOST = max(len(BLOCKS), len(FUSES), len(HEADS))

ONCE = [
    (BLOCKS[i % len(BLOCKS)], FUSES[i % len(FUSES)], HEADS[i % len(HEADS)]) for i in range(MOST)
]
"""Every rule at least once."""


def agree_shapes(graph: hg.Graph) -> None:
    """What every layer gives has the shape that the graph states, at two sizes."""
    model = hg.build_module(graph).eval()
    seen: dict[str, tuple[int, ...]] = {}
    for node in graph.operations:
        layer = model.get_submodule(node.key)
        layer.register_forward_hook(
            lambda _, __, y, key=node.key: seen.update({key: tuple(y.shape[1:])})
        )
    with torch.inference_mode():
        model(torch.randn(1, *graph.input.type.shape))
    assert seen == {node.key: node.type.shape for node in graph.operations}


def agree_training(graph: hg.Graph) -> None:
    """One step gives a gradient to every parameter that an output depends on."""
    model = hg.build_module(graph).train()
    results = tree_leaves(model(torch.randn(2, *graph.input.type.shape)))
    sum(result.square().mean() for result in results).backward()
    unread = [f"{node.key}." for node in dead_nodes(graph)]
    unread += [f"{node.key}.relative_position_bias_table" for node in graph.nodes if _idle(node.op)]
    missing = [key for key, value in model.named_parameters() if value.grad is None]
    assert [key for key in missing if not key.startswith(tuple(unread))] == []


def _idle(op: Op) -> bool:
    """Whether it holds a table that it does not read, as published."""
    return isinstance(op, WindowAttention) and not op.biased


def hold(data: dict[str, Any], *, as_files: bool = True, in_engine: bool = False) -> None:
    """Holds a network to the laws; `as_files` to those of counts and source as well."""
    graph = hg.build_graph(data)
    assert graph == hg.build_graph(data)
    assert nx.is_directed_acyclic_graph(graph.nx)
    for level in LEVELS:
        assert nx.is_directed_acyclic_graph(nx.DiGraph(list(collapse(graph, level).edges))), level
    height, width = graph.input.type.size
    agree_shapes(graph)
    agree_training(graph)
    if as_files:
        assert [count for count in verify(graph) if not count.agrees] == []
        check(graph, [(height, width)])
    if in_engine:
        model = filled(graph)
        assert_same(model, made(model), (1, height, width))


@pytest.mark.parametrize(("block", "fuse", "head"), ONCE)
def test_every_rule_keeps_the_laws(block: str, fuse: str, head: str) -> None:
    data = random_spec(f"{block} {fuse} {head}", block=block, fuse=fuse, head=head)
    assert data is not None
    hold(data, in_engine=HEADS.index(head) % 3 == 0)


@pytest.mark.slow
@pytest.mark.parametrize("fuse", FUSES)
@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_and_fuse_keeps_the_laws_under_every_head(block: str, fuse: str) -> None:
    for at, head in enumerate(HEADS):
        data = random_spec(f"{fuse} {head} {block}", block=block, fuse=fuse, head=head)
        assert data is not None, head
        in_turn = (BLOCKS.index(block) + FUSES.index(fuse) + at) % len(FUSES) == 0
        hold(data, as_files=in_turn, in_engine=in_turn)
