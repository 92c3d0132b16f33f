"""Outlines as pixels: what is covered is what they enclose."""

from __future__ import annotations

import math
from io import BytesIO

import numpy as np
import pytest
from figures import SMALL, graph
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.drawing import Drawing
from hrnet_graph.viz.find_font import find_font
from hrnet_graph.viz.raster import Canvas, band, dashes, flatten
from hrnet_graph.viz.to_png import fitting, to_png

SIDE = 40


def painted(*contours: list[tuple[float, float]]) -> np.ndarray:
    """The share of every pixel that is covered, read off black on white."""
    canvas = Canvas(SIDE, SIDE, "#ffffff")
    canvas.fill([np.array(contour, float) for contour in contours], "#000000")
    return 1 - canvas.pixels[..., 0] / 255


def test_a_rectangle_covers_its_pixels_to_the_part() -> None:
    shares = painted([(2.5, 3), (6, 3), (6, 5.25), (2.5, 5.25)])
    assert shares[3, 3] == 1
    assert shares[3, 2] == pytest.approx(0.5, abs=0.01)
    assert shares[5, 4] == pytest.approx(0.25, abs=0.01)
    assert shares.sum() == pytest.approx(3.5 * 2.25, abs=0.05)


def test_a_contour_the_other_way_is_a_hole() -> None:
    outer = [(1.0, 1.0), (9.0, 1.0), (9.0, 9.0), (1.0, 9.0)]
    inner = [(3.0, 3.0), (3.0, 6.0), (6.0, 6.0), (6.0, 3.0)]
    assert painted(outer, inner).sum() == pytest.approx(64 - 9, abs=0.1)
    assert painted(outer, inner[::-1]).sum() == pytest.approx(64, abs=0.1)


corner = st.floats(0, SIDE, allow_nan=False, width=32)


@given(st.tuples(*[corner] * 6))
def test_a_triangle_covers_its_area(points: tuple[float, ...]) -> None:
    (a, b, c) = zip(points[::2], points[1::2], strict=True)
    area = abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2
    assert painted([a, b, c]).sum() == pytest.approx(area, abs=0.5)


def test_what_lies_outside_is_left_out() -> None:
    assert painted([(-9, -9), (9, -9), (9, 9), (-9, 9)]).sum() == pytest.approx(81, abs=0.1)
    assert painted([(90, 1), (99, 1), (99, 9)]).sum() == 0
    assert painted([(-9, 5), (99, 5), (99, 7), (-9, 7)]).sum() == pytest.approx(80, abs=0.1)


def test_lines_have_their_weight() -> None:
    (line,) = band(np.array([(5.0, 10.0), (25.0, 10.0), (25.0, 30.0)]), 2.0, closed=False)
    assert painted([*map(tuple, line)]).sum() == pytest.approx(80, abs=0.2)
    ring = band(np.array([(5.0, 5.0), (25.0, 5.0), (25.0, 25.0), (5.0, 25.0)]), 2.0, closed=True)
    assert painted(*(list(map(tuple, side)) for side in ring)).sum() == pytest.approx(160, abs=0.3)
    assert band(np.array([(5.0, 5.0), (5.0, 5.0)]), 2.0, closed=False) == []


def test_dashes_are_as_long_as_they_say() -> None:
    pieces = list(dashes(np.array([(0.0, 0.0), (6.0, 0.0), (6.0, 6.0)]), (5.0, 2.0)))
    assert [piece.tolist() for piece in pieces] == [[[0, 0], [5, 0]], [[6, 1], [6, 6]]]


def test_curves_are_cut_finely() -> None:
    quarter = (("M", ((10.0, 0.0),)), ("C", ((10.0, 5.523), (5.523, 10.0), (0.0, 10.0))))
    ((points, closed),) = flatten(quarter)
    assert not closed
    assert np.hypot(*points.T) == pytest.approx(10, abs=0.01)


def test_a_png_is_never_larger_than_a_file_can_be() -> None:
    wide = Drawing("a", 100_000, 10, "#ffffff", find_font())
    assert fitting(wide, 192) == pytest.approx(72 * 32_767 / 100_000)
    assert Image.open(BytesIO(to_png(wide))).size == (32_767, 3)
    square = Drawing("a", 30_000, 30_000, "#ffffff", find_font())
    assert (fitting(square, 300) * 30_000 / 72) ** 2 == pytest.approx(200e6)


def test_words_are_painted_where_they_lie() -> None:
    drawing = lay_out(graph(SMALL), "stage")
    bare = Drawing("a", drawing.width, drawing.height, "#ffffff", drawing.font)
    label = drawing.labels[0]
    words = Drawing("a", bare.width, bare.height, "#ffffff", bare.font, labels=(label,))
    pixels = np.asarray(Image.open(BytesIO(to_png(words, 144))).convert("L"))
    rows, columns = np.nonzero(pixels < 200)
    rect = label.rect
    assert rect.x <= columns.min() / 2 <= rect.x + 2
    assert rect.x + rect.width - 2 <= columns.max() / 2 <= rect.x + rect.width
    assert rect.y < rows.min() / 2 < rows.max() / 2 < rect.y + rect.height
    assert math.isclose(len(label.lines), 1)
