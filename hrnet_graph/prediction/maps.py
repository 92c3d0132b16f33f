"""Heatmaps as a picture."""

from __future__ import annotations

from PIL import Image
from torch import Tensor


def overview(maps: Tensor) -> Image.Image:
    """The largest value of all heatmaps at every cell, from black to white.

    maps: (points, H, W)
    """
    plane = maps.amax(dim=0)
    scaled = 255 * (plane - plane.min()) / (plane.max() - plane.min()).clamp_min(1e-12)
    height, width = plane.shape
    return Image.frombytes("L", (width, height), scaled.byte().numpy().tobytes())
