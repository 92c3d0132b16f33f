"""`predict` with networks that are there already, with images in memory, and with many of either."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import commands
import numpy as np
import pytest
import torch
from PIL import Image
from small import HEADS, SMALL, with_head

import hrnet_graph as hg
from hrnet_graph.compiler.torch.build import build_with_report
from hrnet_graph.images import ImageLike

PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
ANSWERING = [head for head in HEADS if head["kind"] not in ("features", "feature_pyramid")]


def answers(found: list[hg.Prediction]) -> list[dict[str, Any]]:
    return [each.result.as_dict() for each in found]


@pytest.mark.parametrize("head", ANSWERING, ids=lambda head: head["kind"])
def test_a_module_an_engine_and_a_file_answer_alike(tmp_path: Path, head: dict[str, Any]) -> None:
    model = with_head(head)
    hg.save(model, tmp_path / "net.pt")
    spec = model.graph.spec
    assert isinstance(spec, hg.Spec)
    networks: list[Any] = [
        model,
        hg.compile(model),
        hg.load(tmp_path / "net.pt", optimize="inference"),
    ]
    named = hg.predict(spec, PHOTO, weights=tmp_path / "net.pt")
    for network in networks:
        found = hg.predict(network, PHOTO)
        assert (found.name, found.weights) == (model.graph.name, "its own weights")
        assert json.dumps(rounded(found)) == json.dumps(rounded(named))


def rounded(found: hg.Prediction) -> Any:
    """A result as plain data, its numbers to the places that engines agree in."""
    return json.loads(json.dumps(found.result.as_dict()), parse_float=lambda n: round(float(n), 2))


def test_the_image_is_the_same_in_a_file_in_memory_and_as_an_array() -> None:
    model = hg.build_module(SMALL)
    with Image.open(PHOTO) as image:
        same: list[ImageLike] = [PHOTO, str(PHOTO), image, np.asarray(image)]
        found = hg.predict(model, same)
    assert len(found) == 4
    assert all(each == answers(found)[0] for each in answers(found))
    assert answers([hg.predict(model, same[3])]) == answers(found)[:1]
    assert hg.predict(model, []) == []
    assert len(hg.predict(model, (PHOTO,))) == 1


def test_a_network_is_built_once_for_all_images(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []

    def count(*given: Any, **how: Any) -> Any:
        built.append(given)
        return build_with_report(*given, **how)

    monkeypatch.setattr("hrnet_graph.prediction.run.build_with_report", count)
    found = hg.predict(SMALL, [PHOTO, PHOTO], seed=3)
    assert len(built) == 1
    assert answers(found)[0] == answers(found)[1]


def test_a_module_stays_as_it_is() -> None:
    model = hg.build_module(SMALL).train()
    model.get_submodule("stage2").eval()
    modes = {name: part.training for name, part in model.named_modules()}
    assert len(set(modes.values())) == 2
    before = {key: value.clone() for key, value in model.state_dict().items()}
    hg.predict(model, PHOTO)
    with pytest.raises(hg.HRNetGraphError):
        hg.predict(model, torch.zeros(1))  # type: ignore[call-overload]
    assert modes == {name: part.training for name, part in model.named_modules()}
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_a_module_of_half_precision_answers() -> None:
    found = hg.predict(hg.build_module(SMALL).bfloat16(), PHOTO)
    assert len(found.as_dict()["best"]) == 5


def test_weights_and_device_are_for_specs() -> None:
    model, message = hg.build_module(SMALL), "weights, partial and device need a spec, got a net"
    with pytest.raises(hg.HRNetGraphError, match=message):
        hg.predict(model, PHOTO, weights="a.pt")
    with pytest.raises(hg.HRNetGraphError, match=message):
        hg.predict(model, PHOTO, device="cpu")


def test_what_is_no_network_of_ours_is_named() -> None:
    with pytest.raises(hg.HRNetGraphError, match="expected a network of ours, got 'Linear'"):
        hg.predict(torch.nn.Linear(1, 1), PHOTO)


@pytest.mark.parametrize("resize", ["stretch", "fit"])
def test_regions_lie_where_the_image_does(resize: str) -> None:
    """A network that gives each pixel its own brightness for a class."""
    head = {"kind": "segmentation", "classes": 2}
    model = hg.build_module(hg.load_spec(SMALL, {"head": head, "preprocess.resize": resize}))
    image = Image.new("RGB", (300, 110))
    image.paste("white", (210, 0, 300, 110))

    def bright(_: Any, inputs: tuple[torch.Tensor, ...], __: Any) -> torch.Tensor:
        small = torch.nn.functional.avg_pool2d(inputs[0].mean(dim=1, keepdim=True), 4)
        return torch.cat([-small, small], dim=1)

    model.register_forward_hook(bright)
    found = hg.predict(model, image).result
    labels = np.asarray(found.labels)  # type: ignore[union-attr]
    assert labels.shape == (110, 300)
    wanted = np.zeros((110, 300), int)
    wanted[:, 210:] = 1
    assert (labels == wanted).mean() > 0.96
    assert (labels[:, :195] == 0).all()
    assert (labels[:, 225:] == 1).all()


def test_a_crop_cannot_say_the_class_of_every_pixel() -> None:
    head = {"kind": "segmentation", "classes": 2}
    spec = hg.load_spec(SMALL, {"head": head, "preprocess.resize": "crop"})
    with pytest.raises(hg.HRNetGraphError, match="the rest would have no class"):
        hg.predict(spec, PHOTO)


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("head", ANSWERING[:3], ids=lambda head: head["kind"])
def test_one_and_four_channels_are_drawn_in_colour(head: dict[str, Any], channels: int) -> None:
    how = {"mean": [0.5] * channels, "std": [0.5] * channels}
    model = with_head(head, **{"input.0": channels, "preprocess": how})
    with Image.open(PHOTO) as image:
        found = hg.predict(model, image.convert({1: "L", 4: "RGBA"}[channels]))
    assert found.picture.mode == "RGB"
    assert found.picture.width == 512


def command(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return commands.run("predict", *words, cwd=folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A spec, two images, another one of the same name, and a folder for pictures."""
    (tmp_path / "small.yaml").write_text(json.dumps(SMALL))
    (tmp_path / "more").mkdir()
    (tmp_path / "out").mkdir()
    for name in ("a.jpg", "b.jpg", "more/a.jpg"):
        (tmp_path / name).write_bytes(PHOTO.read_bytes())
    return tmp_path


