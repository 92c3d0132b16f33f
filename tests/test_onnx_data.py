"""Weights beside an ONNX model go when a model that has none there takes its place; others stay."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from small import SMALL

import hrnet_graph as hg

onnx = pytest.importorskip("onnx")

from hrnet_graph.compiler.onnx import file  # noqa: E402


@pytest.fixture
def model() -> hg.Network:
    return hg.build_module(SMALL)


@pytest.fixture
def larger(model: hg.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model with its weights beside it."""
    path = tmp_path / "net.onnx"
    with monkeypatch.context() as context:
        context.setattr(file, "write_onnx", partial(file.write_onnx, max_bytes=1000))
        hg.save(model, path)
    assert names(tmp_path) == ["net.onnx", "net.onnx.data"]
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_smaller_model_leaves_no_weights_of_the_larger(model: hg.Network, larger: Path) -> None:
    hg.save(model, str(larger))
    assert names(larger.parent) == ["net.onnx"]
    onnx.checker.check_model(larger, full_check=True)


def test_a_larger_model_has_its_own(
    model: hg.Network, larger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "write_onnx", partial(file.write_onnx, max_bytes=1000))
    hg.save(model, larger)
    assert names(larger.parent) == ["net.onnx", "net.onnx.data"]
    onnx.checker.check_model(larger, full_check=True)


def _another_producer(found: Any) -> None:
    found.producer_name = "pytorch"


def _another_file(found: Any) -> None:
    for tensor in found.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "shared.data"


@pytest.mark.parametrize("change", [_another_producer, _another_file])
def test_what_is_not_ours_alone_stays(model: hg.Network, larger: Path, change: Any) -> None:
    found = onnx.load(larger, load_external_data=False)
    change(found)
    onnx.save(found, larger)
    hg.save(model, larger)
    assert names(larger.parent) == ["net.onnx", "net.onnx.data"]


@pytest.mark.parametrize("content", [None, b"", b"no model at all"], ids=str)
def test_weights_that_no_model_refers_to_stay(
    model: hg.Network, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "net.onnx"
    (tmp_path / "net.onnx.data").write_bytes(b"precious")
    if content is not None:
        path.write_bytes(content)
    hg.save(model, path)
    assert (tmp_path / "net.onnx.data").read_bytes() == b"precious"


def test_a_large_file_is_not_read_again(
    model: hg.Network, larger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "MAX_MODEL", 10)
    hg.save(model, larger)
    assert names(larger.parent) == ["net.onnx", "net.onnx.data"]


def test_a_failed_write_leaves_both(larger: Path) -> None:
    before = [path.read_bytes() for path in sorted(larger.parent.iterdir())]
    with pytest.raises(hg.FileError, match="no values"):
        hg.save(hg.build_module(SMALL, device="meta"), larger)
    assert [path.read_bytes() for path in sorted(larger.parent.iterdir())] == before


def test_a_name_too_long_for_a_second_file_is_written(model: hg.Network, tmp_path: Path) -> None:
    path = tmp_path / ("n" * 248 + ".onnx")
    hg.save(model, path)
    assert names(tmp_path) == [path.name]
