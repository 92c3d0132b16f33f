"""The blocks of a stage's branches as rules, once it is known that each can do what is asked."""

from __future__ import annotations

from collections.abc import Callable

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.function import BoundRule, MisfitError
from hrnet_graph.rules.stage import Block
from hrnet_graph.spec.schema import Stage


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
            raise MisfitError((*key, "preactivated"), RuleError(wrong))
    return blocks


def block_call(block: BoundRule) -> Block:
    """A block that is called with all that a stage says, and takes what it knows of."""

    def call(b: Builder, x: Value, channels: int, stride: int, activated: bool) -> Value:
        said = {"stride": stride, "activated": activated}
        result: Value = block(b, x, channels, *(said[name] for name in block.rule.further))
        return result

    return call
