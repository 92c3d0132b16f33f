"""From heads that say coordinates, or where along each axis, to points of the image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from hrnet_graph.images import Placement
from hrnet_graph.prediction.labels import Labels
from hrnet_graph.prediction.maps import overview
from hrnet_graph.prediction.results import Point, Points


def coordinates(outputs: Sequence[Tensor], labels: Labels, place: Placement) -> Points:
    """Each joint where the network says, which says no score: 1.

    Last output: columns and rows from 0 to 1 (1, joints, 2)
    """
    found = []
    for name, (x, y) in zip(labels.names, outputs[-1][0].tolist(), strict=True):
        across, down = place.at(x, y)
        found.append(Point(name, round(across, 1), round(down, 1), 1.0))
    return Points((tuple(found),), None)


def axes(outputs: Sequence[Tensor], labels: Labels, place: Placement) -> Points:
    """Each joint at the middle of its likeliest column and row; the lower logit is its score.

    Outputs: logits (1, joints, columns), (1, joints, rows)

    Source: mmpose 1.3, codecs/utils/post_processing.py, `get_simcc_maximum`.
    """
    columns, rows = (output[0].float() for output in outputs)
    (heights, at), (others, below) = columns.max(dim=1), rows.max(dim=1)
    scores = heights.minimum(others).tolist()
    found = []
    for name, x, y, score in zip(labels.names, at.tolist(), below.tolist(), scores, strict=True):
        across, down = place.at((x + 0.5) / columns.shape[1], (y + 0.5) / rows.shape[1])
        found.append(Point(name, round(across, 1), round(down, 1), round(score, 4)))
    likely = [axis.softmax(dim=1) for axis in (columns, rows)]
    peaks = [axis / axis.amax(dim=1, keepdim=True) for axis in likely]
    return Points((tuple(found),), overview(peaks[1][:, :, None] * peaks[0][:, None]))
