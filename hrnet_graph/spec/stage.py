"""A stage in the spec language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field
from pydantic.functional_validators import BeforeValidator
from pydantic_core import PydanticCustomError

from hrnet_graph.errors import as_yaml
from hrnet_graph.spec.part import Checked, Trouble
from hrnet_graph.spec.rule import Rule, RuleOf

MAX_EXTENT = 65_536
"""The largest height or width, in pixels, and the most channels."""

Extent = Annotated[int, Field(ge=1, le=MAX_EXTENT)]
Repeat = Annotated[int, Field(ge=1, le=1_000)]
BranchCount = Annotated[int, Field(ge=1, le=16)]


def _one_or_a_row(value: object) -> object:
    """Says in one sentence what a number, or one number a branch, must be."""
    row = value if isinstance(value, tuple | list) else (value,)
    if row and all(type(n) is int and 1 <= n <= 1_000 for n in row):
        return tuple(row) if isinstance(value, list) else value
    raise PydanticCustomError(
        "blocks",
        "expected a number from 1 to 1000, or a list of one a branch, got {got}",
        {"got": as_yaml(value)},
    )


_ROWS = {
    "channels": "numbers",
    "multiples": "numbers",
    "blocks": "numbers",
    "strides": "numbers",
    "block": "blocks",
}
"""What a stage may state for each branch, and what that is."""

_OF_ALL = {"modules", "outputs", "transition"}
"""What a stage says of its modules together."""


class Stage(Checked):
    """Parallel branches of blocks and a fuse unit, repeated."""

    block: Annotated[Rule | tuple[Rule, ...], RuleOf("block", several=True)] = Field(
        default="basic", validate_default=True
    )
    """The residual block of every branch: one, or a list of one a branch."""
    branches: BranchCount | None = None
    """Number of parallel resolutions; may be left out where `channels` or `blocks` lists them."""
    modules: Repeat = 1
    """How many times blocks and fuse unit repeat."""
    blocks: Annotated[Repeat | tuple[Repeat, ...], BeforeValidator(_one_or_a_row)] = 4
    """Blocks in a branch of one module: a number, or one a branch."""
    channels: Annotated[tuple[Extent, ...], Field(min_length=1)] | None = None
    """Width of each branch before the block's expansion; width * 2^i where unstated."""
    multiples: Annotated[tuple[Extent, ...], Field(min_length=1)] | None = None
    """The same as multiples of the spec's `width`, for branches that are not each twice as wide as
    the one before."""
    strides: (
        Annotated[tuple[Annotated[int, Field(ge=1, le=8)], ...], Field(min_length=1)] | None
    ) = None
    """Stride of the first block of each branch, by which it leaves the resolution on which it
    begins: 1, 2, 4 or 8; 1 where unstated."""
    preactivated: bool = False
    """Whether what the stage hands on is activated where it is read, by the blocks of the next
    module, by each way of the fuse unit, by a head: the last block of a branch then ends without
    activation, and so does a sum."""
    outputs: BranchCount | None = None
    """Branches that the last module hands on, finest first; all where unstated."""
    transition: Annotated[Rule, RuleOf("transition")] | None = None
    """How the branches before this stage become its own; the spec's `transition` where unstated."""
    fuse: Annotated[Rule, RuleOf("fuse")] | None = None
    """How branches exchange information; the spec's `fuse` where unstated."""

    @property
    def branch_count(self) -> int:
        """Number of branches, stated or derived."""
        rows = (getattr(self, key) for key in _ROWS)
        return self.branches or next((len(row) for row in rows if isinstance(row, tuple)), 0)

    @property
    def block_counts(self) -> tuple[int, ...]:
        """Blocks in each branch."""
        if isinstance(self.blocks, tuple):
            return self.blocks
        return (self.blocks,) * self.branch_count

    @property
    def block_rules(self) -> tuple[Rule, ...]:
        """The block of each branch."""
        return self.block if isinstance(self.block, tuple) else (self.block,) * self.branch_count

    @property
    def module(self) -> dict[str, object]:
        """What it says of each of its modules, by key."""
        names = (name for name in type(self).model_fields if name not in _OF_ALL)
        return {name: getattr(self, name) for name in names}

    def _troubles(self) -> Iterator[Trouble]:
        count = self.branch_count
        if count == 0:
            yield ("branches",), "missing; expected the number of branches"
            return
        for key, noun in _ROWS.items():
            row = getattr(self, key)
            if isinstance(row, tuple) and len(row) != count:
                yield (key,), f"expected {count} {noun}, one a branch, got {len(row)}"
        for i, stride in enumerate(self.strides or ()):
            if stride.bit_count() > 1:
                yield ("strides", i), f"expected 1, 2, 4 or 8, got {stride}"
        if self.outputs is not None and self.outputs > count:
            expected = f"expected at most {count}, the number of branches"
            yield ("outputs",), f"{expected}, got {self.outputs}", count
