"""What a detector finds in an image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from PIL import Image

from hrnet_graph.compiler.torch.detector import PyramidBackbone
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.images import Preprocessor
from hrnet_graph.prediction.evaluation import evaluating
from hrnet_graph.prediction.labels import Labels, labels_for
from hrnet_graph.prediction.results import Box, Boxes
from hrnet_graph.spec.schema import Spec


def box_finder(
    spec: Spec, detector: torch.nn.Module, threshold: float
) -> tuple[Callable[[Image.Image], Boxes], Labels]:
    """What a detector finds that is surer than a threshold.

    It is given images as they are: torchvision's own transform resizes and scales them.
    """
    labels = _box_labels(spec, detector)

    def answer(photo: Image.Image) -> Boxes:
        images = torch.from_numpy(Preprocessor.levels(photo)).to(next(detector.parameters()))
        with evaluating(detector):
            (found,) = detector([images])
        rows = zip(*(found[key].tolist() for key in ("labels", "scores", "boxes")), strict=True)
        return Boxes(
            tuple(
                Box(index, labels.names[index], round(score, 4), (x0, y0, x1, y1))
                for index, score, (x0, y0, x1, y1) in rows
                if score >= threshold
            )
        )

    return answer, labels


def _box_labels(spec: Spec, detector: torch.nn.Module) -> Labels:
    """The labels of a detector, whose first class is the background."""
    backbone = detector.get_submodule("backbone")
    assert isinstance(backbone, PyramidBackbone)
    if backbone.recipe is None:
        raise HRNetGraphError(
            f"{type(detector).__name__} does not say how many classes it knows",
            "make it by a function of hrnet_graph.detection",
        )
    count = backbone.recipe.num_classes
    names = spec.labels if isinstance(spec.labels, tuple) else None
    palette = spec.palette and ((0, 0, 0), *spec.palette)
    return labels_for(names and ("background", *names), count, "class", palette)
