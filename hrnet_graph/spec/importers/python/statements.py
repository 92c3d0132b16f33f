"""The statements of a Python config, followed one by one without running them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from hrnet_graph.errors import FileError, quoted
from hrnet_graph.spec.importers.python.calls import Calls
from hrnet_graph.spec.importers.python.reader import Unclear
from hrnet_graph.spec.importers.python.values import Box, NotUnderstood, Value

_UNTRACEABLE = frozenset(
    (
        *("eval", "exec", "globals", "locals", "vars", "compile", "__import__", "__builtins__"),
        *("builtins", "_getframe", "currentframe", "f_back", "f_globals", "f_locals"),
        *("__globals__", "__dict__", "__main__", "sys.modules"),
    )
)
"""Names of what can set or read any other name."""


def _words_of(part: ast.AST) -> tuple[str, ...]:
    """The names, attributes and modules that a piece of code itself mentions."""
    if isinstance(part, ast.Name):
        return (part.id,)
    if isinstance(part, ast.Attribute):
        owner = part.value.id if isinstance(part.value, ast.Name) else ""
        return part.attr, f"{owner}.{part.attr}"
    if isinstance(part, ast.ImportFrom):
        return tuple(f"{part.module}.{alias.name}" for alias in part.names)
    return tuple(part.name.split(".")) if isinstance(part, ast.alias) else ()


ReadBase = Callable[[ast.ImportFrom], Mapping[str, Value]]
"""What gives the names of a config that another imports under `read_base()`."""


class _Leave(Exception):  # noqa: N818
    """`break` (or `continue`, where `goes_on`)."""

    def __init__(self, goes_on: bool) -> None:
        super().__init__()
        self.goes_on = goes_on


class Statements(Calls):
    """Follows a whole config; what is not understood takes the names that it touches with it."""

    read_base: ReadBase | None = None

    def follow(self, module: ast.Module, base: Box | None = None) -> None:
        """Follows a module, with what its bases say together.

        Raises `FileError` if it runs code that can change any name.
        """
        under_with = {
            id(inner) for part in module.body if isinstance(part, ast.With) for inner in part.body
        }
        for part in ast.walk(module):
            is_call = not _UNTRACEABLE.isdisjoint(_words_of(part))
            is_star = isinstance(part, ast.ImportFrom) and part.names[0].name == "*"
            if is_call or (is_star and id(part) not in under_with):
                problem = "this can change any name, and cannot be followed"
                where = self.not_understood(part, problem)
                raise FileError(f"{where.mark}: `{where.text}`: {problem}")
        inside = [
            name
            for part in ast.walk(module)
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)
            for name in ast.walk(part)
        ]
        told = (name.names for name in inside if isinstance(name, ast.Global))
        self.hidden = frozenset(name.id for name in inside if isinstance(name, ast.Name))
        self.hidden |= frozenset(chain.from_iterable(told))
        if base is not None:
            self.bind("_base_", base, module)
        self._run(module.body)

    def _run(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.step(statement)
            try:
                self._one(statement)
            except Unclear as unclear:
                inside = list(ast.walk(statement))
                ends = any(isinstance(part, ast.Break | ast.Continue) for part in inside)
                if ends and not isinstance(statement, ast.For | ast.While):
                    raise  # the loop around it may have ended here
                self.distrust(statement, unclear.value)

    def _one(self, statement: ast.stmt) -> None:
        follow = getattr(self, f"_on_{type(statement).__name__.lower()}", None)
        if follow is None:
            raise self.unclear(statement, "such statements are not followed")
        follow(statement)

    def _on_pass(self, statement: ast.Pass) -> None:
        pass

    def _on_assign(self, statement: ast.Assign) -> None:
        if any(isinstance(t, ast.Name) and t.id == "_base_" for t in statement.targets):
            return
        is_row = len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Tuple)
        value = (self.read if is_row else self.value)(statement.value)
        for target in statement.targets:
            self.assign(target, value)

    def _on_annassign(self, statement: ast.AnnAssign) -> None:
        self.value(statement.annotation)  # it is evaluated as well
        if statement.value is not None:
            self.assign(statement.target, self.value(statement.value))

    def _on_augassign(self, statement: ast.AugAssign) -> None:
        left = self.whole(self.read(statement.target))
        right = self.whole(self.read(statement.value))
        if isinstance(left, Box):
            if left.is_tuple:
                self.assign(statement.target, self.combine(statement, statement.op, left, right))
                return
            if not isinstance(left.items, list) or not isinstance(statement.op, ast.Add):
                raise self.unclear(statement, "it changes a value in a way that is not followed")
            left.items += self.row_of(right, statement.value)
        else:
            self.assign(statement.target, self.combine(statement, statement.op, left, right))

    def _on_delete(self, statement: ast.Delete) -> None:
        for target in statement.targets:
            if isinstance(target, ast.Name) and target.id in self.names:
                del self.names[target.id]
            elif isinstance(target, ast.Subscript):
                box, key = self.whole(self.read(target.value)), self.key(target.slice)
                if not isinstance(box, Box) or box.is_tuple:
                    raise self.unclear(target, "it is no mapping")
                self.tried(target, lambda: box.items.pop(key))  # type: ignore[arg-type]  # noqa: B023
            else:
                raise self.unclear(target, "attributes are not followed")

    def _on_expr(self, statement: ast.Expr) -> None:
        node = statement.value
        if isinstance(node, ast.Constant):
            return
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            self.value(node)
            return
        change = getattr(self, f"_{node.func.attr}_in_place", None)
        if change is None:
            self.value(node)
            return
        box = self.whole(self.read(node.func.value))
        if not isinstance(box, Box):
            raise self.unclear(node, "calls are not followed")
        change(node, box)

    def _update_in_place(self, node: ast.Call, box: Box) -> None:
        changes = self._dict_of(node)
        if not isinstance(box.items, dict):
            raise self.unclear(node, "it is no mapping")
        self._update(box, changes, node)

    def _update(self, box: Box, changes: Mapping[str | int, Value], node: ast.Call) -> None:
        """`update`, which goes into mappings of another config as mmengine's does."""
        assert isinstance(box.items, dict)
        for key, value in changes.items():
            below = box.items.get(key)
            goes_in = box.merges and isinstance(below, Box) and isinstance(below.items, dict)
            if goes_in and isinstance(value, Box) and isinstance(value.items, dict):
                assert isinstance(below, Box)
                self.whole(value)
                self._update(below, value.items, node)
            else:
                self.put(box, key, value, node)

    def _setdefault_in_place(self, node: ast.Call, box: Box) -> None:
        if not isinstance(box.items, dict) or len(node.args) != 2:
            raise self.unclear(node, "it is no mapping")
        key, value = self.key(node.args[0]), self.value(node.args[1])
        if key not in box.items:
            self.put(box, key, value, node)

    def _append_in_place(self, node: ast.Call, box: Box) -> None:
        (value,) = self._arguments(node, 1)
        self._row_in(box, node).append(value)

    def _extend_in_place(self, node: ast.Call, box: Box) -> None:
        if len(node.args) != 1 or node.keywords:
            raise self.unclear(node, "calls are not followed")
        self._row_in(box, node).extend(self.sequence(node.args[0]))

    def _insert_in_place(self, node: ast.Call, box: Box) -> None:
        place, value = self._arguments(node, 2)
        index = self.unboxed(place, node)
        self.tried(node, lambda: self._row_in(box, node).insert(index, value))

    def _clear_in_place(self, node: ast.Call, box: Box) -> None:
        self._arguments(node, 0)
        if box.is_tuple:
            raise self.unclear(node, "it is no list")
        box.items.clear()

    def _row_in(self, box: Box, node: ast.Call) -> list[Value]:
        if not isinstance(box.items, list) or box.is_tuple:
            raise self.unclear(node, "it is no list")
        self.row(box.items, node)
        return box.items

    def _arguments(self, node: ast.Call, count: int) -> list[Value]:
        if len(node.args) != count or node.keywords:
            raise self.unclear(node, "calls are not followed")
        return [self.value(argument) for argument in node.args]

    def _on_if(self, statement: ast.If) -> None:
        self._run(statement.body if self.plain(statement.test) else statement.orelse)

    def _on_for(self, statement: ast.For) -> None:
        for item in self._items_in(statement):
            self.assign(statement.target, item)
            try:
                self._run(statement.body)
            except _Leave as leave:
                if not leave.goes_on:
                    return
        self._run(statement.orelse)

    def _items_in(self, statement: ast.For) -> Iterator[Value]:
        """What a loop goes through. Raises `Unclear` if it changes that before it comes there."""
        value = self.whole(self.read(statement.iter))
        sources = () if not isinstance(value, Box) else value.views or (value,)
        before = [list(source.entries()) for source in sources]
        live = [source.entries() for source in sources]
        for count, item in enumerate(self.row_of(value, statement.iter)):
            try:
                same = all(
                    next(new, None) == old[count] for new, old in zip(live, before, strict=True)
                )
            except RuntimeError:  # a mapping of another size
                same = False
            if not same:
                break
            yield item
        else:
            if all(
                len(source.items) == len(old) for source, old in zip(sources, before, strict=True)
            ):
                return
        raise self.unclear(statement, "it changes what it goes through")

    def _on_break(self, statement: ast.Break) -> None:
        raise _Leave(goes_on=False)

    def _on_continue(self, statement: ast.Continue) -> None:
        raise _Leave(goes_on=True)

    def _on_raise(self, statement: ast.Raise) -> None:
        raise FileError(f"{self.mark(statement)}: the config raises an error here")

    def _on_import(self, statement: ast.Import) -> None:
        for alias in statement.names:
            name = alias.asname or alias.name.partition(".")[0]
            self.names[name] = self._imported(statement, alias.name)

    def _on_importfrom(self, statement: ast.ImportFrom) -> None:
        for alias in statement.names:
            what = f"{'.' * statement.level}{statement.module or ''}.{alias.name}"
            self.names[alias.asname or alias.name] = self._imported(statement, what)

    def _imported(self, statement: ast.stmt, what: str) -> NotUnderstood:
        return self.not_understood(statement, f"{what} is code of another module", what)

    def _on_with(self, statement: ast.With) -> None:
        (context, *others) = (item.context_expr for item in statement.items)
        called = context.func if isinstance(context, ast.Call) else context
        reader = self.names.get(called.id) if isinstance(called, ast.Name) else None
        known = isinstance(reader, NotUnderstood) and reader.imported.endswith(".read_base")
        if others or not known or self.read_base is None:
            raise self.unclear(statement, "such statements are not followed")
        found: dict[str, tuple[Value, ast.stmt]] = {}
        for inner in statement.body:
            if not isinstance(inner, ast.ImportFrom):
                raise self.unclear(inner, "under read_base() stand imports alone")
            found |= {name: (value, inner) for name, value in self.read_base(inner).items()}
        for name, (value, inner) in found.items():
            if not isinstance(self.names.get(name, reader), NotUnderstood):
                problem = f"read_base() stands above what gives {quoted(name)} a value"
                raise FileError(f"{self.mark(statement)}: expected that {problem}")
            self.bind(name, self.kept(value, inner, anew=True), inner)

    def _on_functiondef(self, statement: ast.FunctionDef | ast.ClassDef) -> None:
        self.names[statement.name] = self.not_understood(statement, "it is code")

    _on_classdef = _on_functiondef
