"""What a network says of an image and of the same one in a mirror, brought together."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from hrnet_graph.errors import HRNetGraphError


def twins(names: Sequence[str]) -> tuple[int, ...]:
    """For each joint the one that it is in a mirror, as names say it.

    Raises `HRNetGraphError` where they say nothing.
    """
    swap = {"left": "right", "right": "left"}
    sides = re.compile("left|right", re.I)
    mirrored = [sides.sub(lambda side: swap[side[0].lower()], name) for name in names]
    at = {name.lower(): i for i, name in enumerate(names)}
    found = [at.get(name.lower(), i) for i, name in enumerate(mirrored)]
    lone = [name for name, other in zip(names, mirrored, strict=True) if other.lower() not in at]
    if lone or found == list(range(len(names))):
        what = f"'{lone[0]}' has no other side" if lone else "no joint is called left or right"
        hint = "name the joints in the spec's labels, such as left_wrist and right_wrist"
        raise HRNetGraphError(f"flip needs to know which joints are left and right: {what}", hint)
    return tuple(found)


def mean_of_heatmaps(plain: Tensor, flipped: Tensor, twin: Sequence[int]) -> Tensor:
    """The mean of heatmaps of an image and of the flipped one; `twin` is each joint's other.

    plain, flipped: (1, joints, H, W) -> the same. Those of the flipped image are moved a cell to
    the right once they are flipped back, so that cells lie on those of the other ones.

    Source: deep-high-resolution-net.pytorch, lib/core/function.py, `validate`, `SHIFT_HEATMAP`.
    """
    back = flipped.flip(3)[:, torch.tensor(twin)]
    return (plain + torch.cat([back[..., :1], back[..., :-1]], dim=3)) / 2
