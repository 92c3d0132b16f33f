"""Names that are longer than the system takes are names of nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import refused
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.files import exists, is_file, is_folder

LONG = "q" * 5000
SPEC = "hrnet_w18_small_v1_cls"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", SPEC, "--weights", f"{LONG}.pt", "-o", "a.pt"], "no weights file at 'qqq"),
        (["weights", "convert", f"{LONG}.pt", "--to", "timm", "-o", "a.pt"], "no weights file at"),
        (["validate", f"{LONG}.yaml"], "no spec file at 'qqq"),
        (["validate", "a\0.yaml"], r"no spec file at 'a\x00.yaml'"),
        (["flops", f"{LONG}.yaml"], "no spec file at 'qqq"),
        (["import", f"{LONG}.yaml"], "no file and no timm network named 'qqq"),
        (["import", "a\0"], r"no file and no timm network named 'a\x00'"),
        (["init", SPEC, "-o", f"{LONG}.yaml"], "File name too long"),
        (["predict", SPEC, f"{LONG}.png"], "no image at 'qqq"),
        (["bench", SPEC, "--calibration", LONG], "no folder of images at 'qqq"),
    ],
)
def test_commands(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = refused(arguments, tmp_path, monkeypatch)
    assert message in said
    assert len(said) < 1000


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".pt2", ".onnx"])
def test_loading(suffix: str) -> None:
    if suffix == ".onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    with pytest.raises(hg.FileError, match=r"^no (weights|ONNX) file at 'qqq"):
        hg.load(f"{LONG}{suffix}")


def test_calibration() -> None:
    for package in ("nncf", "onnxruntime"):
        pytest.importorskip(package)
    with pytest.raises(hg.FileError, match=r"^no folder of images at 'qqq"):
        hg.compile(SMALL, "onnxruntime", "int8", calibration=LONG)


def test_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.touch()
    assert [is_file(path) for path in (file, tmp_path, LONG, "\0")] == [True, False, False, False]
    assert [is_folder(path) for path in (file, tmp_path, LONG)] == [False, True, False]
    assert [exists(path) for path in (file, tmp_path, LONG)] == [True, True, False]
