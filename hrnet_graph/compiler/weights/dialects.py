"""How other repositories name the same weights: one table a dialect, read in both directions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from hrnet_graph.compiler.weights import paddle
from hrnet_graph.compiler.weights.ddrnet import DDRNET
from hrnet_graph.compiler.weights.dialect import BACKBONE as BACKBONE
from hrnet_graph.compiler.weights.dialect import Dialect as Dialect
from hrnet_graph.compiler.weights.dialect import Renames
from hrnet_graph.compiler.weights.dialect import renamed as renamed
from hrnet_graph.compiler.weights.litehrnet import LITE
from hrnet_graph.compiler.weights.rows import Grouped
from hrnet_graph.errors import FileError, did_you_mean, quoted

MARKS: Mapping[str, tuple[str, ...]] = {
    "classification": ("incre_modules.0.0.conv1.weight", "classifier.weight"),
    "ocr": ("ocr_distri_head.object_context_block.f_up.0.weight", "cls_head.weight"),
    "segmentation": ("last_layer.0.weight", "last_layer.3.weight"),
    "landmark": ("head.0.weight", "head.3.weight"),
    "feature_pyramid": ("neck.reduction_conv.0.weight",),
    "upernet": ("psp_modules.0.1.conv.weight", "fpn_bottleneck.conv.weight", "conv_seg.weight"),
    "dekr": ("transition_offset.0.weight", "head_heatmap.1.weight"),
    "bottom_up": ("final_layers.0.weight", "deconv_layers.0.0.0.weight"),
    "simcc": ("mlp_head_x.weight", "mlp_head_y.weight"),
    "regression": ("fc.weight", "fc.bias"),
    "heatmap": ("final_layer.weight",),
    "features": (),
}
"""Head -> published keys by which a network with it is known; the most telling first."""


def _pixel_classifier(theirs: str, published: str) -> Renames:
    """The FCN head of mmsegmentation for a published run of convolution, norm, convolution."""
    parts = (("convs.0.conv.", "0."), ("convs.0.bn.", "1."), ("conv_seg.", "3."))
    return tuple((theirs + a, published + b) for a, b in parts)


_BLOCK = "ocr_distri_head.object_context_block"
_MM_BLOCK = "decode_head.1.object_context_block"
_OCR: Renames = (
    *_pixel_classifier("decode_head.0.", "aux_head."),
    ("decode_head.1.bottleneck.conv.", "conv3x3_ocr.0."),
    ("decode_head.1.bottleneck.bn.", "conv3x3_ocr.1."),
    *(
        (f"{_MM_BLOCK}.{theirs}_project.{i}.{layer}.", f"{_BLOCK}.{published}.{index}.")
        for theirs, published in (("query", "f_pixel"), ("key", "f_object"))
        for i, layer, index in (
            (0, "conv", "0"),
            (0, "bn", "1.0"),
            (1, "conv", "2"),
            (1, "bn", "3.0"),
        )
    ),
    *(
        (f"{_MM_BLOCK}.{theirs}.{layer}.", f"{published}.{index}.")
        for theirs, published in (
            ("value_project", f"{_BLOCK}.f_down"),
            ("out_project", f"{_BLOCK}.f_up"),
            ("bottleneck", "ocr_distri_head.conv_bn_dropout"),
        )
        for layer, index in (("conv", "0"), ("bn", "1.0"))
    ),
    ("decode_head.1.conv_seg.", "cls_head."),
)

_UPER = ("conv_seg", "psp_modules", "bottleneck", "lateral_convs", "fpn_convs", "fpn_bottleneck")
"""The parts of UPerNet's head."""

_BACKBONE = "backbone."

