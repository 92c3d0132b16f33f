"""Whichever engine runs a network, it answers what the module answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engines import ENGINES, TOLERANCE, agree, engine, has, image, module, names
from published import fill
from small import SMALL, maps_of
from strategies import HEADS

import hrnet_graph as hg
from hrnet_graph.engines.engine import OWN
from hrnet_graph.precision import PRECISIONS, PrecisionName


@pytest.mark.parametrize("target", ENGINES)
@pytest.mark.parametrize("head", range(len(HEADS)), ids=names)
def test_every_head_on_every_engine(target: str, head: int) -> None:
    model = module(head)
    ours = hg.compile(model, engine(target), threads=1)
    is_bound = HEADS[head]["kind"] == "simcc"  # whose linear layers have weights for one size
    for shape in ((1, 3, 64, 64), (2, 3, 64 if is_bound else 96, 64)):
        x = image(*shape)
        with torch.no_grad():
            agree(ours(x), model(x), "float32")
    if is_bound:
        with pytest.raises(hg.InputError, match="has weights for 64x64 alone"):
            ours(image(1, 3, 96, 64))


@pytest.mark.parametrize("target", ENGINES)
def test_weights_need_not_lie_row_by_row(target: str) -> None:
    head = {"kind": "segmentation", "classes": 3}
    model = hg.build_module({**SMALL, "width": 32, "head": head}).eval()
    x = image(1, 3, 64, 64)
    with torch.no_grad():
        theirs = model(x)
    for each in (model, model.to(memory_format=torch.channels_last)):
        agree(hg.compile(each, engine(target), threads=1)(x), theirs, "float32")


@pytest.mark.parametrize(
    ("target", "precision"),
    [(name, p) for p in ("bfloat16", "float16") for name in ENGINES if p in OWN[name].precisions],
)
@pytest.mark.parametrize("head", [0, 9], ids=names)
def test_lower_precisions(target: str, precision: PrecisionName, head: int) -> None:
    has(target, precision)
    model, x = module(head), image(2, 3, 64, 64)
    ours = hg.compile(model, target, precision)
    assert (ours.target, ours.precision) == (target, precision)
    with torch.no_grad():
        theirs = model(x)
    agree(ours(x), theirs, precision)
    assert any(
        not torch.equal(a, b) for a, b in zip(maps_of(ours(x)), maps_of(theirs), strict=True)
    )


@pytest.mark.slow
def test_torch_compile() -> None:
    spec = {**SMALL, "stages": SMALL["stages"][:1], "head": {"kind": "features"}}
    del spec["width"]  # which the first stage does not read
    model, x = hg.build_module(spec).eval(), image(2, 3, 32, 32)
    fill(model)
    with torch.no_grad():
        agree(hg.compile(model, "torch-compile")(x), model(x), "float32")


def test_the_network_stays_as_it_is() -> None:
    model = hg.build_module(SMALL)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    ours = hg.compile(model)
    assert model.training
    x = image(1, 3, 64, 64)
    first = ours(x)
    with torch.no_grad():
        model.conv1.weight.zero_()
    agree(ours(x), first, "float32")
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
        agree(hg.compile(half)(x), model(x), "float16")
    assert half.conv1.weight.dtype == torch.float16


@pytest.mark.parametrize("target", ENGINES)
def test_arrays_are_answered_in_kind(target: str) -> None:
    model = module(12)
    x = image(1, 3, 64, 64)
    ours = hg.compile(model, engine(target))
    tensors, arrays = ours(x), ours(x.numpy().astype(np.float64))
    assert isinstance(tensors, dict)
    assert isinstance(arrays, dict)
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
        ({"precision": "float31"}, r"unknown precision 'float31'; did you mean 'float32'\?"),
        ({"precision": "int8"}, "the target torch has no int8, only float32, bfloat16, float16"),
        ({"threads": 0}, "^threads: expected 1 to 1024 threads, got 0"),
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
    with pytest.raises(
        hg.HRNetGraphError, match="small is optimized for inference, and its weights"
    ):
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
    from hrnet_graph.engines import openvino

    monkeypatch.setattr(openvino, "CAPABILITIES", {"float32": "FP32", "bfloat16": "NOWHERE"})
    with pytest.raises(hg.HRNetGraphError, match=r"has no bfloat16 on this processor: float32$"):
        hg.compile(SMALL, "openvino", "bf16")


def test_precisions_are_known() -> None:
    assert set(PRECISIONS) == set(TOLERANCE)
    for target in OWN.values():
        assert "float32" in target.precisions
