"""The published fuse unit: every branch receives the sum of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import BilinearResize, BilinearUpsample, NearestUpsample, Op, Scale
from hrnet_graph.rules.layers import conv_norm, conv_norm_act, separable_conv

Upsample = Literal["nearest", "bilinear"]


def fuse_by_sum(
    b: Builder,
    maps: Sequence[Value],
    outputs: int,
    *,
    upsample: Upsample = "nearest",
    downsample: Literal["strided", "depthwise"] = "strided",
    two_steps: bool = False,
    align_corners: bool = False,
    finest_twice: bool = False,
) -> list[Value]:
    """Brings all branches to the size and width of each output, adds them, and activates the sum.

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: the same, for i < outputs

    A coarser branch comes up by a 1x1 convolution and upsampling, a finer one comes down by strided
    3x3 convolutions.

    upsample: How a coarser branch is enlarged. `nearest`: by a fixed factor. `bilinear`: to the
    size of the output's own branch.
    two_steps: Whether a coarser branch is enlarged by a fixed factor first, and then resized
    bilinearly to the output's own branch, as in HRFormer, so that `nearest` fits any size.
    downsample: How a finer branch is made smaller. `strided`: by 3x3 convolutions. `depthwise`: by
    depthwise ones, each of which a 1x1 convolution follows.
    align_corners: Whether resizing to a size keeps the centres of corner pixels in place.
    finest_twice: Whether what comes from the finest branch counts twice, and comes down from its
    own sum. Lite-HRNet's published code adds in place and so does this; its weights need it.

    Source: Wang et al., TPAMI 2020, section 3.3 and figure 3; for the layers,
    HRNet-Image-Classification, lib/models/cls_hrnet.py, and Lite-HRNet,
    models/backbones/litehrnet.py, `LiteHRModule`.
    """
    down = _down if downsample == "strided" else _down_by_depth
    finest, *others = maps
    result = []
    for i, target in enumerate(maps[:outputs]):
        with b.scope(i, kind="fuse", branch=i):
            terms = []
            for j, x in enumerate((finest, *others)):
                with b.scope(j):
                    if j < i:
                        terms.append(down(b, x, target.channels, steps=i - j))
                    elif j == i:
                        terms.append(x)
                    else:
                        way = _way_up(2 ** (j - i), upsample, two_steps, align_corners)
                        terms.append(_up(b, x, target, way))
            if finest_twice:
                terms[0] = b.add("twice", Scale(2.0), terms[0])
            total = b.sum("sum", *terms)
            if finest_twice and i == 0:
                finest = total
            result.append(b.activation("act", total))
    return result


def _way_up(factor: int, upsample: Upsample, two_steps: bool, align_corners: bool) -> list[Op]:
    """The ops that enlarge a branch: by a factor, to a size, or one after the other."""
    resize = BilinearResize(align_corners)
    if upsample == "bilinear" and not two_steps:
        return [resize]
    enlarge = NearestUpsample(factor) if upsample == "nearest" else BilinearUpsample(factor)
    return [enlarge, resize] if two_steps else [enlarge]


def _up(b: Builder, x: Value, target: Value, way: Sequence[Op]) -> Value:
    """A coarser branch, narrowed or widened before it is enlarged to the target's size."""
    x = conv_norm(b, x, target.channels)
    for name, op in enumerate(way, start=2):
        x = b.add(str(name), op, x, *([target] if isinstance(op, BilinearResize) else []))
    return x


def _down(b: Builder, x: Value, width: int, steps: int) -> Value:
    """A finer branch, halved `steps` times; the last step sets the width and is not activated."""
    for step in range(steps):
        with b.scope(step):
            if step == steps - 1:
                x = conv_norm(b, x, width, kernel=3, stride=2)
            else:
                x = conv_norm_act(b, x, x.channels, kernel=3, stride=2)
    return x


def _down_by_depth(b: Builder, x: Value, width: int, steps: int) -> Value:
    """The same by depthwise convolutions, each of which a 1x1 convolution follows."""
    for step in range(steps):
        with b.scope(step):
            last = step == steps - 1
            x = separable_conv(b, x, width if last else x.channels, stride=2, activated=not last)
    return x
