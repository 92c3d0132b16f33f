"""How sure a pose is by its form (DEKR): a small network that is trained beside the large one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from hrnet_graph.compiler.checkpoints.files import read_content
from hrnet_graph.compiler.checkpoints.unwrap import unwrap
from hrnet_graph.errors import FileError, HRNetGraphError, quoted

Rescorer = Callable[[Tensor, Tensor], Tensor]
"""Joints (people, joints, 2) and scores (people, joints) -> what times a score it is, (people,)."""

Links = tuple[tuple[int, ...], tuple[int, ...]]

LINKS: Mapping[int, Links] = {
    17: (
        (0, 0, 1, 1, 2, 3, 4, 5, 5, 5, 6, 6, 7, 8, 11, 11, 12, 13, 14),
        (1, 2, 2, 3, 4, 5, 6, 6, 7, 11, 8, 12, 9, 10, 12, 13, 14, 15, 16),
    ),
    14: (
        (12, 13, 13, 0, 1, 2, 3, 0, 1, 6, 7, 8, 9, 6, 0),
        (13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 7, 1),
    ),
}
"""Joints -> the pairs whose distances are looked at, of COCO and of CrowdPose.

Source: DEKR, lib/utils/rescore.py, `get_feature`.
"""

TORSO = (9, 11)
"""The links by whose mean length all are measured."""

HIDDEN = 256


def load_rescorer(path: str | Path, joints: int) -> Rescorer:
    """The small network of a file: weights `l1`, `l2`, `l3` of three layers.

    Raises `HRNetGraphError` for a number of joints that none is known for, and `FileError` for a
    file that holds other weights.
    """
    if joints not in LINKS:
        known = " and ".join(map(str, LINKS))
        raise HRNetGraphError(f"poses are rescored of {known} joints, got {joints}")
    count = 3 * len(LINKS[joints][0]) + joints
    wanted: dict[str, tuple[int, ...]] = {}
    for i, (inside, out) in enumerate(((count, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 1)), start=1):
        wanted |= {f"l{i}.weight": (out, inside), f"l{i}.bias": (out,)}
    weights = unwrap(read_content(path)[1], path).weights
    where = quoted(str(path), 200)
    for key, shape in wanted.items():
        if key not in weights:
            raise FileError(f"{where}: expected {key} of a network that rescores poses, got none")
        if tuple(weights[key].shape) != shape:
            got = tuple(weights[key].shape)
            raise FileError(f"{where}: {key}: expected {shape} for {joints} joints, got {got}")
    if others := sorted(weights.keys() - wanted.keys()):
        what = f"expected a network that rescores poses, got {quoted(others[0])} as well"
        raise FileError(f"{where}: {what}")
    layers = [(weights[f"l{i}.weight"].float(), weights[f"l{i}.bias"].float()) for i in (1, 2, 3)]

    def rescore(points: Tensor, scores: Tensor) -> Tensor:
        x = features(points, scores)
        for weight, bias in layers[:-1]:
            x = functional.linear(x, weight, bias).relu()
        return functional.linear(x, *layers[-1])[:, 0].nan_to_num()

    return rescore


def features(points: Tensor, scores: Tensor) -> Tensor:
    """What of a pose is looked at: links, their lengths, and the joints' scores.

    points: (people, joints, 2), scores: (people, joints) -> (people, 3 * links + joints)
    """
    first, second = map(list, LINKS[points.shape[1]])
    links = points[:, first] - points[:, second]
    lengths = links.square().sum(dim=2).sqrt()
    torso = lengths[:, TORSO].mean(dim=1).clamp_min(1)[:, None]
    return torch.cat([(links / torso[..., None]).flatten(1), lengths / torso, scores], dim=1)
