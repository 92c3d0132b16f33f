"""Scopes as classes; those that differ in numbers alone share one, with numbers as arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count

from hrnet_graph.compiler.source.expressions import (
    Expr,
    call,
    is_name,
    join,
    module_list,
    runs,
    string_literal,
)
from hrnet_graph.compiler.source.forward import Body, return_lines
from hrnet_graph.compiler.source.layers import has_layer, layer
from hrnet_graph.compiler.source.layout import Layout
from hrnet_graph.compiler.source.parameters import Parameters, parametrize
from hrnet_graph.compiler.source.words import class_name, class_text, parameter_shape, summary
from hrnet_graph.ir.graph import Node

IDENTITY = Expr("nn.Identity()")

TENSOR = "torch.tensor("
"""How a buffer is made."""

OF_DICTS = frozenset({"clear", "items", "keys", "pop", "popitem", "update", "values"})
"""Names that no part of an `nn.ModuleDict` can have."""

Attributes = tuple[tuple[str, Expr], ...]
"""Attribute -> what the constructor makes of it, in registration order."""


@dataclass(frozen=True)
class ClassDraft:
    """One scope as a class that is its own alone."""

    key: str
    name: str
    attributes: Attributes
    inputs: tuple[str, ...]
    body: tuple[str, ...]

    @property
    def signature(self) -> tuple[object, ...]:
        """What drafts have in common that differ in numbers alone."""
        attributes = tuple((name, expr.text) for name, expr in self.attributes)
        return (self.name, attributes, self.inputs, self.body)


def write_classes(
    layout: Layout, keys: Iterable[str], taken: Iterable[str] = ()
) -> tuple[list[str], dict[str, Expr]]:
    """The classes for some scopes and all that is inside them, inner ones first.

    Returns their texts, and the call that makes each scope.
    """
    depth: dict[str, int] = {}
    for key in keys:
        _measure(layout, key, depth)
    calls: dict[str, Expr] = {}
    texts: list[str] = []
    names = set(taken)
    for level in sorted(set(depth.values())):
        drafts = [draft_class(layout, key, calls) for key, at in depth.items() if at == level]
        for group, optional, parameters in _share(layout, drafts, calls):
            first = group[0].name
            wishes = chain([first], (f"{first}{at}" for at in count(2)))
            name = next(wish for wish in wishes if wish not in names)
            names.add(name)
            texts.append(_class_text(layout, name, group, optional, parameters))
            for at, each in enumerate(group):
                calls[each.key] = call(name, *parameters.arguments(at))
    return texts, calls


def _measure(layout: Layout, key: str, depth: dict[str, int]) -> int:
    """How deep classes nest in a scope, itself included, noted for every class in it."""
    inner = max((_measure(layout, c, depth) for c in layout.children.get(key, ())), default=0)
    if not layout.is_class(key):
        return inner
    depth[key] = inner + 1
    return inner + 1


def draft_class(
    layout: Layout, key: str, calls: Mapping[str, Expr], without: str = ""
) -> ClassDraft:
    """A scope as a class of its own, given the calls that make the classes inside it.

    What the attribute `without` would make of a tensor is taken to be that tensor.
    """
    reads = layout.signature(key).operands
    inputs = ("x",) if len(reads) == 1 else tuple(f"x{at}" for at in range(len(reads)))
    uses = list(layout.uses(key))
    if skipped := next((use for use in uses if use.key == f"{key}.{without}"), None):
        uses.remove(skipped)
        taken = dict(zip(skipped.results, skipped.operands, strict=False))
        uses = [replace(u, operands=tuple(taken.get(p, p) for p in u.operands)) for u in uses]
    lines, code = Body(layout, key, dict(zip(reads, inputs, strict=True)), uses).write()
    lines += return_lines(layout, key, code)
    made = tuple(each for each in attributes(layout, key, calls) if each[0] != without)
    return ClassDraft(key, class_name(layout.scope_at.get(key), key), made, inputs, tuple(lines))


def attributes(
    layout: Layout, key: str, calls: Mapping[str, Expr], whole: bool = False
) -> Attributes:
    """What a scope's constructor makes: all that has weights, and containers; or the `whole`."""
    children = layout.children[key] if whole else registered(layout, key)
    return (
        *((name, Expr(f"{TENSOR}{rows})")) for name, rows in layout.buffers.get(key, ())),
        *((c.rpartition(".")[2], construction(layout, c, calls)) for c in children),
    )


def registered(layout: Layout, key: str) -> list[str]:
    """The keys of a scope's parts that a constructor makes."""
    node_at = layout.node_at
    children = layout.children[key]
    return [c for c in children if c not in node_at or has_layer(layout.graph, node_at[c])]


