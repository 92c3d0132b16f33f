"""What DEKR's own configs say: stages by columns, and a head of two parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hrnet_graph.spec.importers.config import Config
from hrnet_graph.spec.importers.stages import read_stage

SPEC = "MODEL.SPEC"


def read_columns(config: Config) -> list[dict[str, Any]]:
    """The stages behind the first, each a row of every list of the section.

    Source: DEKR, lib/models/hrnet_dekr.py, which has three of them and a first one of its own.
    """
    section = f"{SPEC}.STAGES"
    count = config.expect(f"{section}.NUM_STAGES", 3)
    stages = []
    for i in range(count):
        config.expect(f"{section}.FUSE_METHOD.{i}", "SUM")
        branches = f"{section}.NUM_BRANCHES.{i}"
        stages.append(read_stage(config, section, branches, _in_row(i), is_first=False))
    return stages


def _in_row(i: int) -> Callable[[str], str]:
    """Where a stage's value stands below the list of all of them."""
    return lambda name: f"{name.upper()}.{i}"


def read_dekr(config: Config) -> dict[str, Any]:
    """The head of DEKR. Raises `FileError` for parts that the spec's head has not."""
    finest = config.integers(f"{SPEC}.STAGES.NUM_CHANNELS.2")[0]
    heatmap, offset = f"{SPEC}.HEAD_HEATMAP", f"{SPEC}.HEAD_OFFSET"
    config.expect(f"{heatmap}.BLOCK", "BASIC")
    config.expect(f"{offset}.BLOCK", "ADAPTIVE")
    for part in (heatmap, offset):
        config.expect(f"{part}.DILATION_RATE", 1, default=1)
    joints = config.integer("DATASET.NUM_JOINTS", config.get("MODEL.NUM_JOINTS", 17))
    config.expect("MODEL.NUM_JOINTS", joints, default=joints)
    head: dict[str, Any] = {
        "kind": "dekr",
        "joints": joints,
        "blocks": config.integer(f"{heatmap}.NUM_BLOCKS"),
        "joint_channels": config.integer(f"{offset}.NUM_CHANNELS_PERKPT"),
        "joint_blocks": config.integer(f"{offset}.NUM_BLOCKS"),
        "kernel": config.expect(f"{SPEC}.FINAL_CONV_KERNEL", 1, 3),
    }
    width = config.integer(f"{heatmap}.NUM_CHANNELS")
    if width != finest:
        head["channels"] = width
    height, width = config.size("DATASET.INPUT_SIZE")
    return {"input": [3, height, width], "head": head}
