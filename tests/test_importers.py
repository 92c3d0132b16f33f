"""Configs of other repositories give the networks that those repositories build."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import commands
import pytest
import yaml
from foreign import extra
from published import MEASURED, keys_sha256

import hrnet_graph as hg
from hrnet_graph.spec.importers.read import import_config

TRAIN = {"GPUS": "(0,1,2,3)", "WORKERS": 4, "TRAIN": {"LR": 0.05, "BEGIN_EPOCH": 0}}
FINAL = {"FINAL_CONV_KERNEL": 1}
YACS: dict[str, dict[str, Any]] = {
    "official_cls_w48": {
        "MODEL": {"NAME": "cls_hrnet", "IMAGE_SIZE": [224, 224], "EXTRA": extra(48, first=True)},
    },
    "official_pose_w32_coco_256x192": {
        "MODEL": {
            "NAME": "pose_hrnet",
            "PRETRAINED": "models/x.pth",
            "NUM_JOINTS": 17,
            "IMAGE_SIZE": [192, 256],
            "HEATMAP_SIZE": [48, 64],
            "EXTRA": extra(32, first=False, PRETRAINED_LAYERS=["conv1"], **FINAL),
        },
    },
    "official_seg_v1.1_w48_cityscapes": {
        "DATASET": {"NUM_CLASSES": 19, "ROOT": "data/"},
        "MODEL": {"NAME": "seg_hrnet", "EXTRA": extra(48, first=True, **FINAL)},
        "TEST": {"IMAGE_SIZE": [2048, 1024], "FLIP_TEST": False},
    },
    "official_seg_ocr_w48_lip": {
        "DATASET": {"NUM_CLASSES": 20},
        "MODEL": {
            "NAME": "seg_hrnet_ocr",
            "NUM_OUTPUTS": 2,
            "OCR": {"MID_CHANNELS": 512, "KEY_CHANNELS": 256},
            "EXTRA": extra(48, first=True, **FINAL),
        },
        "TEST": {"IMAGE_SIZE": [473, 473]},
    },
    "official_face_w18_wflw": {
        "MODEL": {
            "NAME": "hrnet",
            "NUM_JOINTS": 98,
            "IMAGE_SIZE": [256, 256],
            "EXTRA": extra(18, first=False, **FINAL),
        },
    },
    "higherhrnet_coco_w32_512": {
        "DATASET": {"INPUT_SIZE": 512},
        "MODEL": {
            "NAME": "pose_higher_hrnet",
            "NUM_JOINTS": 17,
            "TAG_PER_JOINT": True,
            "EXTRA": extra(
                32,
                first=False,
                DECONV={"NUM_DECONVS": 1, "NUM_CHANNELS": [32], "NUM_BASIC_BLOCKS": 4,
                        "KERNEL_SIZE": [4], "CAT_OUTPUT": [True]},
                **FINAL,
            ),
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("reference", YACS)
def test_published_configs_give_the_published_networks(tmp_path: Path, reference: str) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump({**TRAIN, **YACS[reference]}))
    spec, imported = import_config(path)
    graph, measured = hg.build_graph(spec), MEASURED[reference]
    assert graph.name == "experiment"
    assert graph.input.type.shape == tuple(measured["input_shape"][1:])
    assert keys_sha256(graph.state()) == measured["keys_sha256"]
    assert hg.analyze(graph).flops == measured["torch_flop_counter_total"]
    assert {"GPUS", "WORKERS", "TRAIN"} <= set(imported.ignored)
    assert not any("STAGE" in key for key in imported.ignored)


MM_EXTRA = """
extra = dict(
    stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(4,), num_channels=(64,)),
    stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(4, 4), num_channels=({0}, {1})),
    stage3=dict(num_modules=4, num_branches=3, block='BASIC', num_blocks=(4, 4, 4),
                num_channels=({0}, {1}, {2})),
    stage4=dict(num_modules=3, num_branches=4, block='BASIC', num_blocks=(4, 4, 4, 4),
                num_channels=({0}, {1}, {2}, {3})))
"""
DENSE = """
dense = dict(in_index=(0, 1, 2, 3), input_transform='resize_concat', norm_cfg=dict(type='BN'))
fcn = dict(kernel_size=1, num_convs=1, concat_input=False, **dense)
"""
OPENMMLAB = {
    "official_pose_w48_coco_384x288": (48, """
import os
codec = dict(type='MSRAHeatmap', input_size=(288, 384), heatmap_size=(72, 96), sigma=3)
model = dict(type='TopdownPoseEstimator', backbone=dict(type='HRNet', in_channels=3, extra=extra),
             head=dict(type='HeatmapHead', in_channels=48, out_channels=17, deconv_out_channels=None,
                       loss=dict(type='KeypointMSELoss', use_target_weight=True), decoder=codec))
