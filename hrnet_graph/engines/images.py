"""Images as callers bring them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from hrnet_graph.compiler.torch.dense import unsupported_kind
from hrnet_graph.errors import InputError, quoted
from hrnet_graph.ir.sizes import ImageCheck


def as_images(x: object, name: str, check: ImageCheck) -> Tensor:
    """A batch of images for the network of that name, from a tensor or an array of floats.

    x: (N, C, H, W) -> (N, C, H, W), in float32

    Raises `InputError` for anything else.
    """
    if isinstance(x, np.ndarray):
        if x.dtype.kind != "f":
            raise InputError(f"{name} takes images of floats, got {x.dtype.name}")
        x = torch.from_numpy(np.asarray(x, np.float32, order="C"))
    if not isinstance(x, Tensor):
        raise InputError(f"{name} takes a tensor or an array, got {quoted(x)}")
    if kind := unsupported_kind(x):
        raise InputError(f"{name} takes images of plain numbers, got a {kind} tensor")
    check(tuple(x.shape))
    if not x.is_floating_point():
        raise InputError(f"{name} takes images of floats, got {x.dtype}")
    return x.detach().float()
