"""What each head is trained by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import hrnet_graph as hg
from training.data import IGNORED, Folder
from training.several import APART, Folders, by_head, total

SIGMA = 2.0
"""Deviation of a heatmap's peak, in cells. Source: deep-high-resolution-net.pytorch."""

AUXILIARY = 0.4
"""Weight of OCR's coarse classes. Source: HRNet-Semantic-Segmentation, experiments."""

TAGS = 1e-3
"""Weight of the grouping loss. Source: HigherHRNet-Human-Pose-Estimation, experiments."""

Loss = Callable[[Any, Any], Any]


class Trainee(nn.Module):
    """A network and its loss, as one module, so that whatever wraps it sees every forward pass.

    images: (N, C, H, W), or a list for a detector, and target as `data.py` gives them -> the loss

    It starts from `weights`, or those of the file that holds the spec; `report` says what became
    of them. Of several heads the loss is the sum of theirs, which `parts` has by name.
    """

    def __init__(
        self,
        spec: hg.Spec,
        data: Folder | Folders,
        weights: Path | None = None,
        partial: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
        kind, source = spec.head.kind, weights or spec.weights_file
        given: dict[str, Any] = {"weights": source, "partial": partial}
        self.network: nn.Module
        if kind == "feature_pyramid":
            if any(options.values()):
                stated = " and ".join(key for key, value in options.items() if value)
                raise hg.HRNetGraphError(f"a detector is trained without {stated}")
            from hrnet_graph.detection import faster_rcnn  # needs the extra `detection`

            self.network = faster_rcnn(spec, data.box_classes, **given)
        else:
            inner = {name: loss_of(head.kind) for name, head in spec.head.inner.items()}
            self.loss = by_head(inner) if inner else loss_of(kind)
            self.network = hg.build_module(spec, **given, **options)
        self.parts: dict[str, Tensor] = {}
        self.report: hg.LoadReport | None = None
        if source is not None:
            network = next(part for part in self.modules() if isinstance(part, hg.Network))
            self.report = hg.load_weights(network, source, partial=partial)

    def forward(self, images: Tensor | list[Tensor], target: Any) -> Tensor:
        if isinstance(target, list):
            return total(self.network(list(images), target))
        loss = self.loss(self.network(images), target)
        if isinstance(loss, Tensor):
            return loss
        self.parts = {name: part.detach() for name, part in loss.items()}
        return total(loss)


def pixels(logits: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy at the mask's resolution, 0 where all is ignored.

    logits: (N, classes, h, w), mask: (N, H, W)
    """
    enlarged = functional.interpolate(
        logits.float(), size=mask.shape[1:], mode="bilinear", align_corners=False
    )
    total = functional.cross_entropy(enlarged, mask, ignore_index=IGNORED, reduction="sum")
    return total / (mask != IGNORED).sum().clamp_min(1)


def heatmaps(maps: Tensor, people: Tensor) -> Tensor:
    """Mean squared error of the joints that are seen. maps: (N, J, h, w), people: (N, P, J, 3)

    Where several persons have a joint, the higher of their peaks counts.
    """
    height, width = maps.shape[2:]
    x = torch.arange(width, device=maps.device) - people[..., 0:1] * width + 0.5
    y = torch.arange(height, device=maps.device) - people[..., 1:2] * height + 0.5
    peaks = torch.exp(-(x[..., None, :].square() + y[..., None].square()) / (2 * SIGMA**2))
    seen = people[..., 2] > 0
    wanted = (peaks * seen[..., None, None]).amax(dim=1)
    weight = seen.any(dim=1)[..., None, None]
    return ((maps.float() - wanted).square() * weight).mean()


def grouping(tags: Tensor, people: Tensor) -> Tensor:
    """Tags of one person pulled together, those of different persons pushed apart.

    tags: (N, J, h, w), people: (N, P, J, 3)

    Source: Newell et al., "Associative Embedding", NeurIPS 2017, section 3.
    """
    n, joints, height, width = tags.shape
    column = (people[..., 0] * width).long().clamp(0, width - 1)
    row = (people[..., 1] * height).long().clamp(0, height - 1)
    flat = tags.float().reshape(n, 1, joints, -1).expand(-1, people.shape[1], -1, -1)
    read = flat.gather(3, (row * width + column)[..., None])[..., 0]
    seen = (people[..., 2] > 0).float()
    some = seen.sum(dim=2)
    mean = (read * seen).sum(dim=2) / some.clamp_min(1)
    there = (some > 0).float()
    pull = (((read - mean[..., None]).square() * seen).sum(dim=2) / some.clamp_min(1)).sum()
    both = (
        there[:, :, None] * there[:, None, :] * (1 - torch.eye(people.shape[1], device=tags.device))
    )
    push = ((-(mean[:, :, None] - mean[:, None, :]).square()).exp() * both).sum()
    return pull / there.sum().clamp_min(1) + push / both.sum().clamp_min(1)


def bottom_up(maps: dict[str, Tensor], people: Tensor) -> Tensor:
    """Heatmaps at both resolutions, and the grouping of the tags where the head has any."""
    coarse, fine = maps["heatmaps_and_tags"], maps["heatmaps"]
    joints = fine.shape[1]
    loss = heatmaps(coarse[:, :joints], people) + heatmaps(fine, people)
    if coarse.shape[1] == joints:
        return loss
    return loss + TAGS * grouping(coarse[:, joints:], people)


def coordinates(found: Tensor, people: Tensor) -> Tensor:
    """Smooth L1 of the first person's joints that are seen.

    found: (N, J, 2), columns and rows from 0 to 1; people: (N, P, J, 3)

    Source: mmpose 1.3, models/losses/regression_loss.py, `SmoothL1Loss`.
    """
    seen = people[:, 0, :, 2:]
    wanted = people[:, 0, :, :2]
    apart = functional.smooth_l1_loss(found.float(), wanted, reduction="none")
    return (apart * seen).sum() / (2 * seen.sum()).clamp_min(1)


def axes(logits: dict[str, Tensor], people: Tensor) -> Tensor:
    """Kullback-Leibler divergence from Gaussian labels of the first person's joints that are seen.

    logits: x: (N, J, columns), y: (N, J, rows); people: (N, P, J, 3)

    Source: Li et al., "SimCC", ECCV 2022; for the deviation of labels, which is a quarter of the
    root of the number of classes in all of its settings, mmpose 1.3, configs of SimCC.
    """
    seen = people[:, 0, :, 2]
    total = logits["x"].new_zeros((), dtype=torch.float32)
    for axis, name in enumerate(("x", "y")):
        bins = logits[name].shape[2]
        at = torch.arange(bins, device=seen.device) + 0.5 - people[:, 0, :, axis, None] * bins
        wanted = (-at.square() * 8 / bins).softmax(dim=2)
        found = logits[name].float().log_softmax(dim=2)
        apart = functional.kl_div(found, wanted, reduction="none").sum(dim=2)
        total = total + (apart * seen).sum() / seen.sum().clamp_min(1)
    return total / 2


def dense(found: Tensor | dict[str, Tensor], mask: Tensor) -> Tensor:
    """Cross-entropy of pixels, and of coarse classes where the head has any."""
    if isinstance(found, Tensor):
        return pixels(found, mask)
    return pixels(found["main"], mask) + AUXILIARY * pixels(found["aux"], mask)


LOSSES: dict[str, Loss] = {
    "classification": lambda logits, label: functional.cross_entropy(logits.float(), label),
    "segmentation": dense,
    "ocr": dense,
    "heatmap": heatmaps,
    "landmark": heatmaps,
    "bottom_up": bottom_up,
    "regression": coordinates,
    "simcc": axes,
    "upernet": dense,
}
"""Kind of head -> its loss."""


def loss_of(kind: str) -> Loss:
    """The loss of a kind of head. Raises `HRNetGraphError` if there is none."""
    if kind not in LOSSES:
        known = ", ".join([*LOSSES, "feature_pyramid"])
        raise hg.HRNetGraphError(f"no loss for a {kind} head; expected one of {known}")
    return LOSSES[kind]


def expect_trainable(spec: hg.Spec) -> None:
    """That the head of a spec can be trained, or its heads together. Raises `HRNetGraphError`."""
    for name, head in spec.head.inner.items():
        if head.kind in APART:
            raise hg.HRNetGraphError(
                f"the head {name!r} learns alone: the data of {head.kind} are laid out otherwise"
            )
        loss_of(head.kind)
    if not spec.head.inner and spec.head.kind != "feature_pyramid":
        loss_of(spec.head.kind)
