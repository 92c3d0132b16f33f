"""Images in: read with bounds, and brought to a network's size and scale, one way for all."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrnet_graph.extras import IMAGES, require

require("torch", "reading an image", IMAGES)

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from hrnet_graph.errors import FileError, HRNetGraphError, error_line, quoted
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.types import times
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec

ImageLike = str | Path | Image.Image | NDArray[Any]
"""A file, an image, or an array of bytes: (H, W), or (H, W, C) with 1, 3 or 4 channels."""

MAX_PIXELS = 100_000_000

CROP_MARGIN = 256 / 224
"""How much larger than the crop an image is made first, as in the published evaluation."""

MODES = {1: "L", 3: "RGB", 4: "CMYK"}
"""Channels -> Pillow's mode. Any four stand in CMYK, since RGBA is resized weighed by its last."""


def read_image(image: ImageLike) -> Image.Image:
    """An image upright, of 8 bits a channel, in whichever mode it has.

    Raises `FileError` for a file that is no image, is damaged or too large, and `HRNetGraphError`
    for an array that is none.
    """
    if isinstance(image, np.ndarray):
        return _from_array(image)
    if not isinstance(image, str | Path | Image.Image):
        raise HRNetGraphError(f"expected an image, an array or a path, got {quoted(image)}")
    where = _name(image)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = nullcontext(image) if isinstance(image, Image.Image) else Image.open(image)
        with opened as source:
            if source.width * source.height > MAX_PIXELS:
                raise FileError(f"{where}: expected at most {MAX_PIXELS} pixels")
            upright = ImageOps.exif_transpose(source)
            deep = source.mode.startswith("I;16") or (source.mode, source.format) == ("I", "PNG")
    except FileNotFoundError:
        raise FileError(f"no image at {where}") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FileError(f"{where} is no image that can be read: {error_line(error)}") from None
    if deep:  # the upper byte, as Pillow takes it of colours
        return Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    if upright.mode in ("I", "F"):
        raise FileError(f"{where}: expected 8 or 16 bits a channel, got mode {upright.mode}")
    return upright


def in_colour(image: Image.Image) -> Image.Image:
    """An image that a network takes as people look at it; of four channels the first three."""
    if image.mode == MODES[4]:
        return Image.merge("RGB", image.split()[:3])
    return image.convert("RGB")


def _name(image: ImageLike) -> str:
    """What an image is called in a message."""
    return quoted(str(image), 200) if isinstance(image, str | Path) else "the image"


def _from_array(array: NDArray[Any]) -> Image.Image:
    shape = (*array.shape, 1) if array.ndim == 2 else array.shape
    if array.dtype != np.uint8 or len(shape) != 3 or shape[2] not in MODES or 0 in shape:
        raise HRNetGraphError(
            "expected an image of bytes, of shape H x W or H x W x 1, 3 or 4, got "
            f"{times(array.shape) or 'a scalar'} of {array.dtype.name}",
            "as np.asarray(image) gives it of a Pillow image; several go in a list",
        )
    if shape[0] * shape[1] > MAX_PIXELS:
        raise HRNetGraphError(f"the image: expected at most {MAX_PIXELS} pixels")
    return Image.fromarray(array.reshape(shape[:2]) if shape[2] == 1 else array)


