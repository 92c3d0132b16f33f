"""Figures on paper: their size, how they are scaled, and what is said of small print."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from drawn import read_svg
from figures import SMALL

import hrnet_graph as hg
from hrnet_graph.analysis.numbers import count_of, short
from hrnet_graph.cli.main import cli
from hrnet_graph.errors import FileError
from hrnet_graph.viz.colour import legible
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.layout.compose import PRINT
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.render import render
from hrnet_graph.viz.theme import DASHES, RESOLUTIONS, THEMES, WEIGHTS, contrast, face_of, mix

BOX = re.compile(rb"/MediaBox\s*\[\s*([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)\s*\]")


@pytest.fixture(scope="module")
def small() -> hg.Graph:
    return hg.build_graph(hg.load_spec(SMALL))


def pixels(png: bytes) -> tuple[int, int]:
    wide, high = struct.unpack(">II", png[16:24])
    return wide, high


@pytest.mark.parametrize("look", [{}, {"scale": 0.37}, {"width": "single"}, {"width": "double"}])
def test_a_page_is_as_large_as_the_figure(
    small: hg.Graph, tmp_path: Path, look: dict[str, Any]
) -> None:
    size = lay_out(small, look=Look(**look)).size
    pdf = render(small, tmp_path / "a.pdf", **look).read_bytes()
    found = BOX.search(pdf)
    assert found is not None
    assert tuple(map(float, found.groups()[2:])) == pytest.approx(size, abs=1)
    resolution = 300 if "width" in look else 192
    wide, high = pixels(render(small, tmp_path / "a.png", **look).read_bytes())
    assert (72 * wide / resolution, 72 * high / resolution) == pytest.approx(size, abs=1)
    svg = read_svg(render(small, tmp_path / "a.svg", **look).read_bytes())
    assert svg.size == pytest.approx(size, abs=0.01)


def test_a_scale_leaves_the_drawing_alone(small: hg.Graph, tmp_path: Path) -> None:
    plain, large = (
        render(small, tmp_path / f"{scale}.svg", scale=scale).read_bytes() for scale in (1.0, 3.0)
    )
    once, thrice = read_svg(plain), read_svg(large)
    assert thrice.size == pytest.approx([3 * side for side in once.size], abs=0.02)
    assert (thrice.parts, thrice.words) == (once.parts, once.words)
    assert plain.split(b"viewBox")[1] == large.split(b"viewBox")[1]


def test_a_png_has_as_many_pixels_as_are_asked_for(small: hg.Graph, tmp_path: Path) -> None:
    wide, high = pixels(render(small, tmp_path / "a.png", dpi=72).read_bytes())
    assert (wide, high) == pytest.approx(lay_out(small).size, abs=1)
    with pytest.raises(FileError, match=r"dpi is for \.png alone, got \.pdf"):
        render(small, tmp_path / "a.pdf", dpi=72)


def test_a_png_that_would_be_too_large_says_how_it_was_drawn(
    small: hg.Graph, tmp_path: Path
) -> None:
    """Every operation of a network is wider than the most pixels that a png's readers take."""
    command = ["render", "hrnet_w48_cls", "--view", "op", "-o", str(tmp_path / "a.png")]
    said = CliRunner().invoke(cli, [*command, "--scale", "0.5"], catch_exceptions=False).stderr
    found = re.match(
        r"a png would be too large: it has (\d+) pixels an inch in place of 192; ", said
    )
    assert found is not None, said
    assert pixels((tmp_path / "a.png").read_bytes())[0] == 32_767
    assert int(found[1]) < 192
    with pytest.warns(UserWarning, match=r"it has \d+ pixels an inch in place of 2400"):
        render(small, tmp_path / "b.png", dpi=2400)


def test_small_print_is_what_the_smallest_words_become(small: hg.Graph) -> None:
    drawing = lay_out(small, look=Look(width="single"))
    assert drawing.small_print == pytest.approx(drawing.scale * min(w.size for w in drawing.labels))
    assert drawing.small_print < PRINT["single"]
    tall = lay_out(small, look=Look(width="double", orientation="tb"))
    assert tall.small_print > drawing.small_print


def test_the_command_says_when_words_are_small(tmp_path: Path) -> None:
    def said(*options: str) -> str:
        arguments = ["render", SMALL, "-o", str(tmp_path / "a.dot"), *options]
        return CliRunner().invoke(cli, arguments, catch_exceptions=False).stderr

    assert re.search(
        r"the smallest words are [1-4]\.\d pt high at this width;"
        r" for larger ones try --fold or --orientation tb or --only PART or --width double\n$",
        said("--width", "single"),
    )
    narrow = said("--width", "single", "--orientation", "tb", "--scale", "0.5")
    assert narrow.endswith("; for larger ones try --fold or --only PART or --width double\n")
    options = (
        "--width",
        "double",
        "--orientation",
        "tb",
        "--only",
        "stage4",
        "--scale",
        "0.1",
        "--fold",
    )
    assert said(*options).endswith(" pt high at this width\n")
    assert "smallest" not in said()
    assert "smallest" not in said("--width", "double", "--only", "stem")


@pytest.mark.parametrize("suffix", ["html", "mmd", "json"])
def test_the_command_writes_for_other_viewers(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a.{suffix}"
    result = CliRunner().invoke(cli, ["render", SMALL, "-o", str(file), "--json"])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["file"] == str(file)
    starts = {"html": "<!doctype html>", "mmd": "flowchart", "json": "{"}
    assert starts[suffix] in file.read_text().lower()


@pytest.mark.parametrize("options", [{"view": "block"}, {"only": "head"}, {"theme": "dark"}])
def test_other_viewers_take_no_choices(
    small: hg.Graph, tmp_path: Path, options: dict[str, Any]
) -> None:
    with pytest.raises(FileError, match=r"\.html is of the whole network and takes no options"):
        render(small, tmp_path / "a.html", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (9_994, "9.99 k"),
        (9_995, "10.0 k"),
        (99_949, "99.9 k"),
        (99_950, "100 k"),
        (999_499, "999 k"),
        (999_999, "1.00 M"),
        (999_500_000, "1.00 G"),
        (8_921_133_056, "8.92 G"),
        (1_234_567_890_123_456, "1230 T"),
    ],
)
def test_numbers_are_rounded_to_three_digits(number: int, text: str) -> None:
    assert short(number) == text


def test_a_unit_joins_its_prefix() -> None:
    assert count_of(999_999, "MACs") == "1.00 MMACs"
    assert count_of(12, "MACs") == "12 MACs"


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_words_are_legible_on_every_cost(theme: Any) -> None:
    fills = [mix(theme.low, theme.high, step / 50) for step in range(51)]
    faces = (face_of(number, theme) for number in range(len(RESOLUTIONS)))
    for fill in (*fills, *faces, theme.blank):
        assert contrast(legible(fill, theme), fill) >= 3.9


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#d55e00", "#d55e00") == 1


def test_directions_differ_without_colour() -> None:
    assert len({(DASHES[way], WEIGHTS[way]) for way in DASHES}) == 3
