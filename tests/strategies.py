"""Random specs that make networks, small enough to run."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Data = dict[str, Any]


HEADS: list[Data] = [
    {"kind": "classification", "classes": 3, "features": 8},
    {"kind": "classification", "classes": 5, "features": 4, "bias": False},
    {"kind": "heatmap", "joints": 2},
    {"kind": "heatmap", "joints": 1, "kernel": 3},
    {"kind": "features"},
    {"kind": "features", "pyramid": True},
]


@st.composite
def stages(draw: st.DrawFn, counts: list[int], last_outputs: int) -> list[Data]:
    """Stages with these branch counts, in which every branch is read by somebody."""
    made = []
    for index, count in enumerate(counts):
        block = draw(st.sampled_from(["basic", {"kind": "bottleneck", "expansion": 2}]))
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
def specs(draw: st.DrawFn, *, max_stages: int = 4) -> Data:
    """The data of a spec whose every part reaches an output. Its size may or may not fit."""
    counts = [draw(st.integers(1, 2))]
    for _ in range(draw(st.integers(0, max_stages - 1))):
        counts.append(draw(st.integers(1, min(4, counts[-1] + 2))))
    head: Data = draw(st.sampled_from(HEADS))
    if head["kind"] == "classification" or "pyramid" in head:
        head = {**head, "channels": draw(_widths(counts[-1]))}
    upsample = draw(st.sampled_from(["nearest", "bilinear"]))
    align = upsample == "bilinear" and draw(st.booleans())
    side = st.integers(1, 4).map(lambda n: 32 * n) if upsample == "nearest" else st.integers(9, 90)
    norm = draw(st.sampled_from([{"kind": "batch"}, {"kind": "group", "groups": 1}]))
    return {
        "name": "random",
        "input": [draw(st.integers(1, 4)), draw(side), draw(side)],
        "width": draw(st.integers(1, 6)),
        "stem": {"channels": draw(st.integers(1, 8))},
        "stages": draw(stages(counts, 1 if head["kind"] == "heatmap" else counts[-1])),
        "fuse": {"upsample": upsample, "align_corners": align},
        "norm": norm,
        "activation": draw(st.sampled_from(["relu", "silu", "gelu"])),
        "head": head,
    }


def _widths(count: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, 4), min_size=count, max_size=count)
