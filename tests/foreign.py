"""What configs of other repositories have in common."""

from __future__ import annotations

from typing import Any


def extra(width: int, *, first: bool, **more: Any) -> dict[str, Any]:
    """`MODEL.EXTRA` of the published configs, the misspelt key as published."""
    stages: dict[str, Any] = {}
    if first:
        stages["STAGE1"] = {
            "NUM_MODULES": 1,
            "NUM_RANCHES": 1,
            "BLOCK": "BOTTLENECK",
            "NUM_BLOCKS": [4],
            "NUM_CHANNELS": [64],
            "FUSE_METHOD": "SUM",
        }
    for number, modules in ((2, 1), (3, 4), (4, 3)):
        stages[f"STAGE{number}"] = {
            "NUM_MODULES": modules,
            "NUM_BRANCHES": number,
            "BLOCK": "BASIC",
            "NUM_BLOCKS": [4] * number,
            "NUM_CHANNELS": [width * 2**i for i in range(number)],
            "FUSE_METHOD": "SUM",
        }
    return {**stages, **more}
