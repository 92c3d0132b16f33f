"""ONNX models of networks, run in ONNX Runtime and held against torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.compiler.torch.dense import arrays
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.ir.graph import Node
from hrnet_graph.ir.ops import Input
from hrnet_graph.ir.types import TensorType

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from hrnet_graph.compiler.onnx.model import to_onnx as written  # noqa: E402


def to_onnx(*arguments: Any, **options: Any) -> Any:
    """The model as onnx reads it."""
    return onnx.load_from_string(b"".join(written(*arguments, **options).chunks()))


@torch.no_grad()
def filled(spec: Any, size: tuple[int, int] | None = None) -> Network:
    """A network whose weights and statistics are not those that it starts with."""
    graph = spec if isinstance(spec, hg.Graph) else hg.build_graph(spec, size)
    model = hg.build_module(graph).eval()
    draw = torch.Generator().manual_seed(0)
    for key, value in model.state_dict().items():
        if key.endswith("running_var") or (value.dim() == 1 and key.endswith("weight")):
            value.uniform_(0.5, 1.5, generator=draw)
        elif value.dim() == 1:
            value.normal_(0, 0.1, generator=draw)
        elif value.dim() > 1 and value.is_floating_point():
            value.normal_(0, (0.5 / value[0].numel()) ** 0.5, generator=draw)
    return model


def made(model: Network, **options: Any) -> Any:
    """The ONNX model of a network as it is, checked."""
    model_proto = to_onnx(model.graph, arrays(model.state_dict(), exact=False), **options)
    onnx.checker.check_model(model_proto, full_check=True)
    return model_proto


def session(model: Any) -> Any:
    """ONNX Runtime on an ONNX model or a file; a warning of its is printed."""
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])


def assert_same(model: Network, onnx_model: Any, *sizes: tuple[int, int, int]) -> None:
    """ONNX Runtime and torch agree within 1e-4 of the largest value, by name, for each size."""
    engine = session(onnx_model)
    names = [output.name for output in engine.get_outputs()]
    assert names == [name for name, _ in model.graph.outputs]
    for count, *size in sizes:
        draw = torch.Generator().manual_seed(0)
        image = torch.randn(count, model.graph.input.type.channels, *size, generator=draw)
        with torch.inference_mode():
            expected = model(image)
        if isinstance(expected, torch.Tensor):
            expected = [expected]
        tensors = expected.values() if isinstance(expected, dict) else expected
        results = engine.run(None, {"input": image.numpy()})
        for result, tensor in zip(results, tensors, strict=True):
            assert result.shape == tuple(tensor.shape)
            scale = max(1, float(tensor.abs().max()))
            assert np.abs(result - tensor.numpy()).max() <= 1e-4 * scale


def dimensions(value: Any) -> list[int | str]:
    """The dimensions of a value: numbers, and names of what is open."""
    return [dim.dim_value or dim.dim_param for dim in value.type.tensor_type.shape.dim]


def by_hand(outputs: tuple[tuple[str, str], ...], *nodes: Node) -> hg.Graph:
    """A graph that no spec makes."""
    first = Node("input", Input((3, 4, 6)), (), TensorType((3, 4, 6)))
    plain = hg.build_graph(SMALL)
    return replace(plain, nodes=(first, *nodes), outputs=outputs, scopes=(), returns="dict")
