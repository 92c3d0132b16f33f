"""No transition: blocks begin on what there is."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value


def pass_on(b: Builder, maps: Sequence[Value], widths: Sequence[int]) -> list[Value]:
    """Keeps every branch without a layer; a new one begins on the coarsest map, too.

    maps[i]: (C_i, H_i, W_i) -> result[i]: maps[i], or the last of them for a new branch

    The first blocks of the stage set its widths and, by its `strides`, its resolutions. Branches
    beyond `widths` end here.

    Source: Hong et al., "Deep Dual-resolution Networks", 2021, figure 4.
    """
    return [maps[min(i, len(maps) - 1)] for i in range(len(widths))]
