"""The published head of object-contextual representations (OCR)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Ge, Lt

from hrnet_graph.ir import ops
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.dense import Resize
from hrnet_graph.rules.function import summary_of
from hrnet_graph.rules.layers import conv_norm_act, pixel_classifier, upsample_and_concat
from hrnet_graph.rules.options import Channels, Kernel


def ocr(
    b: Builder,
    maps: Sequence[Value],
    *,
    classes: Channels,
    align_corners: bool = True,
    features: Channels = 512,
    keys: Channels = 256,
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.05,
    bias: bool = True,
    inner_bias: bool = False,
    aux_features: Channels | None = None,
    aux_kernel: Kernel = 1,
    resize: Resize = "none",
) -> dict[str, Value]:
    """Coarse classes give soft object regions, whose features then describe every pixel.

    maps[i]: (C_i, H/2^i, W/2^i) -> aux: (classes, H, W), main: (classes, H, W) logits

    classes: Number of classes, and of object regions.
    align_corners: Whether upsampling keeps the centres of corner pixels in place.
    features: Width of the pixel features.
    keys: Width of the relation between pixels and regions.
    dropout: Share of the channels that training sets to zero before the last convolution.
    bias: Whether the first convolutions of coarse classes and pixel features have one (published:
    yes; mmsegmentation: no).
    inner_bias: Whether the convolutions between them and the last one have one (HRFormer: yes).
    aux_features: Width of the layer before the coarse classes; that of all maps where unstated.
    aux_kernel: Side of its convolution, in pixels; odd.
    resize: What size the logits have. `none`: that of the finest map. `input`: the image's.

    Source: Yuan et al., "Object-Contextual Representations for Semantic Segmentation", ECCV 2020,
    section 3; for the layers, HRNet-Semantic-Segmentation, branch HRNet-OCR,
    lib/models/seg_hrnet_ocr.py.
    """
    x = upsample_and_concat(b, maps, align_corners)
    b.reserve("conv3x3_ocr", "ocr_gather_head", "ocr_distri_head", "cls_head", "aux_head")
    with b.scope("aux_head"):
        aux = pixel_classifier(
            b, x, classes, bias=bias, inner=aux_features, inner_kernel=aux_kernel
        )
    with b.scope("conv3x3_ocr"):
        pixels = conv_norm_act(b, x, features, kernel=3, bias=bias)
    with b.scope("ocr_gather_head"):
        regions = _gather(b, pixels, aux)
    combined = "The context of every pixel beside its own features, reduced to their width."
    with b.scope("ocr_distri_head", summary=combined):
        with b.scope("object_context_block", summary=summary_of(_relate)):
            context = _relate(b, pixels, regions, keys, inner_bias)
        with b.scope("conv_bn_dropout"):
            y = _conv_norm_act(b, 0, b.concat("concat", context, pixels), features, inner_bias)
            y = b.add("2", ops.ChannelDropout(dropout), y)
    logits = {"aux": aux, "main": b.conv("cls_head", y, classes, bias=True)}
    if resize == "none":
        return logits
    with b.scope("@resize"):
        whole = ops.BilinearResize(align_corners)
        return {name: b.add(name, whole, y, b.image) for name, y in logits.items()}


def _gather(b: Builder, pixels: Value, regions: Value) -> Value:
    """The features of each soft object region, its pixels weighed by how much they belong to it.

    pixels: (C, H, W), regions: (K, H, W) -> (C, K, 1)
    """
    columns = b.add("flatten_regions", ops.FlattenPixels(), regions)
    weights = b.add("softmax", ops.Softmax(), columns)
    flat = b.add("flatten_pixels", ops.FlattenPixels(), pixels)
    gathered = b.add("matmul", ops.MatMul(transpose_second=True), flat, weights)
    return b.add("column", ops.Column(), gathered)


def _relate(b: Builder, pixels: Value, regions: Value, keys: int, bias: bool) -> Value:
    """For every pixel the regions' features, weighed by how much pixel and region are alike.

    pixels: (C, H, W), regions: (C, K, 1) -> (C, H, W)
    """
    with b.scope("f_pixel"):
        query = _conv_norm_act(b, 2, _conv_norm_act(b, 0, pixels, keys, bias), keys, bias)
    with b.scope("f_object"):
        key = _conv_norm_act(b, 2, _conv_norm_act(b, 0, regions, keys, bias), keys, bias)
    with b.scope("f_down"):
        value = _conv_norm_act(b, 0, regions, keys, bias)
    flat = [
        b.add(f"flatten_{name}", ops.FlattenPixels(), x)
        for name, x in (("query", query), ("key", key), ("value", value))
    ]
    alike = b.add("matmul_query_key", ops.MatMul(transpose_first=True), flat[0], flat[1])
    weights = b.add("softmax", ops.Softmax(), b.add("scale", ops.Scale(keys**-0.5), alike))
    context = b.add("matmul_value", ops.MatMul(transpose_second=True), flat[2], weights)
    context = b.add("unflatten", ops.UnflattenPixels(), context, pixels)
    with b.scope("f_up"):
        return _conv_norm_act(b, 0, context, pixels.channels, bias)


def _conv_norm_act(b: Builder, index: int, x: Value, out: int, bias: bool) -> Value:
    """A 1x1 convolution, and norm and activation nested beside it, as published.

    x: (C, H, W) -> (out, H, W)
    """
    x = b.conv(str(index), x, out, bias=bias)
    with b.scope(index + 1):
        return b.activation("1", b.norm("0", x))
