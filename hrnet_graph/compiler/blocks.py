"""The blocks of a stage's branches as rules: what each can do, and how deep it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.function import BoundRule, MisfitError
from hrnet_graph.rules.stage import Block
from hrnet_graph.spec.stage import Stage


def blocks_of(part: Stage, index: int, bind: Callable[..., BoundRule]) -> list[BoundRule]:
    """The block of each branch. Raises `MisfitError`, with its key, for what one cannot do."""
    key, strides = ("stages", index), part.strides or ()
    if isinstance(part.block, tuple):
        blocks = [bind("block", block, *key, "block", i) for i, block in enumerate(part.block)]
    else:
        blocks = [bind("block", part.block, *key, "block")] * part.branch_count
    for i, block in enumerate(blocks):
        name, able = block.rule.name, block.rule.further
        if block.rule.is_joint and isinstance(part.block, tuple):
            wrong = f"{name} is one block of all branches, and none of a list"
            raise MisfitError((*key, "block", i), RuleError(wrong))
        if strides and strides[i] > 1 and "stride" not in able:
            wrong = f"the {name} block keeps the resolution: expected 1, got {strides[i]}"
            raise MisfitError((*key, "strides", i), RuleError(wrong))
        if part.preactivated and "activated" not in able:
            wrong = f"the {name} block leaves no activation to who reads it"
            hint = "`preactivated: false`, or a basic or bottleneck block"
            raise MisfitError((*key, "preactivated"), RuleError(wrong, hint))
    return blocks


def block_call(block: BoundRule) -> Block:
    """A block that is called with all that a stage says, and takes what it knows of."""

    def call(b: Builder, x: Value, channels: int, stride: int, activated: bool) -> Value:
        said = {"stride": stride, "activated": activated}
        result: Value = block(b, x, channels, *(said[name] for name in block.rule.further))
        return result

    return call


def dropping(stages: Sequence[Stage]) -> tuple[int, ...]:
    """The blocks of a branch of each stage, of those that drop paths."""
    return tuple(
        part.modules * max(part.block_counts)
        if any(block.options.get("drop_path") for block in part.block_rules)
        else 0
        for part in stages
    )


def depth_at(counts: Sequence[int], index: int, before: int) -> float:
    """How deep a block stands, 0 to 1, among all of stages that drop paths: that of a stage behind
    so many others in its branch. `counts` are those of all stages.

    Source: HRFormer, cls/models/hrt.py: evenly from the first block of them to the last.
    """
    last = sum(counts) - 1
    return (sum(counts[:index]) + before) / last if last > 0 else 1.0


def check_order(maps: Sequence[Value], index: int) -> None:
    """Raises `MisfitError` for a stage whose branches do not go from fine to coarse."""
    if any(finer.stride > coarser.stride for finer, coarser in pairwise(maps)):
        strides = ", ".join(str(x.stride) for x in maps)
        wrong = f"expected branches from fine to coarse, got strides {strides}"
        raise MisfitError(("stages", index, "strides"), RuleError(wrong))
