"""What draws a figure: our own svg, and the programs for the rest; all draw the same."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from drawn import read_svg
from figures import SMALL, dot_of, graph, svg_of
from PIL import Image

import hrnet_graph as hg
from hrnet_graph.choices import VIEWS, ViewName
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.drawing import Drawing
from hrnet_graph.viz.engine import fitting, paint, run_graphviz
from hrnet_graph.viz.find_font import find_font
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.render import render
from hrnet_graph.viz.to_dot import _quote, to_dot
from hrnet_graph.viz.to_svg import to_svg

NASTY = """it's <b>"a" & b -- 'ß' ->  "/>"""

ALIKE = (
    (r"<!--.*?-->\n?", ""),  # the version, and every part's name again
    (r'(points="[^"]*) "', r'\1"'),
    (r'"transparent"', '"none"'),
    (r'fill="none" stroke="none"', r'\g<0> pointer-events="all"'),
    (r"<svg [^>]*>", ""),  # its size in whole points
    (r"</svg>\n", ""),
)
"""What versions of Graphviz write in their own ways -> what stands in ours."""


@pytest.mark.parametrize("path", [os.environ["PATH"], ""], ids=["system", "wheel"])
@pytest.mark.parametrize("view", VIEWS)
def test_graphviz_writes_the_svg_that_we_write(
    view: ViewName, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path and not shutil.which("dot"):
        pytest.skip("needs the system's Graphviz")
    monkeypatch.setenv("PATH", path)
    drawing = lay_out(replace(graph(SMALL), name=NASTY), view, look=Look(orientation="tb"))
    nasty = replace(drawing, boxes=tuple(replace(x, tooltip=NASTY) for x in drawing.boxes))
    for each in (drawing, lay_out(graph(SMALL), view, fold=True), nasty):
        bare = replace(each, labels=(), scale=1.0)
        theirs = run_graphviz(to_dot(bare), "svg", each.font).decode()
        ours = to_svg(each)
        for pattern, alike in ALIKE:
            theirs = re.sub(pattern, alike, theirs, flags=re.DOTALL)
        assert theirs == re.sub(r"<svg [^>]*>", "", ours.partition("\n<defs>")[0])


def test_an_svg_starts_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert svg_of(graph(SMALL), "figure").startswith(b"<?xml")


def test_a_name_in_an_svg_is_what_it_was() -> None:
    r"""Graphviz reads `\N` and `&lt;` in a tooltip as something else."""
    names = (r"\N \G \L a\l", "&lt;b&gt; &#38; &amp;", "a-->b <!--", NASTY)
    drawing = lay_out(graph(SMALL), "stage")
    for name in names:
        boxes = tuple(replace(box, tooltip=name) for box in drawing.boxes)
        root = ElementTree.fromstring(to_svg(replace(drawing, name=name, boxes=boxes)))
        title = root.find(".//{*}title")
        assert title is not None
        assert title.text == name.replace("  ", " ")
        links = root.iterfind(".//{*}a")
        assert {link.get("{http://www.w3.org/1999/xlink}title") for link in links} == {title.text}


@pytest.mark.parametrize("view", ["figure", "block"])
def test_the_svg_keeps_every_position(view: ViewName) -> None:
    drawing, figure = lay_out(graph(SMALL), view), read_svg(svg_of(graph(SMALL), view))
    for box in drawing.boxes:
        rect = figure.parts[box.path][1]
        assert rect.centre == pytest.approx(box.rect.centre, abs=0.1)
        assert (rect.width, rect.height) == pytest.approx(
            (box.rect.width, box.rect.height), abs=0.51
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
from hrnet_graph.viz.engine import paint
from hrnet_graph.viz.to_svg import to_svg
for view in ("figure", "fuse", "block"):
    drawing = lay_out(hg.build_graph({SMALL!r}), view)
    sys.stdout.buffer.write(to_svg(drawing).encode())
sys.stdout.buffer.write(paint(drawing, "png"))
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


def test_the_wheels_engine_leaves_standard_error_to_the_process() -> None:
    """Not a word of another thread is lost while figures are drawn, and none of the engine's said."""
    code = """
import os
import threading
from hrnet_graph.viz.engine import run_graphviz
from hrnet_graph.viz.find_font import find_font
from hrnet_graph.viz.look import Look

threads = [
    threading.Thread(
        target=run_graphviz, args=("digraph { a -> b [label=words] }", "png", find_font())
    )
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


@pytest.mark.parametrize("system", [False, True])
def test_what_the_engine_cannot_draw_is_one_message(
    system: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if system and not shutil.which("dot"):
        pytest.skip("needs the system's Graphviz")
    if not system:
        monkeypatch.setenv("PATH", "")
    with pytest.raises(hg.FileError) as caught:
        run_graphviz("digraph {", "svg", find_font())
    assert caught.value.message.startswith("Graphviz could not draw the svg: ")
    assert "\n" not in caught.value.message
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(hg.FileError, match="No such file or directory: '/nowhere/python'"):
        run_graphviz("digraph {}", "svg", find_font())


@pytest.mark.parametrize("text", ['a"b', "a\\", 'a\\"; b [x=1]; "', 'a\\\\" b', "a b"])
def test_a_quoted_string_is_one_string(text: str) -> None:
    pygraphviz = pytest.importorskip("pygraphviz")
    graph = pygraphviz.AGraph(string=f"digraph {{ {_quote(text)} [tooltip={_quote(text)}] }}")
    (node,) = graph.nodes()
    assert dict(node.attr) == {"tooltip": text.replace("\\", "\\\\")}


def test_a_png_is_never_larger_than_a_file_can_be() -> None:
    wide = Drawing("a", 100_000, 10, "#ffffff", find_font())
    fits = fitting(wide, 192)
    assert fits == pytest.approx(72 * 32_767 / 100_000)
    drawn = Image.open(BytesIO(paint(wide, "png", fits)))
    assert drawn.size == pytest.approx((32_767, 3), abs=1)
    square = Drawing("a", 30_000, 30_000, "#ffffff", find_font())
    assert (fitting(square, 300) * 30_000 / 72) ** 2 == pytest.approx(200e6)


@pytest.mark.parametrize("path", [os.environ["PATH"], ""], ids=["system", "wheel"])
def test_words_are_as_wide_as_they_were_measured(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path)
    drawing = lay_out(graph(SMALL), "stage")
    for label in (drawing.labels[0], max(drawing.labels, key=lambda each: len(each.lines))):
        alone = replace(drawing, inks=(), boxes=(), arrows=(), labels=(label,))
        png = Image.open(BytesIO(paint(alone, "png", 288)))
        assert png.info["dpi"] == pytest.approx((288, 288), abs=0.1)
        rows, columns = np.nonzero(np.asarray(png.convert("L")) < 200)
        wide = alone.font.extent(label.lines, label.size, label.bold)[0]
        assert wide - 3 <= (columns.max() - columns.min()) / 4 <= wide
        rect = label.rect
        assert rect.x - 0.5 <= columns.min() / 4 <= columns.max() / 4 <= rect.x + rect.width + 0.5
        assert rect.y <= rows.min() / 4 < rows.max() / 4 <= rect.y + rect.height
