"""Whichever engine runs a network, it answers what the module answers."""

from __future__ import annotations

import logging
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from published import fill, relative_error
from small import SMALL
from strategies import FINEST_ALONE, HEADS

import hrnet_graph as hg
from hrnet_graph.compiler.module.network import Network, Output
from hrnet_graph.targets.compiled import Compiled, Drop
from hrnet_graph.targets.table import PRECISIONS, TARGETS

ENGINES = ["torch", "onnxruntime", "openvino"]
"""The targets that need no C++ compiler."""

TOLERANCE = {"f32": 1e-5, "bf16": 0.05, "f16": 0.01, "int8": 0.15}
"""Precision -> the largest difference from the module in float32, over the largest value."""


def engine(name: str) -> str:
    """A target, if its engine is installed."""
    for package in TARGETS[name].packages:
        pytest.importorskip(package)
    return name


def has(target: str, precision: str) -> None:
    """Skips where the engine or the processor lacks a precision."""
    engine(target)
    if target == "openvino":
        import openvino

        found = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if {"bf16": "BF16", "f16": "FP16"}.get(precision, "FP32") not in found:
            pytest.skip(f"this processor has no {precision} in OpenVINO")


def spec_of(head: int) -> dict[str, Any]:
    """A small network with one of the heads."""
    chosen = dict(HEADS[head])
    if chosen["kind"] == "classification" or "pyramid" in chosen:
        chosen["channels"] = [2, 3]
    last = {"outputs": 1} if chosen["kind"] in FINEST_ALONE else {}
    first, second, _ = SMALL["stages"]
    return {**SMALL, "stages": [first, {**second, **last}], "head": chosen}


@cache
def module(head: int) -> Network:
    model = hg.build_module(spec_of(head)).eval()
    fill(model)
    return model