os.system('touch hacked')
"""),
    "official_face_w18_wflw": (18, """
norm = dict(type='SyncBN', momentum=0.01)
codec = dict(input_size=(256, 256))
model = dict(backbone=dict(type='HRNet', norm_cfg=norm,
                           extra=dict(extra, stage4=dict(extra['stage4'], multiscale_output=True),
                                      upsample=dict(mode='bilinear', align_corners=False))),
             neck=dict(type='FeatureMapProcessor', concat=True),
             head=dict(type='HeatmapHead', in_channels=270, out_channels=98, conv_out_channels=(270, ),
                       deconv_out_channels=None, conv_kernel_sizes=(1, )))
"""),
    "official_seg_v1.1_w48_cityscapes_512x1024": (48, """
crop_size = (512, 1024)
model = dict(type='EncoderDecoder', backbone=dict(type='HRNet', extra=extra),
             decode_head=dict(type='FCNHead', in_channels=[48, 96, 192, 384], channels=720,
                              num_classes=19, align_corners=False, **fcn))
"""),
    "official_det_v2p_w32_backbone+hrfpn": (32, """
model = dict(backbone=dict(type='HRNet', extra=extra),
             neck=dict(type='HRFPN', in_channels=[32, 64, 128, 256], out_channels=256))
data_cfg = dict(image_size=[1280, 800])
"""),
    "official_seg_ocr_w48_cityscapes_512x1024": (48, """
crop_size = (512, 1024)
model = dict(backbone=dict(type='HRNet', extra=extra), decode_head=[
    dict(type='FCNHead', num_classes=19, in_channels=[48, 96, 192, 384], channels=sum([48, 96, 192, 384]),
         **fcn),
    dict(type='OCRHead', in_channels=[48, 96, 192, 384], channels=512, ocr_channels=256, num_classes=19,
         align_corners=False, **dense)])
