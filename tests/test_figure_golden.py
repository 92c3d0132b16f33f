"""Golden figures: they change only on purpose.

`FIGURES=write pytest tests/test_figure_golden.py` draws them anew and fails, so that nothing passes
that was not compared; look at them before committing.
They are DOT with every position given, so that they do not depend on an engine.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from figures import SMALL

import hrnet_graph as hg
from hrnet_graph.viz.render import render, render_difference

FOLDER = Path(__file__).parent / "data" / "figures"

GOLDENS: dict[str, tuple[str, dict[str, Any]]] = {
    "figure": (SMALL, {}),
    "figure_dark_tb_numbers": (
        SMALL,
        {"theme": "dark", "orientation": "tb", "labels": "numbers", "colour": "macs"},
    ),
    "fuse": (SMALL, {"view": "fuse"}),
    "module": (SMALL, {"view": "module", "expand": ["stage2.0"]}),
    "ocr": ("hrnetv2_w48_ocr_cityscapes", {"only": "head"}),
    "bottom_up": ("higherhrnet_w32_512", {"only": "head", "width": "single"}),
}


def check(drawn: Path, folder: Path = FOLDER) -> None:
    golden = folder / drawn.name
    if os.environ.get("FIGURES") == "write":
        golden.write_bytes(drawn.read_bytes())
        pytest.fail(f"{drawn.name} was drawn anew and compared with nothing; run without FIGURES")
    assert drawn.read_text() == golden.read_text(), f"{drawn.name} has changed"


@pytest.mark.parametrize("name", GOLDENS)
def test_a_figure_changes_only_on_purpose(name: str, tmp_path: Path) -> None:
    spec, options = GOLDENS[name]
    check(render(hg.build_graph(hg.load_spec(spec)), tmp_path / f"{name}.dot", **options))


def test_a_difference_changes_only_on_purpose(tmp_path: Path) -> None:
    graphs = [
        hg.build_graph(hg.load_spec(SMALL, changes))
        for changes in ({}, {"stages.2.modules": 2, "stages.3.blocks": 1})
    ]
    check(render_difference(graphs[0], graphs[1], tmp_path / "difference.dot"))


def test_drawing_anew_never_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = tmp_path / "a.dot"
    drawn.write_text("digraph {}")
    (tmp_path / "goldens").mkdir()
    monkeypatch.setenv("FIGURES", "write")
    with pytest.raises(pytest.fail.Exception, match=r"a\.dot was drawn anew and compared with"):
        check(drawn, tmp_path / "goldens")
    monkeypatch.delenv("FIGURES")
    check(drawn, tmp_path / "goldens")
