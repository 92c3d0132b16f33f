"""Images and outputs as callers bring and want them: tensors, or arrays where torch is not used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeGuard

from hrnet_graph.engines.engine import Array, Images
from hrnet_graph.errors import InputError, quoted
from hrnet_graph.ir.sizes import ImageCheck

if TYPE_CHECKING:
    from torch import Tensor


def as_images(x: object, name: str, check: ImageCheck) -> Images:
    """A batch of images for the network of that name, from a tensor or an array of floats.

    x: (N, C, H, W) -> (N, C, H, W), in float32

    Raises `InputError` for anything else.
    """
    import numpy as np  # which nobody lacks who has an engine

    if isinstance(x, np.ndarray):
        if x.dtype.kind != "f":
            raise InputError(f"{name} takes images of floats, got {x.dtype.name}")
        check(x.shape)
        return np.asarray(x, np.float32, order="C")
    if not _is_tensor(x):
        raise InputError(f"{name} takes a tensor or an array, got {quoted(x)}")
    from hrnet_graph.compiler.torch.dense import unsupported_kind

    if kind := unsupported_kind(x):
        raise InputError(f"{name} takes images of plain numbers, got a {kind} tensor")
    check(tuple(x.shape))
    if not x.is_floating_point():
        raise InputError(f"{name} takes images of floats, got {x.dtype}")
    return x.detach().float()


def to_array(x: Images) -> Array:
    """The same numbers as an array, row by row."""
    import numpy as np

    return np.ascontiguousarray(x if isinstance(x, np.ndarray) else x.cpu().numpy())


def to_tensor(x: Images) -> Tensor:
    """The same numbers as a tensor."""
    import numpy as np
    import torch

    return torch.from_numpy(x) if isinstance(x, np.ndarray) else x


def difference(ours: Sequence[Array], theirs: Sequence[Array]) -> float:
    """The largest difference of any output, over the largest value of the other's.

    It is no number where an output has one that is none.
    """
    import numpy as np

    with np.errstate(invalid="ignore"):  # of what is infinite, the difference is no number
        pairs = zip(ours, theirs, strict=True)
        return float(np.max([np.abs(a - b).max() / (np.abs(b).max() or 1.0) for a, b in pairs]))


def _is_tensor(x: object) -> TypeGuard[Tensor]:
    """Whether it is a tensor; nobody has one who has not imported torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)
