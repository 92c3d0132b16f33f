"""Non-maximum suppression of poses (DEKR): of those that are one person's, the best."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from hrnet_graph.prediction.offsets import MAX_PEOPLE, People


def suppress(people: People, near: float, many: int) -> People:
    """The persons that are left once each joint has the height of its heatmap in its score.

    Two poses are one person's if more than `many` joints of them are closer than `near` times the
    diagonal of the first. Poses whose joints are all in one place are no persons.

    Source: DEKR, lib/core/nms.py, `pose_nms`, and lib/core/inference.py, `aggregate_results`.
    """
    values = _values(people)
    heights = values.mean(dim=1)
    kept = _best_of_each(people.joints, heights, near, many)
    if len(kept) > MAX_PEOPLE:
        best = heights[kept].topk(MAX_PEOPLE).indices
        kept = [kept[i] for i in best.tolist()]
    scores = (people.scores * values)[kept]
    return replace(people, joints=people.joints[kept], scores=scores)


def _values(people: People) -> Tensor:
    """The height of each joint's heatmap where the joint is. -> (people, joints)"""
    height, width = people.heatmaps.shape[1:]
    columns, rows = people.joints.nan_to_num().floor().clamp(-1, 65_536).long().unbind(2)
    columns, rows = columns.clamp(0, width - 1), rows.clamp(0, height - 1)
    return people.heatmaps[torch.arange(people.joints.shape[1]), rows, columns]


def _best_of_each(joints: Tensor, heights: Tensor, near: float, many: int) -> list[int]:
    """The number of the best pose of every group, in the order in which groups are met."""
    extent = joints.amax(dim=1) - joints.amin(dim=1) if len(joints) else joints.new_zeros(0, 2)
    reach = near * extent.square().sum(dim=1).sqrt()
    apart = (joints[:, None] - joints[None]).square().sum(dim=3).sqrt()
    groups = (apart < reach[:, None, None]).sum(dim=2) > many
    ignored = torch.zeros(len(joints), dtype=torch.bool)
    kept = []
    for i, group in enumerate(groups):
        if ignored[i] or not group.any():
            continue
        best = int(heights.where(group, heights.new_tensor(float("-inf"))).argmax())
        if not ignored[best]:
            kept.append(best)
            ignored |= group
    return kept
