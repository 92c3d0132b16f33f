"""High-resolution modules as the papers draw them: what those of a network have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hrnet_graph.compiler.source.classes import construction
from hrnet_graph.compiler.source.expressions import (
    Code,
    Expr,
    call,
    join,
    repeat,
    runs,
)
from hrnet_graph.compiler.source.layout import Layout
from hrnet_graph.ir.graph import Node

FUSES = (
    "        self.fuse_layers = nn.ModuleList(Fuse(channels, i)"
    " for i in range(outputs or len(channels)) if len(channels) > 1)\n"
)
"""The statement of the family that makes fuse units."""


@dataclass(frozen=True)
class Module:
    """One high-resolution module: its branches' blocks, the widths behind them, its maps."""

    key: str
    blocks: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]
    maps: tuple[str, ...]
    is_fused: bool

    @property
    def counts(self) -> list[int]:
        """The number of blocks in each branch."""
        return [len(blocks) for blocks in self.blocks]


def modules(layout: Layout, stage: str) -> list[Module]:
    """The modules of a stage; none if it is a plain run of blocks."""
    found = []
    for key in layout.children[stage]:
        if layout.kind(key) == "module":
            branches = layout.children[f"{key}.branches"]
            ends = [layout.members[branch][-1] for branch in branches]
            maps = tuple(_maps(layout, key, ends))
            is_fused = f"{key}.fuse_layers" in layout.children
            blocks = tuple(layout.children[branch] for branch in branches)
            widths = tuple(node.type.channels for node in ends)
            found.append(Module(key, blocks, widths, maps, is_fused))
    return found


def _maps(layout: Layout, module: str, ends: Sequence[Node]) -> Iterator[str]:
    """The paths of the maps that a module hands on: fused, or as its branches end.

    `ends` are the last nodes of its branches.
    """
    for i, end in enumerate(ends):
        row = layout.members.get(f"{module}.fuse_layers.{i}")
        readers = (layout.graph[path].key for path in layout.graph.readers[end.path])
        if row is not None:
            yield row[-1].path
        elif end.path in layout.graph.output_paths or not all(
            key.startswith(f"{module}.") for key in readers
        ):
            yield end.path


def write_modules(
    layout: Layout, found: Sequence[Module], calls: Mapping[str, Expr]
) -> tuple[dict[str, str], dict[str, Expr]]:
    """What is known of `HighResolutionModule` in a network, and the call that makes each module.

    `calls` make the blocks.
    """
    facts, blocks = _blocks(layout, found, calls)
    if all(len(module.maps) == len(module.widths) for module in found):
        facts |= {", outputs: int | None = None": "", "outputs or ": "", ", for i < outputs": ""}
    if not any(module.is_fused for module in found):
        handed = "maps" if ", outputs: int | None = None" in facts else "maps[:outputs]"
        facts |= {"[fuse(maps) for fuse in self.fuse_layers] or maps": handed, FUSES: ""}
    elif all(len(module.widths) > 1 for module in found):
        facts |= {" if len(channels) > 1": "", "self.fuse_layers] or maps": "self.fuse_layers]"}
    made: dict[str, Expr] = {}
    for module, arguments in zip(found, blocks, strict=True):
        if len(module.maps) < len(module.widths):
            arguments = [*arguments, f"outputs={len(module.maps)}"]
        made[module.key] = call("HighResolutionModule", str([*module.widths]), *arguments)
    return facts, made


def _blocks(
    layout: Layout, found: Sequence[Module], calls: Mapping[str, Expr]
) -> tuple[dict[str, str], list[list[Code]]]:
    """What is known of the blocks, and what each module is given of its own."""
    facts = {", block: Callable[[int], nn.Module]": ""}
    block = _common_block(found, calls)
    run, loop = "*[block(width) for _ in range(count)]", "for width, count in zip(channels, blocks)"
    if block is None:
        branches = {"blocks: list[int]": "branches: list[nn.Sequential]"}
        facts |= branches | {f"(nn.Sequential({run}) {loop})": "(branches)"}
        return facts, [[_branches(layout, module, calls)] for module in found]
    if any(len(set(module.counts)) > 1 for module in found):
        return facts | {"block(width)": block}, [[str(module.counts)] for module in found]
    facts[loop] = "for width in channels"
    if len({module.counts[0] for module in found}) > 1:
        facts |= {"blocks: list[int]": "blocks: int", "block(width)": block, "(count)": "(blocks)"}
        return facts, [[f"blocks={module.counts[0]}"] for module in found]
    facts |= {", blocks: list[int]": "", run: str(repeat(block, found[0].counts[0]))}
    return facts, [[]] * len(found)


def _branches(layout: Layout, module: Module, calls: Mapping[str, Expr]) -> Expr:
    """`[nn.Sequential(Bottleneck(64, 16)), nn.Sequential(BasicBlock(32))]`"""
    branches = (
        call("nn.Sequential", *runs(construction(layout, block, calls) for block in blocks))
        for blocks in module.blocks
    )
    return join("", ["[", join(", ", branches), "]"])


def _common_block(found: Sequence[Module], calls: Mapping[str, Expr]) -> str | None:
    """A block in terms of its branch's `width`, if all blocks can be written so."""
    made = [
        (calls.get(block, Expr("")), width)
        for module in found
        for blocks, width in zip(module.blocks, module.widths, strict=True)
        for block in blocks
    ]
    first = made[0][0]
    if not first.text or any(expr.text != first.text for expr, _ in made):
        return None
    widths = [width for _, width in made]
    columns = zip(*(expr.numbers for expr, _ in made), strict=True)
    codes = [_in_terms([number.value for number in column], widths) for column in columns]
    return str(first.fill(codes)) if all(codes) else None


def _in_terms(values: Sequence[float], widths: Sequence[int]) -> str:
    """Numbers in terms of the widths beside them: `width`, `width // 4`, or one constant."""
    if values == widths:
        return "width"
    part = widths[0] // values[0] if type(values[0]) is int else 0
    if part > 1 and all(width == part * v for v, width in zip(values, widths, strict=True)):
        return f"width // {part}"
    return str(values[0]) if len(set(values)) == 1 else ""