_MLP = "mlp.fc1.weight"
_KEYPOINTS: Renames = (("keypoint_head.final_layer.", "final_layer."),)
_FFN: Renames = ((".ffn.", ".mlp."), (".attn.attn.proj.", ".attn.attn.out_proj."))
_QKV = tuple(
    (f".qkv.{kind}", tuple(f".{part}_proj.{kind}" for part in "qkv")) for kind in ("weight", "bias")
)
_HRFORMER: tuple[Dialect, ...] = (
    Dialect("official", "classification", block=_MLP),
    Dialect(
        "official",
        "ocr",
        _BACKBONE,
        (
            ("conv3x3.0.", "conv3x3_ocr.0."),
            ("conv3x3.1.0.", "conv3x3_ocr.1."),
            ("aux_head.1.0.", "aux_head.1."),
            ("aux_head.2.", "aux_head.3."),
        ),
        block=_MLP,
    ),
    Dialect("official", "heatmap", _BACKBONE, _KEYPOINTS, block=_MLP),
    *(
        Dialect(name, "heatmap", _BACKBONE, head, (), False, _MLP, _FFN, _QKV)
        for name, head in (
            ("mmpose", (("head.final_layer.", "final_layer."),)),
            ("mmpose-0.x", _KEYPOINTS),
        )
    ),
    Dialect("official", "features", block=_MLP),
    Dialect("openmmlab", "features", _BACKBONE, (), (), False, _MLP, _FFN, _QKV),
)


def _dekr(name: str, head: str, offsets: str, sign: float, centre: str = "") -> Dialect:
    """DEKR as mmpose has it, its offsets' layers under a name."""
    heatmaps, layers = f"{head}.heatmap_conv_layers.", f"{head}.{offsets}."
    parts = ((heatmaps, "transition_heatmap"), (layers, "transition_offset"))
    renames = tuple(
        (f"{theirs}0.{layer}.", f"{published}.{at}.")
        for theirs, published in parts
        for at, layer in enumerate(("conv", "bn"))
    )
    renames += ((f"{heatmaps}1.", "head_heatmap.0.0."), (f"{heatmaps}2.", "head_heatmap.1."))
    versions = {} if centre else {head: 2}
    grouped = Grouped(layers, sign, centre and heatmaps + centre, versions)
    return Dialect(name, "dekr", _BACKBONE, renames, grouped=grouped)


_DEKR = (
    Dialect("official", "dekr"),
    _dekr("mmpose", "head", "displacement_conv_layers", -1.0),
    _dekr("mmpose-0.x", "keypoint_head", "offset_conv_layers", 1.0, "2."),
)

DIALECTS: tuple[Dialect, ...] = (
    Dialect("official", "classification"),
    Dialect("timm", "classification"),
    Dialect(
        "paddle",
        "classification",
        table=(paddle.published_names, paddle.paddle_names),
        transposed=paddle.TRANSPOSED,
        unbiased=paddle.BIASES,
    ),
    Dialect("official", "ocr"),
    Dialect(
        "mmsegmentation",
        "ocr",
        _BACKBONE,
        _OCR,
        (("aux_head.0.bias", "aux_head.1."), ("conv3x3_ocr.0.bias", "conv3x3_ocr.1.")),
    ),
    Dialect("official", "segmentation"),
    Dialect("inplace-abn", "segmentation", inplace_norm=True),
    Dialect(
        "mmsegmentation",
        "segmentation",
        _BACKBONE,
        _pixel_classifier("decode_head.", "last_layer."),
        (("last_layer.0.bias", "last_layer.1."),),
    ),
    Dialect("official", "landmark"),
    Dialect(
        "mmpose",
        "landmark",
        _BACKBONE,
        (
            ("head.deconv_layers.", "deconv_layers."),
            ("head.conv_layers.0.", "head.0."),
            ("head.conv_layers.1.", "head.1."),
            ("head.final_layer.", "head.3."),
        ),
    ),
    Dialect(
        "mmpose-0.x",
        "landmark",
        _BACKBONE,
        (
            ("keypoint_head.deconv_layers.", "deconv_layers."),
            ("keypoint_head.final_layer.", "head."),
        ),
    ),
    Dialect("official", "feature_pyramid", _BACKBONE),
    Dialect(
        "mmdetection",
        "feature_pyramid",
        _BACKBONE,
        (
            ("neck.reduction_conv.conv.", "neck.reduction_conv.0."),
            *((f"neck.fpn_convs.{i}.conv.", f"neck.fpn_conv.{i}.") for i in range(8)),
        ),
    ),
    Dialect("official", "bottom_up"),
    Dialect(
        "mmpose-0.x",
        "bottom_up",
        _BACKBONE,
        (
            ("keypoint_head.final_layers.", "final_layers."),
            ("keypoint_head.deconv_layers.", "deconv_layers."),
        ),
    ),
    Dialect("official", "upernet"),
    Dialect(
        "mmsegmentation",
        "upernet",
        _BACKBONE,
        tuple((f"decode_head.{part}.", f"{part}.") for part in _UPER),
    ),
    Dialect("official", "simcc"),
    Dialect(
        "mmpose",
        "simcc",
        _BACKBONE,
        tuple((f"head.{p}.", f"{p}.") for p in ("final_layer", "mlp_head_x", "mlp_head_y")),
    ),
    *_DEKR,
    Dialect("official", "regression"),
    Dialect("mmpose", "regression", _BACKBONE, (("head.fc.", "fc."),)),
    Dialect("official", "heatmap"),
    Dialect(
        "mmpose",
        "heatmap",
        _BACKBONE,
        (("head.final_layer.", "final_layer."), ("head.deconv_layers.", "deconv_layers.")),
    ),
    Dialect(
        "mmpose-0.x",
        "heatmap",
        _BACKBONE,
        (
            ("keypoint_head.final_layer.", "final_layer."),
            ("keypoint_head.deconv_layers.", "deconv_layers."),
        ),
    ),
    Dialect("official", "features"),
    Dialect("openmmlab", "features", _BACKBONE),
    *_HRFORMER,
    *DDRNET,
    *LITE,
)
"""All dialects. Where keys fit several, the first is meant.

Source: HRNet-Image-Classification, deep-high-resolution-net.pytorch, HRNet-Semantic-Segmentation,
HRNet-Facial-Landmark-Detection, HRNet-Object-Detection, HigherHRNet, HRFormer, DDRNet,
Lite-HRNet (official); timm 1.0; mmpose, mmsegmentation and mmdetection 3.x; PaddleClas.
"""

