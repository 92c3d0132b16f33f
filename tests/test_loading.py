"""Packages that are installed and do not load, or are too old for us: one sentence, and no more."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.cli.main import main
from hrnet_graph.extras import loading

BROKEN = "raise OSError('libgomp.so.1: cannot open shared object file')\n"


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Puts another package in the place of one, for a part of ours that imports it anew."""

    def put(package: str, source: str, part: str) -> None:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        for name in [*sys.modules]:
            if name.partition(".")[0] == package or f"{name}.".startswith(f"{part}."):
                monkeypatch.delitem(sys.modules, name)

    return put


@pytest.mark.parametrize(
    ("source", "said"),
    [(BROKEN, r"OSError: libgomp.so.1"), ("", r"AttributeError: module 'ncnn' has no .*Reader'")],
)
def test_an_engine_that_does_not_load_is_said(
    put: Callable[[str, str, str], None], source: str, said: str
) -> None:
    put("ncnn", source, "hrnet_graph.engines.ncnn")
    with pytest.raises(hg.HRNetGraphError, match=f"^ncnn is installed and .*: {said}") as caught:
        hg.compile(SMALL, "ncnn")
    assert caught.value.hint == "pip install --upgrade --force-reinstall ncnn"


def test_a_command_says_it_too(
    put: Callable[[str, str, str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put("pygls", BROKEN, "hrnet_graph.lsp")
    monkeypatch.setattr(sys, "argv", ["hrnet-graph", "lsp"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: pygls is installed and does not load: OSErr")


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), loading():
        print(1 / 0)
    with pytest.raises(AttributeError), loading():
        print(hg.Spec.nothing)  # type: ignore[attr-defined]
