"""What a figure is written as: svg as Graphviz writes it, and pdf and png of the same drawing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from drawn import read_svg
from figures import SMALL, dot_of, graph, svg_of
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from PIL import Image
from pypdfium2 import PdfDocument

from hrnet_graph.choices import VIEWS, ViewName
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.drawing import Drawing
from hrnet_graph.viz.find_font import find_font
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.to_dot import _quote, to_dot
from hrnet_graph.viz.to_pdf import to_pdf
from hrnet_graph.viz.to_png import fitting, to_png
from hrnet_graph.viz.to_svg import to_svg

GRAPHVIZ = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""

ALIKE = (
    (r"<!--.*?-->\n?", ""),  # the version, and every part's name again
    (r'(points="[^"]*) "', r'\1"'),
    (r'"transparent"', '"none"'),
    (
        r'fill="none" stroke="none"(?! po)',
        r'\g<0> pointer-events="all"',
    ),  # maps, whose ink lies below
    (r"<svg width=[^>]*?(?= xmlns)", "<svg"),  # which older versions round to whole points
)
"""What versions of Graphviz write in their own ways, and we for ours -> what stands there."""


def by_graphviz(dot: str, format: str, system: bool) -> bytes:
    """What the system's Graphviz, or the one that comes in a wheel, makes of a graph."""
    wheel = [sys.executable, "-c", GRAPHVIZ, format]
    command = ["dot", f"-T{format}"] if system else wheel
    return subprocess.run(command, input=dot.encode(), capture_output=True, check=True).stdout


def alike(svg: str) -> str:
    for pattern, stand_in in ALIKE:
        svg = re.sub(pattern, stand_in, svg, flags=re.DOTALL)
    return svg.partition("<defs>")[0].removesuffix("</svg>\n").strip()


@pytest.mark.parametrize("system", [False, True])
@pytest.mark.parametrize("view", VIEWS)
def test_the_svg_is_graphvizs_own_but_for_words(view: ViewName, system: bool) -> None:
    if system and not shutil.which("dot"):
        pytest.skip("needs the system's Graphviz")
    if not system:
        pytest.importorskip("pygraphviz")
    nasty = """it's <b>"a" & b -- 'ß' ->  "/>"""
    for look in (Look(orientation="tb"), Look(theme="dark", colour="macs")):
        drawing = lay_out(replace(graph(SMALL), name=nasty), view, look=look)
        boxes = tuple(replace(box, tooltip=nasty) for box in drawing.boxes)
        for each in (drawing, replace(drawing, boxes=boxes)):
            bare = replace(each, labels=(), scale=1.0)
            theirs = by_graphviz(to_dot(bare), "svg", system).decode()
            assert alike(to_svg(each)) == alike(theirs)


@pytest.mark.parametrize("text", [r"\N \G \L", "&amp; &#45;", "\\n"])
def test_names_are_never_read_as_more_than_text(text: str) -> None:
    """Graphviz would put the graph's own words in their place."""
    drawing = lay_out(replace(graph(SMALL), name=text))
    boxes = tuple(replace(box, tooltip=text) for box in drawing.boxes)
    root = ElementTree.fromstring(to_svg(replace(drawing, boxes=boxes)))
    assert root.findtext("{*}g/{*}title") == text
    tips = {a.get("{http://www.w3.org/1999/xlink}title") for a in root.findall(".//{*}a")}
    assert tips == {text}


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
    sys.stdout.buffer.write(to_svg(drawing).encode())
sys.stdout.buffer.write(to_pdf(drawing) + to_png(drawing))
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


def test_threads_that_draw_at_once_draw_the_same() -> None:
    drawing = lay_out(graph(SMALL), "fuse")
    with ThreadPoolExecutor(4) as pool:
        drawn = {*pool.map(lambda _: to_png(drawing, 96), range(8))}
    assert len(drawn) == 1


