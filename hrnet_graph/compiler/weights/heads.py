"""The names of heads in OpenMMLab's repositories, whatever backbone stands in front of them."""

from __future__ import annotations

from collections.abc import Mapping

from hrnet_graph.compiler.weights.dialect import Renames

IN_BACKBONE = "backbone."
"""What most repositories put in front of the keys of stem and stages."""


def _same(prefix: str, *parts: str) -> Renames:
    """Parts of a head that stand behind a prefix, under their published names."""
    return tuple((f"{prefix}{part}.", f"{part}.") for part in parts)


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

HEADS: Mapping[str, Mapping[str, Renames]] = {
    "mmpose": {
        "heatmap": _same("head.", "final_layer", "deconv_layers"),
        "simcc": _same("head.", "final_layer", "mlp_head_x", "mlp_head_y"),
        "regression": _same("head.", "fc"),
        "landmark": (
            ("head.deconv_layers.", "deconv_layers."),
            ("head.conv_layers.0.", "head.0."),
            ("head.conv_layers.1.", "head.1."),
            ("head.final_layer.", "head.3."),
        ),
    },
    "mmpose-0.x": {
        "heatmap": _same("keypoint_head.", "final_layer", "deconv_layers"),
        "landmark": (
            ("keypoint_head.deconv_layers.", "deconv_layers."),
            ("keypoint_head.final_layer.", "head."),
        ),
        "bottom_up": _same("keypoint_head.", "final_layers", "deconv_layers"),
    },
    "mmsegmentation": {
        "ocr": _OCR,
        "segmentation": _pixel_classifier("decode_head.", "last_layer."),
        "upernet": _same("decode_head.", *_UPER),
    },
    "mmdetection": {
        "feature_pyramid": (
            ("neck.reduction_conv.conv.", "neck.reduction_conv.0."),
            *((f"neck.fpn_convs.{i}.conv.", f"neck.fpn_conv.{i}.") for i in range(8)),
        ),
    },
    "openmmlab": {"features": ()},
}
"""Repository -> head -> (prefix there, published prefix)."""
