"""What configs of other repositories say of images comes into the spec: scale, crop and names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from foreign import extra

import hrnet_graph as hg
from hrnet_graph.spec.importers.config import Imported
from hrnet_graph.spec.importers.read import import_config
from hrnet_graph.spec.schema import Preprocess

EXTRA = """
extra = dict(
    stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1,), num_channels=(64,)),
    stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(1, 1), num_channels=(8, 16)),
    stage3=dict(num_modules=1, num_branches=3, block='BASIC', num_blocks=(1, 1, 1), num_channels=(8, 16, 32)),
    stage4=dict(num_modules=1, num_branches=4, block='BASIC', num_blocks=(1, 1, 1, 1),
                num_channels=(8, 16, 32, 64)))
backbone = dict(type='HRNet', extra=extra)
"""
POSE = "head = dict(type='HeatmapHead', out_channels=17, deconv_out_channels=None)\n"
SEG = """
decode = dict(type='FCNHead', num_classes=3, in_channels=[8, 16, 32, 64], in_index=(0, 1, 2, 3), channels=120,
              input_transform='resize_concat', kernel_size=1, num_convs=1, concat_input=False,
              norm_cfg=dict(type='BN'))
"""
USUAL = "mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]"


def imported(folder: Path, text: str) -> tuple[hg.Spec, Imported]:
    (folder / "config.py").write_text(EXTRA + text)
    return import_config(folder / "config.py")


@pytest.mark.parametrize(
    "text",
    [
        f"model = dict(backbone=backbone, data_preprocessor=dict({USUAL}, bgr_to_rgb=True))",
        f"data_preprocessor = dict(size=(8, 8), {USUAL}, bgr_to_rgb=True)\nmodel = dict(backbone=backbone,"
        " data_preprocessor=data_preprocessor)",
        f"data_preprocessor = dict({USUAL}, to_rgb=True)\nmodel = dict(backbone=backbone)",
        f"data_preprocessor = dict({USUAL}, rgb_to_bgr=True)\nmodel = dict(backbone=backbone)",
        f"img_norm_cfg = dict({USUAL})\nmodel = dict(backbone=backbone)",
        f"img_norm_cfg = dict({USUAL}, to_rgb=True)\nmodel = dict(backbone=backbone)",
        "model = dict(backbone=backbone)",
    ],
)
def test_the_usual_scale_is_the_default(tmp_path: Path, text: str) -> None:
    spec, found = imported(tmp_path, text)
    assert spec.preprocess == Preprocess()
    assert not [key for key in found.ignored if "mean" in key or "std" in key]
    assert not [line for line in found.assumed if "red" in line]


def test_another_scale_is_carried(tmp_path: Path) -> None:
    scale = "dict(mean=[127.5, 51, 0], std=[255, 25.5, 51], bgr_to_rgb=True)"
    spec, _ = imported(tmp_path, f"model = dict(backbone=backbone, data_preprocessor={scale})")
    assert spec.preprocess.mean == (0.5, 0.2, 0.0)
    assert spec.preprocess.std == (1.0, 0.1, 0.2)
    blue_first = scale.replace("True", "False")
    spec, found = imported(
        tmp_path, f"model = dict(backbone=backbone, data_preprocessor={blue_first})"
    )
    assert spec.preprocess.mean == (0.0, 0.2, 0.5)
    assert spec.preprocess.std == (0.2, 0.1, 1.0)
    assert found.assumed[-1].startswith("model.data_preprocessor: red first")


@pytest.mark.parametrize("mean", ["3", "'abc'", "[1, 'a', 2]", "[1e400, 1, 1]", "[True, 1, 1]"])
def test_a_scale_that_is_none_is_refused(tmp_path: Path, mean: str) -> None:
    scale = f"dict(mean={mean}, std=[1, 1, 1], bgr_to_rgb=True)"
    with pytest.raises(hg.FileError, match=r"model.data_preprocessor.mean: expected a list of num"):
        imported(tmp_path, f"model = dict(backbone=backbone, data_preprocessor={scale})")


def test_names_and_colours_of_a_data_set_are_carried(tmp_path: Path) -> None:
    model = f"{SEG}model = dict(backbone=backbone, decode_head=decode)\n"
    info = (
        "metainfo = dict(classes=('road', 'sky', 'car'), palette=[[1, 2, 3], [4, 5, 6], [7, 8, 9]])"
    )
    spec, found = imported(tmp_path, f"{model}{info}")
    assert spec.labels == ("road", "sky", "car")
    assert spec.palette == ((1, 2, 3), (4, 5, 6), (7, 8, 9))
    assert not [key for key in found.ignored if "metainfo" in key]
    loader = "train_dataloader = dict(dataset=dict(metainfo=dict(classes=['a', 'b', 'c'])))"
    assert imported(tmp_path, f"{model}{loader}")[0].labels == ("a", "b", "c")
    assert imported(tmp_path, f"{model}classes = ('a', 'b', 'c')")[0].labels == ("a", "b", "c")


@pytest.mark.parametrize("classes", ["('a', 'b')", "'names.txt'", "('a', 'b', 3)", "7"])
def test_names_that_do_not_fit_are_said_and_left(tmp_path: Path, classes: str) -> None:
    model = f"{SEG}model = dict(backbone=backbone, decode_head=decode)\n"
    spec, found = imported(tmp_path, f"{model}metainfo = dict(classes={classes})")
    assert spec.labels is None
    assert "no labels, since metainfo.classes is not a list of 3" in found.assumed


def test_a_detector_is_fitted_in_and_has_names_without_the_background(tmp_path: Path) -> None:
    neck = "neck = dict(type='HRFPN', in_channels=[8, 16, 32, 64], out_channels=8)\nmodel = dict(backbone=backbone, neck=neck)\n"
    spec, _ = imported(tmp_path, f"{neck}metainfo = dict(classes=('cat', 'dog'))")
    assert (spec.preprocess.resize, spec.labels) == ("fit", ("cat", "dog"))


def test_data_sets_that_are_known_are_named(tmp_path: Path) -> None:
    model = f"{POSE}model = dict(backbone=backbone, head=head)\n"
    spec, _ = imported(tmp_path, f"{model}dataset_type = 'CocoDataset'")
    assert spec.labels == "coco_keypoints"
    spec, _ = imported(tmp_path, f"{model}dataset_type = 'MpiiDataset'")
    assert spec.labels is None


def yacs(folder: Path, model: dict[str, Any], data: dict[str, Any]) -> hg.Spec:
    (folder / "config.yaml").write_text(yaml.safe_dump({"MODEL": model, "DATASET": data}))
    return import_config(folder / "config.yaml")[0]


def test_a_classifier_is_given_the_centre_as_its_repository_does(tmp_path: Path) -> None:
    model = {"NAME": "cls_hrnet", "IMAGE_SIZE": [224, 224], "EXTRA": extra(18, first=True)}
    spec = yacs(tmp_path, model, {"DATASET": "imagenet"})
    usual = hg.load_spec("hrnet_w18_cls")
    assert (spec.preprocess, spec.labels) == (usual.preprocess, usual.labels)
    few = yacs(tmp_path, {**model, "NUM_CLASSES": 7}, {"DATASET": "imagenet"})
    assert (few.preprocess, few.labels) == (usual.preprocess, None)


def test_joints_of_coco_are_named(tmp_path: Path) -> None:
    model = {
        "NAME": "pose_hrnet",
        "NUM_JOINTS": 17,
        "IMAGE_SIZE": [192, 256],
        "EXTRA": extra(32, first=False, FINAL_CONV_KERNEL=1),
    }
    assert yacs(tmp_path, model, {"DATASET": "coco"}).labels == "coco_keypoints"
    assert yacs(tmp_path, model, {"DATASET": "mpii"}).labels is None
