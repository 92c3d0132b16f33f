"""The published fuse unit: every branch receives the sum of all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import BilinearResize, BilinearUpsample, NearestUpsample, Op, Scale
from hrnet_graph.rules.layers import conv_norm, conv_norm_act, halvings, separable_conv

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
    widen: Literal["last", "each"] = "last",
) -> list[Value]:
    """Brings all branches to the size and width of each output, adds them, and activates the sum.

    maps[i]: (C_i, H_i, W_i) -> result[i]: the same, for i < outputs; pending where maps[i] is

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

    widen: Which convolutions of a way down change its width. `last`: the last one alone. `each`:
    all, by equal factors, as in DDRNet.

    Source: Wang et al., TPAMI 2020, section 3.3 and figure 3; for the layers,
    HRNet-Image-Classification, lib/models/cls_hrnet.py, and Lite-HRNet,
    models/backbones/litehrnet.py, `LiteHRModule`.
    """
    down = partial(_DOWN[downsample], each=widen == "each")
    finest, *others = maps
    result = []
    for i, target in enumerate(maps[:outputs]):
        with b.scope(i, kind="fuse", branch=i):
            terms = []
            for j, x in enumerate((finest, *others)):
                with b.scope(j):
                    if j == i:
                        terms.append(x)
                    elif x.stride < target.stride:
                        terms.append(down(b, x, target.channels, halvings(x, target)))
                    else:
                        factor = 2 ** halvings(target, x)
                        way = _way_up(factor, upsample, two_steps, align_corners)
                        terms.append(_up(b, x, target, way))
            if finest_twice:
                terms[0] = b.add("twice", Scale(2.0), terms[0])
            total = b.sum("sum", *terms)
            if finest_twice and i == 0:
                finest = total
            result.append(total if target.pending else b.activation("act", total))
    return result


def _way_up(factor: int, upsample: Upsample, two_steps: bool, align_corners: bool) -> list[Op]:
    """The ops that enlarge a branch: by a factor, to a size, or one after the other."""
    if factor == 1:
        return []
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


def _down(b: Builder, x: Value, width: int, steps: int, each: bool) -> Value:
    """A finer branch, halved `steps` times; the last step is not activated."""
    for step, out in enumerate(_widths(x.channels, width, steps, each)):
        with b.scope(step):
            if step == steps - 1:
                x = conv_norm(b, x, out, kernel=3, stride=2)
            else:
                x = conv_norm_act(b, x, out, kernel=3, stride=2)
    return x


def _down_by_depth(b: Builder, x: Value, width: int, steps: int, each: bool) -> Value:
    """The same by depthwise convolutions, each of which a 1x1 convolution follows."""
    for step, out in enumerate(_widths(x.channels, width, steps, each)):
        with b.scope(step):
            x = separable_conv(b, x, out, stride=2, activated=step < steps - 1)
    return x


_DOWN = {"strided": _down, "depthwise": _down_by_depth}


def _widths(before: int, after: int, steps: int, each: bool) -> list[int]:
    """The width behind each step of a way down: the last one's, or growing by equal factors."""
    between = [before] * (steps - 1)
    if each:
        between = [round(before * (after / before) ** (n / steps)) for n in range(1, steps)]
    return [*between, after]