@pytest.mark.parametrize("view", VIEWS)
def test_a_png_looks_as_graphviz_paints_it(view: ViewName) -> None:
    """But for words: the ink is in the same places and colours, edges softened either way."""
    pytest.importorskip("pygraphviz")
    bare = replace(lay_out(graph(SMALL), view), labels=())
    dot = to_dot(bare).replace("{\n", "{\n\tgraph [dpi=96]\n", 1)
    theirs = Image.open(BytesIO(by_graphviz(dot, "png", False))).convert("RGB")
    ours = Image.open(BytesIO(to_png(bare, 96)))
    assert ours.size == pytest.approx(theirs.size, abs=2)
    side = (ours.width // 8, ours.height // 8)
    pair = [
        np.asarray(each.resize(side, Image.Resampling.BOX), np.float32) for each in (ours, theirs)
    ]
    difference = np.abs(pair[0] - pair[1])
    assert difference.mean() < 1.5
    assert np.percentile(difference, 99) < 25


@pytest.mark.parametrize("view", VIEWS)
def test_the_words_of_a_pdf_can_be_searched(view: ViewName) -> None:
    drawing = lay_out(graph(SMALL), view)
    page = PdfDocument(to_pdf(drawing))[0]
    found = page.get_textpage().get_text_range()
    words = Counter(
        word for label in drawing.labels for line in label.lines for word in line.split()
    )
    assert Counter(found.split()) == words


def test_a_font_of_cubic_outlines_is_taken_into_a_pdf(tmp_path: Path) -> None:
    """Such as .otf files have."""
    plain = find_font().regular
    letters = [*"0Aahrnetw "]
    builder = FontBuilder(1000, isTTF=False)
    builder.setupGlyphOrder([".notdef", *(f"g{ord(x)}" for x in letters)])
    builder.setupCharacterMap({ord(x): f"g{ord(x)}" for x in letters})
    pen = T2CharStringPen(500, None)
    for place in ((0, 0), (400, 0), (400, 700)):
        (pen.lineTo if pen._commands else pen.moveTo)(place)
    pen.closePath()
    shape = pen.getCharString()
    builder.setupCFF("Cubic", {}, dict.fromkeys(builder.font.getGlyphOrder(), shape), {})
    builder.setupHorizontalMetrics(dict.fromkeys(builder.font.getGlyphOrder(), (500, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Cubic", "styleName": "Regular", "psName": "Cubic"})
    builder.setupOS2(sCapHeight=700)
    builder.setupPost()
    builder.save(tmp_path / "cubic.otf")
    named = replace(graph(SMALL), name="water Ω")
    drawing = lay_out(named, "stage", look=Look(font=str(tmp_path / "cubic.otf")))
    pdf = to_pdf(drawing)
    assert b"+Cubic" in pdf
    assert b"+Arimo" in pdf
    assert plain.name == "Arimo"
    assert "water Ω" in PdfDocument(pdf)[0].get_textpage().get_text_range()
    alone = replace(drawing, inks=(), boxes=(), arrows=(), labels=drawing.labels[:1])
    assert np.asarray(Image.open(BytesIO(to_png(alone)))).min() < 200


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
    drawn = Image.open(BytesIO(to_png(wide, fits)))
    assert drawn.size == pytest.approx((32_767, 3), abs=1)
    square = Drawing("a", 30_000, 30_000, "#ffffff", find_font())
    assert (fitting(square, 300) * 30_000 / 72) ** 2 == pytest.approx(200e6)


def test_words_are_as_wide_as_they_were_measured() -> None:
    drawing = lay_out(graph(SMALL), "stage")
    for label in (drawing.labels[0], max(drawing.labels, key=lambda each: len(each.lines))):
        alone = replace(drawing, inks=(), boxes=(), arrows=(), labels=(label,))
        png = Image.open(BytesIO(to_png(alone, 288)))
        assert png.info["dpi"] == pytest.approx((288, 288), abs=0.1)
        rows, columns = np.nonzero(np.asarray(png.convert("L")) < 200)
        wide = alone.font.extent(label.lines, label.size, label.bold)[0]
        assert wide - 3 <= (columns.max() - columns.min()) / 4 <= wide
        rect = label.rect
        assert rect.x - 0.5 <= columns.min() / 4 <= columns.max() / 4 <= rect.x + rect.width + 0.5
        assert rect.y <= rows.min() / 4 < rows.max() / 4 <= rect.y + rect.height


def test_where_nothing_paints_a_png_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(HRNetGraphError, match=r"^a png needs pypdfium2\n  pip install pypdfium2$"):
        to_png(lay_out(graph(SMALL), "stage"))
