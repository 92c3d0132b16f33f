"""The feature maps themselves, for a network of one's own."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.errors import RuleError, quoted
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.options import Branches, Earlier, PerBranch
from hrnet_graph.rules.pyramid import pyramid as widen


def features(
    b: Builder,
    maps: Sequence[Value],
    *,
    pyramid: bool = False,
    channels: PerBranch | None = None,
    out_indices: Branches | None = None,
    earlier: Earlier | None = None,
) -> list[Value]:
    """The last stage's maps, finest first (HRNetV2), or the classification network's pyramid.

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: the same; with `pyramid` (4 * channels[i], H/2^i,
    W/2^i); in front of them the `earlier` ones

    pyramid: Whether a bottleneck widens every map, as for classification.
    channels: Inner widths of the bottlenecks, one a branch; 32 * 2^i where unstated, so that 128,
    256, 512 and 1024 come out. `pyramid` alone.
    out_indices: Which of the maps are given, by rising indices, 0 the finest; all where unstated.
    earlier: Maps that are given too, in front of these, by name: `stride2` is the stem's where it
    has halved the image once (U-Net), `stage2.0` the finest that the second stage hands on.

    Source: Wang et al., TPAMI 2020, figure 4 (b); HRNet-Image-Classification,
    lib/models/cls_hrnet.py, `incre_modules`.
    """
    found = widen(b, maps, channels) if pyramid else list(maps)
    before: list[Value] = []
    for i, name in enumerate(earlier or ()):
        x = b.recall(name, option=("earlier", i))
        if x in before or x in found:
            raise RuleError(f"{quoted(name)} is given already", option=("earlier", i))
        before.append(x)
    if out_indices is None:
        return before + found
    if list(out_indices) != sorted({*out_indices} & {*range(len(found))}):
        raise RuleError(
            f"expected rising indices from 0 to {len(found) - 1}, got {list(out_indices)}",
            f"`out_indices: {sorted({*out_indices} & {*range(len(found))}) or [0]}`",
            option=("out_indices",),
        )
    return before + [found[i] for i in out_indices]
