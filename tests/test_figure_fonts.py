"""Words in figures: the same on every machine, inside what they belong to, and in no font that is
not there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from commands import run
from drawn import inside, overlaps, read_svg
from figures import HEADS, SMALL, graph
from fontTools.ttLib import TTFont

import hrnet_graph as hg
from hrnet_graph.choices import FONT, VIEWS
from hrnet_graph.viz import find_font as finding
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.find_font import find_font
from hrnet_graph.viz.font import shipped
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.to_svg import to_svg

OTHERS = Path(mpl.get_data_path()) / "fonts" / "ttf"
"""Fonts that come with matplotlib: wider ones, narrower ones, and some without letters."""

DEJAVU, STIX = OTHERS / "DejaVuSans.ttf", OTHERS / "STIXGeneral.ttf"

EMBEDDED = re.compile(rb"/FontName\s*/\w+\+([\w-]+)")

DRAW = """
import sys
import hrnet_graph as hg
from hrnet_graph.choices import VIEWS
from hrnet_graph.viz.render import render_difference
graph = hg.build_graph(sys.argv[1])
for view in VIEWS:
    hg.render(graph, f"{view}.svg", view=view)
hg.render(graph, "fuse.png", view="fuse")
hg.render(graph, "module.pdf", view="module")
render_difference(graph, hg.build_graph("hrnetv2_w18_small_v1_seg_cityscapes"), "difference.svg")
"""


def machine(folder: Path, font: Path | None) -> dict[str, str]:
    """The environment of a machine with one font or none, and no program but Python."""
    fonts = folder / "share" / "fonts"
    fonts.mkdir(parents=True)
    if font:
        shutil.copy(font, fonts)
    config = folder / "fonts.conf"
    config.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n'
        f"<fontconfig><dir>{fonts}</dir><cachedir>{folder}/cache</cachedir></fontconfig>\n"
    )
    share = str(folder / "share")
    named = {"HOME": str(folder), "XDG_DATA_HOME": share, "XDG_DATA_DIRS": share}
    return {**os.environ, **named, "FONTCONFIG_FILE": str(config), "PATH": ""}


def draw(folder: Path, env: dict[str, str]) -> dict[str, bytes]:
    """The files that are drawn in a folder; a pdf's date is left out."""
    subprocess.run([sys.executable, "-c", DRAW, SMALL], cwd=folder, env=env, check=True)
    files = (path for path in folder.iterdir() if path.suffix in (".svg", ".png", ".pdf"))
    date = rb"/CreationDate \(.*?\)"
    return {path.name: re.sub(date, b"", path.read_bytes()) for path in files}


def test_the_same_bytes_whatever_fonts_a_machine_has(tmp_path: Path) -> None:
    drawn = []
    for name, font in (("dejavu", DEJAVU), ("stix", STIX), ("none", None)):
        drawn.append(draw(tmp_path / name, machine(tmp_path / name, font)))
    assert len(drawn[0]) == len(VIEWS) + 3
    assert drawn[0] == drawn[1] == drawn[2]
    by_system = draw(tmp_path, {**os.environ})
    vectors = [name for name in by_system if name.endswith(".svg")]
    assert [by_system[name] for name in vectors] == [drawn[0][name] for name in vectors]
    ours = find_font().regular.path.parent
    assert len(list(ours.iterdir())) == 3, "nothing is written into the package"
    for pdf in (by_system["module.pdf"], drawn[0]["module.pdf"]):
        assert set(EMBEDDED.findall(pdf)) == {b"Arimo", b"Arimo-Bold"}


def test_the_chosen_font_draws_and_ours_draws_what_it_lacks(tmp_path: Path) -> None:
    """Of STIX, which has no Ͱ: whatever fonts there are besides."""
    for name, fonts in (
        ("ab", {b"STIXGeneral-Regular"}),
        ("Ͱ", {b"STIXGeneral-Regular", b"Arimo"}),
    ):
        named = replace(graph(SMALL), name=name)
        pdf = hg.render(named, tmp_path / "a.pdf", font=str(STIX)).read_bytes()
        drawn = {font.removesuffix(b"-Bold") for font in EMBEDDED.findall(pdf)}
        assert drawn == fonts


def astray(svg: bytes) -> list[str]:
    """Where ink of words crosses the edge of a part, of the page, or of other words."""
    figure = read_svg(svg)
    page = (0, 0, figure.size[0], figure.size[1])
    found = []
    lines = [(text, ink) for text, _, ink in figure.words if ink.width]
    for i, (text, ink) in enumerate(lines):
        if ink.x < page[0] or ink.y < page[1] or ink.corners[2] > (page[2], page[3]):
            found.append(f"{text} leaves the page")
        for path, (_, rect) in figure.parts.items():
            whole = all(inside(corner, rect, 0) for corner in ink.corners)
            if overlaps(ink, rect) and not whole:
                found.append(f"{text} crosses the edge of {path}")
        for other, second in lines[i + 1 :]:
            if overlaps(ink, second):
                found.append(f"{text} lies on {other}")
    return found


