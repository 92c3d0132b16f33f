"""Graphs that no spec made: what can be done with them is done, and the rest refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from engines import engine

import hrnet_graph as hg
from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.builder import Builder
from hrnet_graph.ir.graph import Initialisation
from hrnet_graph.ir.ops import Activation, AveragePool, BatchNorm


def foreign() -> hg.Graph:
    """A stem whose first op has no weights, as no spec says it."""
    b = Builder(BatchNorm(), Activation("relu"))
    x = b.add("pool", AveragePool(2), b.input((3, 32, 32)))
    x = b.norm("bn1", b.conv("conv1", x, 4, kernel=3))
    return b.finish(x, name="foreign", init=Initialisation(), head_init=Initialisation())


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".pt2", ".onnx"])
def test_a_file_that_could_not_be_opened_again_is_not_written(tmp_path: Path, suffix: str) -> None:
    if suffix == ".onnx":
        pytest.importorskip("onnx")
    model = hg.build_module(foreign())
    with pytest.raises(hg.HRNetGraphError, match="foreign was compiled from no spec, so that no"):
        hg.save(model, tmp_path / f"net{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_what_needs_no_spec_is_done(tmp_path: Path) -> None:
    graph = foreign()
    assert graph.backbone_prefix == ""
    model = hg.build_module(graph).eval()
    hg.save(model, tmp_path / "net.py")
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    assert hg.load_weights(hg.build_module(graph), tmp_path / "weights.pth").complete
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        expected = model(x).numpy()
    for target in ("torch", "onnxruntime"):
        got = hg.compile(model, engine(target))(x.numpy())
        assert isinstance(got, np.ndarray)
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_a_network_whose_first_op_has_no_weights_is_exported() -> None:
    from hrnet_graph.compiler.torch.export import export

    model = hg.build_module(foreign()).eval()
    x = torch.randn(3, 3, 64, 32)
    with torch.no_grad():
        assert torch.allclose(export(model).module()(x), model(x), atol=1e-6)


def test_the_first_node_of_a_graph_is_its_input() -> None:
    graph = hg.build_graph("hrnet_w18_small_v1_cls")
    with pytest.raises(ShapeError, match="the first node of a graph is its input"):
        replace(graph, nodes=graph.nodes[1:])