def test_the_command_takes_many_images(folder: Path) -> None:
    result = command(folder, "small.yaml", "a.jpg", "b.jpg", "-o", "out", "--json")
    assert result.returncode == 0, result.stderr
    first, second = json.loads(result.stdout)
    assert [first["image"], second["image"]] == ["a.jpg", "b.jpg"]
    assert first["best"] == second["best"]
    assert first["files"] == ["out/small_a.png"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "small_a.png",
        "small_b.png",
    ]
    alone = json.loads(command(folder, "small.yaml", "a.jpg", "--json").stdout)
    assert (alone["image"], alone["files"]) == ("a.jpg", ["small_a.png"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a.jpg", "b.jpg", "-o", "x.png"), "error: -o is a folder where there are several images"),
        (("a.jpg", "more/a.jpg"), "error: 'a.jpg' and 'more/a.jpg' would both be drawn in small_a"),
        (("a.jpg", "gone.jpg"), "error: no image at 'gone.jpg'"),
        (("a.jpg", "more"), "error: no image at 'more'"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(
    folder: Path, words: tuple[str, ...], message: str
) -> None:
    result = command(folder, "small.yaml", *words)
    assert result.returncode == 2
    assert result.stderr.startswith(message)
    assert not list(folder.glob("*.png"))