def construction(layout: Layout, key: str, calls: Mapping[str, Expr]) -> Expr:
    """The expression that makes a layer, a chain, a list or an instance of a class."""
    if key in calls:
        return calls[key]
    if (node := layout.node_at.get(key)) is not None:
        return _layer(layout, node)
    made = dict(attributes(layout, key, calls, whole=True))
    is_chain = layout.is_chain(key)
    if is_chain or layout.is_list(key):
        length = max(int(name) for name in made) + 1
        items = [made.get(str(at), IDENTITY) for at in range(length)]
        return call("nn.Sequential", *runs(items)) if is_chain else module_list(items)
    pairs = join(", ", (join(": ", [string_literal(n), expr]) for n, expr in made.items()))
    return call(container(layout, key), join("", ["{", pairs, "}"]))


def container(layout: Layout, key: str) -> str:
    """The class of named parts that are called from outside: torch's, but for a tensor among them,
    and for names that it has itself.
    """
    names = {child.rpartition(".")[2] for child in layout.children[key]}
    return "Part" if key in layout.buffers or names & OF_DICTS else "nn.ModuleDict"


def _layer(layout: Layout, node: Node) -> Expr:
    """A layer; the last ones take the number of outputs, where that is an argument."""
    made = layer(layout.graph, node) or IDENTITY
    outputs = layout.outputs
    if outputs is None or node.key not in outputs.keys:
        return made
    roles = ("out_channels", "out_features")
    return made.fill(outputs.name if n.role in roles else n for n in made.numbers)


def _share(
    layout: Layout, drafts: Sequence[ClassDraft], calls: Mapping[str, Expr]
) -> list[tuple[list[ClassDraft], str, Parameters]]:
    """Drafts that make one class, the attribute, if any, that not all have, and its arguments."""
    groups: dict[tuple[object, ...], list[ClassDraft]] = {}
    for each in drafts:
        groups.setdefault(each.signature, []).append(each)
    shared = []
    for signature, group in list(groups.items()):
        for attribute in _optional(layout, group[0]) if {signature} < groups.keys() else ():
            plain = draft_class(layout, group[0].key, calls, attribute).signature
            both = [*group, *groups.get(plain, ())]
            if len(both) > len(group) and (parameters := _parameters(both, attribute)):
                shared.append((both, attribute, parameters))
                del groups[signature], groups[plain]
                break
    alike = ((group, "", _parameters(group, "")) for group in groups.values())
    return [(group, name, found) for group, name, found in alike if found] + shared


def _optional(layout: Layout, draft: ClassDraft) -> Iterator[str]:
    """The attributes that a class might do without: they make one tensor of its one input."""
    reads, results = layout.signature(draft.key)
    names = {f"{draft.key}.{name}": name for name, _ in draft.attributes}
    for use in layout.uses(draft.key) if len(reads) == 1 else ():
        makes_one = use.operands == reads and len(use.results) == 1
        if makes_one and use.key in names and use.results[0] not in results:
            yield names[use.key]


def _parameters(group: Sequence[ClassDraft], optional: str) -> Parameters | None:
    """The arguments of the class that a group shares; None if it cannot be one class."""
    common, extra = [], []
    for each in group:
        rows = {name: expr.numbers for name, expr in each.attributes}
        extra.append(rows.pop(optional, None))
        common.append([number for row in rows.values() for number in row])
    forced = bool(re.fullmatch(r"\w*(Block|Bottleneck)", group[0].name))
    return parametrize(common, extra, forced)


def _class_text(
    layout: Layout, name: str, group: Sequence[ClassDraft], optional: str, parameters: Parameters
) -> str:
    """The text of the class that a group shares."""
    first = group[0]
    types = ((name, type(vector[0]).__name__) for name, vector in parameters.vectors.items())
    lines = constructor_head(*(f"{name}: {kind}" for name, kind in types))
    common = iter(parameters.common)
    for attribute, expr in first.attributes:
        if attribute == optional:
            lines += [
                f"        self.{attribute}: nn.Module = nn.Identity()",
                f"        if {parameters.condition}:",
                f"            self.{attribute} = {expr.fill(parameters.extra)}",
            ]
        else:
            lines.append(assignment(attribute, expr.fill(common)))
    results = layout.signature(first.key).results
    result = ("None", "Tensor", "tuple[Tensor, ...]")[min(2, len(results))]
    arguments = ", ".join(("self", *(f"{each}: Tensor" for each in first.inputs)))
    lines += ["", f"    def forward({arguments}) -> {result}:", *first.body]
    sentence = summary(layout, first.key, layout.members[first.key])
    shape = parameter_shape(layout, first.inputs, [each.key for each in group], parameters)
    return class_text(name, "nn.Module", sentence, shape, lines)


def constructor_head(*parameters: str) -> list[str]:
    """The first lines of a constructor."""
    head = f"    def __init__({', '.join(('self', *parameters))}) -> None:"
    return [head, "        super().__init__()"]


def assignment(name: str, expr: Expr | str) -> str:
    """`self.name = ...`, whatever the name; a tensor is a buffer."""
    if str(expr).startswith(TENSOR):
        return f"        self.register_buffer({string_literal(name)}, {expr})"
    if is_name(name):
        return f"        self.{name} = {expr}"
    return f"        self.add_module({string_literal(name)}, {expr})"
