"""An image as bottom-up networks are shown it: whole, in its proportions, at several scales."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from hrnet_graph.errors import HRNetGraphError

STEP = 64
"""Of so many pixels the sides at scale 1 are multiples."""


@dataclass(frozen=True)
class ScaledView:
    """An image of w x h pixels around its centre, as the network sees it.

    size: (height, width) of what the network sees; extent: (width, height) of the image there, with
    what lies beside it, in pixels; centre: (column, row), whole

    Source: DEKR, lib/utils/transforms.py, `get_multi_scale_size` and `get_final_preds`.
    """

    size: tuple[int, int]
    extent: tuple[float, float]
    centre: tuple[int, int]

    @property
    def pixels(self) -> float:
        """How many of the image's pixels one pixel of the view is wide, on both axes."""
        return self.extent[0] / self.size[1]

    def warp(self, image: Image.Image) -> Image.Image:
        """The view, between pixels bilinear, black where the image has ended."""
        height, width = self.size
        left, top = (
            c - self.pixels * n / 2 for c, n in zip(self.centre, (width, height), strict=True)
        )
        middle = 0.5 - self.pixels / 2  # Pillow counts from the corner of a pixel
        place = (self.pixels, 0, left + middle, 0, self.pixels, top + middle)
        how = Image.Resampling.BILINEAR
        return image.transform((width, height), Image.Transform.AFFINE, place, how)

    def from_image(self, point: tuple[float, float]) -> tuple[float, float]:
        """A place in the image, column and row, as one in the view."""
        height, width = self.size
        x, y = ((p - c) / self.pixels for p, c in zip(point, self.centre, strict=True))
        return x + width / 2, y + height / 2

    def to_image(self, points: Tensor) -> Tensor:
        """Places in the view as places in the image. points: (..., 2), columns and rows"""
        height, width = self.size
        middle, centre = (
            points.new_tensor(pair) for pair in ((width / 2, height / 2), self.centre)
        )
        return (points - middle) * self.pixels + centre


def view_of(image_size: tuple[int, int], side: int, scale: float = 1.0) -> ScaledView:
    """How an image of (width, height) pixels is shown to a network for images of `side` pixels.

    Its shorter side becomes `scale` times that, the longer one a multiple of 64 times `scale`.
    """
    w, h = image_size
    short = (side + STEP - 1) // STEP * STEP
    shorter, longer = sorted((w, h))
    long = int((short / shorter * longer + STEP - 1) // STEP * STEP)
    height, width = (int(n * scale) for n in ((long, short) if w < h else (short, long)))
    if min(height, width) < 1:
        problem = f"at scale {scale:g} nothing is left of the image"
        raise HRNetGraphError(f"{problem}; expected a larger scale")
    extent = (w, height / width * w) if w < h else (width / height * h, h)
    return ScaledView((height, width), extent, (int(w / 2 + 0.5), int(h / 2 + 0.5)))


def even_scales(image_size: tuple[int, int], side: int, near: float, most: float) -> list[float]:
    """The scales up to `most`, but for 1, at which sides are multiples of 32, the nearest first."""
    sides = view_of(image_size, side).size
    steps = range(1, int(most * min(sides)) // (STEP // 2) + 1)
    scales = [float(f"{step * STEP / 2 / min(sides):g}") for step in steps]  # as it is written
    even = (s for s in scales if s != 1 and not any(int(n * s) % (STEP // 2) for n in sides))
    return sorted(even, key=lambda scale: abs(scale - near))
