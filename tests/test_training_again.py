"""examples/train.py: from weights that are there, for longer than before, and on one's own classes."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from trainer import TINY, command, losses

import hrnet_graph as hg

TWO = json.dumps({"kind": "classification", "classes": 2, "channels": [2, 4], "features": 8})


@pytest.fixture
def train(
    example: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Any:
    """Runs the script as a person does, and gives what it printed."""

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", command(tmp_path, "run", *words))
        example.main()
        return str(capsys.readouterr().out)

    return run


def rates(text: str) -> list[float]:
    return [float(rate) for rate in re.findall(r"lr (\S+)", text)]


def test_a_training_starts_from_weights_and_says_what_it_took(train: Any, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = hg.build_module(TINY)
    torch.save({"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}},
               tmp_path / "w.pth")  # fmt: skip
    said = train("--weights", str(tmp_path / "w.pth"), "--epochs", "1", "--lr", "1e-12")
    assert f"{len(model.state_dict())} loaded" in said
    trained = hg.load(tmp_path / "run" / "model.pt")
    for name, value in model.named_parameters():
        torch.testing.assert_close(trained.get_parameter(name), value, atol=1e-6, rtol=0)
    again = train("--weights", str(tmp_path / "w.pth"), "--epochs", "1", "--lr", "1e-12")
    assert "goes on from step 6" in again
    assert "loaded" not in again
    with pytest.raises(hg.HRNetGraphError, match=r"training with another --weights: .*w.pth"):
        train("--epochs", "1", "--lr", "1e-12")


def test_weights_of_another_head_are_taken_in_part(train: Any, tmp_path: Path) -> None:
    hg.save(hg.build_module({**TINY, "head": json.loads(TWO)}), tmp_path / "w.safetensors")
    words = ("--weights", str(tmp_path / "w.safetensors"), "--epochs", "1")
    with pytest.raises(hg.FileError, match=r"w.safetensors' does not fit small") as refused:
        train(*words)
    assert "--partial" in refused.value.hint
    said = train(*words, "--partial")
    assert re.search(r"2 reshaped +classifier", said)
    assert len(losses(said)) == 6


def test_weights_that_are_not_there_are_named(train: Any) -> None:
    with pytest.raises(hg.FileError, match=r"no weights file at 'gone.pth'"):
        train("--weights", "gone.pth")


def test_a_finished_training_goes_on_for_more_epochs(train: Any, tmp_path: Path) -> None:
    first = train("--epochs", "1", "--lr", "1e-2")
    assert rates(first)[-1] < 1e-3
    more = train("--epochs", "3", "--lr", "1e-2")
    assert "goes on from step 6 of " in more
    assert " to the end of epoch 3" in more
    assert "step 7/18" in more
    assert "step 6/" not in more
    whole = [0.5 * (1 + math.cos(math.pi * n / 18)) for n in range(7, 19)]
    assert rates(more) == pytest.approx([1e-2 * rate for rate in whole], rel=0.01, abs=1e-6)
    assert "goes on from step 18" in train("--epochs", "3", "--lr", "1e-2")
    with pytest.raises(hg.HRNetGraphError, match="training with another --epochs: 3"):
        train("--epochs", "2", "--lr", "1e-2")


def photos(folder: Path, *classes: str, mode: str = "RGB") -> Path:
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(4):
            Image.effect_noise((40, 30), 50 * number + 10).convert(mode).save(
                folder / name / f"{i}.png"
            )
    return folder


def test_folders_name_the_classes_of_what_is_saved(train: Any, tmp_path: Path) -> None:
    data = photos(tmp_path / "pets", "dog", "cat", "7", "tench: a fish")
    train("--data", str(data), "--epochs", "1", "--batch", "4", "--set", "labels=imagenet")
    model = hg.load(tmp_path / "run" / "model.pt")
    found = hg.predict(model, data / "cat" / "0.png")
    assert found.labels.names == ("7", "cat", "dog", "tench: a fish")


def test_the_spec_may_order_the_classes(train: Any, tmp_path: Path) -> None:
    data = photos(tmp_path / "pets", "dog", "cat")
    (tmp_path / "names.txt").write_text("dog\nbird\ncat\n")
    train("--data", str(data), "--epochs", "1", "--batch", "4", "--set",
          f"labels={tmp_path / 'names.txt'}")  # fmt: skip
    model = hg.load(tmp_path / "run" / "model.pt")
    assert hg.predict(model, data / "cat" / "0.png").labels.names == ("dog", "bird", "cat")


@pytest.mark.usefixtures("example")
def test_a_class_is_learnt_under_its_place_in_the_labels(tmp_path: Path) -> None:
    from training.data import Folder

    data = Folder(photos(tmp_path, "dog", "cat"), "classification", seed=0)
    data.prepare(hg.load_spec({**TINY, "labels": ["dog", "bird", "cat"]}))
    learnt = {data.files[i].parent.name: int(data[i][1]) for i in range(len(data))}
    assert learnt == {"dog": 0, "cat": 2}
    with pytest.raises(hg.HRNetGraphError, match="the folder 'cat' is none of the spec's labels"):
        data.prepare(hg.load_spec({**TINY, "labels": ["dog", "bird", "fox"]}))


@pytest.mark.usefixtures("example")
def test_folders_of_imagenet_keep_its_names(tmp_path: Path) -> None:
    from training.data import Folder

    data = Folder(photos(tmp_path, "n01440764", "n01443537"), "classification", seed=0)
    spec = hg.load_spec({**TINY, "labels": "imagenet"})
    assert data.prepare(spec).labels == "imagenet"


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (4, "RGBA")])
def test_images_of_one_and_four_channels_are_trained_on(
    train: Any, tmp_path: Path, channels: int, mode: str
) -> None:
    data = photos(tmp_path / "pets", "dog", "cat", mode=mode)
    row = [0.5] * channels
    words = ("--data", str(data), "--epochs", "1", "--batch", "4", "--set", f"input.0={channels}")
    with pytest.raises(hg.HRNetGraphError, match=r"as many numbers in preprocess.mean"):
        train(*words)
    train(*words, "--set", f"preprocess={{mean: {row}, std: {row}}}")
    found = hg.predict(hg.load(tmp_path / "run" / "model.pt"), data / "cat" / "0.png")
    assert len(found.as_dict()["best"]) == 2


@pytest.mark.usefixtures("example")
@pytest.mark.parametrize("resize", ["stretch", "crop", "fit"])
def test_points_and_masks_go_where_the_pixels_go(tmp_path: Path, resize: str) -> None:
    """A white square, its mask, and a joint in its middle: all at one place of the network's view."""
    from training.data import IGNORED, Folder

    image = Image.new("RGB", (90, 60))
    image.paste("white", (40, 20, 60, 40))
    mask = Image.new("L", (90, 60))
    mask.paste(1, (40, 20, 60, 40))
    for name, sheet in (("images", image), ("masks", mask)):
        (tmp_path / name).mkdir()
        sheet.save(tmp_path / name / "a.png")
    (tmp_path / "points.json").write_text('{"a.png": [[[50, 30, 1], [2, 2, 1]]]}')
    spec = hg.load_spec({**TINY, "input": [3, 64, 64], "preprocess": {"resize": resize}})

    data = Folder(tmp_path, "heatmap", seed=0)
    data.prepare(hg.load_spec(spec, {"head": {"kind": "heatmap", "joints": 2}}))
    pixels, people = data[0]
    (x, y, seen), corner = people[0].tolist()
    assert pixels[0, int(y * 64), int(x * 64)] > 2
    assert (seen, corner[2]) == (1, resize != "crop")

    data = Folder(tmp_path, "segmentation", seed=0)
    data.prepare(hg.load_spec(spec, {"head": {"kind": "segmentation", "classes": 2}}))
    for data.epoch in range(4):
        pixels, target = data[0]
        square = pixels[0] > 0
        assert ((target == 1) == square).float().mean() > 0.96
        assert bool((target == IGNORED).any()) == (resize == "fit")
        assert not pixels[:, target == IGNORED].any()


def test_shapes_take_the_place_of_what_one_that_was_killed_has_left(
    example: Any, tmp_path: Path
) -> None:
    from training.shapes import make

    for name in ("shapes.draft/circle/0000.png", "shapes.draft/other/9.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"")
    make(tmp_path / "shapes", ["classification"], 0, count=3)
    assert [path.name for path in tmp_path.iterdir()] == ["shapes"]
    assert len([*(tmp_path / "shapes").glob("*/*.png")]) == 3
