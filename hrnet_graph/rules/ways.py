"""The ways between branches: which feeds which, and how it comes to another's width and size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from typing_extensions import Doc

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import (
    AveragePool,
    BilinearResize,
    BilinearUpsample,
    ConvTranspose2d,
    NearestUpsample,
    PixelShuffle,
)
from hrnet_graph.rules.layers import conv_norm, conv_norm_act, halvings, separable_conv

Connect = Annotated[
    Literal["all", "neighbours", "down", "up"],
    Doc(
        "Which branches feed an output, beside its own. `all`: all others. `neighbours`: those one "
        "step finer or coarser. `down`: finer ones alone. `up`: coarser ones alone. An output that "
        "none feeds is its own branch as it is."
    ),
]

Upsample = Annotated[
    Literal["nearest", "bilinear", "transposed", "pixel_shuffle"],
    Doc(
        "How a coarser branch is enlarged. `nearest`: by a fixed factor. `bilinear`: to the size "
        "of the output's own branch. `transposed`: by 4x4 transposed convolutions, twofold each. "
        "`pixel_shuffle`: by 1x1 convolutions to four times the width, which becomes 2x2 pixels."
    ),
]

Downsample = Annotated[
    Literal["strided", "depthwise", "average_pool"],
    Doc(
        "How a finer branch is made smaller. `strided`: by 3x3 convolutions. `depthwise`: by "
        "depthwise ones, each of which a 1x1 convolution follows. `average_pool`: by the means of "
        "as many pixels as become one, and a 1x1 convolution."
    ),
]

AlignCorners = Annotated[
    bool, Doc("Whether resizing to a size keeps the centres of corner pixels in place.")
]


Widen = Annotated[
    Literal["last", "each"],
    Doc(
        "Which convolutions of a way down change its width. `last`: the last one alone. `each`: "
        "all, by equal factors, as in DDRNet."
    ),
]


@dataclass(frozen=True)
class Ways:
    """What rules say of the ways between branches, each as its option's type has it.

    two_steps: whether what has been enlarged is then resized bilinearly to the output's own branch
    """

    connect: Connect = "all"
    upsample: Upsample = "nearest"
    downsample: Downsample = "strided"
    align_corners: bool = False
    two_steps: bool = False
    widen: Widen = "last"

    def widths(self, before: int, after: int, steps: int) -> list[int]:
        """The width behind each step of a way down."""
        between = [before] * (steps - 1)
        if self.widen == "each":
            between = [round(before * (after / before) ** (n / steps)) for n in range(1, steps)]
        return [*between, after]

    def into(self, i: int, branches: int) -> list[int]:
        """The branches that feed output `i` of so many, its own among them."""
        return [j for j in range(branches) if _FEEDS[self.connect](i - j)]


_FEEDS: Mapping[str, Callable[[int], bool]] = {
    "all": lambda steps: True,
    "neighbours": lambda steps: abs(steps) <= 1,
    "down": lambda steps: steps >= 0,
    "up": lambda steps: steps <= 0,
}
"""Whether a branch feeds an output so many steps further down."""

Treat = Callable[[Builder, Value, bool], Value]
"""What is done to a term on its way: (builder, term, whether it is the output's own) -> term."""


def bring(
    b: Builder, maps: Sequence[Value], i: int, ways: Ways, treat: Treat | None = None
) -> list[Value]:
    """The terms of output `i`: all that feeds it at its width and size, finest first.

    maps[j]: (C_j, H_j, W_j) -> term: (C_i, H_i, W_i); what is pending is activated on its way
    """
    terms, target = [], maps[i]
    for j in ways.into(i, len(maps)):
        x = maps[j]
        with b.scope(j):
            if j != i:
                x = b.ready("ready", x)
                if x.stride < target.stride:
                    widths = ways.widths(x.channels, target.channels, halvings(x, target))
                    x = _DOWN[ways.downsample](b, x, widths)
                else:
                    x = _up(b, x, target, halvings(target, x), ways)
            terms.append(treat(b, x, j == i) if treat else x)
    return terms


def fuse(
    b: Builder,
    maps: Sequence[Value],
    outputs: int,
    ways: Ways,
    gather: Callable[[Sequence[Value]], Value],
    label: str,
    treat: Treat | None = None,
) -> list[Value]:
    """Every output as what `gather` makes of its terms; one that nothing feeds is as it was.

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: the same, for i < outputs
    """
    result = list(maps[:outputs])
    for i in range(outputs):
        if len(ways.into(i, len(maps))) > 1:
            with b.scope(i, kind="fuse", branch=i, label=label):
                result[i] = gather(bring(b, maps, i, ways, treat))
    return result


def _up(b: Builder, x: Value, target: Value, steps: int, ways: Ways) -> Value:
    """A coarser branch, brought to the width of the target and then, or so, enlarged to its size;
    `steps` are the doublings that lead there.

    Source: for transposed convolutions, Xiao et al., "Simple Baselines", ECCV 2018, section 2; for
    pixel shuffle, Shi et al., CVPR 2016, section 3.2.
    """
    if not steps:
        return conv_norm(b, x, target.channels)
    if ways.upsample in ("transposed", "pixel_shuffle"):
        for step in range(steps):
            with b.scope(step):
                x = _double(b, x, target.channels, ways.upsample, activated=step < steps - 1)
    else:
        x = conv_norm(b, x, target.channels)
    if ways.upsample == "nearest":
        x = b.add("2", NearestUpsample(2**steps), x)
    elif ways.upsample == "bilinear" and ways.two_steps:
        x = b.add("2", BilinearUpsample(2**steps), x)
    if ways.two_steps or ways.upsample == "bilinear":
        x = b.add("3" if ways.two_steps else "2", BilinearResize(ways.align_corners), x, target)
    return x


def _double(b: Builder, x: Value, width: int, upsample: Upsample, activated: bool) -> Value:
    """A map twice as high and wide, normalised, and activated where it is to."""
    if upsample == "transposed":
        x = b.norm("1", b.add("0", ConvTranspose2d(width), x))
        return b.activation("2", x) if activated else x
    x = b.add("2", PixelShuffle(2), conv_norm(b, x, 4 * width))
    return b.activation("3", x) if activated else x


def _down_by_strides(b: Builder, x: Value, widths: Sequence[int]) -> Value:
    """A finer branch, halved once a width; the last step is not activated."""
    for step, width in enumerate(widths):
        with b.scope(step):
            down = conv_norm_act if step < len(widths) - 1 else conv_norm
            x = down(b, x, width, kernel=3, stride=2)
    return x


def _down_by_depth(b: Builder, x: Value, widths: Sequence[int]) -> Value:
    """The same by depthwise convolutions, each of which a 1x1 convolution follows."""
    for step, width in enumerate(widths):
        with b.scope(step):
            x = separable_conv(b, x, width, stride=2, activated=step < len(widths) - 1)
    return x


def _down_by_means(b: Builder, x: Value, widths: Sequence[int]) -> Value:
    """The means of windows, that at the edge of what is left, and a 1x1 convolution.

    Source: He et al., "Bag of Tricks for Image Classification", CVPR 2019, figure 2 (c).
    """
    x = b.add("0", AveragePool(2 ** len(widths), ragged=True), x)
    return b.norm("2", b.conv("1", x, widths[-1]))


_DOWN: Mapping[str, Callable[[Builder, Value, Sequence[int]], Value]] = {
    "strided": _down_by_strides,
    "depthwise": _down_by_depth,
    "average_pool": _down_by_means,
}
