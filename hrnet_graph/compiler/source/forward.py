"""What a class does in `forward`, as lines of Python."""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from hrnet_graph.compiler.source.expressions import (
    Expr,
    Group,
    call,
    flat,
    is_name,
    string_literal,
)
from hrnet_graph.compiler.source.layers import has_layer, resize_call, write_call
from hrnet_graph.compiler.source.layout import IrregularError, Layout, Use
from hrnet_graph.ir.ops import Activation, BilinearResize, Concat, Op, Softmax, Sum

LONG = 70
"""Characters of an expression beyond which its parts get names."""

TAKEN = frozenset({"self", "torch", "nn", "F", "Tensor", "maps", "resize", *dir(builtins)})
"""Names that no variable may have."""


class Writer:
    """Writes one body. A value is a variable, or an expression that its only reader takes in."""

    def __init__(
        self,
        layout: Layout,
        key: str,
        inputs: Mapping[str, str],
        uses: Sequence[Use],
        results: Sequence[str],
    ) -> None:
        self._layout = layout
        self._key = key
        self.lines: list[str] = []
        self._code: dict[str, Expr] = dict(inputs)
        self._names = {path: {code.partition("[")[0]} for path, code in inputs.items()}
        self._uses = uses
        self._at_the_finest = [
            f"resize({code}, maps[0])" if at else "maps[0]"
            for at, code in enumerate(dict.fromkeys(inputs.values()))
        ]
        self._left = Counter(path for use in self._uses for path in use.operands)
        self._left.update(results)
        self._returned = set(results)
        self._reader = {path: use for use in self._uses for path in use.operands}
        is_top = not key and layout.graph.returns == "dict"
        self._wished = {path: name for name, path in layout.graph.outputs if is_top}

    def run(self) -> dict[str, Expr]:
        """Writes all statements. Returns path -> code, for every result of the scope."""
        for use in self._uses:
            self._write(use)
        return {path: self._code[path] for path in self._returned}

    def _write(self, use: Use) -> None:
        expr = self._expression(use)
        if len(flat(expr)) > LONG:
            for path in dict.fromkeys(use.operands):
                if " " in flat(self._code[path]) or "(" in flat(self._code[path]):
                    self._assign(path, self._code[path], self._reader[path])
            expr = self._expression(use)
        names = {name for path in use.operands for name in self._names[path]}
        self._left.subtract(use.operands)
        for path in use.results:
            self._code[path], self._names[path] = expr, names
        if not any(self._left[path] for path in use.results):
            self.lines.append(f"        {flat(expr)}")
        elif len(use.results) > 1:
            name = self._assign(use.results[0], expr, use)
            for at, path in enumerate(use.results):
                self._code[path], self._names[path] = f"{name}[{at}]", {name}
        elif not self._goes_inside(use):
            self._assign(use.results[0], expr, use)

    def _expression(self, use: Use) -> Expr:
        operands = [self._code[path] for path in use.operands]
        if use.node is None or has_layer(self._layout.graph, use.node):
            return call(self._access(use.key), *operands)
        op = use.node.op
        if isinstance(op, BilinearResize):
            x, like = operands
            return resize_call(x, like, op.align_corners, len(self._layout.aligned) > 1)
        if isinstance(op, Concat) and [flat(each) for each in operands] == self._at_the_finest:
            loop = (call("resize", "x", "maps[0]"), "for x in maps[1:]")
            return call(
                "torch.cat", Group("[", ("maps[0]", Group("*[", loop, "]", " ")), "]"), "dim=1"
            )
        return expression(op, operands, use.key)

    def _access(self, key: str) -> str:
        """`self.incre_modules[0]`"""
        code, at = "self", self._key
        for part in key[len(at) + 1 if at else 0 :].split("."):
            if at != self._key and self._layout.is_list(at):
                code += f"[{part}]"
            elif is_name(part):
                code += f".{part}"
            else:
                code += f".get_submodule({string_literal(part)})"
            at = f"{at}.{part}" if at else part
        return code

    def _goes_inside(self, use: Use) -> bool:
        """Whether a value is written into its reader's expression rather than named."""
        (path,) = use.results
        if path in self._returned:
            return self._left[path] == 1 and path not in self._wished
        if self._left[path] != 1 or len(flat(self._code[path])) > LONG:
            return False
        reader = self._reader[path].node
        if use.node is None or isinstance(use.node.op, BilinearResize):
            return reader is not None and isinstance(reader.op, Sum | Activation | Concat)
        if isinstance(use.node.op, Sum):
            return reader is not None and isinstance(reader.op, Activation)
        return not isinstance(use.node.op, Activation | Concat | Softmax)

    def _assign(self, path: str, expr: Expr, use: Use) -> str:
        name = self._name(path, use)
        self.lines.append(f"        {name} = {flat(expr)}")
        self._code[path], self._names[path] = name, {name}
        return name

    def _name(self, path: str, use: Use) -> str:
        """A name for a value: its output's, that of the operand it replaces, `x`, `y`, its own."""
        live = {
            name
            for other, names in self._names.items()
            if other != path and self._left[other] > 0
            for name in names
        }
        wished = self._wished.get(path, "")
        own = use.key.rpartition(".")[2].rpartition("-")[2]
        for name in (wished, "x", "y", own):
            if is_name(name) and name not in live | TAKEN:
                return name
        return next(name for n in range(2, 1 << 20) if (name := f"y{n}") not in live)


def expression(op: Op, operands: Sequence[Expr], key: str) -> Expr:
    """The expression of an op without weights. Raises `IrregularError` if it has none."""
    try:
        return write_call(op, operands)
    except TypeError as error:
        raise IrregularError(f"{key}: {error}") from None


def return_lines(
    results: Iterable[str], code: Mapping[str, Expr], as_list: bool = False
) -> list[str]:
    """The return statement of a body: a tensor, a tuple of several, or a list."""
    values = [flat(code[path]) for path in results]
    if not values and not as_list:
        return []
    plain = ", ".join(values)
    if as_list:
        plain = f"[{plain}]"
    elif len(values) > 1 and len(plain) > 73:
        plain = f"({plain})"
    return [f"        return {plain}"]


def body(
    layout: Layout,
    key: str,
    inputs: Mapping[str, str],
    uses: Iterable[Use] | None = None,
    results: Sequence[str] | None = None,
) -> tuple[list[str], dict[str, Expr]]:
    """The lines of a scope's `forward`, indented as in a class, and the code of its results.

    `inputs`: path -> code. `uses` and `results` are all of the scope's where unstated.
    """
    calls = tuple(layout.uses(key) if uses is None else uses)
    wanted = layout.signature(key).results if results is None else results
    writer = Writer(layout, key, inputs, calls, wanted)
    code = writer.run()
    return writer.lines, code
