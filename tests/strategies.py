"""Random specs that make networks, small enough to run."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import hrnet_graph as hg

Data = dict[str, Any]

HEADS: list[Data] = [
    {"kind": "classification", "classes": 3, "features": 8},
    {"kind": "classification", "classes": 5, "features": 4, "bias": False},
    {"kind": "heatmap", "joints": 2},
    {"kind": "heatmap", "joints": 1, "kernel": 3},
    {"kind": "features"},
    {"kind": "features", "pyramid": True},
    {"kind": "segmentation", "classes": 3},
    {"kind": "segmentation", "classes": 2, "align_corners": True, "kernel": 3},
    {"kind": "landmark", "points": 3},
    {"kind": "ocr", "classes": 3, "features": 4, "keys": 2, "dropout": 0.0},
    {"kind": "feature_pyramid", "channels": 3, "levels": 2},
    {"kind": "feature_pyramid", "channels": 2, "levels": 3, "stride": 2},
    {"kind": "bottom_up", "joints": 2, "blocks": 1},
    {"kind": "dekr", "joints": 2, "channels": 3, "joint_channels": 2},
    {"kind": "dekr", "joints": 1, "blocks": 0, "joint_blocks": 0, "kernel": 3},
    {"kind": "bottom_up", "joints": 3, "tags": False, "channels": 3, "blocks": 0},
    {"kind": "heatmap", "joints": 2, "deconv": [3, 2], "deconv_kernels": [3, 2]},
    {"kind": "landmark", "points": 2, "deconv": [3]},
    {"kind": "segmentation", "classes": 2, "output_stride": 1},
    {"kind": "segmentation", "classes": 2, "output_stride": 2, "resize": "input"},
    {"kind": "regression", "joints": 2},
    {"kind": "simcc", "joints": 2, "split_ratio": 0.5},
    {"kind": "upernet", "classes": 2, "channels": 3, "pool_scales": [1, 3], "dropout": 0.0},
]

NORMS: list[Data] = [
    {"kind": "batch"},
    {"kind": "group", "groups": 1},
    {"kind": "frozen_batch"},
    {"kind": "layer", "eps": 0.1},
    {"kind": "instance", "eps": 0.1},
    {"kind": "none"},
]
"""With few channels, or few pixels, what is normalised may vary by nothing but rounding, which a
small `eps` would make large."""

FINEST_ALONE = ("heatmap", "bottom_up", "simcc")
"""The heads that read the finest branch alone."""


@st.composite
def stages(draw: st.DrawFn, counts: list[int], last_outputs: int) -> list[Data]:
    """Stages with these branch counts, in which every branch is read by somebody."""
    made = []
    for index, count in enumerate(counts):
        bottleneck = {"kind": "bottleneck", "expansion": 2}
        block = draw(st.sampled_from(["basic", bottleneck]))
        stage: Data = {"block": block, "branches": count}
        if index > 0 or count > 1:
            stage["modules"] = draw(st.integers(1, 2))
        blocks = st.integers(1, 2)
        stage["blocks"] = draw(blocks | st.lists(blocks, min_size=count, max_size=count))
        if draw(st.booleans()):
            widths = st.integers(1, 6)
            stage["channels"] = draw(st.lists(widths, min_size=count, max_size=count))
        read = counts[index + 1] if index + 1 < len(counts) else last_outputs
        if read < count:
            stage["outputs"] = read
        made.append(stage)
    return made


@st.composite
def specs(draw: st.DrawFn, *, max_stages: int = 4, max_branches: int = 4) -> Data:
    """The data of a spec whose every part reaches an output. Its size may or may not fit."""
    counts = [draw(st.integers(1, 2))]
    for _ in range(draw(st.integers(0, max_stages - 1))):
        counts.append(draw(st.integers(1, min(max_branches, counts[-1] + 2))))
    head: Data = dict(draw(st.sampled_from(HEADS)))
    if head["kind"] == "classification" or "pyramid" in head:
        head = {**head, "channels": draw(_widths(counts[-1]))}
    upsample = draw(st.sampled_from(["nearest", "bilinear"]))
    align = upsample == "bilinear" and draw(st.booleans())
    side = st.integers(1, 4).map(lambda n: 32 * n) if upsample == "nearest" else st.integers(9, 90)
    data = draw(stages(counts, 1 if head["kind"] in FINEST_ALONE else counts[-1]))
    if counts[-1] == 1:
        head.pop("align_corners", None)  # which nothing would read, as the rest that is left out
    norm = dict(draw(st.sampled_from(NORMS)))
    if norm["kind"] == "none":
        head.pop("bias", None)  # every convolution has one
    return {
        "name": "random",
        "input": [draw(st.integers(1, 4)), draw(side), draw(side)],
        **(
            {} if all("channels" in stage for stage in data) else {"width": draw(st.integers(1, 6))}
        ),
        "stem": {"channels": draw(st.integers(1, 8)), "stride": draw(st.sampled_from([4, 4, 2]))},
        "stages": data,
        **({} if max(counts) == 1 else {"fuse": {"upsample": upsample, "align_corners": align}}),
        "norm": norm,
        **draw(st.sampled_from([{}, {"backbone": "backbone"}])),
        "activation": draw(st.sampled_from(["relu", "silu", "gelu"])),
        "head": head,
    }


def _widths(count: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, 4), min_size=count, max_size=count)


def build(data: Data) -> hg.Graph:
    """The graph of a random spec, at its own size or, where that does not fit, at one that does."""
    try:
        return hg.build_graph(data)
    except hg.SpecError as error:
        assert "does not fit" in str(error)
        return hg.build_graph(data, (64, 64))
