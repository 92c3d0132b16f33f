"""The published fuse unit: every branch receives the sum of all."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import Scale
from hrnet_graph.rules.ways import AlignCorners, Connect, Downsample, Upsample, Ways, Widen, bring


def fuse_by_sum(
    b: Builder,
    maps: Sequence[Value],
    outputs: int,
    *,
    upsample: Upsample = "nearest",
    downsample: Downsample = "strided",
    two_steps: bool = False,
    align_corners: AlignCorners = False,
    finest_twice: bool = False,
    connect: Connect = "all",
    widen: Widen = "last",
) -> list[Value]:
    """Brings all branches to the size and width of each output, adds them, and activates the sum.

    maps[i]: (C_i, H_i, W_i) -> result[i]: the same, for i < outputs; pending where maps[i] is

    A coarser branch comes up by a 1x1 convolution and upsampling, a finer one comes down by strided
    3x3 convolutions.

    two_steps: Whether a coarser branch is enlarged by a fixed factor first, and then resized
    bilinearly to the output's own branch, as in HRFormer, so that `nearest` fits any size.
    finest_twice: Whether what comes from the finest branch counts twice, and comes down from its
    own sum. Lite-HRNet's published code adds in place and so does this; its weights need it.

    Source: Wang et al., TPAMI 2020, section 3.3 and figure 3; for the layers,
    HRNet-Image-Classification, lib/models/cls_hrnet.py, and Lite-HRNet,
    models/backbones/litehrnet.py, `LiteHRModule`.
    """
    ways = Ways(connect, upsample, downsample, align_corners, two_steps, widen)
    sources, result = list(maps), list(maps[:outputs])
    for i in range(outputs):
        feeding = ways.into(i, len(maps))
        if feeding == [i]:
            continue
        with b.scope(i, kind="fuse", branch=i):
            terms = bring(b, sources, i, ways)
            if finest_twice and feeding[0] == 0:
                terms[0] = b.add("twice", Scale(2.0), terms[0])
            total = b.sum("sum", *terms)
            if finest_twice and i == 0:
                sources[0] = total
            result[i] = total if maps[i].pending else b.activation("act", total)
    return result
