"""A stage in words."""

from __future__ import annotations

from collections.abc import Mapping


def stage_words(stage: object) -> str:
    """Block, branches and modules of what is stated of a stage: `basic, 4 branches x 3 modules`."""
    if not isinstance(stage, Mapping):
        return ""
    block = stage.get("block")
    block = block.get("kind") if isinstance(block, Mapping) else block
    counted = [
        f"{number} {key if number != 1 else _ONE[key]}"
        for key in ("branches", "modules")
        if isinstance(number := stage.get(key), int)
    ]
    return ", ".join(part for part in (str(block or ""), " x ".join(counted)) if part)


_ONE = {"branches": "branch", "modules": "module"}
