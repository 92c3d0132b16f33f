"""Detectors on HRNetV2p, through torchvision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small import SMALL
from torch import nn

import hrnet_graph as hg
from hrnet_graph import detection

PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
SPEC = hg.load_spec(
    SMALL, {"head": {"kind": "feature_pyramid", "channels": 64}, "backbone": "backbone"}
)

DETECTORS: dict[str, Callable[..., nn.Module]] = {
    "faster_rcnn": detection.faster_rcnn,
    "mask_rcnn": detection.mask_rcnn,
    "fcos": detection.fcos,
}


def photo() -> torch.Tensor:
    unscaled = {"preprocess": {"mean": [0.0] * 3, "std": [1.0] * 3}}
    return torch.from_numpy(hg.Preprocessor(hg.load_spec(SPEC, unscaled), (128, 160))(PHOTO)[0])


@pytest.mark.parametrize("name", DETECTORS)
def test_detectors_train_one_step_and_infer_on_a_photograph(name: str) -> None:
    torch.manual_seed(0)
    detector = DETECTORS[name](SPEC, num_classes=3, min_size=128, max_size=160)
    target: dict[str, Any] = {
        "boxes": torch.tensor([[20.0, 10.0, 90.0, 100.0]]),
        "labels": torch.tensor([1]),
        "masks": torch.zeros(1, 128, 160, dtype=torch.uint8),
    }
    target["masks"][0, 10:100, 20:90] = 1
    images, targets = [photo(), photo().flip(2)], [target, target]
    optimiser = torch.optim.SGD(detector.parameters(), lr=1e-3)
    losses = detector(images, targets)
    total = torch.stack(list(losses.values())).sum()
    assert torch.isfinite(total)
    total.backward()
    backbone = detector.get_submodule("backbone")
    missing = [key for key, value in backbone.named_parameters() if value.grad is None]
    # regions are pooled from four levels; proposals of Faster and Mask R-CNN use all five
    assert not missing
    optimiser.step()
    detector.eval()
    with torch.inference_mode():
        (found,) = detector([photo()])
    assert found["boxes"].shape[1] == 4
    assert len(found["scores"]) == len(found["labels"]) == len(found["boxes"])


def test_levels_are_the_published_strides() -> None:
    backbone = detection.pyramid_backbone("hrnetv2p_w18").eval()
    with torch.inference_mode():
        levels = backbone(torch.randn(1, 3, 128, 192))
    assert list(levels) == ["0", "1", "2", "3", "4"]
    assert [tuple(level.shape[1:]) for level in levels.values()] == [
        (256, 128 // stride, 192 // stride) for stride in (4, 8, 16, 32, 64)
    ]
    assert backbone.out_channels == 256


def test_fcos_starts_at_stride_eight() -> None:
    detector = detection.fcos("hrnetv2p_w18", num_classes=2)
    with torch.inference_mode():
        levels = detector.backbone.eval()(torch.randn(1, 3, 128, 128))
    assert levels["0"].shape[2:] == (16, 16)


def test_backbone_weights_are_loaded(tmp_path: Path) -> None:
    model = hg.build_module(SPEC)
    torch.save(model.state_dict(), tmp_path / "net.pth")
    detector = detection.faster_rcnn(SPEC, num_classes=2, weights=tmp_path / "net.pth")
    loaded = detector.backbone.network.state_dict()
    assert torch.equal(loaded["backbone.conv1.weight"], model.state_dict()["backbone.conv1.weight"])


def test_another_head_is_refused() -> None:
    with pytest.raises(hg.HRNetGraphError, match="expected a feature_pyramid head, got heatmap"):
        detection.faster_rcnn("hrnet_w32_pose_256x192", num_classes=2)
