"""examples/train.py: the points, boxes and masks of its images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from trainer import TINY

import hrnet_graph as hg


def folder_of(tmp_path: Path, head: str, **files: str) -> Any:
    """The data of one drawn image `a.png`, 8 by 8, with the JSON files given."""
    from training.data import Folder

    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "a.png")
    for name, text in files.items():
        (tmp_path / f"{name}.json").write_text(text)
    return Folder(tmp_path, head, seed=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"points.json': Invalid JSON"),
        ("[]", r"points.json': Input should be an object"),
        ("{}", r"points.json' does not list the image 'a.png'"),
        ('{"a.png": []}', r"points.json': expected persons of equally many points, got no person"),
        ('{"a.png": [[[1, 2, 1]], [[1, 2, 1], [3, 4, 1]]]}', "equally many points, got 1 and 2"),
        ('{"a.png": [[[1, 2]]]}', r"points.json' at 'a.png.0.0.2': Field required"),
        ('{"a.png": [[[1, 2, NaN]]]}', r"points.json' at 'a.png.0.0.2': .*finite"),
        ('{"a.png": 3}', r"points.json' at 'a.png': Input should be a valid (list|array)"),
    ],
)
@pytest.mark.usefixtures("example")
def test_wrong_points_are_one_message(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(hg.FileError, match=message) as raised:
        folder_of(tmp_path, "heatmap", points=text)
    assert raised.value.hint == "expected {IMAGE: [[[x, y, seen], ...], ...], ...}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a.png": [[1, 2]]}', r"boxes.json' at 'a.png.0.2': Field required"),
        ('{"a.png": [[1, 2, 3, 4, 0]]}', r"boxes.json' at 'a.png.0.4': .*greater than 0"),
        ('{"a.png": [[3, 2, 1, 4, 1]]}', r"boxes.json' at 'a.png.0': .*left < right"),
        ('{"b.png": []}', r"boxes.json' does not list the image 'a.png'"),
    ],
)
@pytest.mark.usefixtures("example")
def test_wrong_boxes_are_one_message(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(hg.FileError, match=message) as raised:
        folder_of(tmp_path, "feature_pyramid", boxes=text)
    assert raised.value.hint == "expected {IMAGE: [[left, top, right, bottom, class], ...], ...}"


@pytest.mark.parametrize(("head", "name"), [("heatmap", "points"), ("feature_pyramid", "boxes")])
@pytest.mark.usefixtures("example")
def test_missing_marks_are_one_message(tmp_path: Path, head: str, name: str) -> None:
    with pytest.raises(hg.FileError, match=rf"cannot read .*{name}.json': No such file"):
        folder_of(tmp_path, head)


def masked(tmp_path: Path, mask: Image.Image | None) -> torch.Tensor:
    """What a network of three classes is to learn of a mask."""
    data = folder_of(tmp_path, "segmentation")
    data.prepare(hg.load_spec({**TINY, "head": {"kind": "segmentation", "classes": 3}}))
    (tmp_path / "masks").mkdir()
    if mask is not None:
        mask.save(tmp_path / "masks" / "a.png")
    target: torch.Tensor = data[0][1]
    return target


@pytest.mark.parametrize(("mode", "wanted"), [("L", 2), ("P", 2), ("1", 1)])
@pytest.mark.usefixtures("example")
def test_a_mask_holds_classes_in_every_mode(tmp_path: Path, mode: str, wanted: int) -> None:
    mask = Image.new(mode, (8, 8))
    if mode == "P":
        mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    mask.paste(wanted, (0, 0, 8, 4))
    target = masked(tmp_path, mask)
    assert target.shape == (32, 32)
    assert target[:16].unique().tolist() == [wanted]
    assert target[16:].unique().tolist() == [0]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (None, "no mask at .*a.png"),
        (Image.new("RGB", (8, 8)), r"masks/a.png': expected a mask of mode L, P or 1, got RGB"),
        (Image.new("L", (8, 8), 7), r"masks/a.png' has a pixel of class 7, unknown to the head"),
    ],
    ids=["missing", "colours", "unknown class"],
)
@pytest.mark.usefixtures("example")
def test_a_wrong_mask_is_named(tmp_path: Path, mask: Image.Image | None, message: str) -> None:
    with pytest.raises(hg.FileError, match=message):
        masked(tmp_path, mask)


@pytest.mark.usefixtures("example")
def test_a_damaged_mask_is_named(tmp_path: Path) -> None:
    from training.data import read_mask

    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(hg.FileError, match=r"a.png' is no mask that can be read"):
        read_mask(tmp_path / "a.png")
