"""What an expression of a Python config says, told without running it."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from hrnet_graph.errors import quoted
from hrnet_graph.spec.importers.python.reader import MAX_LENGTH, Reader, Unclear
from hrnet_graph.spec.importers.python.values import Box, Value, copied

Result = TypeVar("Result")


def _is(a: object, b: object) -> bool:
    if not all(side is None or isinstance(side, bool) for side in (a, b)):
        raise TypeError("which objects are the same is not followed")
    return a is b


_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: _is,
    ast.IsNot: lambda a, b: not _is(a, b),
}
_METHODS = frozenset((*dir(dict), "build_lazy", "deepcopy", "freeze", "lazy", "merge", "to_dict"))
"""Attributes of mmengine's `ConfigDict` that are not items."""
_TEMPLATE = re.compile(r"\{\{.*?\}\}")


class Expressions(Reader):
    """Reads expressions with the values that names have so far."""

    def value(self, node: ast.expr) -> Value:
        """What an expression says; what it may have changed unseen is not trusted afterwards."""
        try:
            value = self.read(node)
            if isinstance(value, Box) and value.views is not None:
                raise self.unclear(node, "it is read where it stands alone, and kept nowhere")
            return value
        except Unclear as unclear:
            self.distrust(node, unclear.value)
            return unclear.value

    def read(self, node: ast.expr) -> Value:
        """What an expression says. Raises `Unclear` if that cannot be told."""
        self.step(node)
        reader = getattr(self, f"_{type(node).__name__.lower()}", None)
        if reader is None:
            raise self.unclear(node, "it is no data")
        value: Value = reader(node)
        return value

    def plain(self, node: ast.expr) -> Any:
        """What an expression says, as Python data. Raises `Unclear` if that cannot be told."""
        return self.unboxed(self.read(node), node)

    def key(self, node: ast.expr) -> str | int:
        """A key of a mapping, or an index."""
        key = self.plain(node)
        if not isinstance(key, str | int):
            raise self.unclear(node, "keys are words or numbers")
        return key

    def sequence(self, node: ast.expr) -> list[Value]:
        """The items of a sequence, or the keys of a mapping."""
        return self.row_of(self.whole(self.read(node)), node)

    def row_of(self, value: Value, node: ast.expr) -> list[Value]:
        """The items of a sequence that was read, or the keys of a mapping."""
        if not isinstance(value, Box):
            raise self.unclear(node, "it is no list")
        if isinstance(value.items, list):
            return list(value.items)
        return [self.boxed(key, node) for key in value.items]

    def items(self, node: ast.expr) -> dict[str | int, Value]:
        """The items of a mapping."""
        value = self.whole(self.read(node))
        if not isinstance(value, Box) or not isinstance(value.items, dict):
            raise self.unclear(node, "it is no mapping")
        return dict(value.items)

    def mapping(
        self, node: ast.expr, pairs: Sequence[tuple[ast.expr | None, ast.expr]]
    ) -> dict[str | int, Value]:
        """A mapping written out; a pair without a key is `**other`."""
        items: dict[str | int, Value] = {}
        for key, item in pairs:
            if key is None:
                items.update(self.items(item))
            else:
                items[self.key(key)] = self.value(item)
        return items

    def _constant(self, node: ast.Constant) -> Value:
        if isinstance(node.value, str) and _TEMPLATE.search(node.value):
            return self._template(node, node.value)
        return self.boxed(node.value, node)

    def _template(self, node: ast.expr, text: str) -> Value:
        """A text with `{{fileBasename}}` or the like in it."""
        for name, says in self.words.items():
            text = re.sub(r"\{\{\s*" + name + r"\s*\}\}", says.replace("\\", "/"), text)
        if left := _TEMPLATE.search(text):
            raise self.unclear(node, f"the template {quoted(left.group())} is filled in elsewhere")
        return self.boxed(text, node)

    def _set(self, node: ast.Set) -> Value:
        """`{{_base_.name}}`, which Python reads as a set in a set."""
        inner = node.elts[0]
        if isinstance(inner, ast.Set) and isinstance(inner.elts[0], ast.Attribute):
            return copied(self.whole(self.read(inner.elts[0])))
        raise self.unclear(node, "it is no data")

    def _attribute(self, node: ast.Attribute) -> Value:
        found = self._attributes(node).get(node.attr)
        if found is None:
            raise self.unclear(node, "it has no such item")
        return found

    def _attributes(self, node: ast.Attribute) -> dict[str | int, Value]:
        """The mapping of another config of which `node` is an attribute, and so an item."""
        box = self.read(node.value)
        if not isinstance(box, Box) or not box.merges or node.attr in _METHODS:
            raise self.unclear(node, "attributes are not followed")
        self.whole(box)
        assert isinstance(box.items, dict)
        return box.items

    def _name(self, node: ast.Name) -> Value:
        if node.id not in self.names:
            raise self.unclear(node, "no statement above gives this name a value")
        return self.names[node.id]

    def _list(self, node: ast.List | ast.Tuple) -> Value:
        items: list[Value] = []
        for item in node.elts:
            if isinstance(item, ast.Starred):
                items += self.sequence(item.value)
            else:
                items.append(self.value(item))
        return self.row(items, node, isinstance(node, ast.Tuple))

    _tuple = _list

    def _dict(self, node: ast.Dict) -> Value:
        pairs = list(zip(node.keys, node.values, strict=True))
        return Box(self.mapping(node, pairs), self.mark(node))

    def _subscript(self, node: ast.Subscript) -> Value:
        value = self.whole(self.read(node.value))
        inside: Any = value.items if isinstance(value, Box) else value.value
        if not isinstance(node.slice, ast.Slice):
            key = self.key(node.slice)
            found = self.tried(node, lambda: operator.getitem(inside, key))
            return found if isinstance(value, Box) else self.boxed(found, node)
        ends = (node.slice.lower, node.slice.upper, node.slice.step)
        cut = slice(*(None if end is None else self.plain(end) for end in ends))
        found = self.tried(node, lambda: operator.getitem(inside, cut))
        if isinstance(value, Box):
            return self.row(found, node, value.is_tuple)
        return self.boxed(found, node)

    def _binop(self, node: ast.BinOp) -> Value:
        return self.combine(node, node.op, self.read(node.left), self.read(node.right))

    def combine(self, node: ast.AST, op: ast.operator, left: Value, right: Value) -> Value:
        """The result of an arithmetic operation. Raises `Unclear` if it is none on data."""
        self.whole(left), self.whole(right)
        boxes = [side for side in (left, right) if isinstance(side, Box)]
        lists = [box.items for box in boxes if isinstance(box.items, list)]
        is_tuple = all(box.is_tuple for box in boxes)
        if isinstance(op, ast.Add) and len(lists) == 2:
            if is_tuple != any(box.is_tuple for box in boxes):
                raise self.unclear(node, "it ends in TypeError")
            return self.row([*lists[0], *lists[1]], node, is_tuple)
        if isinstance(op, ast.Mult) and len(lists) == 1:
            times = self.unboxed(right if isinstance(left, Box) else left, node)
            if not isinstance(times, int) or times * len(lists[0]) > MAX_LENGTH:
                raise self.unclear(node, "the result is too long")
            return self.row(lists[0] * times, node, is_tuple)
        sides = [self.unboxed(side, node) for side in (left, right)]
        numbers = [side for side in sides if isinstance(side, int | float)]
        if len(numbers) < 2 and not isinstance(op, ast.Add):
            raise self.unclear(node, "texts are not calculated with")
        if isinstance(op, ast.Pow) and max(map(abs, numbers)) > 64:
            raise self.unclear(node, "the result is too large")
        if type(op) not in _OPERATORS:
            raise self.unclear(node, "it is no data")
        return self.boxed(self.tried(node, lambda: _OPERATORS[type(op)](*sides)), node)

    def _unaryop(self, node: ast.UnaryOp) -> Value:
        operand = self.plain(node.operand)
        if type(node.op) not in _OPERATORS:
            raise self.unclear(node, "it is no data")
        return self.boxed(self.tried(node, lambda: _OPERATORS[type(node.op)](operand)), node)

    def _boolop(self, node: ast.BoolOp) -> Value:
        for item in node.values:
            value = self.read(item)
            if bool(self.unboxed(value, item)) == isinstance(node.op, ast.Or):
                break
        return value

    def _compare(self, node: ast.Compare) -> Value:
        left = self.plain(node.left)
        holds = True
        for op, item in zip(node.ops, node.comparators, strict=True):
            sides = (left, self.plain(item))
            holds = self.tried(node, lambda: _OPERATORS[type(op)](*sides))  # noqa: B023
            if not holds:
                break
            left = sides[1]
        return self.boxed(holds, node)

    def _ifexp(self, node: ast.IfExp) -> Value:
        return self.read(node.body if self.plain(node.test) else node.orelse)

    def _joinedstr(self, node: ast.JoinedStr) -> Value:
        parts = []
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            if isinstance(part, ast.FormattedValue) and (part.format_spec or part.conversion != -1):
                raise self.unclear(node, "formats are not followed")
            says = self.plain(inner)
            if isinstance(says, list | dict | tuple):
                raise self.unclear(node, "it is no text")
            parts.append(str(says))
        return self.boxed("".join(parts), node)

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp) -> Box:
        return self.row(self._rounds(node.generators, lambda: self.value(node.elt)), node)

    def _generatorexp(self, node: ast.GeneratorExp) -> Value:
        return replace(self._listcomp(node), views=())

    def _dictcomp(self, node: ast.DictComp) -> Value:
        pairs = self._rounds(node.generators, lambda: (self.key(node.key), self.value(node.value)))
        return Box(dict(pairs), self.mark(node))

    def _rounds(
        self, generators: Sequence[ast.comprehension], work: Callable[[], Result]
    ) -> list[Result]:
        """What `work` gives in every round; the names of a comprehension are gone afterwards."""
        outside = dict(self.names)
        try:
            return self._round(generators, work)
        finally:
            inside = _targets(generators)
            kept = {k: v for k, v in self.names.items() if k not in inside}
            self.names.clear()
            self.names.update({k: v for k, v in outside.items() if k in inside} | kept)

    def _round(
        self, generators: Sequence[ast.comprehension], work: Callable[[], Result]
    ) -> list[Result]:
        if not generators:
            return [work()]
        results: list[Result] = []
        for item in self.sequence(generators[0].iter):
            self.assign(generators[0].target, item)
            if all(self.plain(test) for test in generators[0].ifs):
                results += self._round(generators[1:], work)
        return results

    def assign(self, target: ast.expr, value: Value) -> None:
        """Gives a name, a row of names or an item a value. Raises `Unclear` where it cannot."""
        if isinstance(target, ast.Name):
            self.bind(target.id, value, target)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target, value)
        elif isinstance(target, ast.Subscript):
            box = self.whole(self.read(target.value))
            key = self.key(target.slice)
            if not isinstance(box, Box) or box.is_tuple:
                raise self.unclear(target, "it is no mapping and no list")
            self.put(box, key, value, target)
        elif isinstance(target, ast.Attribute):
            self._attributes(target)[target.attr] = self.kept(value, target)
        else:
            raise self.unclear(target, "such targets are not followed")

    def put(self, box: Box, key: str | int, value: Value, node: ast.AST) -> None:
        """Gives an item of a mapping or a list a value. Raises `Unclear` where it cannot."""
        inside: Any = box.items
        new = self.kept(value, node) if box.merges else value
        self.tried(node, lambda: operator.setitem(inside, key, new))

    def _unpack(self, target: ast.Tuple | ast.List, value: Value) -> None:
        self.whole(value)
        items = value.items if isinstance(value, Box) else None
        names = target.elts
        at = next((i for i, part in enumerate(names) if isinstance(part, ast.Starred)), None)
        if not isinstance(items, list) or (
            len(items) != len(names) if at is None else len(items) < len(names) - 1
        ):
            raise self.unclear(target, "there are not as many values as names")
        parts = items
        if at is not None:
            end = len(items) - (len(names) - at - 1)
            parts = [*items[:at], self.row(items[at:end], target), *items[end:]]
        for part, item in zip(names, parts, strict=True):
            self.assign(part.value if isinstance(part, ast.Starred) else part, item)


def _targets(generators: Sequence[ast.comprehension]) -> set[str]:
    targets = (part for one in generators for part in ast.walk(one.target))
    return {part.id for part in targets if isinstance(part, ast.Name)}