@pytest.mark.parametrize("font", [FONT, str(DEJAVU), str(STIX)], ids=["ours", "wide", "narrow"])
@pytest.mark.parametrize("view", VIEWS)
def test_words_that_are_drawn_keep_to_their_places(view: Any, font: str) -> None:
    drawing = lay_out(graph(SMALL), view, look=Look(font=font))
    assert astray(to_svg(drawing).encode()) == []


@pytest.mark.parametrize("name", HEADS)
def test_words_of_every_head_keep_to_their_places(name: str) -> None:
    looks: list[dict[str, Any]] = [{}, {"orientation": "tb"}, {"width": "single"}]
    for look in (*looks, {"width": "double", "labels": "numbers"}):
        drawing = lay_out(graph(name), look=Look(**look))
        svg = to_svg(drawing).encode()
        size = svg.replace(b'width="%.2fpt" height="%.2fpt"' % drawing.size,
                           b'width="%.2fpt" height="%.2fpt"' % (drawing.width, drawing.height))  # fmt: skip
        assert astray(size) == []


def test_ink_that_goes_astray_is_found() -> None:
    """The test above can fail: with Helvetica's widths, words in DejaVu do what they did."""
    drawing = lay_out(graph(SMALL), "module")
    wide = find_font(str(DEJAVU))
    svg = to_svg(replace(drawing, font=wide)).encode()
    assert any("crosses the edge" in fault for fault in astray(svg))


def test_the_font_in_the_package_has_what_figures_write() -> None:
    assert find_font().lacks(["".join(map(chr, range(32, 127))), "×→…·−≥µ°äößñçžΔλЖ"]) == ""
    assert find_font().lacks(["a\u05d0b\u4e2d"]) == "\u05d0\u4e2d"
    assert find_font() == find_font("Nowhere Sans, sans-serif") == find_font("arimo")


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot"])
def test_characters_that_no_font_has_are_said(tmp_path: Path, suffix: str) -> None:
    named = replace(graph(SMALL), name="姿勢")
    with pytest.warns(UserWarning, match="Arimo lacks .*; squares stand for '勢姿': choose a font"):
        hg.render(named, tmp_path / f"b.{suffix}")
    with pytest.warns(UserWarning, match="DejaVuSans and Arimo lack characters"):
        hg.render(named, tmp_path / f"b.{suffix}", font=str(DEJAVU))


def test_a_font_that_is_not_there_is_said_before_anything_is_written(tmp_path: Path) -> None:
    broken, signs = tmp_path / "broken.ttf", OTHERS / "STIXSizOneSymReg.ttf"
    broken.write_bytes(DEJAVU.read_bytes()[:5000])
    for font, message in (
        ("No Such Font", "no font 'No Such Font' on this machine"),
        (str(tmp_path / "none.ttf"), f"no font '{tmp_path}/none.ttf' on this machine"),
        (",", "no font ',' on this machine"),
        (str(broken), f"cannot draw with '{broken}': "),
        (str(signs), f"cannot draw with '{signs}': it has no outlines of letters"),
    ):
        with pytest.raises(hg.HRNetGraphError) as caught:
            hg.render(graph(SMALL), tmp_path / "a.svg", font=font)
        assert caught.value.message.startswith(message)
    result = run("render", SMALL, "-o", "a.svg", "--font", "No Such Font", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: no font 'No Such Font' on this machine")
    assert len(result.stderr.splitlines()) == 2
    assert not list(tmp_path.glob("*.svg"))


def test_a_font_of_the_machine_is_found_by_family(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fonts = tmp_path / "fonts"
    fonts.mkdir()
    for name in ("DejaVuSans-Oblique.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans.ttf"):
        shutil.copy(OTHERS / name, fonts)
    (fonts / "broken.ttf").write_bytes(b"no font")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "nowhere"))
    for cached in (finding._installed, find_font):
        cached.cache_clear()
    try:
        font = find_font("Nope, dejavu sans")
        assert (font.regular.path.name, font.bold.path.name) == (
            "DejaVuSans.ttf",
            "DejaVuSans-Bold.ttf",
        )
        with pytest.raises(hg.HRNetGraphError, match="did you mean 'dejavu sans'") as caught:
            find_font("DejaVu Sanz")
        assert caught.value.hint.startswith("Arimo is always here")
    finally:
        for cached in (finding._installed, find_font):
            cached.cache_clear()


def test_what_is_read_from_the_right_is_drawn_from_the_right() -> None:
    font = find_font(str(DEJAVU))
    glyphs, _ = font.arrange("a \u05e9\u05dc b", 10)
    assert "".join(glyph.character for glyph in glyphs) == "a \u05dc\u05e9 b"


def test_bold_words_are_measured_bold() -> None:
    font = find_font()
    assert font.width("stage", 10, bold=True) > font.width("stage", 10)
    regular = TTFont(font.regular.path)
    advances = [regular["hmtx"][regular.getBestCmap()[ord(c)]][0] for c in "stage"]
    assert font.width("stage", 10) == pytest.approx(10 * sum(advances) / 2048)


@pytest.mark.parametrize("bold", [False, True])
def test_the_shipped_font_is_called_what_its_file_says(bold: bool) -> None:
    assert shipped(bold).name == shipped(bold).font["name"].getDebugName(6)
