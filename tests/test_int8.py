"""Networks in int8: calibrated on images, and what each layer loses by it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from engines import agree, engine, image, module
from PIL import Image
from published import relative_error
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.engines.compiled import Compiled, LayerError


@pytest.fixture
def nncf() -> Iterator[None]:
    """The packages for int8, quiet about compilers for CUDA."""
    for package in ("nncf", "onnxruntime"):
        pytest.importorskip(package)
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("nncf")
@pytest.mark.parametrize(("target", "head"), [("onnxruntime", 0), ("openvino", 0), ("openvino", 9)])
def test_int8_and_what_it_costs_layer_by_layer(target: str, head: int) -> None:
    engine(target)
    model = module(head)
    images = [image(1, 3, 64, 64), image(2, 3, 64, 64)]
    ours = hg.compile(model, target, "int8", calibration=iter(images))
    x = image(2, 3, 96, 64)
    with torch.no_grad():
        agree(ours(x), model(x), "int8")
    layers = {drop.layer: drop.error for drop in ours.layer_errors}
    assert {"conv1", "stage2.0.branches.1.0.conv1"} <= layers.keys()
    assert any(name.endswith("classifier" if head == 0 else "matmul_value") for name in layers)
    assert all(0 <= error < 0.15 for error in layers.values())
    assert layers["conv1"] < 0.05


def test_drops_are_also_decibels() -> None:
    assert LayerError("conv1", 0.1).sqnr_db == pytest.approx(20)
    assert LayerError("conv1", 0.0).sqnr_db == float("inf")


@pytest.mark.usefixtures("nncf")
def test_int8_over_a_folder_of_images(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    for name in ("a.png", "more/b.jpg"):
        pixels = np.random.default_rng(0).integers(0, 255, (50, 70, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    ours = hg.compile(module(0), engine("onnxruntime"), "int8", calibration=tmp_path)
    assert isinstance(ours, Compiled)
    assert ours.layer_errors


@pytest.mark.usefixtures("nncf")
def test_calibration_that_cannot_be_used(tmp_path: Path) -> None:
    engine("onnxruntime")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_text("no image")
    grey = {**SMALL, "input": [1, 64, 64]}
    for spec, calibration, message in (
        (SMALL, None, "int8 needs images to be calibrated on\\n"),
        (SMALL, [], "int8 needs images to be calibrated on, got none"),
        (SMALL, [torch.zeros(3, 64, 64)], "small takes images of shape N x 3 x H x W, got 3x64x64"),
        (SMALL, tmp_path / "none", "no folder of images at "),
        (SMALL, tmp_path, "is no image that can be read"),
        (grey, tmp_path, "as the input has channels, 1, got 3 and 3"),
    ):
        with pytest.raises(hg.HRNetGraphError, match=message):
            hg.compile(spec, "onnxruntime", "int8", calibration=calibration)
    (tmp_path / "bad" / "a.png").unlink()
    with pytest.raises(hg.FileError, match="no image in "):
        hg.compile(SMALL, "onnxruntime", "int8", calibration=tmp_path)


def test_int8_without_nncf_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    engine("onnxruntime")
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(hg.HRNetGraphError, match=r"int8 needs nncf\n  pip install 'hrnet-graph\[i"):
        hg.compile(SMALL, "onnxruntime", "int8", calibration=[image(1, 3, 64, 64)])


def bounded(target: str, bound: float, image: torch.Tensor) -> Compiled:
    return hg.compile(
        module(0), target, "int8", calibration=[image], threads=1, max_difference=bound
    )


def answer(ours: Compiled, x: torch.Tensor) -> torch.Tensor:
    result = ours(x)
    assert isinstance(result, torch.Tensor)
    return result


@pytest.mark.usefixtures("nncf")
@pytest.mark.parametrize("target", ["onnxruntime", "ncnn"])
def test_a_bound_on_the_results_says_how_many_layers_are_in_int8(target: str) -> None:
    engine(target)
    x = image(1, 3, 64, 64)
    with torch.no_grad():
        reference = module(0)(x)
    found = [bounded(target, bound, x) for bound in (3e-4, 1e-3, 0.9)]
    for ours in found:
        assert ours.plan is not None
        error = relative_error(answer(ours, x), reference)
        assert error <= ours.plan.bound
        assert ours.plan.difference == pytest.approx(error, 0.01)
    counts = [len(ours.plan.layers) for ours in found if ours.plan]
    assert 0 < counts[0] <= counts[1] <= counts[2] != counts[0]
    assert f"int8 in {counts[0]} of {counts[2]} layers, " in repr(found[0])
    assert "int8 in 25 of 25 layers, 100.0% of their MACs" in repr(found[2])


@pytest.mark.usefixtures("nncf")
def test_layers_beyond_the_bound_are_in_float32_in_the_file(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    x = image(1, 3, 64, 64)
    ours = bounded(engine("onnxruntime"), 3e-4, x)
    hg.save(ours, tmp_path / "net.onnx")
    read = onnx.load(tmp_path / "net.onnx").graph
    held = {each.name: each.data_type for each in read.initializer}
    read_by = {node.output[0]: node.input[0] for node in read.node}
    in_int8 = {
        node.name
        for node in read.node
        if node.op_type in ("Conv", "Gemm")
        and any(held.get(read_by.get(name, "")) == onnx.TensorProto.INT8 for name in node.input)
    }
    assert ours.plan is not None
    assert in_int8 == set(ours.plan.layers)
    again = hg.load_engine(tmp_path / "net.onnx", "onnxruntime", threads=1)
    assert torch.equal(answer(again, x), answer(ours, x))


@pytest.mark.usefixtures("nncf")
def test_a_bound_that_cannot_be_met_or_read() -> None:
    x = image(1, 3, 64, 64)
    with pytest.raises(hg.HRNetGraphError) as caught:
        bounded(engine("ncnn"), 1e-9, x)
    assert "no layer in int8 leaves the results within 1e-09: the least " in str(caught.value)
    assert str(caught.value).endswith("give a larger max_difference, or take float32")
    for bad in (0, -0.1, 1, 2, float("nan"), float("inf"), "0.1", True, [0.1]):
        with pytest.raises(hg.HRNetGraphError, match="expected a number over 0 and under 1, got "):
            bounded("ncnn", bad, x)  # type: ignore[arg-type]
    for target, precision in (("torch", "float32"), ("auto", "float32"), ("ncnn", "f16")):
        with pytest.raises(hg.HRNetGraphError, match=f"max_difference is for int8.*{precision}"):
            hg.compile(SMALL, target, precision, max_difference=0.1)  # type: ignore[arg-type]
