"""The published fuse unit: every branch receives the sum of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import BilinearResize, NearestUpsample, Op, Scale
from hrnet_graph.rules.layers import conv_norm, conv_norm_act, separable_conv


def fuse_by_sum(
    b: Builder,
    maps: Sequence[Value],
    outputs: int,
    *,
    upsample: Literal["nearest", "bilinear"] = "nearest",
    downsample: Literal["strided", "depthwise"] = "strided",
    align_corners: bool = False,
    finest_twice: bool = False,
) -> list[Value]:
    """Brings all branches to the size and width of each output, adds them, and activates the sum.

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: the same, for i < outputs

    A coarser branch comes up by a 1x1 convolution and upsampling, a finer one comes down by strided
    3x3 convolutions.

    upsample: How a coarser branch is enlarged. `nearest`: by a fixed factor. `bilinear`: to the
    size of the output's own branch.
    downsample: How a finer branch is made smaller. `strided`: by 3x3 convolutions. `depthwise`: by
    depthwise ones, each of which a 1x1 convolution follows.
    align_corners: Whether upsampling keeps the centres of corner pixels in place; `bilinear` alone.
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
                    elif upsample == "nearest":
                        terms.append(_up(b, x, target.channels, NearestUpsample(2 ** (j - i))))
                    else:
                        terms.append(
                            _up(b, x, target.channels, BilinearResize(align_corners), target)
                        )
            if finest_twice:
                terms[0] = b.add("twice", Scale(2.0), terms[0])
            total = b.sum("sum", *terms)
            if finest_twice and i == 0:
                finest = total
            result.append(b.activation("act", total))
    return result


def _up(b: Builder, x: Value, width: int, upsampling: Op, *like: Value) -> Value:
    """A coarser branch, narrowed or widened to `width` before it is enlarged."""
    return b.add("2", upsampling, conv_norm(b, x, width), *like)


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
