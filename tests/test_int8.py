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
