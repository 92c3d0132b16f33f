"""OpenMMLab's heads of pose and of parsing: read as ours, or refused where they are others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hrnet_graph as hg
from hrnet_graph.ir.ops import BatchNorm
from hrnet_graph.spec.importers.read import import_config

EXTRA = """
extra = dict(
    stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1,), num_channels=(8,)),
    stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(1, 1), num_channels=(4, 8)),
    stage3=dict(num_modules=1, num_branches=3, block='BASIC', num_blocks=(1,) * 3, num_channels=(4, 8, 16)),
    stage4=dict(num_modules=1, num_branches=4, block='BASIC', num_blocks=(1,) * 4,
                num_channels=(4, 8, 16, 32), multiscale_output=MAPS))
codec = dict(type='CODEC', input_size=(96, 64))
backbone = dict(type='HRNet', norm_cfg=dict(type='BN'), extra=extra)
"""
HEATMAP = "MSRAHeatmap", "False", "head=dict(type='HeatmapHead', in_channels=4, out_channels=5"
CONCAT = "neck=dict(type='FeatureMapProcessor', concat=True), "
LANDMARK = (
    "MSRAHeatmap",
    "True",
    f"{CONCAT}head=dict(type='HeatmapHead', in_channels=60, out_channels=5",
)
POOL = "neck=dict(type='GlobalAveragePooling'), "
REGRESSION = (
    "RegressionLabel",
    "False",
    f"{POOL}head=dict(type='RegressionHead', in_channels=4, num_joints=5",
)
SIMCC = (
    "SimCCLabel",
    "False",
    "head=dict(type='SimCCHead', in_channels=4, out_channels=5, in_featuremap_size=(24, 16)",
)
SIZE = "input_size=(96, 64)"
UPER = (
    "",
    "True",
    "decode_head=dict(type='UPerHead', in_channels=[4, 8, 16, 32], norm_cfg=dict(type='BN'), "
    "channels=12, num_classes=7",
)


def config(folder: Path, kind: tuple[str, str, str], more: str) -> Path:
    codec, maps, head = kind
    text = EXTRA.replace("CODEC", codec).replace("MAPS", maps)
    if not codec:
        text = text.replace("codec =", "crop_size = (64, 96)\nunread =")
        text = text.replace(", multiscale_output=True", "")
    path = folder / "config.py"
    path.write_text(f"{text}\nmodel = dict(backbone=backbone, {head}, {more}))\n")
    return path


@pytest.mark.parametrize(
    ("kind", "more", "expected", "last"),
    [
        (HEATMAP, "deconv_out_channels=(8, 6), deconv_kernel_sizes=(4, 3)",
         {"kind": "heatmap", "joints": 5, "deconv": (8, 6), "deconv_kernels": (4, 3)},
         ("final_layer.weight", (5, 6, 1, 1))),
        (HEATMAP, "", {"kind": "heatmap", "joints": 5, "deconv": (256, 256, 256)},
         ("final_layer.weight", (5, 256, 1, 1))),
        (LANDMARK, "deconv_out_channels=(8,), deconv_kernel_sizes=(2,), conv_out_channels=(8,), "
         "conv_kernel_sizes=(1,)",
         {"kind": "landmark", "points": 5, "deconv": (8,), "deconv_kernels": (2,)},
         ("head.3.weight", (5, 8, 1, 1))),
        (REGRESSION, "", {"kind": "regression", "joints": 5}, ("fc.weight", (10, 4))),
        (SIMCC, f"{SIZE}, simcc_split_ratio=1.5, deconv_out_channels=None",
         {"kind": "simcc", "joints": 5, "split_ratio": 1.5}, ("mlp_head_y.weight", (96, 384))),
        (UPER, "in_index=[0, 1, 2, 3], pool_scales=(1, 3)",
         {"kind": "upernet", "classes": 7, "channels": 12, "pool_scales": (1, 3)},
         ("psp_modules.1.1.conv.weight", (12, 32, 1, 1))),
    ],
)  # fmt: skip
def test_a_head_with_the_same_layers_is_read(
    tmp_path: Path,
    kind: tuple[str, str, str],
    more: str,
    expected: dict[str, Any],
    last: tuple[str, tuple[int, ...]],
) -> None:
    spec, _ = import_config(config(tmp_path, kind, more))
    assert spec.input == (3, 64, 96)
    assert spec.head.short() == expected
    assert hg.build_graph(spec).state()[last[0]].shape == last[1]


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        (HEATMAP, "deconv_out_channels=(8, 6), deconv_kernel_sizes=(4,)",
         "model.head.deconv_kernel_sizes: expected 2 kernels of 2 to 4 pixels, one a deconvolution"),
        (HEATMAP, "deconv_out_channels=(8,), deconv_kernel_sizes=(5,)",
         "model.head.deconv_kernel_sizes: expected 1 kernels of 2 to 4 pixels"),
        (HEATMAP, "deconv_out_channels=('a',)",
         "model.head.deconv_out_channels: expected a list of whole numbers, got ('a',)"),
        (LANDMARK, "deconv_out_channels=(8,), conv_out_channels=(60,), conv_kernel_sizes=(1,)",
         "model.head.deconv_kernel_sizes: expected 1 kernels of 2 to 4 pixels"),
        (LANDMARK, "deconv_out_channels=(8,), deconv_kernel_sizes=(4,), conv_out_channels=(60,), "
         "conv_kernel_sizes=(1,)", "model.head: expected one convolution 1x1 of 8 channels before"),
        (REGRESSION, "sigma=True", "model.head.sigma: this key is not known here"),
        (SIMCC, SIZE, "model.head.deconv_out_channels: expected None or []"),
        (SIMCC, "input_size=(64, 96), deconv_out_channels=None",
         "model.head.in_featuremap_size: expected [16, 24], got"),
        (UPER, "in_index=[0, 1, 2], pool_scales=(1, 3)", "model.decode_head.in_index: expected [0, 1"),
        (UPER, "in_index=[0, 1, 2, 3], act_cfg=dict(type='GELU')", "model.decode_head.act_cfg: expected"),
    ],
)  # fmt: skip
def test_a_head_with_other_layers_is_refused(
    tmp_path: Path, kind: tuple[str, str, str], more: str, said: str
) -> None:
    with pytest.raises(hg.FileError) as refused:
        import_config(config(tmp_path, kind, more))
    assert said in str(refused.value)


def test_layers_have_their_own_norm_where_the_backbone_has_another(tmp_path: Path) -> None:
    """Mmpose makes them of torch's own batch normalisation, whatever the backbone has."""
    path = config(tmp_path, HEATMAP, "deconv_out_channels=(8,), deconv_kernel_sizes=(4,)")
    path.write_text(path.read_text().replace("dict(type='BN')", "dict(type='BN', eps=1e-3)"))
    graph = hg.build_graph(import_config(path)[0])
    found = {node.op.eps for node in graph.nodes if isinstance(node.op, BatchNorm)}
    assert found == {1e-3, 1e-5}
