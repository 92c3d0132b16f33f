"""Lite-HRNet's configs, its authors' and mmpose's.

Source: Lite-HRNet and mmpose 1.3, models/backbones/litehrnet.py, which are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hrnet_graph.errors import quoted
from hrnet_graph.spec.importers.config import Config

EXTRA = "model.backbone.extra"
SPEC = f"{EXTRA}.stages_spec"

BLOCKS = {"LITE": "channel_weighting", "NAIVE": "shuffle"}

FUSE = {"kind": "sum", "downsample": "depthwise", "finest_twice": True}

REDUCTION = 8
"""What a block of the spec language reduces by where it says nothing."""


def read_lite(config: Config) -> dict[str, Any]:
    """All of a spec that the backbone says: stem, stages, and how branches begin, meet and end.

    Raises `FileError` if it says what no rule here does.
    """
    config.expect(f"{EXTRA}.stem.expand_ratio", 1)
    width = config.integer(f"{EXTRA}.stem.out_channels")
    inner = config.integer(f"{EXTRA}.stem.stem_channels")
    stem = {"kind": "shuffle", "channels": width} | ({"inner": inner} if inner != width else {})
    count = config.integer(f"{EXTRA}.num_stages")
    stages = [_stage(config, index) for index in range(count)]
    if not stages or stages[0]["branches"] == 1:
        what = "expected a first stage of several branches; one alone is a run of blocks here"
        config.refuse(f"{SPEC}.num_branches", what)
    spec: dict[str, Any] = {"stem": stem, "transition": "separable", "stages": stages}
    spec |= {"fuse": FUSE} if any("fuse" not in stage for stage in stages) else {}
    if not config.has(f"{EXTRA}.with_head"):
        config.refuse(f"{EXTRA}.with_head", "missing; expected true or false")
    return spec | ({"neck": "iterative"} if config.flag(f"{EXTRA}.with_head", True) else {})


def keys_of(stages: list[dict[str, Any]], backbone: str) -> Mapping[str, str]:
    """What parts are called there: stages are counted from 0, and branches are layers."""
    keys = {}
    for i, stage in enumerate(stages, start=1):
        keys[f"{backbone}stage{i}"] = f"stage{i - 1}"
        if stage["block"] == BLOCKS["NAIVE"]:
            keys[f"{backbone}stage{i}.*.branches"] = "layers"
    return keys


def _stage(config: Config, index: int) -> dict[str, Any]:
    kind = _of_stage(config, "module_type", index)
    if not isinstance(kind, str) or kind.upper() not in BLOCKS:
        expected = f"expected one of {', '.join(BLOCKS)}"
        config.refuse(f"{SPEC}.module_type.{index}", f"{expected}, got {quoted(kind)}")
    block: Any = BLOCKS[kind.upper()]
    reduction = _of_stage(config, "reduce_ratios", index)
    if kind.upper() == "LITE" and reduction != REDUCTION:
        block = {"kind": block, "reduction": reduction}
    channels = list(_of_stage(config, "num_channels", index))
    branches = _of_stage(config, "num_branches", index)
    if branches != len(channels):
        expected = f"expected {len(channels)}, as many as channels, got {quoted(branches)}"
        config.refuse(f"{SPEC}.num_branches.{index}", expected)
    stage = {
        "block": block,
        "branches": branches,
        "modules": _of_stage(config, "num_modules", index),
        "blocks": _of_stage(config, "num_blocks", index),
        "channels": channels,
    }
    if not _of_stage(config, "with_fuse", index):
        stage["fuse"] = "none"
    return stage


def _of_stage(config: Config, name: str, index: int) -> Any:
    """What a list of one value a stage says of a stage."""
    row = config.get(f"{SPEC}.{name}")
    if not isinstance(row, list | tuple) or index >= len(row):
        expected = "expected a list of one value a stage of LiteHRNet"
        config.refuse(f"{SPEC}.{name}", f"{expected}, got {quoted(row)}")
    return row[index]
