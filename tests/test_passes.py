"""Passes: the structure of a rewritten graph and its weights, without running either."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from small import SMALL
from strategies import build, specs

import hrnet_graph as hg
from hrnet_graph.analysis.dead import dead_nodes
from hrnet_graph.analysis.memory import memory
from hrnet_graph.analysis.peak_memory import scheduled_peak
from hrnet_graph.analysis.receptive_field import receptive_fields
from hrnet_graph.choices import PASS_TARGETS
from hrnet_graph.cli.commands import build as build_command
from hrnet_graph.compiler.passes.early_pointwise import early_pointwise
from hrnet_graph.compiler.passes.fuse import fold_norm, fuse_activation, fuse_sum
from hrnet_graph.compiler.passes.optimize import optimize
from hrnet_graph.compiler.passes.remove import remove_dead
from hrnet_graph.compiler.passes.weights import (
    FoldedBias,
    FoldedWeight,
    Norm,
    Ref,
    Slice,
    apply,
    compose,
)
from hrnet_graph.ir.hierarchy import LEVELS, collapse
from hrnet_graph.ir.liveness import schedule
from hrnet_graph.ir.ops import (
    Activation,
    BatchNorm,
    ChannelDropout,
    Concat,
    Conv2d,
    ConvTranspose2d,
    FusedConv2d,
    GroupNorm,
    Sum,
)

law = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))

SEGMENTATION = {"head": {"kind": "segmentation", "classes": 3}}
OCR = {"head": {"kind": "ocr", "classes": 3, "features": 8, "keys": 4, "dropout": 0.1}}


def small(changes: dict[str, Any] | None = None) -> hg.Graph:
    return hg.build_graph(hg.load_spec(SMALL, changes or {}))


def reasons(rewrite: Any) -> set[str]:
    return {refusal.reason for refusal in rewrite.refused}


@pytest.mark.parametrize("target", PASS_TARGETS)
@law
@given(specs())
def test_an_optimised_graph_is_a_graph(target: Any, data: dict[str, Any]) -> None:
    before = build(data)
    optimized = optimize(before, target)
    after = optimized.graph
    assert nx.is_directed_acyclic_graph(after.nx)
    assert not dead_nodes(after)
    assert [name for name, _ in after.outputs] == [name for name, _ in before.outputs]
    assert [after[p].type for _, p in after.outputs] == [before[p].type for _, p in before.outputs]
    for node in after.nodes[1:]:
        assert node.op.infer(after.operands(node)) == node.type
    for level in LEVELS:
        assert nx.is_directed_acyclic_graph(nx.DiGraph(list(collapse(after, level).edges)))
    ends = zip(before.outputs, after.outputs, strict=True)
    old, new = receptive_fields(before), receptive_fields(after)
    assert all(old[a] == new[b] for (_, a), (_, b) in ends)
    assert hg.analyze(after).macs <= hg.analyze(before).macs
    assert memory(after).peak > 0
    assert 4 * scheduled_peak(after).elements <= memory(after).peak


@law
@given(specs())
def test_weight_expressions_make_every_entry_in_its_shape(data: dict[str, Any]) -> None:
    graph = build(data)
    weights = {key: np.ones(entry.shape, np.float32) for key, entry in graph.state().items()}
    optimized = optimize(graph)
    made = apply(optimized.weights, weights)
    state = optimized.graph.state()
    assert list(made) == list(state)
    assert {key: value.shape for key, value in made.items()} == {
        key: entry.shape for key, entry in state.items()
    }
    assert {value.dtype for value in made.values()} == {np.dtype(np.float32)}
    assert all(value.flags.c_contiguous for value in made.values())


@pytest.mark.parametrize("name", hg.list_specs())
def test_every_batch_norm_of_the_catalogue_is_folded(name: str) -> None:
    graph = hg.build_graph(name)
    rewrite = fold_norm(graph)
    norms = [node for node in graph.nodes if isinstance(node.op, BatchNorm)]
    apart = [
        n.path for n in norms if not isinstance(graph[n.inputs[0]].op, Conv2d | ConvTranspose2d)
    ]
    assert len(rewrite.done) == len(norms) - len(apart)
    refused = [r.path for r in rewrite.refused if isinstance(graph[r.path].op, BatchNorm)]
    assert refused == apart  # of what convolutions read, as in DDRNet's pooling
    left = [node.path for node in rewrite.graph.nodes if isinstance(node.op, BatchNorm)]
    assert left == apart


def test_a_folded_norm_leaves_a_bias() -> None:
    rewrite = fold_norm(hg.build_graph("hrnet_w32_cls"))
    assert len(rewrite.done) == 325
    assert "bn1.weight" not in rewrite.graph.state()
    assert rewrite.graph.state()["conv1.bias"].shape == (64,)


def test_group_norm_is_refused() -> None:
    rewrite = fold_norm(small({"norm": {"kind": "group", "groups": 2}}))
    assert not rewrite.done
    assert reasons(rewrite) == {"group norm takes its mean and variance from the image"}
    assert any(isinstance(node.op, GroupNorm) for node in rewrite.graph.nodes)


def test_a_norm_is_folded_only_where_nobody_else_reads_the_convolution() -> None:
    graph = small()
    seen = replace(graph, outputs=(("conv", graph["@stem.conv1"].path), *graph.outputs))
    assert reasons(fold_norm(seen)) == {"the convolution in front of it has another reader"}
    twice = replace(graph["@stem.bn1"], path="@stem.again", inputs=("@stem.bn1",))
    nodes = list(graph.nodes)
    nodes.insert(3, twice)
    nodes[4] = replace(nodes[4], inputs=("@stem.again",))
    assert reasons(fold_norm(replace(graph, nodes=tuple(nodes)))) == {
        "no convolution stands in front of it"
    }


def test_dropout_is_dropped() -> None:
    graph = small(OCR)
    assert any(isinstance(node.op, ChannelDropout) for node in graph.nodes)
    assert not any(isinstance(node.op, ChannelDropout) for node in optimize(graph).graph.nodes)


def test_what_reaches_no_output_is_removed() -> None:
    graph = small({"head": {"kind": "heatmap", "joints": 2}})
    dead = {node.path for node in dead_nodes(graph)}
    rewrite = remove_dead(graph)
    assert dead
    assert set(rewrite.done) == dead
    assert not dead_nodes(rewrite.graph)
    assert not dead & {node.path for node in rewrite.graph.nodes}


def test_a_convolution_moves_in_front_of_upsampling_and_concatenation() -> None:
    graph = small(SEGMENTATION)
    rewrite = early_pointwise(graph)
    after = rewrite.graph
    assert rewrite.done == ("@head.last_layer.0",)
    assert not any(isinstance(node.op, Concat) for node in after.nodes)
    parts = [after[f"@head.last_layer.0.{i}"] for i in range(3)]
    assert [part.type.shape for part in parts] == [(28, 16, 16), (28, 8, 8), (28, 4, 4)]
    assert rewrite.weights["last_layer.0.1.weight"] == Slice(Ref("last_layer.0.weight"), 1, 4, 12)
    assert rewrite.weights["last_layer.0.0.bias"] == Ref("last_layer.0.bias")
    assert "last_layer.0.1.bias" not in rewrite.weights
    saved = 28 * (28 * 16 * 16 - (4 * 16 * 16 + 8 * 8 * 8 + 16 * 4 * 4))
    assert hg.analyze(graph).macs - hg.analyze(after).macs == saved


def test_a_convolution_stays_where_it_cannot_be_moved() -> None:
    assert reasons(early_pointwise(fold_norm(small(OCR)).graph)) >= {
        "the concatenation has another reader",
        "a 3x3 kernel mixes neighbours, which upsampling makes",
    }
    rewrite = early_pointwise(small({"head": {"kind": "bottom_up", "joints": 2}}))
    assert not rewrite.done


def test_the_cost_model_decides_by_target() -> None:
    wide = hg.build_graph("hrnetv2_w48_seg_cityscapes", (512, 1024))
    narrow = hg.build_graph("hrnetv2_w18_small_v2_seg_cityscapes", (512, 1024))
    key = "move 1x1 convolution before upsampling"
    steps = {
        (graph.name, target): dict(optimize(graph, target).steps)[key]
        for graph in (wide, narrow)
        for target in PASS_TARGETS
    }
    done = {name: bool(step.done) for name, step in steps.items()}
    assert done == {
        (wide.name, "torch"): True,
        (wide.name, "onnxruntime"): True,
        (wide.name, "openvino"): True,
        (wide.name, "ncnn"): True,
        (narrow.name, "torch"): False,
        (narrow.name, "onnxruntime"): False,
        (narrow.name, "openvino"): True,
        (narrow.name, "ncnn"): True,
    }
    assert reasons(steps[narrow.name, "torch"]) == {
        "the wider upsampling costs more than the convolution saves"
    }


def test_sums_and_activations_are_computed_by_convolutions() -> None:
    folded = fold_norm(small()).graph
    added = fuse_sum(folded)
    block = "stage2.0.branches.0.0"
    conv = added.graph[f"{block}.conv2"]
    assert isinstance(conv.op, FusedConv2d)
    assert len(conv.inputs) == 2
    assert f"{block}.sum" not in added.graph.node_at
    assert reasons(added) == {"it adds no convolution that it alone reads"}
    activated = fuse_activation(added.graph).graph
    last = activated[f"{block}.conv2"].op
    assert isinstance(last, FusedConv2d)
    assert last.activation == "relu"
    assert last.label == "conv 3x3 + relu"
    assert f"{block}.act" not in activated.node_at


def test_an_activation_stays_where_no_convolution_computes_it() -> None:
    refused = reasons(
        fuse_activation(fuse_sum(fold_norm(small({"activation": "silu"})).graph).graph)
    )
    assert refused == {
        "a convolution that adds a map computes no silu",
        "no convolution stands in front of it",
    }
    graph = small({"norm": {"kind": "group", "groups": 1}})
    assert reasons(fuse_activation(graph)) == {"no convolution stands in front of it"}


def test_a_convolution_computes_one_activation() -> None:
    graph = fold_norm(small()).graph
    first = next(node for node in graph.nodes if isinstance(node.op, Activation))
    second = replace(first, path=f"{first.path}2", op=Activation("leaky_relu"))
    nodes = []
    for node in graph.nodes:
        inputs = tuple(second.path if path == first.path else path for path in node.inputs)
        nodes.append(replace(node, inputs=inputs))
        if node is first:
            nodes.append(replace(second, inputs=(first.path,)))
    once = fuse_activation(replace(graph, nodes=tuple(nodes))).graph
    twice = fuse_activation(once)
    assert "the convolution in front of it is activated already" in reasons(twice)
    assert second.path in twice.graph.node_at
    assert twice.graph[first.inputs[0]].op == once[first.inputs[0]].op


def test_engines_fuse_for_themselves() -> None:
    for target in ("onnxruntime", "openvino"):
        graph = optimize(small(), target).graph
        assert not any(isinstance(node.op, FusedConv2d) for node in graph.nodes)
        assert any(isinstance(node.op, Sum) for node in graph.nodes)


def test_a_result_never_takes_memory_that_somebody_still_reads() -> None:
    graph = optimize(small()).graph
    outputs = {path for _, path in graph.outputs}
    later: set[str] = set(outputs)
    for call in reversed(schedule(graph)):
        if call.overwritten is not None:
            assert call.overwritten not in later
            assert call.overwritten != graph.input.path
        later |= set(call.node.inputs)


NORM = Norm(Ref("w"), Ref("b"), Ref("m"), Ref("v"), eps=0.25)
ENTRIES = {
    "conv": np.array([[2.0], [4.0]], np.float32),
    "across": np.array([[2.0, 4.0]], np.float32),
    "bias": np.array([1.0, 1.0], np.float32),
    "w": np.array([3.0, 1.0], np.float32),
    "b": np.array([0.5, 0.0], np.float32),
    "m": np.array([2.0, 0.0], np.float32),
    "v": np.array([2.0, 3.75], np.float32),
}


def test_weight_expressions_by_hand() -> None:
    expressions = {
        "folded": FoldedWeight(Ref("conv"), NORM),
        "turned": FoldedWeight(Ref("across"), NORM, axis=1),
        "shift": FoldedBias(Ref("bias"), NORM),
        "bare": FoldedBias(None, NORM),
        "part": Slice(Ref("conv"), 0, 1, 2),
    }
    made = apply(expressions, ENTRIES)
    assert made["folded"].tolist() == [[4.0], [2.0]]
    assert made["turned"].tolist() == [[4.0, 2.0]]
    assert made["shift"].tolist() == [-1.5, 0.5]
    assert made["bare"].tolist() == [-3.5, 0.0]
    assert made["part"].tolist() == [[4.0]]
    assert apply({"same": Ref("conv")}, ENTRIES)["same"] is ENTRIES["conv"]
    assert apply({"count": Ref("n")}, {"n": np.array(3)})["count"].shape == ()


def test_composed_expressions_round_once() -> None:
    first = {"x": FoldedWeight(Ref("conv"), NORM), "y": FoldedBias(None, NORM), "w": Ref("w")}
    then = {"z": Slice(Ref("x"), 0, 1, 2), "y": Ref("y")}
    whole = apply(compose(first, then), ENTRIES)
    steps = apply(then, apply(first, ENTRIES))
    assert {key: value.tolist() for key, value in whole.items()} == {
        key: value.tolist() for key, value in steps.items()
    }
    third = {"w": np.array([1 / 3], np.float32)}
    ten = FoldedWeight(Ref("w"), Norm(Ref("w"), Ref("w"), Ref("w"), Ref("w"), 0.0))
    assert apply({"w": ten}, third)["w"].dtype == np.float32


def test_passes_are_shown_without_torch_and_as_json() -> None:
    arguments = ["hrnetv2_w48_seg_cityscapes", "--input", "512x1024", "--passes"]
    shown = CliRunner().invoke(build_command.command, arguments)
    assert shown.exit_code == 0
    assert "fold batch norm into convolution" in shown.output
    assert "x add within convolution: it adds no convolution that it alone reads" in shown.output
    printed = CliRunner().invoke(
        build_command.command, [*arguments, "--target", "openvino", "--json"]
    )
    data = json.loads(printed.output)
    assert data["before"]["macs"] > data["after"]["macs"]
    assert data["passes"][3]["sites"] == ["@head.last_layer.0"]


def test_the_help_promises_no_saving() -> None:
    """An engine that keeps every result may need more memory at once after the passes."""
    invoke = CliRunner().invoke
    said = " ".join(invoke(build_command.command, ["--help"]).output.split())
    assert "show what optimizing does and refuses, and the figures before and after." in said
    assert "saves" not in said
    arguments = ["hrnetv2_w48_seg_cityscapes", "--passes", "--target", "openvino", "--json"]
    figures = json.loads(invoke(build_command.command, arguments).output)
    assert figures["after"]["peak"] > figures["before"]["peak"]
