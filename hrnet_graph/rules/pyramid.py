"""The published widening of the branches into the pyramid that classification starts from."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.blocks.bottleneck import bottleneck
from hrnet_graph.rules.function import summary_of
from hrnet_graph.rules.options import SqueezeExcite


def pyramid(
    b: Builder,
    maps: Sequence[Value],
    channels: Sequence[int] | None = None,
    depthwise: bool = False,
    squeeze_excite: SqueezeExcite | None = None,
) -> list[Value]:
    """One bottleneck a branch.

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: (4 * channels[i], H/2^i, W/2^i); channels 32 * 2^i
    where unstated. `depthwise` bottlenecks see every channel alone; others may weigh theirs.

    Source: HRNet-Image-Classification, lib/models/cls_hrnet.py, `incre_modules`.
    """
    widths = [32 * 2**i for i in range(len(maps))] if channels is None else channels
    if len(widths) != len(maps):
        raise RuleError(
            f"expected {len(maps)} widths, one a branch, got {len(widths)}", option=("channels",)
        )
    result = []
    for i, (x, width) in enumerate(zip(maps, widths, strict=True)):
        with b.scope("incre_modules", i, 0, kind="block", branch=i, label="bottleneck block",
                     summary=summary_of(bottleneck)):  # fmt: skip
            groups = width if depthwise else 1
            y = bottleneck(b, x, width, groups=groups, squeeze_excite=squeeze_excite)
            result.append(y)
    return result
