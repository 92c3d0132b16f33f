"""Detectors on HRNetV2p, through torchvision. Needs the extra `detection`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hrnet_graph.compiler.torch.build import build_module
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec

try:
    from torchvision.models.detection import FCOS, FasterRCNN, MaskRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.ops import MultiScaleRoIAlign
except ImportError as error:
    raise HRNetGraphError(
        f"detectors need torchvision: {error}", "pip install 'hrnet-graph[detection]'"
    ) from None

ROI_LEVELS = ("0", "1", "2", "3")
"""The levels that regions are pooled from; the coarsest is for proposals alone, as published."""


class PyramidBackbone(nn.Module):
    """A feature pyramid as torchvision's detectors expect it.

    x: (N, 3, H, W) -> level name to (N, out_channels, H / stride, W / stride), finest first
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        graph = network.graph
        self.out_channels = graph[graph.outputs[0][1]].type.channels
        self.levels = len(graph.outputs)

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        return OrderedDict((str(i), level) for i, level in enumerate(self.network(x)))


def pyramid_backbone(
    spec: str | Path | Mapping[str, Any] | Spec,
    *,
    weights: str | Path | None = None,
    device: torch.device | str | int | None = None,
) -> PyramidBackbone:
    """The backbone of a spec whose head is `feature_pyramid`, such as `hrnetv2p_w32`.

    Raises `HRNetGraphError` if it has another head.
    """
    spec = load_spec(spec)
    if spec.head.kind != "feature_pyramid":
        raise HRNetGraphError(
            f"{spec.name}: expected a feature_pyramid head, got {spec.head.kind}",
            "use hrnetv2p_w18, _w32, _w40 or _w48, or a spec that extends one",
        )
    return PyramidBackbone(build_module(spec, weights=weights, device=device))


def faster_rcnn(
    spec: str | Path | Mapping[str, Any] | Spec,
    num_classes: int,
    *,
    weights: str | Path | None = None,
    device: torch.device | str | int | None = None,
    **options: Any,
) -> FasterRCNN:
    """Faster R-CNN on HRNetV2p. `num_classes` counts the background, as torchvision does.

    `weights` are the backbone's; `options` go to `torchvision.models.detection.FasterRCNN`.

    Source: HRNet-Object-Detection, configs/hrnet/faster_rcnn_hrnetv2p_w32_1x.py (anchors, levels).
    """
    backbone = pyramid_backbone(spec, weights=weights, device=device)
    return FasterRCNN(backbone, num_classes, **(_regions(backbone) | options)).to(device)


def mask_rcnn(
    spec: str | Path | Mapping[str, Any] | Spec,
    num_classes: int,
    *,
    weights: str | Path | None = None,
    device: torch.device | str | int | None = None,
    **options: Any,
) -> MaskRCNN:
    """Mask R-CNN on HRNetV2p. `num_classes` counts the background, as torchvision does.

    `weights` are the backbone's; `options` go to `torchvision.models.detection.MaskRCNN`.
    """
    backbone = pyramid_backbone(spec, weights=weights, device=device)
    given = _regions(backbone) | {"mask_roi_pool": _pooling(backbone, 14)} | options
    return MaskRCNN(backbone, num_classes, **given).to(device)


def fcos(
    spec: str | Path | Mapping[str, Any] | Spec,
    num_classes: int,
    *,
    weights: str | Path | None = None,
    device: torch.device | str | int | None = None,
    **options: Any,
) -> FCOS:
    """FCOS on HRNetV2p, whose pyramid is then halved once more: strides 8 to 128, as published.

    `num_classes` counts the background, as torchvision does. `weights` are the backbone's;
    `options` go to `torchvision.models.detection.FCOS`.
    """
    halved = load_spec(spec, {"head.stride": 2})
    backbone = pyramid_backbone(halved, weights=weights, device=device)
    sizes = tuple((8 * 2**i,) for i in range(backbone.levels))
    anchors = AnchorGenerator(sizes, ((1.0,),) * backbone.levels)
    given = {"anchor_generator": anchors, **options}
    return FCOS(backbone, num_classes, **given).to(device)


def _regions(backbone: PyramidBackbone) -> dict[str, Any]:
    """Anchors of 8 cells a side at every level, and region pooling from the finest four."""
    sizes = tuple((32 * 2**i,) for i in range(backbone.levels))
    anchors = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * backbone.levels)
    return {"rpn_anchor_generator": anchors, "box_roi_pool": _pooling(backbone, 7)}


def _pooling(backbone: PyramidBackbone, size: int) -> MultiScaleRoIAlign:
    levels = list(ROI_LEVELS[: backbone.levels])
    return MultiScaleRoIAlign(levels, output_size=size, sampling_ratio=2)
