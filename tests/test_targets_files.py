"""Files loaded onto an engine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from engines import ENGINES, agree, engine, image, module, names
from small import SMALL

import hrnet_graph as hg


@pytest.mark.parametrize("target", [None, "onnxruntime", "openvino"])
@pytest.mark.parametrize("head", [5, 9], ids=names)
def test_onnx_files_are_loaded(tmp_path: Path, target: str | None, head: int) -> None:
    engine(target or "onnxruntime")
    model, x = module(head), image(2, 3, 96, 64)
    hg.save(model, tmp_path / "net.onnx")
    ours = hg.load(tmp_path / "net.onnx", target=target, threads=1)
    assert ours.target == (target or "onnxruntime")
    with torch.no_grad():
        agree(ours(x), model(x), "float32")


@pytest.mark.parametrize("target", ENGINES)
def test_modules_are_loaded_onto_an_engine(tmp_path: Path, target: str) -> None:
    model, x = module(0), image(1, 3, 64, 64)
    hg.save(model, tmp_path / "net.pt")
    ours = hg.load(tmp_path / "net.pt", target=engine(target))
    with torch.no_grad():
        agree(ours(x), model(x), "float32")


@pytest.mark.parametrize("target", ["onnxruntime", "openvino"])
def test_a_half_onnx_file_takes_float32(tmp_path: Path, target: str) -> None:
    model = hg.build_module(SMALL).eval()
    x = image(1, 3, 64, 64)
    with torch.no_grad():
        theirs = model(x)
    hg.save(model.half(), tmp_path / "net.onnx")
    agree(hg.load(tmp_path / "net.onnx", target=engine(target))(x), theirs, "float16")


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


def test_arguments_of_another_kind_are_refused(tmp_path: Path) -> None:
    model = hg.build_module(SMALL)
    with pytest.raises(hg.HRNetGraphError, match=r"^float16: expected a bool, got str 'no'"):
        hg.save(model, tmp_path / "net.param", float16="no")  # type: ignore[arg-type]
    with pytest.raises(hg.HRNetGraphError, match=r"^path: expected the name of a file, got int 5"):
        hg.save(model, 5)  # type: ignore[arg-type]
    assert not [*tmp_path.iterdir()]


def test_onnx_files_run_where_onnx_runs(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(hg.HRNetGraphError, match="runs on onnxruntime or openvino, got 'torch'"):
        hg.load(saved, target="torch")
    with pytest.raises(hg.HRNetGraphError, match="int8 is made from weights"):
        hg.load(saved, target="onnxruntime", precision="int8")
    network = str(saved.with_suffix(".pt"))
    hg.save(hg.build_module(SMALL), network)
    with pytest.raises(hg.HRNetGraphError, match=r"\n  give calibration to hg.compile\(hg.load"):
        hg.load(network, target="onnxruntime", precision="int8")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(hg.HRNetGraphError, match="the target onnxruntime needs onnxruntime"):
        hg.load(saved)


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
    agree(run(image(2, 3, 64, 64)), module(0)(image(2, 3, 64, 64)), "float32")
    for shape in ((1, 3, 64, 64), (2, 3, 96, 64)):
        with pytest.raises(hg.InputError, match=r"its file is for images of 2x3x64x64, got \d+x3x"):
            run(image(*shape))
