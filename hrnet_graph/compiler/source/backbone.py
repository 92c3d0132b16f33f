"""The backbone as the papers draw it: loops over branches. What comes of it is proved elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hrnet_graph.compiler.source.classes import construction
from hrnet_graph.compiler.source.expressions import (
    Expr,
    Group,
    call,
    fill,
    numbers,
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


def modules(layout: Layout, stage: str) -> tuple[Module, ...]:
    """The modules of a stage; none if it is a plain run of blocks."""
    return tuple(
        _module(layout, child)
        for child in layout.children[stage]
        if child in layout.scope_at and layout.scope_at[child].kind == "module"
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


@dataclass(frozen=True)
class ModuleStyle:
    """How all modules of a network are written: what they have in common, what they are told.

    `block` is the expression of a block of `width`, None where each module is given its branches;
    `fuses` says whether any module has several branches, `single` whether any has one.
    `count` is the number of blocks in a branch, None where they are told.
    """

    block: Expr | None
    count: int | None
    blocks_vary: bool
    some_outputs_only: bool
    has_single_branch: bool
    has_fuse: bool


def module_style(everything: Sequence[Module], calls: Mapping[str, Expr]) -> ModuleStyle:
    """The form that fits all modules."""
    counts = {len(blocks) for module in everything for blocks in module.blocks}
    uneven = any(len({len(blocks) for blocks in m.blocks}) > 1 for m in everything)
    return ModuleStyle(
        block=_common_block(everything, calls),
        count=counts.pop() if len(counts) == 1 else None,
        blocks_vary=uneven,
        some_outputs_only=any(len(m.maps) < len(m.widths) for m in everything),
        has_single_branch=any(len(m.widths) == 1 for m in everything),
        has_fuse=any(len(m.widths) > 1 for m in everything),
    )


def _common_block(everything: Sequence[Module], calls: Mapping[str, Expr]) -> Expr | None:
    """A block in terms of its branch's `width`, if all blocks can be written so."""
    made = [
        (calls.get(block), width)
        for module in everything
        for blocks, width in zip(module.blocks, module.widths, strict=True)
        for block in blocks
    ]
    first = made[0][0]
    if first is None or any(e is None or skeleton(e) != skeleton(first) for e, _ in made):
        return None
    columns = zip(*(numbers(expr) for expr, _ in made if expr is not None), strict=True)
    widths = tuple(width for _, width in made)
    codes = [_in_terms(tuple(n.value for n in column), widths) for column in columns]
    return fill(first, iter(codes)) if all(codes) else None


def _in_terms(values: tuple[int, ...], widths: tuple[int, ...]) -> str:
    """Numbers in terms of the widths beside them: `width`, `width // 4`, or one constant."""
    if values == widths:
        return "width"
    part = widths[0] // values[0]
    if part > 1 and all(width == part * v for v, width in zip(values, widths, strict=True)):
        return f"width // {part}"
    return str(values[0]) if len(set(values)) == 1 else ""


def module_call(
    layout: Layout, module: Module, form: ModuleStyle, calls: Mapping[str, Expr]
) -> Expr:
    """`HighResolutionModule([48, 96], blocks=4)`"""
    arguments: list[Expr] = [widths(module.widths)]
    if form.block is None:
        branches = (
            Group("nn.Sequential(", runs([construction(layout, b, calls) for b in blocks]))
            for blocks in module.blocks
        )
        arguments.append(Group("[", tuple(branches), "]"))
    elif form.blocks_vary:
        arguments.append(widths([len(blocks) for blocks in module.blocks]))
    elif form.count is None:
        arguments.append(f"blocks={len(module.blocks[0])}")
    if len(module.maps) < len(module.widths):
        arguments.append(f"outputs={len(module.maps)}")
    return call("HighResolutionModule", *arguments)


def stage_of(
    layout: Layout, found: Sequence[Module], form: ModuleStyle, calls: Mapping[str, Expr]
) -> Expr:
    """`nn.Sequential(*[HighResolutionModule([48, 96]) for _ in range(4)])`"""
    return Group("nn.Sequential(", runs([module_call(layout, m, form, calls) for m in found]))


def widths(values: Sequence[int]) -> Expr:
    """`[48, 96]`"""
    return Group("[", tuple(str(value) for value in values), "]")


def init_parameters(form: ModuleStyle) -> Iterator[str]:
    """The parameters of `HighResolutionModule.__init__` after the widths."""
    if form.block is None:
        yield "branches: list[nn.Sequential]"
    elif form.blocks_vary:
        yield "blocks: list[int]"
    elif form.count is None:
        yield "blocks: int"
    if form.some_outputs_only:
        yield "outputs: int | None = None"
