"""The files of a figure: one drawing, whatever the format, and whatever the machine has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from drawn import read_svg
from figures import SMALL, dot_of, graph, svg_of

from hrnet_graph.choices import ViewName
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.render import render
from hrnet_graph.viz.to_dot import _quote


@pytest.mark.parametrize("view", ["figure", "block"])
def test_the_svg_keeps_every_position(view: ViewName) -> None:
    drawing, figure = lay_out(graph(SMALL), view), read_svg(svg_of(graph(SMALL), view))
    for box in drawing.boxes:
        rect = figure.parts[box.path][1]
        assert rect.centre == pytest.approx(box.rect.centre, abs=0.02)
        assert (rect.width, rect.height) == pytest.approx(
            (box.rect.width, box.rect.height), abs=0.02
        )


@pytest.mark.skipif(not shutil.which("neato"), reason="needs the system's Graphviz")
@pytest.mark.parametrize("command", [["dot"], ["neato"], ["neato", "-n2"]])
def test_any_command_of_graphviz_draws_the_dot(command: list[str]) -> None:
    result = subprocess.run(
        [*command, "-Tsvg"], input=dot_of(graph(SMALL)).encode(), capture_output=True, check=True
    )
    assert result.stderr == b""
    titles = re.findall(r"<title>(.*?)</title>", result.stdout.decode())
    drawing = lay_out(graph(SMALL))
    assert {box.path for box in drawing.boxes} <= set(titles)
    assert sum("&#45;&gt;" in title for title in titles) == len(drawing.arrows)


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_every_format_without_any_program(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    path = render(graph(SMALL), tmp_path / f"a.{suffix}")
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    assert path.read_bytes().startswith(starts[suffix])


def test_the_same_bytes_from_run_to_run() -> None:
    code = f"""
import sys
import hrnet_graph as hg
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.to_pdf import to_pdf
from hrnet_graph.viz.to_png import to_png
from hrnet_graph.viz.to_svg import to_svg
for view in ("figure", "fuse", "block"):
    drawing = lay_out(hg.build_graph({SMALL!r}), view)
    sys.stdout.buffer.write(to_svg(drawing).encode() + to_pdf(drawing))
sys.stdout.buffer.write(to_png(drawing))
"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": f"Etc/GMT+{seed}"},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]


@pytest.mark.skipif(not shutil.which("dot"), reason="needs the system's Graphviz")
@pytest.mark.parametrize("text", ['a"b', "a\\", 'a\\"; b [x=1]; "', 'a\\\\" b', "a b"])
def test_a_quoted_string_is_one_string(text: str) -> None:
    source = f"digraph {{ {_quote(text)} [label={_quote(text)}] }}"
    done = subprocess.run(
        ["dot", "-Tjson"], input=source, text=True, capture_output=True, check=True
    )
    assert done.stdout.count('"_gvid"') == 1