"""),
}  # fmt: skip


@pytest.mark.parametrize("reference", OPENMMLAB)
def test_openmmlab_configs_give_the_same_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    monkeypatch.chdir(tmp_path)
    width, text = OPENMMLAB[reference]
    path = tmp_path / "config.py"
    path.write_text(MM_EXTRA.format(*(width * 2**i for i in range(4))) + DENSE + text)
    spec, _ = import_config(path)
    graph, measured = hg.build_graph(spec), MEASURED[reference]
    assert graph.input.type.shape == tuple(measured["input_shape"][1:])
    if spec.head.kind in ("segmentation", "ocr"):  # mmsegmentation's has no biases before its norms
        assert not spec.head.options["bias"]
        graph = hg.build_graph(hg.load_spec(spec, {"head.bias": True}))
    assert keys_sha256(graph.state()) == measured["keys_sha256"]
    assert hg.analyze(graph).flops == measured["torch_flop_counter_total"]
    assert [path.name for path in tmp_path.iterdir()] == ["config.py"]


def test_a_bare_extra_gives_a_backbone(tmp_path: Path) -> None:
    path = tmp_path / "extra.py"
    path.write_text(MM_EXTRA.format(18, 36, 72, 144))
    spec, imported = import_config(path)
    assert spec.head.kind == "features"
    assert "no head: the maps of the last stage" in imported.assumed
    assert (
        keys_sha256(hg.build_graph(spec).state(), "backbone.")
        == (MEASURED["mmpose_hrnetv2_w18_backbone"]["keys_sha256"])
    )


@pytest.mark.parametrize("name", [m for m in MEASURED if m.startswith("timm_")])
def test_timm_names(name: str) -> None:
    spec, _ = import_config(name.removeprefix("timm_"))
    assert keys_sha256(hg.build_graph(spec).state()) == MEASURED[name]["keys_sha256"]


def test_timm_tags_are_named() -> None:
    _, imported = import_config("hrnet_w18_small.ms_in1k")
    assert imported.ignored == ("the tag 'ms_in1k', which names weights",)


def cls(**changes: Any) -> dict[str, Any]:
    model = {"NAME": "cls_hrnet", "IMAGE_SIZE": [224, 224], "EXTRA": extra(18, first=True)}
    return {"MODEL": {**model, **changes}}


BAD: dict[str, tuple[str, str]] = {
    "no such name": ("hrnet_w19", "'hrnet_w19': no file and no timm network named 'hrnet_w19'; did"),
    "empty.yaml": ("", "empty.yaml:1:1: expected a spec, got an empty file"),
    "other.yaml": (yaml.safe_dump(cls(NAME="resnet")), "MODEL.NAME: expected one of cls_hrnet, pose"),
    "size.yaml": (yaml.safe_dump(cls(IMAGE_SIZE=None)), "MODEL.IMAGE_SIZE: expected a list of whole"),
    "words.yaml": (yaml.safe_dump(cls(IMAGE_SIZE=["a"])), "MODEL.IMAGE_SIZE: expected a list of whole"),
    "stages.yaml": (yaml.safe_dump(cls(EXTRA={})), "MODEL.EXTRA.STAGE2: missing; expected the stages"),
    "extra.yaml": (yaml.safe_dump(cls(EXTRA=3)), "MODEL.EXTRA.STAGE1: expected a section with 'STAGE1', got 3"),
    "block.yaml": (
        yaml.safe_dump(cls(EXTRA=extra(18, first=True))).replace("BASIC", "FANCY"),
        "MODEL.EXTRA.STAGE2.BLOCK: expected one of BASIC, BOTTLENECK, got 'FANCY'",
    ),
    "fuse.yaml": (
        yaml.safe_dump(cls()).replace("FUSE_METHOD: SUM", "FUSE_METHOD: MAX"),
        "MODEL.EXTRA.STAGE1.FUSE_METHOD: expected 'SUM', got 'MAX'",
    ),
    "branches.yaml": (
        yaml.safe_dump(cls()).replace("NUM_BRANCHES: 3", "NUM_BRANCHES: 4"),
        "MODEL.EXTRA.STAGE3.NUM_BRANCHES: expected 3, as many as the list beside it, got 4",
    ),
    "stage4.yaml": (
        yaml.safe_dump(cls()).replace("STAGE4", "STAGE5"),
        "MODEL.EXTRA.STAGE4: missing; expected the stages",
    ),
    "stage5.yaml": (
        yaml.safe_dump(cls(EXTRA=extra(18, first=True, STAGE5={"NUM_MODULES": 1}))),
        "MODEL.EXTRA.STAGE5: this key is not known",
    ),
    "modules.yaml": (
        yaml.safe_dump(cls()).replace("NUM_MODULES: 4\n", "NUM_MODULES:\n"),
        "MODEL.EXTRA.STAGE3.NUM_MODULES: expected a whole number, got None",
    ),
    "first.yaml": (
        yaml.safe_dump(cls()).replace("NUM_RANCHES: 1", "NUM_BRANCHES: 2"),
        "MODEL.EXTRA.STAGE1.NUM_BRANCHES: expected 1, got 2",
    ),
    "merge.yaml": (
        "A: &a {NUM_CLASSES: 5}\nDATASET: {<<: *a}\n" + yaml.safe_dump(cls(NAME="seg_hrnet")),
        "DATASET.NUM_CLASSES: YAML's merge keys are not followed",
    ),
    "scalar.yaml": (
        yaml.safe_dump({"DATASET": "lip", **cls(NAME="seg_hrnet")}),
        "DATASET.NUM_CLASSES: expected a section with 'NUM_CLASSES', got 'lip'",
    ),
    "face.yaml": (
        yaml.safe_dump(cls(NAME="hrnet", NUM_JOINTS=98, EXTRA=extra(18, first=False, FINAL_CONV_KERNEL=3))),
        "MODEL.EXTRA.FINAL_CONV_KERNEL: expected 1, got 3",
    ),
    "syntax.py": ("model = dict(", "expected a Python config, got what is no Python"),
    "deep.py": ("model = " + "[" * 5000 + "]" * 5000, "expected a Python config, got what is no"),
    "other.py": ("x = 1", "expected an OpenMMLab config with `model`, `backbone` or `extra`"),
    "resnet.py": ("model = dict(backbone=dict(type='ResNet'))", "expected a config whose backbone is"),
    "bomb.py": (
        "a = [0]\n" + "a = [a, a, a, a, a, a, a, a]\n" * 40 + "model = dict(backbone=dict("
        "type='HRNet', extra=dict(stage1=dict(num_channels=a))))",
        "model.backbone.extra: expected at most 20000 values",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_configs_end_in_one_message(tmp_path: Path, name: str) -> None:
    text, message = BAD[name]
    path = tmp_path / name
    if "." in name:
        path.write_text(text)
    source = path if "." in name else Path(text)
    with pytest.raises(hg.HRNetGraphError) as caught:
        import_config(source)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_command(tmp_path: Path) -> None:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return commands.run("import", *arguments)

    config = tmp_path / "w48.yaml"
    config.write_text(yaml.safe_dump({**TRAIN, **YACS["official_cls_w48"]}))
    printed = run(config)
    assert printed.stdout.startswith("name: w48\ninput: [3, 224, 224]\n")
    assert "ignored: TRAIN\n" in printed.stderr
    assert "assumed: 1000 classes" in printed.stderr
    data = json.loads(run(config, "--json").stdout)
    assert data["spec"]["width"] == 48
    assert "channels" not in data["spec"]["stages"][1]
    target = tmp_path / "spec.yaml"
    assert run(config, "-o", target).returncode == 0
    assert hg.build_graph(target).state() == hg.build_graph("hrnet_w48_cls").state()
    assert run("nothing_such").returncode == 2
