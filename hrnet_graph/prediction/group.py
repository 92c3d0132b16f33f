"""Grouping of joints into persons by their tags (associative embedding)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

MAX_PEOPLE = 30
THRESHOLD = 0.1
"""The least height of a peak."""
TAG_DISTANCE = 1.0
"""The largest distance of a joint's tag from the mean of its person's."""


@dataclass(frozen=True)
class Peak:
    """A place where a heatmap is highest among its neighbours, and the tag there."""

    row: int
    column: int
    score: float
    tag: float


def peaks(heatmap: Tensor, tags: Tensor) -> list[Peak]:
    """The highest peaks of one joint, best first. heatmap, tags: (H, W)"""
    highest = functional.max_pool2d(heatmap[None, None], kernel_size=5, stride=1, padding=2)[0, 0]
    kept = heatmap.where(heatmap == highest, heatmap.new_tensor(float("-inf")))
    best = kept.flatten().topk(min(MAX_PEOPLE, kept.numel()))
    found = []
    for score, index in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        if score > THRESHOLD:
            row, column = divmod(index, heatmap.shape[1])
            found.append(Peak(row, column, score, float(tags[row, column])))
    return found


def group(heatmaps: Tensor, tags: Tensor) -> list[dict[int, Peak]]:
    """The peaks of all joints as persons: joint -> peak. heatmaps, tags: (joints, H, W)

    Joint by joint, each peak joins the person whose mean tag is nearest and who lacks the joint, or
    starts another person.

    Source: Newell et al., "Associative Embedding", NIPS 2017, section 3.2.
    """
    people: list[dict[int, Peak]] = []
    for joint, (heatmap, plane) in enumerate(zip(heatmaps, tags, strict=True)):
        for peak in peaks(heatmap, plane):
            near = [(_distance(person, peak), person) for person in people if joint not in person]
            distance, person = min(near, key=lambda pair: pair[0], default=(TAG_DISTANCE, {}))
            if distance < TAG_DISTANCE:
                person[joint] = peak
            elif len(people) < MAX_PEOPLE:
                people.append({joint: peak})
    return sorted(people, key=lambda person: -sum(peak.score for peak in person.values()))


def _distance(person: dict[int, Peak], peak: Peak) -> float:
    return abs(sum(known.tag for known in person.values()) / len(person) - peak.tag)
