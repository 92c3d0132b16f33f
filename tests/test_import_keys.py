"""Every key of a config's network: mapped, harmless, or refused by name and place."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import hrnet_graph as hg
from hrnet_graph.spec.importers.read import import_config

FOLDER = Path(__file__).parent / "data" / "import"


def change(folder: Path, name: str, statement: str, **options: Any) -> hg.Spec:
    """The spec of a config of `FOLDER` with a statement behind it."""
    path = folder / name
    path.write_text(f"{(FOLDER / name).read_text()}\n{statement}\n")
    return import_config(path, **options)[0]


POSE, SEG, DET, CLS = "mm_ok.py", "mmseg_fcn.py", "mm_hrfpn_ok.py", "mm_pretrain_arch.py"
EXTRA = "model['backbone']['extra']"

HARMLESS = [
    (POSE, "model['backbone']['norm_eval'] = True"),
    (POSE, "model['backbone']['frozen_stages'] = 2"),
    (POSE, "model['backbone']['with_cp'] = True"),
    (POSE, "model['backbone']['zero_init_residual'] = True"),
    (POSE, "model['backbone']['init_cfg'] = dict(type='Pretrained', checkpoint='x.pth')"),
    (POSE, "model['backbone']['norm_cfg'] = dict(type='BN', requires_grad=False)"),
    (POSE, "model['backbone']['conv_cfg'] = dict(type='Conv2d')"),
    (POSE, "model['test_cfg'] = dict(flip_test=True)"),
    (POSE, "model['head']['loss'] = dict(type='KeypointMSELoss')"),
    (POSE, "optimizer = dict(type='Adam', lr=f())"),
    (POSE, f"{EXTRA}['upsample'] = dict(mode='nearest')"),
    (SEG, "model['decode_head']['dropout_ratio'] = 0.3"),
    (SEG, "model['decode_head']['loss_decode'] = [dict(type='DiceLoss')]"),
    (SEG, "model['decode_head']['sampler'] = dict(type='OHEMPixelSampler')"),
    (SEG, "model['pretrained'] = None"),
    (DET, "model['neck']['with_cp'] = True"),
    (DET, "model['rpn_head'] = dict(type='RPNHead')"),
    (CLS, "model['head']['topk'] = (1,)"),
]
"""Keys that make no other network."""


@pytest.mark.parametrize(("name", "statement"), HARMLESS)
def test_a_harmless_key_changes_nothing(tmp_path: Path, name: str, statement: str) -> None:
    assert change(tmp_path, name, statement) == import_config(FOLDER / name)[0]


MAPPED = [
    (POSE, "model['backbone']['in_channels'] = 1", {"input": (1, 256, 192)}),
    (POSE, "model['backbone']['norm_cfg'] = dict(type='SyncBN')", {"norm.kind": "sync_batch"}),
    (POSE, "model['backbone']['norm_cfg'] = dict(type='BN', eps=1e-3)", {"norm.eps": 1e-3}),
    (POSE, "model['backbone']['norm_cfg'] = dict(type='LN2d')", {"norm.kind": "layer"}),
    (POSE, "model['backbone']['norm_cfg'] = dict(type='IN', affine=True)",
     {"norm.kind": "instance"}),
    (POSE, "model['backbone']['norm_cfg'] = dict(type='BN', requires_grad=False, eps=1e-3)\n"
     "model['backbone']['norm_eval'] = True", {"norm.kind": "frozen_batch", "norm.eps": 1e-3}),
    (SEG, "model['decode_head']['norm_cfg'] = dict(type='GN', num_groups=2)",
     {"head.norm.kind": "group", "head.norm.groups": 2, "norm.kind": "batch"}),
    (SEG, "model['backbone']['norm_cfg'] = dict(type='GN', num_groups=2)",
     {"head.norm.kind": "batch", "norm.groups": 2}),
    (POSE, "model['head']['out_channels'] = 21", {"head.joints": 21}),
    (POSE, "model['head']['decoder']['input_size'] = (96, 128)", {"input": (3, 128, 96)}),
    (POSE, f"{EXTRA}['upsample'] = dict(mode='bilinear')", {"fuse.upsample": "bilinear"}),
    (SEG, "model['decode_head']['align_corners'] = True", {"head.align_corners": True}),
    (SEG, "model['decode_head']['num_classes'] = 7", {"head.classes": 7, "head.bias": False}),
    (SEG, "crop_size = 480", {"input": (3, 480, 480)}),
    (DET, "model['neck']['out_channels'] = 64", {"head.channels": 64}),
    (DET, "model['neck']['num_outs'] = 4", {"head.levels": 4}),
    (DET, "model['neck']['stride'] = 2", {"head.stride": 2}),
    (CLS, "model['backbone']['arch'] = 'w48'\nmodel['neck'][0]['in_channels'] = (48, 96, 192, 384)",
     {"width": 48, "stages.3.channels": None}),
    (CLS, "model['head']['num_classes'] = 10", {"head.classes": 10}),
    (SEG, "model['_scope_'] = 'mmdet'", {"fuse.upsample": "nearest"}),
    (SEG, "model['backbone']['_scope_'] = 'mmdet'", {"fuse.upsample": "nearest"}),
    (SEG, "model['backbone']['type'] = 'mmdet.HRNet'", {"fuse.upsample": "nearest"}),
    (SEG, "default_scope = 'mmdet'", {"fuse.upsample": "nearest"}),
]  # fmt: skip
"""Keys of which the spec has one of its own."""


@pytest.mark.parametrize(("name", "statement", "values"), MAPPED)
def test_a_key_of_the_network_is_mapped(
    tmp_path: Path, name: str, statement: str, values: dict[str, Any]
) -> None:
    spec = change(tmp_path, name, statement)
    hg.build_graph(spec)
    for key, value in values.items():
        found: Any = spec.model_dump()
        for part in key.split("."):
            found = found[int(part)] if isinstance(found, tuple | list) else found[part]
        assert found == value


REFUSED = [
    (POSE, "model['backbone']['plugins'] = []", "model.backbone.plugins: this key is not known"),
    (POSE, "model['backbone']['norm_cfg'] = dict(type='LN')", "IN2d, LN2d, got 'LN'"),
    (POSE, "model['backbone']['norm_cfg'] = dict(type='IN')", "norm_cfg.affine: expected True"),
    (POSE, "model['backbone']['norm_cfg'] = dict(type='BN', affine=False)", "norm_cfg.affine"),
    (POSE, "model['backbone']['multiscale_output'] = True", "model.backbone.multiscale_output"),
    (POSE, f"{EXTRA}['stage4']['multiscale_output'] = True", "reads the finest branch alone"),
    (POSE, f"{EXTRA}['stage5'] = dict({EXTRA}['stage4'])", "expected the four stages"),
    (POSE, f"{EXTRA}['stage2']['fuse'] = 'max'", "model.backbone.extra.stage2.fuse"),
    (POSE, "model['head']['in_channels'] = 16", "model.head.in_channels: expected 8, got 16"),
    (POSE, "model['head']['deconv_out_channels'] = (256,)", "expected 1 kernels of 2 to 4 pixels"),
    (
        POSE,
        "model['head']['conv_out_channels'] = (8,)",
        "model.head.conv_out_channels",
    ),
    (POSE, "model['head']['final_layer'] = None", "without a last convolution"),
    (POSE, "model['head']['final_layer'] = dict(kernel_size=3)", "final_layer.padding: expected 1"),
    (POSE, "model['head']['final_layer'] = dict(kernel_size=1, bias=False)", "final_layer.bias"),
    (POSE, "codec['heatmap_type'] = 'combined'", "heatmap_type: expected 'gaussian'"),
    (POSE, "model['neck'] = dict(type='GlobalAveragePooling')", "no such neck"),
    (POSE, "model['head']['type'] = 'DSNTHead'", "'DSNTHead'"),
    (POSE, "model['head']['decoder_layers'] = 3", "model.head.decoder_layers"),
    (POSE, "model['train_cfg_layers'] = 3", "model.train_cfg_layers"),
    (POSE, f"{EXTRA}['stage4']['head'] = dict(decoder=3)", "model.backbone.extra.stage4.head"),
    (POSE, "model['backbone']['type'] = 'my.HRNet'", "'HRNet' of 'my' may be another"),
    (POSE, "from my.code import HRNet\nmodel['backbone']['type'] = HRNet", "of 'my.code' may be"),
    (POSE, "model['head']['type'] = 'my.HeatmapHead'", "'HeatmapHead' of 'my' may be another"),
    (POSE, "model['head']['out_channels'] = len(open('x').read())", "`open('x')`"),
    (POSE, "model = dict(model, **more)", "`more`"),
    (POSE, "model['backbone']['norm_cfg'] = 'GN'", "expected a section with 'type', got 'GN'"),
    (POSE, "model['head']['final_layer'] = 3", "expected a section with 'kernel_size', got 3"),
    (POSE, f"{EXTRA}['stage1']['num_branches'] = 2", "stage1.num_branches: expected 1, got 2"),
    (POSE, f"{EXTRA}['stage1']['num_channels'] = (64, 32)", "stage1.num_blocks: expected 2, as"),
    (POSE, f"{EXTRA}['stage1']['num_modules'] = 2", "stage1.num_modules: expected 1, got 2"),
    (POSE, f"del {EXTRA}['stage3']['num_modules']", "stage3.num_modules: expected a whole number"),
    (POSE, f"del {EXTRA}['stage3']['num_branches']", "stage3.num_branches: expected a whole"),
    (POSE, "model['type'] = 'PoseDistiller'", "'PoseDistiller' may be more than its backbone"),
    (POSE, "from my import TopDown\nmodel['type'] = TopDown", "'TopDown' of 'my' may be another"),
    (POSE, "from .mmpose import HRNet\nmodel['backbone']['type'] = HRNet", "of '.mmpose' may be"),
    (POSE, "model['head']['_scope_'] = 'my'", "model.head._scope_: expected 'mmcls' or"),
    (POSE, "default_scope = 'my'", "default_scope: expected None or 'mmcls'"),
    (SEG, "del model['decode_head']['norm_cfg']", "the head has no normalisation"),
    (SEG, "del model['decode_head']['num_convs']", "num_convs: expected 1, got the default 2"),
    (SEG, "del model['decode_head']['kernel_size']", "kernel_size: expected 1, got the default 3"),
    (SEG, "del model['decode_head']['concat_input']", "concat_input: expected False"),
    (SEG, "model['decode_head']['channels'] = 64", "channels: expected 120, got 64"),
    (SEG, "model['decode_head']['in_index'] = (0, 1)", "in_index: expected [0, 1, 2, 3]"),
    (SEG, "model['decode_head']['input_transform'] = 'multiple_select'", "input_transform"),
    (SEG, "model['decode_head']['act_cfg'] = dict(type='GELU')", "act_cfg"),
    (SEG, "model['decode_head']['dilation'] = 2", "dilation: expected 1, got 2"),
    (SEG, "model['decode_head']['out_channels'] = 1", "out_channels"),
    (SEG, "model['auxiliary_head'] = dict(type='FCNHead')", "model.auxiliary_head"),
    (DET, "model['neck']['pooling_type'] = 'MAX'", "pooling_type: expected 'AVG', got 'MAX'"),
    (DET, "model['neck']['share_conv'] = True", "share_conv"),
    (DET, "model['neck']['in_channels'] = [8, 16]", "in_channels"),
    (DET, "model['backbone']['multiscale_output'] = False", "reads all branches"),
    (DET, "model['neck'] = [model['neck'], dict(type='FPN')]", "model.neck"),
    (CLS, "model['backbone']['arch'] = 'w20'", "arch: expected 'w18' or"),
    (CLS, "model['neck'] = dict(type='GlobalAveragePooling')", "HRFuseScales"),
    (CLS, "model['head']['in_channels'] = 512", "in_channels: expected 2048, got 512"),
]
"""Keys and values that make another network than any spec of this language."""


@pytest.mark.parametrize(("name", "statement", "words"), REFUSED)
def test_a_key_that_makes_another_network_is_refused_by_name(
    tmp_path: Path, name: str, statement: str, words: str
) -> None:
    with pytest.raises(hg.FileError) as refusal:
        change(tmp_path, name, statement)
    assert words in str(refusal.value)
    assert str(refusal.value).startswith(str(tmp_path / name))


def test_a_person_can_take_the_risk_and_the_spec_says_so(tmp_path: Path) -> None:
    key = "model.backbone.plugins"
    statement = "model['backbone']['plugins'] = [1]"
    spec = change(tmp_path, POSE, statement, ignore=[key])
    assert spec == import_config(FOLDER / POSE)[0]
    assert import_config(tmp_path / POSE, ignore=[key])[1].risked == (key,)
    with pytest.raises(hg.FileError, match="no such key"):
        import_config(tmp_path / POSE, ignore=["model.backbone.none"])


def test_a_backbone_alone_says_what_it_left(tmp_path: Path) -> None:
    statement = "model['head'] = dict(type='SKPSHead', out_channels=29)"
    path = tmp_path / POSE
    path.write_text(f"{(FOLDER / POSE).read_text()}\n{statement}\n")
    spec, imported = import_config(path, backbone_only=True)
    assert spec.head.kind == "features"
    assert imported.left == ("model.head: SKPSHead",)


def test_an_unknown_head_is_left_to_the_package_of_its_model(tmp_path: Path) -> None:
    statement = "model['head']['type'] = 'MultiLabelLinearClsHead'"
    path = tmp_path / CLS
    path.write_text(f"{(FOLDER / CLS).read_text()}\n{statement}\n")
    spec, _ = import_config(path, backbone_only=True)
    assert spec.stages[-1].outputs is None


BASES = {
    "annotated": ("a/b.py", "_base_: list = ['../x.py']", "expected one statement `_base_ = ...`"),
    "added": ("a/b.py", "_base_ = []\n_base_ += ['../x.py']", "expected one statement"),
    "on a condition": ("a/b.py", "if True:\n    _base_ = ['../x.py']", "expected one statement"),
    "with another": ("a/b.py", "_base_, y = ['../x.py'], 1", "expected one statement"),
    "again": ("a/b.py", "_base_ = '../x.py'\n_base_ = '../y.py'", "expected one statement"),
    "outside its folders": ("a/b.py", "_base_ = '../../outside.py'", "lies outside"),
    "not there": ("a/b.py", "_base_ = ['./nothing.py']", "is not there"),
    "itself": ("a/b.py", "_base_ = 'b.py'", "its own base"),
    "no path": ("a/b.py", "_base_ = [f()]", "expected the path of a config"),
    "twice": ("a/b.py", "_base_ = ['../x.py', '../y.py']", "two bases give 'codec'"),
}


@pytest.mark.parametrize("what", BASES)
def test_bases_are_read_where_they_may_be(tmp_path: Path, what: str) -> None:
    name, text, words = BASES[what]
    folder = tmp_path / "configs"
    (folder / "a").mkdir(parents=True)
    model = (FOLDER / POSE).read_text()
    for other in (tmp_path / "outside.py", folder / "x.py", folder / "y.py"):
        other.write_text(model)
    (folder / name).write_text(text)
    with pytest.raises(hg.FileError, match=words):
        import_config(folder / name)
    if what not in ("not there", "itself", "no path"):
        return
    with pytest.raises(hg.FileError, match="expected an OpenMMLab config"):
        import_config(folder / name, ignore=["_base_"])


def test_a_base_elsewhere_is_read_from_the_folder_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "pose.py").write_text((FOLDER / POSE).read_text())
    child = tmp_path / "mine" / "child.py"
    child.parent.mkdir()
    child.write_text("_base_ = 'mmpose::pose.py'\nmodel = dict(head=dict(out_channels=5))\n")
    spec, _ = import_config(child, base=tmp_path / "library")
    assert spec.head.options["joints"] == 5
    (tmp_path / "library" / "fcn.py").write_text((FOLDER / SEG).read_text())
    child.write_text("_base_ = 'mmseg::fcn.py'\ndefault_scope = 'mmdet'\n")
    assert import_config(child, base=tmp_path / "library")[0].fuse.options["upsample"] == "bilinear"


def test_another_package_s_base_is_none_of_the_config_s_own_folder(tmp_path: Path) -> None:
    child = tmp_path / "configs" / "child.py"
    (child.parent / "_base_").mkdir(parents=True)
    (child.parent / "_base_" / "pose.py").write_text((FOLDER / POSE).read_text())
    child.write_text(
        "from mmengine.config import read_base\n"
        "with read_base():\n    from mmpose.configs._base_.pose import *\n"
    )
    with pytest.raises(hg.FileError, match="is not there"):
        import_config(child)
    assert import_config(child, base=child.parent)[0].head.kind == "heatmap"


def test_bases_merge_and_import_as_mmengine_does(tmp_path: Path) -> None:
    (tmp_path / "pose.py").write_text((FOLDER / POSE).read_text() + "\njoints = 9\n")
    child = tmp_path / "child.py"
    child.write_text(
        "_base_ = './pose.py'\n"
        "model = dict(head=dict(_delete_=True, type='HeatmapHead', in_channels=8,\n"
        "    out_channels={{_base_.joints}}, deconv_out_channels=None))\n"
    )
    assert import_config(child)[0].head.options["joints"] == 9
    child.write_text(
        "from mmengine.config import read_base\nwith read_base():\n    from .pose import *\n"
        "model.update(dict(head=dict(out_channels=10)))\n"
    )
    assert import_config(child)[0].head.options["joints"] == 10


HOSTILE = {
    "calls": "x = " + "f(" * 100_000 + ")" * 100_000,
    "operators": "x = " + "-" * 200_000 + "1",
    "sums": "x = " + "+".join(["1"] * 100_000),
    "power": "x = 9 ** 9 ** 9 ** 9",
    "long list": "x = [0] * 10 ** 9\nmodel = x",
    "loops": "for i in range(19999):\n    for j in range(19999):\n        x = 1",
    "nested": "x = []\n" + "x = [x]\n" * 5000 + "model = dict(backbone=x)",
    "doubling": "x = [1]\n" + "x = x + x\n" * 40,
    "names": "\n".join(f"def f{i}(): return x" for i in range(5000)),
    "unclear": "x = [" + "[1]," * 9000 + "]\n" + "f(x)\n" * 9000,
    "import": "__import__('os').system('touch hacked')",
    "text": "x = 'a' * 10 ** 9",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_configs_end_in_one_message_and_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.py"
    path.write_text(HOSTILE[what])
    start = time.process_time()
    with pytest.raises(hg.HRNetGraphError) as refusal:
        import_config(path)
    assert time.process_time() - start < 2
    assert len(str(refusal.value)) < 1000
    assert list(tmp_path.iterdir()) == [path]


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    with path.open("wb") as file:
        file.truncate(200 << 20)
    with pytest.raises(hg.FileError, match="at most"):
        import_config(path)


PADDLE = {
    "PaddleSeg": "model: {type: FCN, backbone: {type: HRNet_W18, align_corners: false}, num_classes: 19}",
    "PaddleDetection": "architecture: FasterRCNN\nHRNet: {width: 18}",
    "another classifier": "Arch: {name: ResNet50, class_num: 10}",
    "another width": "Arch: {name: SE_HRNet_W20_C, class_num: 1000}",
}


@pytest.mark.parametrize("what", PADDLE)
def test_paddle_s_configs_are_told_apart(tmp_path: Path, what: str) -> None:
    path = tmp_path / "config.yml"
    path.write_text(PADDLE[what])
    with pytest.raises(hg.FileError, match="this is a config of Paddle"):
        import_config(path)


def test_paddle_s_classifiers_are_the_catalogue_s(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text("Arch: {name: HRNet_W48_C, class_num: 10}\nGlobal: {epochs: 1}\n")
    spec, imported = import_config(path)
    same = {"head.classes": 10, "head.bias": False}
    assert (
        hg.build_graph(spec).state() == hg.build_graph(hg.load_spec("hrnet_w48_cls", same)).state()
    )
    assert imported.ignored == ("Global",)
    named, _ = import_config("HRNet_W48_C")
    assert hg.build_graph(named).state().keys() == hg.build_graph(spec).state().keys()
