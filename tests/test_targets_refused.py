"""Whatever is given to an engine that it cannot use is one message."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from engines import ENGINES, agree, engine, image, module
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.cli.main import cli

X = image(1, 3, 64, 64)


@pytest.mark.parametrize("target", ENGINES)
@pytest.mark.parametrize("threads", [0, -1, "2", "a", 1.5, True, 2**40, np.array([1, 2])])
def test_threads(target: str, threads: Any, tmp_path: Path) -> None:
    message = r"^threads: expected 1 to 1024 threads, got "
    with pytest.raises(hg.HRNetGraphError, match=message):
        hg.compile(SMALL, engine(target), threads=threads)
    suffix = ".pt" if target == "torch" else ".onnx"
    hg.save(module(0), tmp_path / f"net{suffix}")
    with pytest.raises(hg.HRNetGraphError, match=message):
        hg.load(tmp_path / f"net{suffix}", target=target, threads=threads)


def test_threads_are_bounded_on_the_command_line() -> None:
    result = CliRunner().invoke(cli, ["bench", "hrnet_w18_cls", "--threads", "1025"])
    assert result.exit_code == 2
    assert "1025 is not in the range 1<=x<=1024" in result.output


def test_threads_may_be_of_numpy() -> None:
    run = hg.compile(module(0), threads=np.int64(2))  # type: ignore[arg-type]
    agree(run(X), hg.compile(module(0), threads=2)(X), "float32")


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        (lambda: [X, X * float("nan")], "int8 needs images of finite numbers to be calibrated on$"),
        (lambda: [X + float("inf")], "int8 needs images of finite numbers to be calibrated on$"),
        (lambda: [X, X[:0]], "int8 needs images to be calibrated on, got an empty batch$"),
        (lambda: X[0, 0, 0, 0], r"calibration: expected batches or a folder, got tensor\("),
        (lambda: 5, "calibration: expected batches or a folder, got 5$"),
        (lambda: ["a"], "small takes a tensor or an array, got 'a'$"),
        (lambda: [X.to("meta")], "small takes images of plain numbers, got a meta tensor$"),
        (lambda: [X.to(torch.uint8)], r"small takes images of floats, got torch\.uint8$"),
    ],
)
def test_calibration(batches: Callable[[], Any], message: str) -> None:
    for package in ("nncf", "onnxruntime"):
        pytest.importorskip(package)
    with pytest.raises(hg.HRNetGraphError, match=f"^{message}"):
        hg.compile(module(0), engine("onnxruntime"), "int8", calibration=batches())


def test_weights_that_give_no_numbers_are_not_made_int8() -> None:
    for package in ("nncf", "onnxruntime"):
        pytest.importorskip(package)
    model = copy.deepcopy(module(0))
    with torch.no_grad():
        for layer in (model.conv1, model.conv2):
            layer.weight.fill_(1e30)  # which overflow together
    expected = "^the network cannot be made int8: .*\n  weights and images have to give finite"
    with pytest.raises(hg.HRNetGraphError, match=expected):
        hg.compile(model, engine("onnxruntime"), "int8", calibration=[X])


def test_arrays_of_any_floats_are_taken() -> None:
    run = hg.compile(module(0))
    array = X.numpy()
    for dtype in (">f4", ">f8", np.longdouble):
        np.testing.assert_array_equal(run(array.astype(dtype)), run(array))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: X.numpy().astype(object), "floats, got object"),
        (lambda: X.numpy().astype(str), "floats, got str"),
        (lambda: X.numpy().astype(complex), "floats, got complex128"),
        (lambda: X.to("meta"), "plain numbers, got a meta tensor"),
        (lambda: X.to_sparse(), "plain numbers, got a sparse tensor"),
    ],
)
def test_images(given: Callable[[], Any], message: str) -> None:
    run = hg.compile(module(0))
    with pytest.raises(hg.InputError, match=f"^small takes images of {message}"):
        run(given())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": None}, r"unknown target None \(known: torch, "),
        ({"target": ["torch"]}, r"unknown target \['torch'\]; did you mean 'torch'\?"),
        ({"precision": 16}, r"unknown precision 16 \(known: float32, bfloat16, float16, int8\)"),
        ({"input_size": 64}, r"input_size: expected \(height, width\), got 64$"),
        ({"input_size": ()}, r"input_size: expected \(height, width\), got \(\)$"),
        ({"input_size": "64"}, r"input_size: expected \(height, width\), got '64'$"),
        ({"input_size": (64, 64.0)}, r"input_size: expected 1 to 65536 pixels, got 64\.0$"),
        ({"input_size": (10**30, 64)}, "input_size: expected 1 to 65536 pixels, got 10000"),
    ],
)
def test_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(hg.HRNetGraphError, match=f"^{message}"):
        hg.compile(SMALL, **options)


@pytest.mark.parametrize("batch", ["a", 1.5, True, 0, 2**70])
def test_batches_of_a_file(batch: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    with pytest.raises(hg.HRNetGraphError, match=r"^batch: expected 1 to 65536 images, got "):
        hg.save(module(0), tmp_path / "net.onnx", batch=batch)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["roofline", "hrnet_w18_cls", "--bandwidth", "1", "--peak"],
        ["bench", "hrnet_w18_cls", "--recommend", "--seconds"],
        ["predict", "hrnet_w18_cls", "x.png", "--threshold"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_numbers_are_finite(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, [*arguments, "nan"])
    assert result.exit_code == 2
    assert f"'{arguments[-1]}': expected a finite number, got nan" in result.output
