"""The programs that draw a figure: all draw the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from drawn import read_svg
from figures import SMALL, dot_of, graph

import hrnet_graph as hg
from hrnet_graph.choices import ViewName
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.engine import run_graphviz
from hrnet_graph.viz.render import render
from hrnet_graph.viz.to_dot import _quote


@pytest.mark.parametrize("view", ["figure", "block"])
def test_both_engines_keep_every_position(view: ViewName, monkeypatch: pytest.MonkeyPatch) -> None:
    g = graph(SMALL)
    drawing, dot = lay_out(g, view), dot_of(g, view)
    figures = [read_svg(run_graphviz(dot, "svg"))]
    monkeypatch.setattr("shutil.which", lambda _: None)
    figures.append(read_svg(run_graphviz(dot, "svg")))
    for figure in figures:
        for box in drawing.boxes:
            rect = figure.parts[box.path][1]
            assert rect.centre == pytest.approx(box.rect.centre, abs=1)
            assert (rect.width, rect.height) == pytest.approx(
                (box.rect.width, box.rect.height), abs=1.6
            )


@pytest.mark.skipif(not shutil.which("neato"), reason="needs the system's Graphviz")
@pytest.mark.parametrize("command", [["dot"], ["neato"], ["neato", "-n2"]])
def test_any_command_of_graphviz_draws_the_dot(command: list[str]) -> None:
    dot = dot_of(graph(SMALL))
    result = subprocess.run(
        [*command, "-Tsvg"], input=dot.encode(), capture_output=True, check=True
    )
    assert result.stderr == b""
    assert read_svg(result.stdout) == read_svg(run_graphviz(dot, "svg"))


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_every_format_without_a_system_graphviz(
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
from hrnet_graph.viz.engine import run_graphviz
from hrnet_graph.viz.to_dot import to_dot
for view in ("figure", "fuse", "block"):
    sys.stdout.buffer.write(run_graphviz(to_dot(lay_out(hg.build_graph({SMALL!r}), view)), "svg"))
"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]


def test_the_wheels_engine_leaves_standard_error_to_the_process() -> None:
    """Not a word of another thread is lost while figures are drawn, and none of the engine's said."""
    code = """
import os
import threading
from hrnet_graph.viz.engine import run_graphviz

threads = [
    threading.Thread(target=run_graphviz, args=("digraph { a -> b [label=words] }", "png"))
    for _ in range(4)
]
for thread in threads:
    thread.start()
said = 0
while any(thread.is_alive() for thread in threads):
    os.write(2, b"a line\\n")
    said += 1
print(said)
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PATH": ""},
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(run.stdout) > 100
    assert run.stderr == int(run.stdout) * "a line\n"


def test_what_the_engine_cannot_draw_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(hg.FileError) as caught:
        run_graphviz("digraph {", "svg")
    assert caught.value.message.startswith("Graphviz could not draw the svg: ")
    assert "\n" not in caught.value.message
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(hg.FileError, match="No such file or directory: '/nowhere/python'"):
        run_graphviz("digraph {}", "svg")


@pytest.mark.parametrize("text", ['a"b', "a\\", 'a\\"; b [x=1]; "', 'a\\\\" b', "a b"])
def test_a_quoted_string_is_one_string(text: str) -> None:
    pygraphviz = pytest.importorskip("pygraphviz")
    graph = pygraphviz.AGraph(string=f"digraph {{ {_quote(text)} [tooltip={_quote(text)}] }}")
    (node,) = graph.nodes()
    assert dict(node.attr) == {"tooltip": text.replace("\\", "\\\\")}
