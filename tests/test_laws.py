"""What holds for every valid spec."""

from __future__ import annotations

import pickle
from typing import Any

import networkx as nx
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small import maps_of
from strategies import build, specs

import hrnet_graph as hg
from hrnet_graph.analysis.cost import Cost
from hrnet_graph.analysis.dead import dead_nodes
from hrnet_graph.choices import GROUPINGS
from hrnet_graph.compiler.model import about
from hrnet_graph.compiler.torch.layers import Functional
from hrnet_graph.ir.hierarchy import LEVELS, collapse
from hrnet_graph.ir.sizes import fits, nearest_size, open_types
from hrnet_graph.spec.emit import to_yaml
from hrnet_graph.spec.load import check
from hrnet_graph.spec.source import parse

law = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
run = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@law
@given(specs())
def test_graph_is_frozen_and_acyclic_at_every_depth(data: dict[str, Any]) -> None:
    graph = build(data)
    assert nx.is_frozen(graph.nx)
    assert nx.is_directed_acyclic_graph(graph.nx)
    for level in LEVELS:
        view = collapse(graph, level)
        boxes = nx.DiGraph(list(view.edges))
        assert nx.is_directed_acyclic_graph(boxes), level
        assert sum(len(box.nodes) for box in view.boxes.values()) == len(graph.nodes)


@pytest.mark.parametrize("name", hg.list_specs())
def test_catalogue_is_acyclic_and_alive(name: str) -> None:
    graph = hg.build_graph(name)
    assert not dead_nodes(graph)
    for level in LEVELS:
        view = collapse(graph, level)
        assert nx.is_directed_acyclic_graph(nx.DiGraph(list(view.edges))), level


@law
@given(specs())
def test_every_node_reaches_an_output(data: dict[str, Any]) -> None:
    graph = build(data)
    assert not dead_nodes(graph)
    ends = {path for _, path in graph.outputs}
    assert {path for path, degree in graph.nx.out_degree() if degree == 0} <= ends


@law
@given(specs())
def test_two_builds_are_equal_and_pickle(data: dict[str, Any]) -> None:
    graph = build(data)
    assert graph == build(data)
    assert pickle.loads(pickle.dumps(graph)) == graph


@law
@given(specs())
def test_spec_to_yaml_to_spec_is_identity(data: dict[str, Any]) -> None:
    spec = hg.load_spec(data)
    assert check(parse(to_yaml(spec.dump()), "spec.yaml")) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec


@law
@given(specs())
def test_source_of_a_graph_builds_it_again(data: dict[str, Any]) -> None:
    graph = build(data)
    assert hg.build_graph(check(parse(about(graph)["spec"], "spec.yaml"))) == graph


@law
@given(specs())
def test_parts_add_up(data: dict[str, Any]) -> None:
    report = hg.analyze(build(data))
    for grouping in GROUPINGS:
        assert sum(report.by(grouping).values(), Cost()) == report.total


@run
@given(specs())
def test_module_is_the_graph(data: dict[str, Any]) -> None:
    graph = build(data)
    model = hg.build_module(graph).eval()
    state = model.state_dict()
    assert {key: tuple(value.shape) for key, value in state.items()} == {
        key: entry.shape for key, entry in graph.state().items()
    }
    assert sum(parameter.numel() for parameter in model.parameters()) == hg.analyze(graph).params
    seen: dict[str, tuple[int, ...]] = {}
    for node in graph.nodes[1:]:

        def record(_: object, __: object, result: torch.Tensor, key: str = node.key) -> None:
            seen[key] = tuple(result.shape[1:])

        model.get_submodule(node.key).register_forward_hook(record)
    with torch.inference_mode():
        model(torch.randn(1, *graph.input.type.shape))
    assert seen == {node.key: node.type.shape for node in graph.nodes[1:]}


@run
@given(specs(), st.integers(1, 100), st.integers(1, 100))
def test_size_is_refused_exactly_where_the_module_would_fail(
    data: dict[str, Any], height: int, width: int
) -> None:
    graph = build(data)
    model = hg.build_module(graph).eval()
    image = torch.randn(1, graph.input.type.channels, height, width)
    for layer in model.modules():
        if isinstance(layer, Functional) and " + " in layer.expression:
            layer.register_forward_pre_hook(_refuse_broadcasting)
    try:
        with torch.inference_mode():
            model._run(image)
    except (RuntimeError, ValueError):
        with pytest.raises(hg.InputError, match="does not fit"):
            model(image)
        if fits(graph, height, width):  # with other weights
            assert open_types(graph) is None
            return
        with pytest.raises(hg.SpecError, match="does not fit"):
            hg.build_graph(data, (height, width))
        if (good := nearest_size(graph, height, width)) is not None:
            assert fits(graph, *good)
            hg.build_graph(data, good)
    else:
        assert fits(graph, height, width)
        hg.build_graph(data, (height, width))
        with torch.inference_mode():
            model(image)


def _refuse_broadcasting(_: object, terms: tuple[torch.Tensor, ...]) -> None:
    """Torch would add a map of one pixel to every pixel of another, without a word."""
    if len({term.shape for term in terms}) > 1:
        raise RuntimeError("broadcast")


@run
@given(specs())
def test_no_parameter_is_left_without_a_gradient(data: dict[str, Any]) -> None:
    graph = hg.build_graph(data, (64, 64))
    model = hg.build_module(graph)
    outputs = maps_of(model(torch.randn(2, *graph.input.type.shape)))
    torch.stack([output.square().mean() for output in outputs]).sum().backward()
    missing = [key for key, value in model.named_parameters() if value.grad is None]
    assert not missing
