"""Stages whose branches differ, activation at each use, and DDRNet's neck and head on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnx_models import assert_same, filled, made
from published import DATA, MEASURED, fill, golden_input, keys_sha256
from watch import Watch, saved_for_backward
from written import check

import hrnet_graph as hg
from hrnet_graph.analysis.memory import memory
from hrnet_graph.analysis.receptive_field import strides
from hrnet_graph.benchmark.verify import verify
from hrnet_graph.compiler.checkpoints.convert import convert
from hrnet_graph.compiler.torch.inference import optimize_for_inference
from hrnet_graph.compiler.weights.ddrnet import mm_names
from hrnet_graph.ir.ops import Activation, Conv2d, Sum
from hrnet_graph.spec.emit import to_short
from hrnet_graph.spec.importers.read import import_config

DUAL: dict[str, Any] = {
    "name": "dual",
    "input": [3, 72, 104],
    "width": 4,
    "stem": {"channels": 4, "bias": True},
    "transition": "none",
    "stages": [
        {"multiples": [1], "blocks": 1, "preactivated": True},
        {"multiples": [2, 4], "blocks": [1, 2], "strides": [2, 4], "preactivated": True},
        {
            "block": [{"kind": "bottleneck", "expansion": 2}, "basic"],
            "multiples": [2, 6],
            "blocks": 1,
            "strides": [1, 2],
            "preactivated": True,
        },
    ],
    "fuse": {"kind": "sum", "upsample": "bilinear", "widen": "each"},
    "neck": {"kind": "dappm", "channels": 3},
    "head": {"kind": "segmentation", "classes": 3, "norm_first": True, "bias": False, "inner": 4,
             "inner_kernel": 3, "auxiliary": "stage2.0"},
}  # fmt: skip
THREE: dict[str, Any] = {
    "stages": [
        {"multiples": [1], "blocks": 1},
        {"multiples": [1, 2, 2], "blocks": 1, "strides": [1, 2, 2], "modules": 2},
    ],
    "neck": None,
}
"""Two of three branches of one resolution, activated where they are made."""


def graph(**changes: Any) -> hg.Graph:
    return hg.build_graph(hg.load_spec(DUAL, changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {**THREE, "head": {"kind": "features"}},
        pytest.param(
            {**THREE, "fuse.upsample": "nearest", "head": {"kind": "heatmap", "joints": 2},
             "input": [3, 64, 96], "stages.1.outputs": 1},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["two paths", "three branches", "fixed factors"],
)  # fmt: skip
def test_all_who_read_such_stages_agree(changes: dict[str, Any]) -> None:
    spec = hg.load_spec(DUAL, changes)
    built = hg.build_graph(spec)
    assert not [count for count in verify(built) if not count.agrees]
    _, height, width = spec.input
    check(spec, [(height, width), (height + 32, width)])
    model = filled(spec)
    assert_same(model, made(model), (1, height, width))
    image = torch.randn(1, 3, height, width)
    with torch.no_grad(), Watch(image) as watch:
        expected = model(image)
    assert memory(built).peak == watch.peak
    grouped = hg.build_graph(hg.load_spec(spec, {"norm": {"kind": "group", "groups": 1}}))
    assert memory(grouped).activations == saved_for_backward(grouped)  # of one image
    expected = list(expected.values()) if isinstance(expected, dict) else expected
    with torch.inference_mode():
        result = optimize_for_inference(model)(image)
    result = list(result.values()) if isinstance(result, dict) else result
    for one, other in zip(result, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    answer = model.train()(image.repeat(2, 1, 1, 1))
    sum(y.sum() for y in (answer.values() if isinstance(answer, dict) else answer)).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_strides_and_widths_are_those_of_the_branches() -> None:
    built = graph(neck=None, head={"kind": "features"}, input=[3, 61, 93])
    paths = built.output_paths
    assert [built[path].type.shape for path in paths] == [(16, 8, 12), (24, 2, 3)]
    assert [strides(built)[path] for path in paths] == [8, 32]


def test_a_way_down_widens_at_each_step_where_it_is_asked_to() -> None:
    changes = {"stages.1.strides": [2, 8], "stages.1.multiples": [2, 8], "stages.2.strides": [1, 1]}
    rows = {}
    for widen in ("each", "last"):
        built = graph(**changes, **{"fuse.widen": widen})
        way = "stage2.0.fuse_layers.1.0"
        inside = (n.op for n in built.nodes if n.path.startswith(way))
        rows[widen] = [op.out for op in inside if isinstance(op, Conv2d)]
    assert rows == {"each": [16, 32], "last": [8, 32]}


def test_no_convolution_reads_a_sum_that_is_still_to_be_activated() -> None:
    """Where a stage leaves activation to who reads it, each does it for itself."""
    built = graph(neck=None, head={"kind": "ocr", "classes": 2, "features": 4, "keys": 2})
    sums = {node.path for node in built.nodes if isinstance(node.op, Sum)}
    read = {p for n in built.nodes if isinstance(n.op, Conv2d) for p in n.inputs}
    assert not read & sums
    first = [n.path for n in built.nodes if n.inputs == ("layer1.0.sum",)]
    assert first == ["stage2.0.branches.0.act", "stage2.0.branches.1.act"]
    assert all(isinstance(built[path].op, Activation) for path in first)


@pytest.mark.parametrize("kind", ["gated", "concat", "weighted_sum"])
def test_every_fuse_rule_reads_what_is_still_to_be_activated(kind: str) -> None:
    built = graph(fuse={"kind": kind, "upsample": "bilinear"})
    ways = {n.inputs[0] for n in built.nodes if n.path.endswith("fuse_layers.0.1.ready")}
    assert ways == {f"stage{i}.0.branches.1.{k}.sum" for i, k in ((2, 1), (3, 0))}


def test_branches_whose_blocks_differ_are_named_by_them() -> None:
    labels = {s.path: s.label for s in graph().scopes if s.kind == "block"}
    assert labels["stage3.0.branches.0.0"] == "bottleneck block"
    assert labels["stage3.0.branches.1.0"] == "basic block"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages.1.strides": [4, 2]}, "stages.1.strides: expected branches from fine to coarse,"
                                       " got strides 16, 8"),
        ({"stages.1.strides": [1, 3]}, "stages.1.strides.1: expected 1, 2, 4 or 8, got 3"),
        ({"stages.1.strides": [2]}, "stages.1.strides: expected 2 numbers, one a branch, got 1"),
        ({"stages.1.multiples": [2]}, "stages.1.blocks: expected 1 numbers, one a branch, got 2"),
        ({"stages.2.block": ["basic", "shuffle"]},
         "stages.2.strides.1: the shuffle block keeps the resolution: expected 1, got 2"),
        ({"stages.0.block": "transformer"},
         "stages.0.preactivated: the transformer block leaves no activation to who reads it"),
        ({"stages.2.block": ["basic", "channel_weighting"]},
         "stages.2.block.1: channel_weighting is one block of all branches, and none of a list"),
        ({"stages.2.block": ["basic", "bsic"]},
         "stages.2.block.1: unknown block 'bsic'; did you mean 'basic'?"),
        ({"stages.2.block": ["basic", {"kind": "basic", "group": 2}]},
         "stages.2.block.1.group: unknown key; did you mean 'groups'?"),
        ({"stages.2.block": []}, "stages.2.block: expected at least 1 in the list, got []"),
        ({"stages.2.channels": [4, 4]}, "stages.2.multiples: nothing in the network reads it"),
        ({"head.auxiliary": "stage4.0"}, "head.auxiliary: no earlier map is called 'stage4.0'"),
        ({"order": ["layer1", "stge2"]}, "order.1: no part of the network is called 'stge2'; did you mean 'stage2'?"),
        ({"order": ["layer1", "layer1"]}, "order.1: 'layer1' is there twice"),
        ({"fuse.upsample": "nearest"}, "input: 72x104 does not fit"),
    ],
)  # fmt: skip
def test_what_branches_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    data = {**DUAL, "stages": [dict(stage) for stage in DUAL["stages"]]}
    if "stages.2.channels" in changes:  # both stated in one document
        data["stages"][2]["channels"] = changes.pop("stages.2.channels")
    with pytest.raises(hg.SpecError) as refused:
        hg.build_graph(hg.load_spec(data, changes))
    assert message in str(refused.value).splitlines()[0]


def test_parts_stand_where_keys_and_order_put_them() -> None:
    """At the top, out of a stage that is then called piece by piece, and in the order stated."""
    keys = {"stage2.0.branches.0": "/fine", "stage2.0.branches.1": "/coarse"}
    spec = hg.load_spec(DUAL, {"keys": keys, "order": ["coarse", "spp", "fine"]})
    named, plain = hg.build_module(spec).eval(), hg.build_module(DUAL).eval()
    tops = list(dict.fromkeys(key.partition(".")[0] for key in named.state_dict()))
    assert tops[tops.index("coarse") :][:3] == ["coarse", "spp", "fine"]
    old = {"fine": "stage2.0.branches.0", "coarse": "stage2.0.branches.1"}
    theirs = plain.state_dict()
    named.load_state_dict({
        key: theirs[".".join((old.get(key.split(".")[0], key.split(".")[0]), *key.split(".")[1:]))]
        for key in named.state_dict()
    })  # fmt: skip
    image = torch.randn(2, 3, 72, 104)
    with torch.inference_mode():
        ours, before = named(image), plain(image)
    assert all(torch.equal(ours[name], before[name]) for name in before)
    check(spec, [(72, 104)])


@pytest.mark.parametrize("size", [(8, 8), (16, 200), (33, 65)])
def test_ddrnet_takes_any_size(size: tuple[int, int]) -> None:
    built = hg.build_graph("ddrnet23_slim_seg_cityscapes", size)
    shape = tuple(-(-n // 8) for n in size)
    assert built[built.output_paths[0]].type.shape == (19, *shape)


def test_the_golden_of_mmsegmentation_is_met_by_its_own_names(tmp_path: Path) -> None:
    """Without biases in the stem, and with auxiliary classes, that evaluation leaves alone."""
    with np.load(DATA / "golden" / "mmseg_ddrnet23slim_cityscapes_128x192.npz") as file:
        meta = json.loads(bytes(file["meta"]).decode())
        expected = torch.from_numpy(file["out"])
    weights = {key: torch.zeros(shape) for key, shape in meta["state_dict_order"]}
    weights = {k: v.long() if k.endswith("tracked") else v for k, v in weights.items()}
    fill(weights)
    torch.save({"state_dict": weights}, tmp_path / "mm.pth")
    changes = {"head.auxiliary": "stage3.0", "input": meta["input_shape"][1:]}
    model = hg.build_module(hg.load_spec("ddrnet23_slim_seg_cityscapes", changes)).eval()
    report = hg.load_weights(model, tmp_path / "mm.pth")
    assert report.complete
    assert report.dialect == "mmsegmentation"
    assert [key for key, _ in report.filled] == ["conv1.0.bias", "conv1.3.bias"]
    with torch.inference_mode():
        result = model(golden_input(meta["input_shape"]))["main"]
    assert float((result - expected).abs().max()) / meta["outputs"]["out"]["absmax"] < 2e-5
    hg.save(model, tmp_path / "ours.pt")
    convert(tmp_path / "ours.pt", "mmsegmentation", tmp_path / "again.pth")
    again = torch.load(tmp_path / "again.pth")["state_dict"]
    assert again.keys() == weights.keys()
    assert all(torch.equal(again[key], weights[key]) for key in weights)


def test_what_mmsegmentation_has_no_name_for_is_refused(tmp_path: Path) -> None:
    narrow = {"width": 2, "stem.channels": 2, "neck.channels": 3, "head.inner": 2}
    model = hg.build_module(hg.load_spec("ddrnet39_seg_cityscapes", narrow))
    hg.save(model, tmp_path / "39.pt")
    with pytest.raises(hg.FileError, match=r"mmsegmentation has no name for 'layer3_1\.0\.conv1"):
        convert(tmp_path / "39.pt", "mmsegmentation", tmp_path / "mm.pth")


CONFIG = """
model = dict(
    type='EncoderDecoder',
    backbone=dict(type='DDRNet', in_channels=3, channels=32, ppm_channels=128,
                  norm_cfg=dict(type='SyncBN', requires_grad=True), align_corners=False),
    decode_head=dict(type='DDRHead', in_channels=32 * 4, channels=64, dropout_ratio=0.,
                     num_classes=19, align_corners=False, norm_cfg=dict(type='SyncBN')))
