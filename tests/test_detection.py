"""Detectors on HRNetV2p, through torchvision."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from small import SMALL
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator

import hrnet_graph as hg
from hrnet_graph import detection
from hrnet_graph.cli.main import cli
from hrnet_graph.compiler.random_weights import random_in, read_random
from hrnet_graph.compiler.torch.detector import Recipe
from hrnet_graph.compiler.torch.unwrap import random_weights

PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
SPEC = hg.load_spec(
    SMALL, {"head": {"kind": "feature_pyramid", "channels": 64}, "backbone": "backbone"}
)

DETECTORS: dict[str, Callable[..., Any]] = {
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


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("name", DETECTORS)
def test_whole_detectors_are_saved_loaded_and_predicted(
    tmp_path: Path, name: str, suffix: str
) -> None:
    torch.manual_seed(0)
    detector = altered(DETECTORS[name](SPEC, num_classes=3, min_size=100, max_size=160))
    path = tmp_path / f"net{suffix}"
    hg.save(nn.DataParallel(detector), path)
    again: Any = detection.load(path)
    assert type(again) is type(detector)
    assert again.transform.min_size == (100,)
    ours, theirs = detector.state_dict(), again.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())
    with torch.inference_mode():
        (mine,), (its,) = detector.eval()([photo()]), again.eval()([photo()])
    assert all(torch.equal(value, its[key]) for key, value in mine.items())
    first, second = (hg.predict(path, PHOTO, threshold=0.0).as_dict() for _ in range(2))
    assert first == second
    assert (first["weights"], first["random"]) == (str(path), None)
    assert {box["index"] for box in first["boxes"]} <= {0, 1, 2}
    assert hg.build_graph(path) == detector.backbone.network.graph
    with pytest.raises(hg.FileError, match="holds a whole detector") as caught:
        hg.load(path)
    assert caught.value.hint == f"hrnet_graph.detection.load({str(path)!r}) opens it"


def altered(detector: Any) -> Any:
    """A detector none of whose weights is as it was drawn."""
    with torch.no_grad():
        for value in detector.parameters():
            value.mul_(1.25)
    return detector


def test_a_files_weights_alone_tell_the_detector(tmp_path: Path) -> None:
    for name, make in DETECTORS.items():
        torch.save(altered(make(SPEC, num_classes=4)).state_dict(), tmp_path / f"{name}.pth")
        again: Any = detection.load(SPEC, weights=tmp_path / f"{name}.pth")
        assert again.backbone.recipe == Recipe(name, 4)
        assert random_weights(again) is None


def test_heads_that_start_at_random_are_said(tmp_path: Path) -> None:
    hg.save(altered(hg.build_module(SPEC)), tmp_path / "backbone.pt")
    words = ["predict", str(tmp_path / "backbone.pt"), str(PHOTO), "-o", str(tmp_path / "a.png")]
    result = CliRunner().invoke(cli, [*words, "--json", "--seed", "3"])
    assert result.exit_code == 0, result.output
    random = read_random(json.loads(result.stdout)["random"])
    assert random is not None
    assert random.seed == 3
    assert random.keys
    assert all(key.startswith(("rpn.", "roi_heads.")) for key in random.keys)
    assert f"weights: {len(random.keys)} random (seed 3): rpn." in result.stderr
    torch.manual_seed(3)
    detector = detection.faster_rcnn(tmp_path / "backbone.pt", 4)
    hg.save(detector, tmp_path / "whole.pt")
    assert random_in(tmp_path / "whole.pt") == random_weights(detector)
    assert random_weights(detection.load(tmp_path / "whole.pt")) == random_weights(detector)
    torch.manual_seed(5)
    hg.save(detection.fcos(SPEC, 4), tmp_path / "random.pt")
    assert str(random_in(tmp_path / "random.pt")) == "random (seed 5)"
    assert str(hg.predict(tmp_path / "random.pt", PHOTO).random) == "random (seed 5)"


def test_another_number_of_classes_is_partial_or_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    hg.save(altered(detection.faster_rcnn(SPEC, 3)), tmp_path / "net.pt")
    expected = r"cls_score\.weight': expected \(5, 1024\), got \(3, 1024\)"
    with pytest.raises(hg.FileError, match=expected):
        detection.faster_rcnn(tmp_path / "net.pt", 5)
    random = random_weights(detection.faster_rcnn(tmp_path / "net.pt", 5, partial=True))
    assert random is not None
    assert {key.rpartition(".")[0] for key in random.keys} == {
        "roi_heads.box_predictor.cls_score",
        "roi_heads.box_predictor.bbox_pred",
    }


def test_what_no_file_holds_is_refused(tmp_path: Path) -> None:
    anchors = AnchorGenerator(((32,),) * 5, ((1.0,),) * 5)
    own = detection.faster_rcnn(SPEC, 3, rpn_anchor_generator=anchors)
    with pytest.raises(hg.FileError, match="was made with rpn_anchor_generator"):
        hg.save(own, tmp_path / "net.pt")
    theirs = FasterRCNN(detection.pyramid_backbone(SPEC), 3)
    with pytest.raises(hg.FileError, match="did not make it"):
        hg.save(theirs, tmp_path / "net.pt")
    for suffix in (".onnx", ".pt2", ".py"):
        with pytest.raises(hg.HRNetGraphError, match="FCOS is a whole detector"):
            hg.save(detection.fcos(SPEC, 3), tmp_path / f"net{suffix}")
    assert not list(tmp_path.iterdir())


def test_other_files_of_a_detector_are_its_pyramid_and_say_so(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    hg.save(altered(detection.faster_rcnn(SPEC, 3)), path)
    words = ["build", str(path), "-o", str(tmp_path / "pyramid.onnx")]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    assert "rpn.head.conv.0.0.weight: is of the detector's heads" in result.stderr
    convert = [
        "weights",
        "convert",
        str(path),
        "--to",
        "mmdetection",
        "-o",
        str(tmp_path / "a.pth"),
    ]
    refused = CliRunner().invoke(cli, convert).exception
    assert isinstance(refused, hg.FileError)
    assert "holds a whole detector" in refused.message


@pytest.mark.parametrize(
    "forged",
    [
        '{"kind": "os.system", "num_classes": 3}',
        '{"kind": "fcos", "num_classes": 1e9}',
        '{"kind": "fcos", "num_classes": 100000000}',
        '{"kind": "faster_rcnn", "num_classes": 3, "options": {"box_head": "x"}}',
        '{"kind": "faster_rcnn", "num_classes": 3, "options": {"min_size": 1e99}}',
        '{"kind": "faster_rcnn", "num_classes": 3, "options": {"spec": 3}}',
        '{"kind": "faster_rcnn", "num_classes": 3, "options": {"backbone": 3}}',
        "[]",
        "{",
    ],
)
def test_a_forged_recipe_is_one_message(tmp_path: Path, forged: str) -> None:
    path = tmp_path / "net.pt"
    hg.save(detection.faster_rcnn(SPEC, 3), path)
    content = torch.load(path, weights_only=True)
    torch.save({**content, "detector": forged}, path)
    with pytest.raises(hg.FileError, match="holds no detector of ours") as caught:
        detection.load(path)
    assert "\n" not in caught.value.message


def test_images_are_prepared_as_the_spec_says() -> None:
    spec = hg.load_spec(SPEC, {"input": [3, 96, 128], "preprocess.mean": [0.5, 0.5, 0.5]})
    for make in DETECTORS.values():
        transform: Any = make(spec, num_classes=2).get_submodule("transform")
        assert (transform.min_size, transform.max_size) == ((96,), 128)
        assert transform.image_mean == [0.5, 0.5, 0.5]
