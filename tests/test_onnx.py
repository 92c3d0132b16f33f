"""ONNX files: what ONNX Runtime makes of them is what the torch module gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from published import fill
from test_module import SMALL

import hrnet_graph as hg
from hrnet_graph.compiler.module.files import arrays
from hrnet_graph.compiler.module.network import Network
from hrnet_graph.spec.catalogue import list_specs

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")


def filled(spec: Any, size: tuple[int, int] | None = None) -> Network:
    """A network whose weights and statistics are not those that it starts with."""
    model = hg.build_module(hg.build_graph(spec, size)).eval()
    fill(model)
    return model


def model_of(model: Network, **options: Any) -> Any:
    """The checked ONNX model of a network."""
    from hrnet_graph.compiler.onnx.model import to_onnx

    made = to_onnx(model.graph, arrays(model), **options)
    onnx.checker.check_model(made, full_check=True)
    return made


def assert_same(model: Network, made: Any, *shape: int) -> None:
    """ONNX Runtime and torch agree within 1e-4 of the largest value, output by output."""
    draw = torch.Generator().manual_seed(0)
    image = torch.randn(shape[0], model.graph.input.type.channels, *shape[1:], generator=draw)
    with torch.no_grad():
        expected = model(image)
    if isinstance(expected, torch.Tensor):
        expected = [expected]
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    results = session.run(None, {"input": image.numpy()})
    names = [output.name for output in session.get_outputs()]
    assert names == [name for name, _ in model.graph.outputs]
    tensors = expected.values() if isinstance(expected, dict) else expected
    for result, tensor in zip(results, tensors, strict=True):
        assert result.shape == tuple(tensor.shape)
        assert np.abs(result - tensor.numpy()).max() <= 1e-4 * max(1, float(tensor.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize("name", list_specs())
def test_the_catalogue_agrees(name: str) -> None:
    model = filled(name, (64, 96))
    made = model_of(model)
    assert_same(model, made, 1, 64, 96)
    assert_same(model, made, 2, 96, 64)


def test_a_small_network_agrees(tmp_path: Path) -> None:
    model = filled(SMALL)
    assert_same(model, model_of(model), 3, 64, 32)
