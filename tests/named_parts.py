"""Configs of every head behind every backbone with every norm, as small as OpenMMLab builds them."""

from __future__ import annotations

from collections.abc import Iterator

NORMS = {
    "batch": "dict(type='SyncBN')",
    "group": "dict(type='GN', num_groups=2)",
    "instance": "dict(type='IN', affine=True)",
}

_ROW = "dict(num_modules=1, num_branches={n}, block='{block}', num_blocks={ones}, {more})"


def _stages(block: str, others: str = "") -> str:
    first = "num_channels=(64,), num_heads=[1], mlp_ratios=[4]" if others else "num_channels=(64,)"
    rows = ["stage1=" + _ROW.format(n=1, block="BOTTLENECK", ones=(1,), more=first)]
    for n in (2, 3, 4):
        widths = tuple(4 * 2**i for i in range(n))
        more = f"num_channels={widths}" + others.format([2] * n, [4] * n, [3] * n)
        rows += [f"stage{n}=" + _ROW.format(n=n, block=block, ones=(1,) * n, more=more)]
    return ", ".join(rows)


def _hrnet(scope: str, several: bool) -> str:
    inside = f", multiscale_output={several}"
    last = _stages("BASIC").removesuffix(")") + (inside if scope == "mmpose" else "") + ")"
    return f"type='HRNet', in_channels=3, extra=dict({last})" + (
        "" if scope == "mmpose" else inside
    )


_HRFORMER = _stages("HRFORMERBLOCK", ", num_heads={}, mlp_ratios={}, window_sizes={}")
_LITE = (
    "stem=dict(stem_channels=8, out_channels=8, expand_ratio=1), num_stages=1, with_head=True, "
    "stages_spec=dict(num_modules=(1,), num_branches=(2,), num_blocks=(1,), "
    "module_type=('{}',), with_fuse=(True,), reduce_ratios=(2,), num_channels=((8, 16),))"
)
BACKBONES = {
    "HRFormer": f"type='HRFormer', in_channels=3, extra=dict(drop_path_rate=0.1, {_HRFORMER})",
    "Lite-HRNet": f"type='LiteHRNet', in_channels=3, extra=dict({_LITE.format('LITE')})",
    "naive": f"type='LiteHRNet', in_channels=3, extra=dict({_LITE.format('NAIVE')})",
}
HEATMAP = "head=dict(type='HeatmapHead', in_channels={0}, out_channels=3, {1})"
_PLAIN = "deconv_out_channels=None"
_DECONV = "deconv_out_channels=(6, 4), deconv_kernel_sizes=(4, 4)"
_DENSE = "in_channels=[4, 8, 16, 32], in_index=(0, 1, 2, 3), num_classes=3, norm_cfg=NORM"
_FCN = f"dict(type='FCNHead', input_transform='resize_concat', {_DENSE}, channels=60, num_convs=1,"
_FCN += " kernel_size=1, concat_input=False)"
_OCR = f"dict(type='OCRHead', input_transform='resize_concat', {_DENSE}, channels=8,"
_OCR += " ocr_channels=4)"
_CONCAT = "neck=dict(type='FeatureMapProcessor', concat=True), head=dict("
_SIZE = "input_size=(64, 64)"
HEADS = {
    "heatmap": ("mmpose", False, HEATMAP.format(4, _PLAIN)),
    "deconv": ("mmpose", False, HEATMAP.format(4, _DECONV)),
    "landmark": (
        "mmpose",
        True,
        f"{_CONCAT}type='HeatmapHead', in_channels=60, out_channels=3, {_PLAIN}, "
        "conv_out_channels=(60,), conv_kernel_sizes=(1,))",
    ),
    "dekr": ("mmpose", True, f"{_CONCAT}type='DEKRHead', in_channels=60, num_keypoints=3,"
             " num_heatmap_filters=4)"),
    "regression": (
        "mmpose",
        False,
        "neck=dict(type='GlobalAveragePooling'), "
        "head=dict(type='RegressionHead', in_channels=4, num_joints=3)",
    ),
    "simcc": (
        "mmpose",
        False,
        f"head=dict(type='SimCCHead', in_channels=4, out_channels=3, {_SIZE}, "
        "in_featuremap_size=(16, 16), deconv_out_channels=None, "
        f"decoder=dict(type='SimCCLabel', {_SIZE}, sigma=6.0, simcc_split_ratio=2.0))",
    ),
    "fcn": ("mmseg", True, f"decode_head={_FCN}"),
    "ocr": ("mmseg", True, f"num_stages=2, decode_head=[{_FCN}, {_OCR}]"),
    "upernet": ("mmseg", True, f"decode_head=dict(type='UPerHead', {_DENSE}, channels=4)"),
    "pyramid": (
        "mmdet",
        True,
        "neck=dict(type='HRFPN', in_channels=[4, 8, 16, 32], out_channels=4, num_outs=3)",
    ),
}  # fmt: skip
TO = {"mmpose": "mmpose", "mmseg": "mmsegmentation", "mmdet": "mmdetection"}
"""Package -> its dialect."""


def configs() -> Iterator[tuple[str, str, str]]:
    """The name, the package and the text of each."""
    for norm, stated in NORMS.items():
        for head, (scope, several, text) in HEADS.items():
            if (head, norm) == ("upernet", "instance"):  # which pools to one pixel
                continue
            yield f"{head} {norm}", scope, _config(_hrnet(scope, several), text, stated, scope)
        for backbone, text in BACKBONES.items():
            width = 4 if backbone == "HRFormer" else 8
            head = HEATMAP.format(width, _DECONV)
            yield f"{backbone} {norm}", "mmpose", _config(text, head, stated, "mmpose")


def _config(backbone: str, head: str, norm: str, scope: str) -> str:
    return (
        f"NORM = {norm}\ndefault_scope = '{scope}'\n"
        f"model = dict(backbone=dict({backbone}, norm_cfg=NORM), {head})\n"
        "codec = dict(input_size=(64, 64))\ncrop_size = (64, 64)\n"
    )