PADDLESEG = "conv_layer1_1._conv.weight"
"""A key of PaddleSeg's HRNet. Source: PaddleSeg d7975e7, paddleseg/models/backbones/hrnet.py."""

TRANSFERS: Mapping[tuple[str, str], Renames] = {
    ("segmentation", "ocr"): (("last_layer.", "aux_head."),),
    ("segmentation", "landmark"): (("last_layer.", "head."),),
    ("landmark", "segmentation"): (("head.", "last_layer."),),
    ("heatmap", "bottom_up"): (("final_layer.", "final_layers.0."),),
}
"""(head of the checkpoint, head of the network) -> which head weights can start which."""


def recognise(keys: Iterable[str], name: str | None = None) -> Dialect:
    """The dialect of a checkpoint by its keys, or of them the one called `name`.

    Raises `FileError` if the keys are of no network that is known here.
    """
    keys = set(keys)
    names = list(dict.fromkeys(dialect.name for dialect in DIALECTS))
    if name is not None and name not in names:
        raise FileError(f"unknown dialect {quoted(name)}{did_you_mean(name, names)}")
    for dialect in DIALECTS:
        block = f"stage2.0.branches.0.0.{dialect.block}"
        marks = dialect.marks or ("conv1.weight", block, *MARKS[dialect.head])
        if name in (None, dialect.name) and all(dialect.from_published(m) in keys for m in marks):
            return dialect
    if any(key.endswith(PADDLESEG) for key in keys):
        raise FileError(
            "these are keys of PaddleSeg, whose strided convolutions pad behind the image alone",
            "no network here computes that; PaddleClas's weights are loaded",
        )
    some = ", ".join(quoted(key, 80) for key in sorted(keys)[:3]) or "none"
    as_dialect = f" in the dialect {name}" if name else ""
    raise FileError(
        f"expected the keys of a high-resolution network{as_dialect}, got {some}, ...",
        f"dialects that are known: {', '.join(names)}",
    )


def prefix_among(keys: Iterable[str]) -> str:
    """What stands in front of a network's keys, where plain words of some of them tell; or ''."""
    keys = set(keys)
    first, later = "conv1.weight", "stage2.0.branches.0.0.conv1.weight"
    found = (key.removesuffix(later) for key in sorted(keys) if key.endswith(later))
    prefixes = (prefix.removesuffix(_BACKBONE) for prefix in found if prefix + first in keys)
    return next((each for each in prefixes if re.fullmatch(r"[\w.]+", each)), "")


def counterpart(dialect: Dialect, name: str) -> Dialect:
    """The dialect called `name` for the same kind of network. Raises `FileError` if none is."""
    same = {other.name: other for other in DIALECTS if other.kind == dialect.kind}
    if name not in same:
        known = ", ".join(same)
        raise FileError(f"no dialect {quoted(name)} for a {dialect.head} network (known: {known})")
    return same[name]
