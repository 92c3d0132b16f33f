"""Names and docstrings of what is written; of a spec's words, only plain ones get in."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterable, Sequence

from hrnet_graph.compiler.source.formatting import WIDTH
from hrnet_graph.compiler.source.layout import Layout
from hrnet_graph.compiler.source.parameters import Parameters
from hrnet_graph.ir.graph import Node, Scope
from hrnet_graph.ir.types import TensorType

RESERVED = frozenset(
    {"HRNet", "Tensor", "F", "Fuse", "Part", "Transition", "None", "True", "False"}
)
"""Names that the file has for other things."""


def class_name(scope: Scope | None, key: str) -> str:
    """`basic block` -> `BasicBlock`; without a label the last word of the key -> `FuseLayers`."""
    label = scope.label or scope.kind if scope is not None else ""
    if label == "bottleneck block":
        return "Bottleneck"
    last = re.sub(r"(\.\d+)+$", "", key).rpartition(".")[2].rstrip("0123456789")
    words = re.findall(r"[A-Za-z0-9]+", label or last)
    name = "".join(word[:1].upper() + word[1:] for word in words)[:60]
    if not name[:1].isalpha() or keyword.iskeyword(name) or name in RESERVED:
        name = f"Part{name}"
    return name


def summary(layout: Layout, key: str, nodes: Iterable[Node]) -> str:
    """What a scope of these nodes computes: its rule's sentence, or else a list of its layers."""
    sentence = layout.summaries.get(key, "").replace('"', "'")
    if plain := re.sub(r"[^ !#-\[\]-~]+", "?", sentence)[:300].strip():
        return plain
    labels = list(dict.fromkeys(node.op.label for node in nodes))
    return f"Layers: {', '.join(labels[:6])}" + (", and more." if len(labels) > 6 else ".")


def class_text(name: str, base: str, sentence: str, shape: str, lines: Sequence[str]) -> str:
    """A class, given the lines of its methods; its docstring is a sentence and a line of shapes."""
    first, *more = textwrap.wrap(sentence, WIDTH - 7)
    whole = re.sub(r"\([^()]*\)", lambda found: found[0].replace(" ", "\0"), shape)
    below = textwrap.wrap(whole, WIDTH - 4, subsequent_indent="    ", break_long_words=False)
    text = [f'"""{first}', *more, "", *below, '"""']
    docstring = textwrap.indent("\n".join(text).replace("\0", " "), "    ")
    return "\n".join([f"class {name}({base}):", docstring, "", *lines])


def shape_of(kind: TensorType, base: TensorType, channels: str = "") -> str:
    """`(N, 64, H / 2, W / 2)`, in terms of the height and width of `base`."""
    first = channels or str(kind.channels)
    if len(kind.shape) != 3 or len(base.shape) != 3:
        return f"(N, {', '.join([first, *map(str, kind.size)])})"
    sides = [
        _side(name, extent, reference)
        for name, extent, reference in zip("HW", kind.size, base.size, strict=True)
    ]
    return f"(N, {first}, {', '.join(sides)})"


def shapes_of(kinds: Iterable[TensorType], base: TensorType) -> str:
    """The shapes of several tensors."""
    return ", ".join(shape_of(kind, base) for kind in kinds)


def _side(name: str, extent: int, reference: int) -> str:
    """One side of a map: `H`, `H / 4`, `2 * H`, or a number that does not follow from H."""
    if extent == reference:
        return name
    for factor in (2, 4, 8, 16, 32, 64):
        if extent in (reference // factor, -(-reference // factor)) and extent > 1:
            return f"{name} / {factor}"
        if extent == factor * reference:
            return f"{factor} * {name}"
    return str(extent)


def parameter_shape(
    layout: Layout, inputs: Sequence[str], keys: Sequence[str], parameters: Parameters
) -> str:
    """`x: (N, in_channels, H, W) -> (N, channels, H, W)`, for all instances of a class."""
    graph = layout.graph
    ends = [layout.signature(key) for key in keys]
    reads = [tuple(graph[path].type for path in each.operands) for each in ends]
    results = [tuple(graph[path].type for path in each.results) for each in ends]
    base = reads[0][0]

    def shape(types: Sequence[TensorType]) -> str:
        channels = parameters.express(tuple(each.channels for each in types))
        return shape_of(types[0], base, channels or "C")

    given = ", ".join(
        f"{name}: {shape(types)}"
        for name, types in zip(inputs, zip(*reads, strict=True), strict=True)
    )
    handed = ", ".join(shape(types) for types in zip(*results, strict=True))
    return f"{given} -> {handed or 'nothing'}"
