"""What heads of dense predictions share: finer maps, maps of any stride, logits of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from annotated_types import Interval, Len

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import BilinearResize, BilinearUpsample, ConvTranspose2d
from hrnet_graph.rules.layers import upsample_and_concat
from hrnet_graph.rules.options import Channels

Deconv = Annotated[tuple[Channels, ...], Len(1, 8)]
"""The width of each of some transposed convolutions, in order."""

DeconvKernels = Annotated[tuple[Annotated[int, Interval(ge=2, le=4)], ...], Len(1, 8)]
"""The side of the kernel of each, in pixels."""

Resize = Literal["none", "input"]
"""Which size logits have: the map's that they are made of, or the image's."""

OutputStride = Annotated[int, Interval(ge=1, le=64)]
"""The pixels of the image from one cell of a result to the next."""

STRIDES = (1, 2, 4, 8, 16, 32, 64)


def enlarge(
    b: Builder, x: Value, widths: Sequence[int] | None, kernels: Sequence[int] | None
) -> Value:
    """Transposed convolutions, each normalised and activated, that double a map each.

    x: (C, H, W) -> (widths[-1], 2^n * H, 2^n * W), for n widths; kernels of 4 where unstated

    Source: Xiao et al., "Simple Baselines", ECCV 2018; for the layers,
    deep-high-resolution-net.pytorch, lib/models/pose_resnet.py, `deconv_layers`.
    """
    if not widths:
        return x
    sides = [4] * len(widths) if kernels is None else kernels
    if len(sides) != len(widths):
        raise RuleError(
            f"expected {len(widths)} kernels, one for each width of `deconv`, got {len(sides)}",
            option=("deconv_kernels",),
        )
    with b.scope("deconv_layers", kind="block", branch=0, label="transposed conv"):
        for i, (width, side) in enumerate(zip(widths, sides, strict=True)):
            x = b.add(str(3 * i), ConvTranspose2d(width, side), x)
            x = b.activation(str(3 * i + 2), b.norm(str(3 * i + 1), x))
    return x


def concat_at(b: Builder, maps: Sequence[Value], stride: int | None, align_corners: bool) -> Value:
    """All maps at a stride, that of the finest where none is stated, one after another.

    maps[i]: (C_i, H/2^i, W/2^i) -> (sum of C_i, H', W')
    """
    own = int(maps[0].stride)
    if stride in (None, own):
        return upsample_and_concat(b, maps, align_corners)
    coarser = {int(x.stride): x for x in maps}
    like = b.image if stride == 1 else coarser.get(stride)
    if like is not None:
        return upsample_and_concat(b, maps, align_corners, like)
    between = [each for each in STRIDES if 1 < each < own]
    if stride not in between:
        *others, last = map(str, sorted({1, *between, *coarser}))
        known = f"{', '.join(others)} or {last}"
        raise RuleError(f"expected {known}, got {stride}", option=("output_stride",))
    if align_corners:
        problem = f"stride {stride} lies between maps and image, and keeps no corners in place"
        raise RuleError(problem, "align_corners: false", option=("output_stride",))
    with b.scope("@finer"):
        finer = b.add("upsample0", BilinearUpsample(own // stride), maps[0])
    return upsample_and_concat(b, [finer, *maps[1:]], align_corners)


def at_image(
    b: Builder, x: Value, resize: Resize, align_corners: bool, name: str = "resize"
) -> Value:
    """Logits at the size of the image, if they are to be.

    x: (C, H, W) -> (C, H', W')
    """
    if resize == "none":
        return x
    if x.stride == b.image.stride and x.type.size == b.image.type.size:
        return x
    with b.scope("@resize"):
        return b.add(name, BilinearResize(align_corners), x, b.image)
