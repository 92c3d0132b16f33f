"""One way from an image to what a network takes, for everything that takes images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.engines import int8
from hrnet_graph.engines.compiled import Compiled
from hrnet_graph.images import ImageLike

PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
SIZE = {"input": [3, 64, 96]}
CHANNELS: dict[int, dict[str, Any]] = {
    1: {"input.0": 1, "preprocess": {"mean": [0.4], "std": [0.2]}},
    3: {},
    4: {"input.0": 4, "preprocess": {"mean": [0.4, 0.5, 0.6, 0.1], "std": [0.2, 0.3, 0.4, 0.5]}},
}
"""Number of channels -> what of a spec makes them so."""

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
NAMES = {1: "a.jpg", 3: "a.jpg", 4: "a.png"}

Pixels = NDArray[np.float32]


def photo(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """A photograph on its side, as a camera writes it: upright by its EXIF alone."""
    with Image.open(PHOTO) as image:
        upright = image.convert(mode).resize(size)
    upright.getexif()[0x0112] = 6
    return upright


def saved(image: Image.Image, path: Path) -> Path:
    image.save(path, exif=image.getexif(), quality=95)
    return path


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Pixels]:
    """What networks were given, in order."""
    given: list[Pixels] = []
    whole = Network.__call__

    def call(network: Network, x: torch.Tensor) -> Any:
        given.append(x.detach().numpy().copy())
        return whole(network, x)

    monkeypatch.setattr(Network, "__call__", call)
    return given


def examples(folder: Path, spec: hg.Spec) -> list[Pixels]:
    """An image of a training folder as epoch after epoch gives it, mirrored ones turned back."""
    from training.data import Folder

    data = Folder(folder, "classification", seed=0)
    spec = data.prepare(spec)
    wanted = hg.Preprocessor(spec)(data.files[0])[0]
    found = []
    for data.epoch in range(8):
        found.append(data[0][0].numpy())
    mirrored = [not np.array_equal(each, wanted) for each in found]
    assert set(mirrored) == {True, False}
    return [
        each[None, :, :, ::-1] if m else each[None] for each, m in zip(found, mirrored, strict=True)
    ]


def on_engine(run: Compiled, image: Path) -> Pixels:
    """What a network on an engine is given of an image by `predict`."""
    given: list[Pixels] = []

    def note(x: Any) -> Any:
        given.append(np.asarray(x))
        return run.engine(x)

    hg.predict(replace(run, engine=note), image)
    (pixels,) = given
    return pixels


@pytest.mark.usefixtures("example")
@pytest.mark.parametrize(
    ("channels", "resize"),
    [
        pytest.param(channels, resize, marks=[pytest.mark.slow] if i != j else [])
        for i, channels in enumerate((1, 3, 4))
        for j, resize in enumerate(("stretch", "crop", "fit"))
    ],
)
def test_everything_sees_the_same_pixels(
    tmp_path: Path, seen: list[Pixels], monkeypatch: pytest.MonkeyPatch, resize: str, channels: int
) -> None:
    for package in ("nncf", "onnxruntime"):
        pytest.importorskip(package)
    spec = hg.load_spec(SMALL, {**SIZE, **CHANNELS[channels], "preprocess.resize": resize})
    (tmp_path / "cat").mkdir()
    path = saved(photo((210, 130), MODES[channels]), tmp_path / "cat" / NAMES[channels])
    wanted = hg.Preprocessor(spec)(path)
    model = hg.build_module(spec)
    found = {f"training, epoch {i}": each for i, each in enumerate(examples(tmp_path, spec))}

    with Image.open(path) as opened:
        same: list[ImageLike] = [path, str(path), opened]
        assert len(hg.predict(model, same)) == 3
    hg.predict(spec, path)
    found |= zip(("path", "text", "image", "spec"), seen, strict=True)

    calibrated: list[Pixels] = []

    def quantize(source: bytes, images: Any, *others: Any) -> bytes:
        calibrated.extend(images)
        return int8_quantize(source, images, *others)

    int8_quantize = int8.quantize
    monkeypatch.setattr(int8, "quantize", quantize)
    fast = hg.compile(model, "onnxruntime", "int8", calibration=tmp_path)
    (found["calibration"],) = calibrated
    found["int8"] = on_engine(fast, path)
    hg.save(model, tmp_path / "net.onnx")
    run = hg.load_engine(tmp_path / "net.onnx", "onnxruntime")
    found["an export's spec"] = hg.Preprocessor(run.graph)(path)
    found["an export"] = on_engine(run, path)

    for name, pixels in found.items():
        np.testing.assert_array_equal(pixels, wanted, err_msg=name)


@pytest.mark.usefixtures("example")
@pytest.mark.parametrize("size", [(210, 130), (130, 210), (40, 30)])
def test_a_detector_is_trained_on_the_pixels_that_it_predicts_from(
    tmp_path: Path, seen: list[Pixels], size: tuple[int, int]
) -> None:
    pytest.importorskip("torchvision")
    from training.data import Folder, collate
    from training.losses import Trainee

    head = {"kind": "feature_pyramid", "channels": 8, "levels": 3}
    spec = hg.load_spec(SMALL, {**SIZE, "head": head, "backbone": "b"})
    (tmp_path / "images").mkdir()
    path = saved(photo(size), tmp_path / "images" / "a.jpg")
    (tmp_path / "boxes.json").write_text('{"a.jpg": [[3, 2, 17, 19, 2], [-9, 5, 999, 21, 1]]}')
    data = Folder(tmp_path, "feature_pyramid", seed=0)
    trainee = Trainee(data.prepare(spec), data)
    batch = collate([data[0]])
    assert isinstance(batch, tuple)
    trainee(*batch)
    hg.save(trainee.network, tmp_path / "net.pt")
    hg.predict(spec, path)
    hg.predict(trainee.network, path)
    hg.predict(tmp_path / "net.pt", path)
    assert len(seen) == 4
    for pixels in seen[1:]:
        np.testing.assert_array_equal(pixels, seen[0])
    width = size[1]  # on its side
    assert batch[1][0]["boxes"].tolist() == [[3, 2, 17, 19], [0, 5, width, 21]]


def test_a_crop_is_the_centre_at_its_own_proportions() -> None:
    image = Image.new("RGB", (512, 256))
    cropped = hg.Preprocessor(hg.load_spec(SMALL, {"preprocess.resize": "crop"}), (224, 224))
    place = cropped.place(image)
    assert cropped.view(image).size == (224, 224)
    assert (place.left, place.top, place.width, place.height) == (144, 16, 224, 224)
    stretched = hg.Preprocessor(SMALL, (224, 224)).place(image)
    assert (stretched.width, stretched.height) == (512, 256)


@pytest.mark.parametrize("size", [(512, 256), (256, 512), (7, 900), (64, 64), (1, 1)])
def test_a_fitted_image_is_whole_and_what_is_beyond_it_is_zero(size: tuple[int, int]) -> None:
    fitted = hg.Preprocessor(hg.load_spec(SMALL, {"preprocess.resize": "fit"}), (64, 96))
    image = Image.new("RGB", size, "white")
    place, seen = fitted.place(image), fitted.view(image)
    assert (place.left, place.top, place.is_whole) == (0, 0, True)
    assert seen.width == 96 or seen.height == 64
    assert seen.width / seen.height == pytest.approx(size[0] / size[1], rel=0.2, abs=0.05)
    assert place.at(seen.width / 96, seen.height / 64) == pytest.approx(size)
    pixels = fitted(image)[0]
    assert (pixels[:, : seen.height, : seen.width] > 1).all()
    assert not pixels[:, seen.height :].any()
    assert not pixels[:, :, seen.width :].any()


def test_pixels_are_scaled_as_published() -> None:
    how = {"preprocess": {"mean": [0.5, 0.0, 0.0], "std": [0.5, 1.0, 0.1]}}
    pixels = hg.Preprocessor(hg.load_spec(SMALL, how))(Image.new("RGB", (2, 1), (255, 0, 51)))
    assert pixels.shape == (1, 3, 64, 64)
    assert pixels[0, :, 0, 0].tolist() == pytest.approx([1.0, 0.0, 2.0])


def test_an_array_is_the_image_that_it_holds() -> None:
    image = photo((70, 50))
    rows = np.asarray(image)
    prepared = hg.Preprocessor(SMALL)
    np.testing.assert_array_equal(prepared(rows), prepared(Image.fromarray(rows)))
    grey = hg.Preprocessor(hg.load_spec(SMALL, CHANNELS[1]))
    np.testing.assert_array_equal(grey(rows[:, :, 0]), grey(rows[:, :, :1]))


def test_sixteen_bits_are_read_by_their_upper_byte(tmp_path: Path) -> None:
    levels = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    Image.fromarray(levels).save(tmp_path / "deep.png")
    Image.fromarray((levels >> 8).astype(np.uint8)).save(tmp_path / "flat.png")
    for prepared in (hg.Preprocessor(SMALL), hg.Preprocessor(hg.load_spec(SMALL, CHANNELS[1]))):
        deep, flat = (prepared(tmp_path / name) for name in ("deep.png", "flat.png"))
        np.testing.assert_array_equal(deep, flat)
        assert flat.std() > 0.1


def test_a_fourth_channel_does_not_weigh_the_others() -> None:
    image = ImageOps.exif_transpose(photo((200, 150), "RGBA"))
    clear = image.copy()
    clear.putalpha(Image.linear_gradient("L").resize(image.size))
    four = hg.Preprocessor(hg.load_spec(SMALL, CHANNELS[4]))
    np.testing.assert_array_equal(four(image)[:, :3], four(clear)[:, :3])
    assert not np.array_equal(four(image), four(clear))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (
            np.zeros((3, 64, 64), np.float32),
            "expected an image of bytes, .* got 3x64x64 of float32",
        ),
        (np.zeros((1, 64, 64, 3), np.uint8), "got 1x64x64x3 of uint8\n.*several go in a list"),
        (np.zeros((64, 64, 2), np.uint8), "H x W x 1, 3 or 4, got 64x64x2"),
        (np.zeros((0, 64, 3), np.uint8), "got 0x64x3"),
        (np.uint8(3), "expected an image, an array or a path, got "),
        (torch.zeros(3, 64, 64), "expected an image, an array or a path, got "),
        (Image.new("F", (4, 4)), "the image: expected 8 or 16 bits a channel, got mode F"),
        (Image.new("La", (4, 4)), "the image: conversion from La to L not supported"),
    ],
)
def test_what_is_no_image_is_refused(image: Any, message: str) -> None:
    with pytest.raises(hg.HRNetGraphError, match=message):
        hg.Preprocessor(SMALL)(image)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input.0": 1}, "as the input has channels, 1, got 3 and 3\n.*mean: .0.5., std: .0.5."),
        ({"input.0": 1, "preprocess.mean": [0.5]}, "as the input has channels, 1, got 1 and 3"),
        ({"input.0": 2, "preprocess.mean": [0.5, 0.5]}, "an input of 1, 3 or 4 channels, got 2"),
        ({"input.0": 4, "preprocess.std": [0.5, 0.5]}, "preprocess.std: expected 4 numbers, one a"),
        ({"preprocess.mean": [0.5]}, "preprocess.mean: expected 3 numbers, .* got 1"),
    ],
)
def test_a_network_that_no_image_fits_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(hg.HRNetGraphError, match=message):
        hg.Preprocessor(hg.load_spec(SMALL, changes))


def test_an_image_of_other_channels_is_refused(tmp_path: Path) -> None:
    four = hg.Preprocessor(hg.load_spec(SMALL, CHANNELS[4]))
    with pytest.raises(hg.HRNetGraphError, match="expected an image of 4 channels, got RGB"):
        four(saved(photo((20, 20)), tmp_path / "a.jpg"))
    clear = photo((20, 20)).quantize()
    clear.info["transparency"] = 0
    assert four(clear).shape == (1, 4, 64, 64)
