"""What the configs of several repositories have in common: stages, and how branches fuse."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from hrnet_graph.errors import quoted
from hrnet_graph.spec.importers.config import Config

BLOCKS = {"BASIC": "basic", "BOTTLENECK": "bottleneck"}

BILINEAR = {"kind": "sum", "upsample": "bilinear", "align_corners": False}
NORMAL = {"conv": "normal", "std": 0.001}


def read_stage(
    config: Config,
    key: str,
    branches_key: str,
    case: Callable[[str], str],
    is_first: bool,
    others: Collection[str] = (),
) -> dict[str, Any]:
    """A stage from the section at `key`, whose names are in this case, as spec data.

    Of the first, all code reads one row of blocks alone, whatever else its section says. `others`
    are the names of the only blocks that it may have instead, which are left as they are.
    """
    names = ("block", "num_blocks", "num_modules")
    block_key, blocks_key, modules_key = (f"{key}.{case(name)}" for name in names)
    channels = config.integers(f"{key}.{case('num_channels')}")
    blocks = config.integers(blocks_key)
    block = config.get(block_key)
    known = others or BLOCKS
    if not isinstance(block, str) or block.upper() not in known:
        config.refuse(block_key, f"expected one of {', '.join(known)}, got {quoted(block)}")
    branches, modules = (
        config.expect(each, 1, default=1) if is_first else config.integer(each)
        for each in (branches_key, modules_key)
    )
    for place, count in ((blocks_key, len(blocks)), (branches_key, branches)):
        if count != len(channels):
            expected = f"expected {len(channels)}, as many as the list beside it"
            config.refuse(place, f"{expected}, got {quoted(count)}")
    return {
        "block": BLOCKS.get(block.upper(), block),
        "branches": len(channels),
        "modules": modules,
        "blocks": blocks[0] if len(set(blocks)) == 1 else blocks,
        "channels": channels,
    }


def widths_of(stage: Mapping[str, Any]) -> list[int]:
    """The channels of each branch behind a stage, after the block's expansion."""
    expansion = 4 if stage["block"] == "bottleneck" else 1
    return [channels * expansion for channels in stage["channels"]]