def image(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def flat(output: Output) -> list[torch.Tensor]:
    if isinstance(output, dict):
        return list(output.values())
    return output if isinstance(output, list) else [output]


def agree(ours: Output, theirs: Output, precision: str) -> None:
    """The same kinds, names, shapes and types, and values within the tolerance."""
    assert type(ours) is type(theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        assert list(ours) == list(theirs)
    for a, b in zip(flat(ours), flat(theirs), strict=True):
        assert a.shape == b.shape
        assert a.dtype == torch.float32
        assert not a.requires_grad
        assert relative_error(a, b) < TOLERANCE[precision]


def names(head: int) -> str:
    return f"{head}-{HEADS[head]['kind']}"


@pytest.mark.parametrize("target", ENGINES)
@pytest.mark.parametrize("head", range(len(HEADS)), ids=names)
def test_every_head_on_every_engine(target: str, head: int) -> None:
    model = module(head)
    ours = hg.compile(model, engine(target), threads=1)
    for shape in ((1, 3, 64, 64), (2, 3, 96, 64)):
        x = image(*shape)
        with torch.no_grad():
            agree(ours(x), model(x), "f32")


@pytest.mark.parametrize("precision", ["bf16", "f16"])
@pytest.mark.parametrize("target", ENGINES)
@pytest.mark.parametrize("head", [0, 9], ids=names)
def test_lower_precisions(target: str, precision: str, head: int) -> None:
    if precision not in TARGETS[target].precisions:
        pytest.skip(f"{target} has no {precision}")
    has(target, precision)
    model, x = module(head), image(2, 3, 64, 64)
    ours = hg.compile(model, target, precision)
    assert (ours.target, ours.precision) == (target, precision)
    with torch.no_grad():
        theirs = model(x)
    agree(ours(x), theirs, precision)
    assert any(not torch.equal(a, b) for a, b in zip(flat(ours(x)), flat(theirs), strict=True))


@pytest.mark.slow
def test_torch_compile() -> None:
    spec = {**SMALL, "stages": SMALL["stages"][:1], "head": {"kind": "features"}}
    model, x = hg.build_module(spec).eval(), image(2, 3, 32, 32)
    fill(model)
    with torch.no_grad():
        agree(hg.compile(model, "torch-compile")(x), model(x), "f32")


def test_the_network_stays_as_it_is() -> None:
    model = hg.build_module(SMALL)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    ours = hg.compile(model)
    assert model.training
    x = image(1, 3, 64, 64)
    first = ours(x)
    with torch.no_grad():
        model.conv1.weight.zero_()
    assert torch.equal(ours(x), first)
    assert all(
        torch.equal(v, before[k]) for k, v in model.state_dict().items() if k[:6] != "conv1."
    )


def test_a_half_network_runs_in_float32() -> None:
    model = hg.build_module(SMALL).eval()
    half = hg.build_module(SMALL).eval()
    half.load_state_dict(model.state_dict())
    half.half()
    x = image(1, 3, 64, 64)
    with torch.no_grad():
        agree(hg.compile(half)(x), model(x), "f16")
    assert half.conv1.weight.dtype == torch.float16


@pytest.mark.parametrize("target", ENGINES)
def test_arrays_are_answered_in_kind(target: str) -> None:
    model = module(12)
    x = image(1, 3, 64, 64)
    ours = hg.compile(model, engine(target))
    tensors, arrays = ours(x), ours(x.numpy().astype(np.float64))
    assert list(arrays) == list(tensors)
    for name, array in arrays.items():
        assert isinstance(array, np.ndarray)
        assert np.allclose(array, tensors[name].numpy(), atol=1e-6)


@pytest.mark.parametrize("target", ENGINES)
def test_bad_images_are_refused_in_the_modules_words(target: str) -> None:
    model = module(0)
    ours = hg.compile(model, engine(target))
    for shape in ((3, 64, 64), (1, 4, 64, 64), (1, 3, 65, 64), ()):
        with pytest.raises(hg.InputError) as theirs:
            model(torch.zeros(shape))
        with pytest.raises(hg.InputError) as caught:
            ours(torch.zeros(shape))
        assert str(caught.value) == str(theirs.value)
    with pytest.raises(hg.InputError, match=r"small takes images of floats, got torch\.uint8"):
        ours(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    hg.compile(SMALL, threads=before + 1)(image(1, 3, 64, 64))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "openvin"}, r"unknown target 'openvin'; did you mean 'openvino'\? \(known: to"),
        ({"precision": "f31"}, r"unknown precision 'f31'; did you mean 'f32'\?"),
        ({"precision": "int8"}, "the target torch has no int8, only f32, bf16, f16"),
        ({"threads": 0}, "expected one thread or more, got 0"),
        ({"input_size": (65, 64)}, "small: input 65x64 does not fit"),
    ],
)
def test_what_cannot_be_compiled(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(hg.HRNetGraphError, match=message):
        hg.compile(SMALL, **arguments)


def test_networks_that_cannot_be_compiled(tmp_path: Path) -> None:
    with pytest.raises(hg.HRNetGraphError, match="weights need a spec, got a network"):
        hg.compile(module(0), weights=tmp_path / "a.pt")
    with pytest.raises(hg.HRNetGraphError, match="small is on the meta device and has no values"):
        hg.compile(hg.build_module(SMALL, device="meta"))
    with pytest.raises(hg.HRNetGraphError, match="small is optimised for inference already"):
        hg.compile(hg.build_module(SMALL, optimize="inference"))


@pytest.mark.parametrize("target", ["onnxruntime", "openvino"])
def test_a_missing_engine_is_named_with_its_command(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine(target)
    monkeypatch.setitem(sys.modules, target, None)
    with pytest.raises(hg.HRNetGraphError) as caught:
        hg.compile(SMALL, target)
    assert str(caught.value) == (
        f"the target {target} needs {target}\n  pip install 'hrnet-graph[{target}]'"
    )


def test_a_precision_that_the_processor_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    engine("openvino")
    from hrnet_graph.targets import openvino

    monkeypatch.setattr(openvino, "CAPABILITIES", {"f32": "FP32", "bf16": "NOWHERE"})
    with pytest.raises(hg.HRNetGraphError, match=r"has no bf16 on this processor: f32$"):
        hg.compile(SMALL, "openvino", "bf16")


def needs_nncf() -> None:
    for package in ("nncf", "onnxruntime"):
        pytest.importorskip(package)
    logging.disable(logging.WARNING)  # of torch's, about compilers for CUDA


@pytest.mark.parametrize(("target", "head"), [("onnxruntime", 0), ("openvino", 0), ("openvino", 9)])
def test_int8_and_what_it_costs_layer_by_layer(target: str, head: int) -> None:
    needs_nncf()
    engine(target)
    model = module(head)
    images = [image(1, 3, 64, 64), image(2, 3, 64, 64)]
    ours = hg.compile(model, target, "int8", calibration=iter(images))
    x = image(2, 3, 96, 64)
    with torch.no_grad():
        agree(ours(x), model(x), "int8")
    layers = {drop.layer: drop.error for drop in ours.drops}
    assert {"conv1", "stage2.0.branches.1.0.conv1"} <= layers.keys()
    assert any(name.endswith("classifier" if head == 0 else "matmul_value") for name in layers)
    assert all(0 <= error < 0.15 for error in layers.values())
    assert layers["conv1"] < 0.05


def test_drops_are_also_decibels() -> None:
    assert Drop("conv1", 0.1).decibels == pytest.approx(20)
    assert Drop("conv1", 0.0).decibels == float("inf")


def test_int8_over_a_folder_of_images(tmp_path: Path) -> None:
    needs_nncf()
    (tmp_path / "more").mkdir()
    for name in ("a.png", "more/b.jpg"):
        pixels = np.random.default_rng(0).integers(0, 255, (50, 70, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    ours = hg.compile(module(0), engine("onnxruntime"), "int8", calibration=tmp_path)
    assert isinstance(ours, Compiled)
    assert ours.drops


def test_calibration_that_cannot_be_used(tmp_path: Path) -> None:
    needs_nncf()
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
        (grey, tmp_path, "small: expected 3 input channels, got 1"),
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


@pytest.mark.parametrize("target", [None, "onnxruntime", "openvino"])
@pytest.mark.parametrize("head", [5, 9], ids=names)
def test_onnx_files_are_loaded(tmp_path: Path, target: str | None, head: int) -> None:
    engine(target or "onnxruntime")
    model, x = module(head), image(2, 3, 96, 64)
    hg.save(model, tmp_path / "net.onnx")
    ours = hg.load(tmp_path / "net.onnx", target=target, threads=1)
    assert ours.target == (target or "onnxruntime")
    with torch.no_grad():
        agree(ours(x), model(x), "f32")


@pytest.mark.parametrize("target", ENGINES)
def test_modules_are_loaded_onto_an_engine(tmp_path: Path, target: str) -> None:
    model, x = module(0), image(1, 3, 64, 64)
    hg.save(model, tmp_path / "net.pt")
    ours = hg.load(tmp_path / "net.pt", target=engine(target))
    with torch.no_grad():
        agree(ours(x), model(x), "f32")


@pytest.mark.parametrize("target", ["onnxruntime", "openvino"])
def test_a_half_onnx_file_takes_float32(tmp_path: Path, target: str) -> None:
    model = hg.build_module(SMALL).eval()
    x = image(1, 3, 64, 64)
    with torch.no_grad():
        theirs = model(x)
    hg.save(model.half(), tmp_path / "net.onnx")
    agree(hg.load(tmp_path / "net.onnx", target=engine(target))(x), theirs, "f16")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    engine("onnxruntime")
    hg.save(module(0), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


@pytest.mark.parametrize("target", ["onnxruntime", "openvino"])
def test_bad_onnx_files_end_in_one_sentence(saved: Path, target: str) -> None:
    engine(target)
    import onnx

    whole = saved.read_bytes()
    foreign, other, empty = (onnx.load_from_string(whole) for _ in range(3))
    del foreign.metadata_props[:]
    other.graph.output[0].name = "other"
    del empty.graph.node[:]
    wrong = onnx.load_from_string(whole)
    next(entry for entry in wrong.metadata_props if entry.key == "spec").value = "width: ["
    for content, message in (
        (b"", "holds no spec of ours"),
        (b"hello, world" * 9, "is damaged or no ONNX file"),
        (whole[:-5000], "is damaged or no ONNX file"),
        (foreign.SerializeToString(), "holds no spec of ours"),
        (other.SerializeToString(), "holds a model that is not its spec's"),
        (wrong.SerializeToString(), "holds a spec that is wrong"),
        (empty.SerializeToString(), f"{target} cannot open "),
    ):
        saved.write_bytes(content)
        with pytest.raises(hg.FileError, match=message) as caught:
            hg.load(saved, target=target)
        assert saved.name in caught.value.message
        assert "\n" not in caught.value.message.partition("spec that is wrong")[0]
    saved.unlink()
    with pytest.raises(hg.FileError, match="no ONNX file at"):
        hg.load(saved, target=target)


def test_onnx_files_run_where_onnx_runs(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(hg.HRNetGraphError, match="runs on onnxruntime or openvino, got 'torch'"):
        hg.load(saved, target="torch")
    with pytest.raises(hg.HRNetGraphError, match="int8 is made from weights"):
        hg.load(saved, target="onnxruntime", precision="int8")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(hg.HRNetGraphError, match="the target onnxruntime needs onnxruntime"):
        hg.load(saved)


def test_precisions_are_known() -> None:
    assert set(PRECISIONS) == set(TOLERANCE)
    for target in TARGETS.values():
        assert "f32" in target.precisions


@pytest.mark.parametrize("more", [{"device": "cpu"}, {"optimize": "inference"}])
def test_what_is_for_modules_is_refused_for_engines(tmp_path: Path, more: dict[str, Any]) -> None:
    with pytest.raises(hg.HRNetGraphError, match="device and optimize are for modules"):
        hg.load(tmp_path / "a.onnx", **more)
    with pytest.raises(hg.HRNetGraphError, match="device and optimize are for modules"):
        hg.load(tmp_path / "a.pt", target="torch", **more)


@pytest.mark.parametrize("target", ["onnxruntime", "openvino"])
def test_a_file_for_one_shape_says_so(target: str, tmp_path: Path) -> None:
    engine(target)
    hg.save(module(0), tmp_path / "net.onnx", fixed_size=True, batch=2)
    run = hg.load(tmp_path / "net.onnx", target=target)
    agree(run(image(2, 3, 64, 64)), module(0)(image(2, 3, 64, 64)), "f32")
    for shape in ((1, 3, 64, 64), (2, 3, 96, 64)):
        with pytest.raises(hg.InputError, match=r"its file is for images of 2x3x64x64, got \d+x3x"):
            run(image(*shape))
