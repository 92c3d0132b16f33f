"""Checkpoints are written for a repository whose code builds the network, and for no other one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from commands import run
from dialects import DDRNET, HEADS, HRFORMER, TRANSFORMER, WHOLE, filled

import hrnet_graph as hg
from hrnet_graph.compiler.checkpoints.convert import convert

POSE = {"head": HEADS["heatmap"], "stages.3.outputs": 1}
BILINEAR = {"kind": "sum", "upsample": "bilinear"}


@pytest.mark.parametrize(
    ("changes", "to", "message"),
    [
        (POSE | {"fuse": "gated"}, "mmpose", "'stage2.0.fuse_layers.0.gates.0.weight'"),
        ({"fuse": {"kind": "sum", "connect": "neighbours"}}, "timm", "'stage3.0.fuse_layers.0.2.0"),
        ({"fuse": {"kind": "sum", "downsample": "depthwise"}}, "official", "fuse_layers.1.0.0."),
        ({"stages.3.block.squeeze_excite": {"reduction": 2}}, "timm", ".se.fc1.weight': that"),
        ({"stages.3.block.dilation": 2}, "timm", "expected dilation 1, got dilation 2"),
        ({"stem.channels": 32}, "official", "expected the shape (64, 3, 3, 3), got (32, 3, 3, 3)"),
        (POSE | {"stem.stride": 2}, "mmpose", "'conv2.weight': expected stride 2, got stride 1"),
        (POSE | {"activation": "gelu"}, "mmpose", "its network has 'gelu of 1' 0 times, this one"),
        ({"norm": {"kind": "batch", "eps": 0.1}}, "timm", "'bn1.weight': expected eps 1e-05, got eps 0.1"),
        ({"fuse": BILINEAR}, "timm", "its network has 'bilinear of 2, align_corners False' 0 times"),
        ({"fuse": BILINEAR | {"align_corners": True}, "head": HEADS["segmentation"]},
         "mmsegmentation", "its network has 'bilinear of 2, align_corners False' 16 times, this"),
        (POSE | {"head.deconv": [4]}, "official", "'deconv_layers.0.weight': that repository's"),
        (POSE | {"norm": "instance"}, "official", "'bn1.running_mean': that repository's network"),
        (POSE | {"stages.0.blocks": 2}, "official", "'layer1.2.conv1.weight': that"),
        ({"head": {"kind": "segmentation", "classes": 3, "output_stride": 2}}, "mmsegmentation",
         "its result has stride 4, that of this one 2"),
        ({"head": {"kind": "multi", "heads": {"a": HEADS["heatmap"]}}}, "openmmlab", "'a.final_"),
    ],
)  # fmt: skip
def test_what_a_repository_cannot_build_is_refused_with_its_place(
    tmp_path: Path, changes: dict[str, Any], to: str, message: str
) -> None:
    hg.save(hg.build_module(hg.load_spec(WHOLE, changes)), tmp_path / "net.pt")
    with pytest.raises(hg.FileError) as refused:
        convert(tmp_path / "net.pt", to, tmp_path / "out.pth")
    assert not refused.value.hint  # the file is one of ours as it is
    assert f"{to} cannot hold this network: " in str(refused.value)
    assert message in str(refused.value)
    assert not (tmp_path / "out.pth").exists()


def test_the_command_says_why_and_what_to_do(tmp_path: Path) -> None:
    spec = hg.load_spec(
        "ddrnet23_slim_seg_cityscapes", {**DDRNET["segmentation"], "stem.channels": [2, 3]}
    )
    torch.save(hg.build_module(spec).state_dict(), tmp_path / "net.pth")
    words = ("weights", "convert", tmp_path / "net.pth", "--to", "mmsegmentation")
    result = run(*words, "-o", tmp_path / "out.pth")
    assert result.returncode == 2
    assert "mmsegmentation cannot hold this network: 'conv1." in result.stderr
    assert "expected the shape (2, 2, 3, 3), got (3, 2, 3, 3)" in result.stderr
    assert "`hrnet-graph build SPEC --weights FILE -o net.pt`" in result.stderr


def _pose(position_bias: bool) -> hg.Spec:
    blocks = {
        f"stages.{i}.block": {**TRANSFORMER, "position_bias": position_bias} for i in (1, 2, 3)
    }
    fuse = {"kind": "sum", "downsample": "depthwise", "upsample": "bilinear", "two_steps": True}
    changes = {"head": HEADS["heatmap"], "stages.3.outputs": 1, "fuse": fuse, **blocks}
    return hg.load_spec(WHOLE, {**changes, **HRFORMER["heatmap"]})


def test_biases_of_positions_are_read_by_both_or_neither(tmp_path: Path) -> None:
    ours, theirs = filled(_pose(False)), filled(_pose(True))
    hg.save(ours, tmp_path / "ours.pt")
    torch.save(ours.state_dict(), tmp_path / "bare.pth")
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    for name in ("ours.pt", "bare.pth"):
        convert(tmp_path / name, "mmpose", tmp_path / "mm.pth")
        hg.load_weights(theirs, tmp_path / "mm.pth")
        assert torch.equal(theirs(image), ours(image))
    hg.save(filled(hg.load_spec(_pose(True), {"fuse.two_steps": False})), tmp_path / "once.pt")
    with pytest.raises(hg.FileError, match="'bilinear x2 of 1, factor 2' 6 times, this one 0"):
        convert(tmp_path / "once.pt", "official", tmp_path / "off.pth")
    hg.save(filled(_pose(True)), tmp_path / "reads.pt")
    with pytest.raises(hg.FileError, match="bias_table': that repository's network holds and nev"):
        convert(tmp_path / "reads.pt", "official", tmp_path / "off.pth")
    convert(tmp_path / "reads.pt", "mmpose", tmp_path / "mm.pth")
    with pytest.raises(hg.FileError, match="bias_table is not zero and mmpose adds it, which sma"):
        hg.load_weights(ours, tmp_path / "mm.pth")


def test_constants_and_kinds_of_networks_are_checked(tmp_path: Path) -> None:
    model = filled(_pose(False))
    path, out = tmp_path / "net.pth", tmp_path / "out.pth"
    torch.save(model.state_dict(), path)
    with pytest.raises(
        hg.FileError, match=r"no dialect 'timm' for HRFormer with a heatmap head \("
    ):
        convert(path, "timm", out)
    model.get_buffer("backbone.stage2.0.branches.0.0.attn.attn.relative_position_index").zero_()
    torch.save(model.state_dict(), path)
    with pytest.raises(hg.FileError, match="relative_position_index is not that of attention"):
        convert(path, "mmpose", out)
    torch.save({k: v for k, v in model.state_dict().items() if "layer1.0.bn1" not in k}, path)
    with pytest.raises(hg.FileError, match=r"and it is missing$"):  # no hint: it is broken
        convert(path, "mmpose", out)
