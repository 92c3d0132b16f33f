"""The published head of semantic segmentation."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.dense import OutputStride, Resize, at_image, concat_at
from hrnet_graph.rules.layers import norm_first_classifier, pixel_classifier
from hrnet_graph.rules.options import Channels, Kernel, MapName


def segmentation(
    b: Builder,
    maps: Sequence[Value],
    *,
    classes: Channels,
    align_corners: bool = False,
    kernel: Kernel = 1,
    bias: bool = True,
    inner: Channels | None = None,
    inner_kernel: Kernel = 1,
    norm_first: bool = False,
    auxiliary: MapName | None = None,
    output_stride: OutputStride | None = None,
    resize: Resize = "none",
) -> Value | dict[str, Value]:
    """All maps upsampled and concatenated (HRNetV2), and two convolutions to the classes.

    maps[i]: (C_i, H_i, W_i) -> (classes, H', W') logits; with `auxiliary` aux: (classes, H_a, W_a)
    of that map and main: (classes, H', W')

    classes: Number of classes.
    align_corners: Whether upsampling keeps the centres of corner pixels in place.
    kernel: Side of the last convolution, in pixels; odd.
    bias: Whether the first convolution has one (published: yes; mmsegmentation: no).
    inner: Width of the first convolution; that of what it reads where unstated.
    inner_kernel: Side of the first convolution, in pixels; odd.
    norm_first: Whether each convolution reads what is normalised and activated, as in DDRNet, in
    place of being normalised and activated itself.
    auxiliary: The name of an earlier map that has classes, too, for training: `stage3.0` is the
    finest that the third stage hands on.
    output_stride: Pixels of the image from one cell of the logits to the next, that of the finest
    map where unstated (published: 4). All maps are resized to it before the convolutions: to the
    map that has it, to the image for 1, or to the finest one enlarged.
    resize: What size the logits have in the end. `none`: that of `output_stride`. `input`: the
    image's.

    Source: Wang et al., TPAMI 2020, section 3.4; for the layers, HRNet-Semantic-Segmentation,
    lib/models/seg_hrnet.py, `last_layer`, and ydhongHIT/DDRNet, segmentation/DDRNet_23_slim.py.
    """

    def classify(name: str, x: Value) -> Value:
        with b.scope(name):
            if norm_first:
                width = inner or x.channels
                return norm_first_classifier(b, x, classes, width, inner_kernel, kernel, bias)
            return pixel_classifier(
                b, x, classes, kernel, bias, inner=inner, inner_kernel=inner_kernel
            )

    names = ("seghead_extra", "final_layer") if norm_first else ("aux_head", "last_layer")
    logits = {}
    if auxiliary is not None:
        x = b.recall(auxiliary, option=("auxiliary",))
        logits["aux"] = classify(names[0], x)
    logits["main"] = classify(names[1], concat_at(b, maps, output_stride, align_corners))
    found = {name: at_image(b, y, resize, align_corners, name) for name, y in logits.items()}
    return found if auxiliary else found["main"]
