"""Images in: read with bounds, brought to the network's size and scale."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from hrnet_graph.errors import FileError, error_line, quoted

MAX_PIXELS = 100_000_000

CROP_MARGIN = 256 / 224
"""How much larger than the crop an image is made first, as in the published evaluation."""


def read_image(path: str | Path) -> Image.Image:
    """An image file as RGB, upright. Raises `FileError` if it is none, damaged or too large."""
    where = quoted(str(path), 200)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(path)
        with opened as image:
            if image.width * image.height > MAX_PIXELS:
                raise FileError(f"{where}: expected at most {MAX_PIXELS} pixels")
            return ImageOps.exif_transpose(image).convert("RGB")
    except FileNotFoundError:
        raise FileError(f"no image at {where}") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FileError(f"{where} is no image that can be read: {error_line(error)}") from None


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


def view(image: Image.Image, height: int, width: int, crop: bool) -> tuple[Image.Image, Placement]:
    """What the network sees of an image: all of it, stretched, or its centre, unstretched."""
    across, down = float(image.width), float(image.height)
    if crop:
        scale = min(across / width, down / height) / CROP_MARGIN
        across, down = scale * width, scale * height
    left, top = (image.width - across) / 2, (image.height - down) / 2
    box = (left, top, left + across, top + down)
    seen = image.resize((width, height), Image.Resampling.BILINEAR, box=box)
    return seen, Placement(left, top, across, down, (image.height, image.width))


def as_array(
    image: Image.Image, mean: Sequence[float], std: Sequence[float]
) -> NDArray[np.float32]:
    """An RGB image as a batch of one: (1, 3, H, W), in units of `std` from `mean`, of 0 to 1."""
    pixels = np.asarray(image, np.float32).transpose(2, 0, 1) / np.float32(255)
    centre, scale = (np.asarray(values, np.float32)[:, None, None] for values in (mean, std))
    return np.ascontiguousarray(((pixels - centre) / scale)[None])