@dataclass(frozen=True)
class Placement:
    """Where the network's view lies in the image: left, top, width and height, in pixels.

    image_size: (height, width) of the image
    """

    left: float
    top: float
    width: float
    height: float
    image_size: tuple[int, int]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Column and row of a place in the image, from its place in the view, of 0 to 1."""
        height, width = self.image_size
        column, row = self.left + x * self.width, self.top + y * self.height
        return min(max(column, 0.0), float(width)), min(max(row, 0.0), float(height))

    @property
    def is_whole(self) -> bool:
        """Whether the network sees all of the image."""
        height, width = self.image_size
        return self.width >= width and self.height >= height


class Preprocessor:
    """Makes of an image what a network takes, as its spec says: for training and whatever runs it.

    image: a file, an image or an array of bytes (H, W, C) -> (1, C, H, W), in units of
    `preprocess.std` from `preprocess.mean`, of 0 to 1

    `network` is what `build_graph` takes, or a graph; `size` (height, width) is the network's own
    where unstated. Raises `HRNetGraphError` for a network that no image fits, and `FileError` for
    a file that is no image.

    Example:
        >>> model = hg.build_module("hrnet_w18_small_v1_cls", device="meta")
        >>> from PIL import Image
        >>> hg.Preprocessor(model.graph)(Image.new("RGB", (640, 480))).shape
        (1, 3, 224, 224)
    """

    def __init__(
        self,
        network: str | Path | Mapping[str, Any] | Spec | Graph,
        size: tuple[int, int] | None = None,
    ) -> None:
        spec = network.spec if isinstance(network, Graph) else load_spec(network)
        if not isinstance(spec, Spec):
            raise HRNetGraphError("a graph that comes from no spec says nothing of images")
        own = network.input.type.shape if isinstance(network, Graph) else spec.input
        self.channels, self.size = own[0], size or (own[1], own[2])
        self._how = spec.preprocess
        if self.channels not in MODES:
            raise HRNetGraphError(
                f"{spec.name}: expected an input of 1, 3 or 4 channels, got {self.channels}",
                "images have no others; the network of hg.build_module takes tensors",
            )
        counts = [len(self._how.mean), len(self._how.std)]
        if counts != [self.channels] * 2:
            row = ", ".join(["0.5"] * self.channels)
            raise HRNetGraphError(
                f"{spec.name}: expected as many numbers in preprocess.mean and preprocess.std as "
                f"the input has channels, {self.channels}, got {counts[0]} and {counts[1]}",
                f"state them in the spec, as in preprocess: {{mean: [{row}], std: [{row}]}}",
            )
        if self.size[0] * self.size[1] > MAX_PIXELS:
            raise HRNetGraphError(
                f"{spec.name}: expected an input of at most {MAX_PIXELS} pixels, got "
                f"{times(self.size)}"
            )

    def __call__(self, image: ImageLike) -> NDArray[np.float32]:
        return self.scale(self.read(image))

    def read(self, image: ImageLike) -> Image.Image:
        """An image upright, with as many channels as the network takes."""
        found, where = read_image(image), _name(image)
        if self.channels == 4:
            if "transparency" in found.info:
                found = found.convert("RGBA")
            if len(found.getbands()) != 4:
                raise HRNetGraphError(f"{where}: expected an image of 4 channels, got {found.mode}")
            return Image.merge(MODES[4], found.split())
        try:
            return found.convert(MODES[self.channels])
        except ValueError as error:
            raise HRNetGraphError(f"{where}: {error_line(error)}") from None

    def place(self, image: Image.Image) -> Placement:
        """Where the network's view lies in an image; it reaches beyond one that is fitted in."""
        (height, width), (w, h) = self.size, image.size
        across, down = float(w), float(h)
        if self._how.resize == "crop":
            scale = min(w / width, h / height) / CROP_MARGIN
            across, down = scale * width, scale * height
        elif self._how.resize == "fit":
            scale = min(width / w, height / h)
            across *= width / max(1, round(scale * w))
            down *= height / max(1, round(scale * h))
            return Placement(0, 0, across, down, (h, w))
        return Placement((w - across) / 2, (h - down) / 2, across, down, (h, w))

    def view(
        self,
        image: Image.Image,
        resample: Image.Resampling = Image.Resampling.BILINEAR,
    ) -> Image.Image:
        """What of an image the network sees: (H, W) pixels, or less where it is fitted in."""
        at, (height, width) = self.place(image), self.size
        right, bottom = min(at.left + at.width, image.width), min(at.top + at.height, image.height)
        across = round((right - at.left) / at.width * width)
        down = round((bottom - at.top) / at.height * height)
        return image.resize((across, down), resample, box=(at.left, at.top, right, bottom))

    def scale(self, image: Image.Image) -> NDArray[np.float32]:
        """An image that was read, as the network takes it."""
        pixels = self.normalise(self.view(image))
        batch = np.zeros((1, self.channels, *self.size), np.float32)
        batch[0, :, : pixels.shape[1], : pixels.shape[2]] = pixels
        return batch

    def normalise(self, image: Image.Image) -> NDArray[np.float32]:
        """A view of an image, whatever its size, (C, H, W) in units of `std` from `mean`."""
        mean, std = (
            np.asarray(row, np.float32)[:, None, None] for row in (self._how.mean, self._how.std)
        )
        return (self.levels(image) - mean) / std

    @staticmethod
    def levels(image: Image.Image) -> NDArray[np.float32]:
        """An image as it is, (C, H, W), of 0 to 1: for detectors, which resize and scale it."""
        rows = np.asarray(image, np.float32)
        return rows.reshape(*rows.shape[:2], -1).transpose(2, 0, 1) / np.float32(255)
