"""The calls in a Python config that are followed: of types, of `deepcopy`, of reading methods."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hrnet_graph.spec.importers.python.expressions import Expressions
from hrnet_graph.spec.importers.python.reader import MAX_LENGTH
from hrnet_graph.spec.importers.python.values import Box, NotUnderstood, Value, copied

_SCALAR: Mapping[str, Callable[..., Any]] = {
    function.__name__: function for function in (int, float, str, bool, len, min, max, sum, abs)
}
"""Functions of plain data that give a single value."""
_SEQUENCES = ("list", "tuple", "range", "zip", "enumerate", "reversed", "sorted")
"""Functions that give a sequence of what they are given."""


class Calls(Expressions):
    """Reads calls, too."""

    def _call(self, node: ast.Call) -> Value:
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.unclear(node, "calls are not followed")
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "deepcopy" and len(node.args) == 1 and self._is_imported(name, "copy.deepcopy"):
            return copied(self.whole(self.read(node.args[0])))
        if name == "print" and name not in self.names:
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                self.read(argument)
            return self.boxed(None, node)
        if name not in (*_SCALAR, *_SEQUENCES, "dict") or name in self.names:
            raise self.unclear(node, "calls are not followed")
        if name == "dict":
            return Box(self._dict_of(node), self.mark(node))
        if node.keywords:
            raise self.unclear(node, "calls are not followed")
        if name in _SCALAR:
            arguments = [self.plain(argument) for argument in node.args]
            return self.boxed(self.tried(node, lambda: _SCALAR[name](*arguments)), node)
        return self._sequence_of(node, name)

    def _is_imported(self, name: str, what: str) -> bool:
        value = self.names.get(name)
        return isinstance(value, NotUnderstood) and value.imported == what

    def _sequence_of(self, node: ast.Call, name: str) -> Box:
        """What a function of `_SEQUENCES` gives, with what it goes through while it is read."""
        if name == "range":
            return self.row(self._range(node), node)
        boxes = [self.whole(self.read(argument)) for argument in node.args]
        rows = [self.row_of(box, node) for box in boxes]
        row = self.row(self._sequence_in(rows, node, name), node, name == "tuple")
        views = tuple(box for box in boxes if isinstance(box, Box))
        return replace(row, views=views) if name in ("zip", "enumerate", "reversed") else row

    def _range(self, node: ast.Call) -> list[Value]:
        ends = [self.plain(argument) for argument in node.args]
        numbers = self.tried(node, lambda: range(*ends))
        if len(numbers) > MAX_LENGTH:
            raise self.unclear(node, "the result is too long")
        return [self.boxed(number, node) for number in numbers]

    def _sequence_in(self, rows: list[list[Value]], node: ast.Call, name: str) -> list[Value]:
        """What a function of `_SEQUENCES` makes of rows; `sorted` of single values alone."""
        if name == "zip":
            return [self.row(list(items), node, True) for items in zip(*rows, strict=False)]
        if len(rows) != 1:
            if not rows and name in ("list", "tuple"):
                return []
            raise self.unclear(node, "calls are not followed")
        if name == "enumerate":
            numbered = enumerate(rows[0])
            return [self.row([self.boxed(i, node), item], node, True) for i, item in numbered]
        if name == "sorted":
            plain = [self.unboxed(item, node) for item in rows[0]]
            return [self.boxed(each, node) for each in self.tried(node, lambda: sorted(plain))]
        return rows[0][::-1] if name == "reversed" else rows[0]

    def _dict_of(self, node: ast.Call) -> dict[str | int, Value]:
        """`dict(...)` of a mapping or of pairs, and of keywords."""
        items: dict[str | int, Value] = {}
        if len(node.args) > 1:
            raise self.unclear(node, "calls are not followed")
        for argument in node.args:
            value = self.whole(self.read(argument))
            if isinstance(value, Box) and isinstance(value.items, dict):
                items = dict(value.items)
                continue
            for pair in self.row_of(value, argument):
                row = self.row_of(self.whole(pair), argument)
                if len(row) != 2:
                    raise self.unclear(node, "it is no mapping")
                key = self.unboxed(row[0], node)
                if not isinstance(key, str | int):
                    raise self.unclear(node, "keys are words or numbers")
                items[key] = row[1]
        for keyword in node.keywords:
            if keyword.arg is None:
                items |= self.items(keyword.value)
            else:
                items[keyword.arg] = self.value(keyword.value)
        return items

    def _method(self, node: ast.Call, function: ast.Attribute) -> Value:
        """A method that reads: of the module `copy`, of a mapping, of a text."""
        is_copy = ast.unparse(function) == "copy.deepcopy" and self._is_imported("copy", "copy")
        if is_copy and len(node.args) == 1:
            return copied(self.whole(self.read(node.args[0])))
        value = self.whole(self.read(function.value))
        if isinstance(value, Box) and isinstance(value.items, dict) and not node.keywords:
            return self._mapping_method(node, function.attr, value, value.items)
        says = None if isinstance(value, Box) else value.value
        if isinstance(says, str) and function.attr in ("lower", "upper") and not node.args:
            return self.boxed(getattr(says, function.attr)(), node)
        raise self.unclear(node, "calls are not followed")

    def _mapping_method(
        self, node: ast.Call, method: str, box: Box, items: dict[str | int, Value]
    ) -> Value:
        if method in ("get", "pop") and 1 <= len(node.args) <= 2:
            key = self.key(node.args[0])
            if key in items:
                return items.pop(key) if method == "pop" else items[key]
            if len(node.args) == 2:
                return self.read(node.args[1])
            if method == "get":
                return self.boxed(None, node)
        elif not node.args and method == "copy":
            new = Box({}, box.mark, merges=box.merges)
            for key, value in items.items():
                self.put(new, key, value, node)
            return new
        elif not node.args and method in ("keys", "values", "items"):
            keys = [self.boxed(key, node) for key in items]
            inside = list(items.values())
            if method == "items":
                pairs = zip(keys, inside, strict=True)
                inside = [self.row(list(pair), node, True) for pair in pairs]
            row = self.row(keys if method == "keys" else inside, node)
            return replace(row, views=(box,))
        raise self.unclear(node, "calls are not followed")