crop_size = (1024, 1024)
dataset_type = 'CityscapesDataset'
"""


@pytest.mark.parametrize("norm", ["type='BN', eps=1e-3", "type='GN', num_groups=4", "type='IN'"])
def test_a_norm_that_mmsegmentation_gives_to_some_layers_is_refused(
    norm: str, tmp_path: Path
) -> None:
    stated = f"norm_cfg=dict({norm}), align_corners=False),"
    text = CONFIG.replace(
        "norm_cfg=dict(type='SyncBN', requires_grad=True), align_corners=False),", stated
    )
    (tmp_path / "ddrnet.py").write_text(text)
    with pytest.raises(hg.FileError, match="norm_cfg"):
        import_config(tmp_path / "ddrnet.py")


def test_a_config_of_mmsegmentation_gives_its_network(tmp_path: Path) -> None:
    (tmp_path / "ddrnet.py").write_text(CONFIG)
    spec, _ = import_config(tmp_path / "ddrnet.py")
    (tmp_path / "ddrnet.yaml").write_text(to_short(spec))
    measured = MEASURED["mmseg_ddrnet23slim_cityscapes_512x1024"]
    built = hg.build_graph(hg.load_spec(tmp_path / "ddrnet.yaml"), (512, 1024))
    state = {mm_names()[key]: entry for key, entry in built.state().items()}
    assert keys_sha256(state) == measured["keys_sha256"]
    assert hg.analyze(built).params == measured["params"]
    assert spec.input == (3, 1024, 1024)
    assert (spec.labels, spec.norm.kind) == ("cityscapes", "sync_batch")
    bare, _ = import_config(tmp_path / "ddrnet.py", backbone_only=True)
    assert bare.head.kind == "features"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ppm_channels=128", "ppm_channels=128, depth=3", "model.backbone.depth: this key is not"),
        ("align_corners=False),", "align_corners=True),", "model.backbone.align_corners: expected"),
        ("DDRHead", "FCNHead", "model.decode_head.type: expected DDRHead, got 'FCNHead'"),
        ("in_channels=32 * 4", "in_channels=64", "model.decode_head.in_channels: expected 128"),
        ("in_channels=3,", "in_channels=3, act_cfg=dict(type='GELU'),", "model.backbone.act_cfg"),
    ],
)
def test_a_config_that_says_more_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in CONFIG
    (tmp_path / "ddrnet.py").write_text(CONFIG.replace(old, new))
    with pytest.raises(hg.HRNetGraphError) as refused:
        import_config(tmp_path / "ddrnet.py")
    assert message in str(refused.value)
