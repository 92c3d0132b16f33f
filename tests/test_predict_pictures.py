"""What is written and drawn on a predicted picture, from 64 to 8,000 pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
from PIL import Image, ImageChops, ImageDraw

from hrnet_graph.prediction.draw import LEGEND, draw
from hrnet_graph.prediction.labels import Labels, labels_for
from hrnet_graph.prediction.results import Box, Boxes, Classes, Point, Points, Regions, Scored

SIZES = [(64, 64), (64, 1000), (300, 64), (224, 224), (512, 512), (8000, 600)]
TITLE = "hrnet_w32_cls, width 48, weights/of/a/long/path/without_any_space/checkpoint_210.pth"
CITY = labels_for("cityscapes", 19, "class")
ONE = Labels(("a",), ((255, 0, 0),))


@dataclass(frozen=True)
class Words:
    """A text as it was drawn: its colour, and left, top, right and bottom."""

    text: str
    fill: tuple[int, int, int]
    box: tuple[float, float, float, float]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Words]:
    """Every text that is drawn from now on."""
    found: list[Words] = []
    write = ImageDraw.ImageDraw.text

    def record(pen, xy, text, *, fill, font):  # type: ignore[no-untyped-def]
        found.append(Words(text, fill, pen.textbbox(xy, text, font=font)))
        write(pen, xy, text, fill=fill, font=font)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", record)
    return found


def check_whole(words: list[Words], sheet: Image.Image) -> None:
    """All words lie on the sheet, and none over another."""
    for word in words:
        left, top, right, bottom = word.box
        assert left >= 0, word
        assert top >= 0, word
        assert right <= sheet.width, word
        assert bottom <= sheet.height, word
    tops = [word.box[1] for word in words]
    for one, other in pairwise(words):
        assert one.box[3] <= other.box[1] + 2, (one, other)
    assert tops == sorted(tops)


@pytest.mark.parametrize("size", SIZES)
def test_captions_are_whole_on_any_image(size: tuple[int, int], said: list[Words]) -> None:
    shares = tuple(Scored(i, name, 1 / 19) for i, name in enumerate(CITY.names))
    regions = Regions(Image.new("L", size), shares)
    for result in (regions, Classes(shares[:5])):
        said.clear()
        sheet = draw(Image.new("RGB", size, "grey"), result, CITY, TITLE)
        check_whole(said, sheet)
        whole = "".join(word.text for word in said).replace(" ", "")
        assert whole.startswith(TITLE.replace(" ", ""))
        assert all(name.replace(" ", "") in whole for name in CITY.names[:5])
        if result is regions:
            assert whole.endswith(f"and{19 - LEGEND}classesmore")


def changed(one: Image.Image, other: Image.Image) -> tuple[int, int]:
    """Width and height of where two pictures differ."""
    box = ImageChops.difference(one, other).getbbox()
    assert box is not None
    return box[2] - box[0], box[3] - box[1]


@pytest.mark.parametrize("size", SIZES)
def test_a_joint_is_seen_on_any_image(size: tuple[int, int]) -> None:
    image, nowhere = Image.new("RGB", size, "grey"), Image.new("L", (1, 1))
    point = Point("a", size[0] / 2, size[1] / 2, 1.0)
    pictures = []
    for instances in ((), ((point,),)):
        sheet = draw(image, Points(instances, nowhere), ONE, "a")
        factor = max(1, sheet.width // size[0]) if size != (64, 1000) else 2
        pictures.append(sheet.crop((0, 0, factor * size[0], factor * size[1])))
    wide, high = changed(*pictures)
    side = math.sqrt(pictures[0].width * pictures[0].height)
    assert min(wide, high) >= 7
    assert 0.01 <= wide / side <= 0.03


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("corner", [(0.0, 0.0), (0.9, 0.0), (0.0, 0.95), (0.9, 0.9), (-0.1, 0.5)])
def test_the_name_of_a_box_is_whole_and_legible(
    size: tuple[int, int], corner: tuple[float, float], said: list[Words]
) -> None:
    left, top = corner[0] * size[0], corner[1] * size[1]
    for index, colour in enumerate(CITY.palette):
        labels = Labels(("traffic light",), (colour,))
        box = Box(0, "traffic light", 0.99, (left, top, left + size[0] / 4, top + size[1] / 4))
        said.clear()
        sheet = draw(Image.new("RGB", size, "grey"), Boxes((box,)), labels, "a")
        name = next(word for word in said if word.text == "traffic light 99 %")
        check_whole([name], sheet)
        light = sum(
            w * abs(a - b) for w, a, b in zip((0.3, 0.59, 0.11), name.fill, colour, strict=True)
        )
        assert light > 90, (index, colour)
        if size[0] > 1000:
            break  # one colour is enough where a picture takes long


def test_a_name_with_line_breaks_is_drawn_in_one_line(said: list[Words]) -> None:
    draw(Image.new("RGB", (500, 500)), Classes(()), ONE, "two\nlines")
    assert [word.text for word in said] == ["two lines"]
