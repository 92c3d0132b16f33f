"""ONNX models: what ONNX Runtime makes of them is what the torch module gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from kinds import CATALOGUE
from onnx_models import assert_same, by_hand, filled, made, onnx, session, to_onnx
from small import SMALL, narrow
from strategies import build, specs

import hrnet_graph as hg
from hrnet_graph.compiler.passes.optimize import optimize
from hrnet_graph.compiler.passes.weights import apply
from hrnet_graph.compiler.torch.dense import arrays
from hrnet_graph.ir.graph import Node
from hrnet_graph.ir.ops import Activation, ChannelDropout, FusedConv2d, Scale
from hrnet_graph.ir.ops.activation import ACTIVATIONS
from hrnet_graph.ir.types import TensorType

IMAGE = (2, 64, 96)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_agrees(name: str, tmp_path: Path) -> None:
    model = filled(narrow(name), (64, 96))
    assert_same(model, made(model), (1, 64, 96), (2, 96, 64))
    hg.save(model, tmp_path / "net.onnx", fixed_size=True)
    assert_same(model, tmp_path / "net.onnx", IMAGE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["hrnet_w48_cls", "hrnetv2_w48_ocr_lip", "higherhrnet_w48_640", "hrnetv2p_w48"]
)
def test_the_widest_agree_at_full_width(name: str, tmp_path: Path) -> None:
    model = filled(name, (64, 96))
    assert_same(model, made(model), (1, 64, 96))
    hg.save(model, tmp_path / "net.onnx")
    assert_same(model, tmp_path / "net.onnx", (1, 96, 64))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs())
def test_random_networks_agree(data: dict[str, Any]) -> None:
    model = filled(build(data))
    height, width = model.graph.input.type.size
    assert_same(model, made(model), (2, height, width))


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("norm", [{"kind": "batch", "eps": 0.01}, {"kind": "group", "groups": 4}])
def test_every_activation_and_norm(kind: str, norm: dict[str, Any]) -> None:
    model = filled({**SMALL, "activation": kind, "norm": norm}, (64, 64))
    assert_same(model, made(model), (2, 64, 64))


def test_the_oldest_operators_that_do() -> None:
    def opset(**changes: Any) -> int:
        version: int = made(hg.build_module({**SMALL, **changes})).opset_import[0].version
        return version

    assert opset() == 18
    assert opset(activation="gelu") == 20
    assert opset(norm={"kind": "group", "groups": 4}) == 18


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_what_torch_fuses_is_taken_apart(activation: str) -> None:
    model = filled({**SMALL, "activation": activation})
    done = optimize(model.graph, "torch")
    assert any(isinstance(node.op, FusedConv2d) for node in done.graph.nodes)
    fused = to_onnx(done.graph, apply(done.weights, arrays(model.state_dict(), exact=False)))
    onnx.checker.check_model(fused, full_check=True)
    assert_same(model, fused, (2, 64, 32))


@pytest.mark.parametrize(("type", "name"), [(torch.float16, "FLOAT16"), (torch.float64, "FLOAT")])
def test_number_types_are_kept_where_engines_have_them(type: torch.dtype, name: str) -> None:
    body = made(hg.build_module(SMALL).to(type)).graph
    for value in (*body.input, *body.output):
        assert value.type.tensor_type.elem_type == onnx.TensorProto.DataType.Value(name)


@pytest.mark.parametrize("type", [torch.bfloat16, torch.float64])
def test_what_engines_lack_is_written_as_float32(type: torch.dtype) -> None:
    model = hg.build_module(SMALL).eval().to(type)
    assert_same(model.float(), made(model), (1, 64, 64))


def test_outputs_that_are_the_same_value_or_the_image_itself() -> None:
    graph = by_hand(
        (("a", "twice"), ("b", "dropped"), ("twice", "relu"), ("image", "input")),
        Node("twice", Scale(2.0), ("input",), TensorType((3, 4, 6))),
        Node("dropped", ChannelDropout(0.5), ("twice",), TensorType((3, 4, 6))),
        Node("relu", Activation(), ("dropped",), TensorType((3, 4, 6))),
    )
    model = to_onnx(graph, {})
    onnx.checker.check_model(model, full_check=True)
    image = np.random.default_rng(0).standard_normal((2, 3, 5, 7)).astype(np.float32)
    results = session(model).run(["a", "b", "twice", "image"], {"input": image})
    for result, expected in zip(
        results, (2 * image, 2 * image, np.maximum(2 * image, 0), image), strict=True
    ):
        assert np.array_equal(result, expected)
