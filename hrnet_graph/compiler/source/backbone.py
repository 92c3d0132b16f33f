"""High-resolution modules as the papers draw them: what those of a network have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hrnet_graph.compiler.source.classes import construction
from hrnet_graph.compiler.source.expressions import (
    Expr,
    Group,
    call,
    fill,
    flat,
    numbers,
    repeat,
    runs,
    skeleton,
)
from hrnet_graph.compiler.source.layout import Layout


@dataclass(frozen=True)
class Module:
    """One high-resolution module: its branches' blocks, the widths behind them, its maps."""

    key: str
    blocks: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]
    maps: tuple[str, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of blocks in each branch."""
        return tuple(len(blocks) for blocks in self.blocks)


def modules(layout: Layout, stage: str) -> tuple[Module, ...]:
    """The modules of a stage; none if it is a plain run of blocks."""
    return tuple(
        _module(layout, child) for child in layout.children[stage] if layout.kind(child) == "module"
    )


def _module(layout: Layout, key: str) -> Module:
    branches = layout.children[f"{key}.branches"]
    ends = tuple(layout.members[branch][-1] for branch in branches)
    fuse = layout.children.get(f"{key}.fuse_layers", ())
    maps = tuple(layout.members[row][-1].path for row in fuse) or tuple(n.path for n in ends)
    return Module(
        key,
        tuple(layout.children[branch] for branch in branches),
        tuple(node.type.channels for node in ends),
        maps,
    )


def write_modules(
    layout: Layout, found: Sequence[Module], calls: Mapping[str, Expr]
) -> tuple[dict[str, str], dict[str, Expr]]:
    """What is known of `HighResolutionModule` in a network, and the call that makes each module.

    `calls` make the blocks.
    """
    facts, blocks = _blocks(layout, found, calls)
    if all(len(module.maps) == len(module.widths) for module in found):
        facts["outputs"] = ""
    fused = "[fuse(maps) for fuse in self.fuse_layers]"
    if all(len(module.widths) == 1 for module in found):
        facts |= {"self.fuse_layers": "", f"{fused} or maps": "maps"}
    elif all(len(module.widths) > 1 for module in found):
        facts |= {"len(channels) > 1": "", f"{fused} or maps": fused}
    made: dict[str, Expr] = {}
    for module, arguments in zip(found, blocks, strict=True):
        if len(module.maps) < len(module.widths):
            arguments = (*arguments, f"outputs={len(module.maps)}")
        made[module.key] = call("HighResolutionModule", list_of(module.widths), *arguments)
    return facts, made


def _blocks(
    layout: Layout, found: Sequence[Module], calls: Mapping[str, Expr]
) -> tuple[dict[str, str], list[tuple[Expr, ...]]]:
    """What is known of the blocks, and what each module is given of its own."""
    block = _common_block(found, calls)
    run = "*[block(width) for _ in range(count)]"
    if block is None:
        loop = f"(nn.Sequential({run}) for width, count in zip(channels, blocks))"
        branches = {"blocks: list[int]": "branches: list[nn.Sequential]", loop: "(branches)"}
        return {"block": "", **branches}, [(_branches(layout, m, calls),) for m in found]
    if any(len(set(module.counts)) > 1 for module in found):
        return {"block": "", "block(width)": block}, [(list_of(m.counts),) for m in found]
    alike = {"block": "", "width, count": "width", "zip(channels, blocks)": "channels"}
    if len({module.counts[0] for module in found}) > 1:
        given: list[tuple[Expr, ...]] = [(f"blocks={module.counts[0]}",) for module in found]
        alike |= {"blocks: list[int]": "blocks: int", "block(width)": block, "count": "blocks"}
        return alike, given
    everywhere = flat(repeat(block, str(found[0].counts[0])))
    return alike | {"blocks": "", run: everywhere}, [()] * len(found)


def _branches(layout: Layout, module: Module, calls: Mapping[str, Expr]) -> Expr:
    """`[nn.Sequential(Bottleneck(64, 16)), nn.Sequential(BasicBlock(32))]`"""
    branches = (
        Group("nn.Sequential(", runs([construction(layout, block, calls) for block in blocks]))
        for blocks in module.blocks
    )
    return Group("[", tuple(branches), "]")


def _common_block(found: Sequence[Module], calls: Mapping[str, Expr]) -> str | None:
    """A block in terms of its branch's `width`, if all blocks can be written so."""
    made = [
        (calls.get(block), width)
        for module in found
        for blocks, width in zip(module.blocks, module.widths, strict=True)
        for block in blocks
    ]
    first = made[0][0]
    if first is None or any(e is None or skeleton(e) != skeleton(first) for e, _ in made):
        return None
    columns = zip(*(numbers(expr) for expr, _ in made if expr is not None), strict=True)
    widths = tuple(width for _, width in made)
    codes = [_in_terms(tuple(n.value for n in column), widths) for column in columns]
    return flat(fill(first, iter(codes))) if all(codes) else None


def _in_terms(values: tuple[int, ...], widths: tuple[int, ...]) -> str:
    """Numbers in terms of the widths beside them: `width`, `width // 4`, or one constant."""
    if values == widths:
        return "width"
    part = widths[0] // values[0]
    if part > 1 and all(width == part * v for v, width in zip(values, widths, strict=True)):
        return f"width // {part}"
    return str(values[0]) if len(set(values)) == 1 else ""


def list_of(values: Sequence[int]) -> Expr:
    """`[48, 96]`"""
    return str(list(values))
