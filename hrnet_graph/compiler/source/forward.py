"""What a class does in `forward`, as lines of Python."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count

from hrnet_graph.compiler.source.expressions import is_name, string_literal
from hrnet_graph.compiler.source.layers import has_layer
from hrnet_graph.compiler.source.layout import IrregularError, Layout, Parts, Use
from hrnet_graph.ir.ops import Activation, BilinearResize, Concat, Op, Softmax, Sum

LONG = 70
"""Characters of an expression beyond which its parts get names."""

TAKEN = frozenset({"self", "torch", "nn", "F", "Tensor", "maps", "resize", *dir(builtins)})
"""Names that no variable may have."""


class Body:
    """Writes one body. A value is a variable, or an expression that its only reader takes in.

    `inputs`: path -> code. `uses` and `results` are all of the scope's where unstated.
    """

    def __init__(
        self,
        layout: Layout,
        key: str,
        inputs: Mapping[str, str],
        uses: Iterable[Use] | None = None,
        results: Sequence[str] | None = None,
    ) -> None:
        self._layout = layout
        self._key = key
        self._lines: list[str] = []
        maps = (code for code in inputs.values() if code.startswith("maps["))
        self._inputs = list(dict.fromkeys(maps))
        self._code = Parts(inputs)
        self._names = {path: {code.partition("[")[0]} for path, code in inputs.items()}
        self._uses = list(layout.uses(key) if uses is None else uses)
        returned = layout.signature(key).results if results is None else results
        self._returned = set(returned)
        self._left = Counter([*returned, *(path for use in self._uses for path in use.operands)])
        self._reader = {path: use for use in self._uses for path in use.operands}
        is_top = not key and layout.graph.returns == "dict"
        self._wished = {path: name for name, path in layout.graph.outputs if is_top}

    def write(self) -> tuple[list[str], dict[str, str]]:
        """All statements, indented as in a class, and the code of the scope's results by path."""
        for use in self._uses:
            self._write(use)
        return self._lines, {path: self._code[path] for path in self._returned}

    def _write(self, use: Use) -> None:
        is_statement = not any(self._left[path] for path in use.results)
        if is_statement:
            self._name_what_is_called(before=use)
        code = self._expression(use)
        if len(code) > LONG:
            for path in dict.fromkeys(use.operands):
                if " " in self._code[path] or "(" in self._code[path]:
                    self._assign(path, self._code[path], self._reader[path])
            code = self._expression(use)
        names = {name for path in use.operands for name in self._names[path]}
        self._left.subtract(use.operands)
        for path in use.results:
            self._code[path], self._names[path] = code, names
        if is_statement:
            self._lines.append(f"        {code}")
        elif len(use.results) > 1:
            name = self._assign(use.results[0], code, use)
            for at, path in enumerate(use.results):
                self._code[path], self._names[path] = f"{name}[{at}]", {name}
        elif not self._goes_inside(use):
            self._assign(use.results[0], code, use)

    def _name_what_is_called(self, before: Use) -> None:
        """Names the values that would be computed after a call that they come before.

        A call whose result nobody reads is a statement, and training draws in the order of calls.
        """
        for use in self._uses[: self._uses.index(before)]:
            for path in use.results:
                if self._left[path] > 0 and "(" in self._code[path]:
                    self._assign(path, self._code[path], use)

    def _expression(self, use: Use) -> str:
        operands = [self._code[path] for path in use.operands]
        if use.node is None or has_layer(self._layout.graph, use.node):
            return f"{self._access(use.key)}({', '.join(operands)})"
        op = use.node.op
        if isinstance(op, BilinearResize):
            return resize_call(self._layout, op, *operands)
        finest = ["maps[0]", *(f"resize({code}, maps[0])" for code in self._inputs[1:])]
        if isinstance(op, Concat) and operands == finest:
            return "torch.cat([maps[0], *[resize(x, maps[0]) for x in maps[1:]]], dim=1)"
        try:
            code = function_call(op, operands)
        except TypeError as error:
            raise IrregularError(f"{use.key}: {error}") from None
        if self._layout.overwrites and self._layout.graph.runs_in_place(use.node):
            return f"{code[:-1]}, inplace=True)"
        return code

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
        if self._left[path] != 1 or len(self._code[path]) > LONG:
            return False
        reader = self._reader[path].node
        if use.node is None or isinstance(use.node.op, BilinearResize):
            return reader is not None and isinstance(reader.op, Sum | Activation | Concat)
        if isinstance(use.node.op, Sum):
            return reader is not None and isinstance(reader.op, Activation)
        return not isinstance(use.node.op, Activation | Concat | Softmax)

    def _assign(self, path: str, code: str, use: Use) -> str:
        """Names a value: as its output, as an operand that it replaces, `x`, `y`, as its node."""
        taken = TAKEN.union(
            *(names for p, names in self._names.items() if p != path and self._left[p] > 0)
        )
        own = use.key.rpartition(".")[2].rpartition("-")[2]
        wishes = (self._wished.get(path, ""), "x", "y", own)
        names = chain(wishes, (f"y{n}" for n in count(2)))
        name = next(name for name in names if is_name(name) and name not in taken)
        self._lines.append(f"        {name} = {code}")
        self._code[path], self._names[path] = name, {name}
        return name


def function_call(op: Op, operands: Sequence[str]) -> str:
    """An op without weights: its functional form, of operands that are in brackets if need be.

    Raises `TypeError` if it has none.
    """
    form = op.functional(*(f"x{i}" for i in range(len(operands))))

    def place(found: re.Match[str]) -> str:
        before, code = found[1] or "", operands[int(found[2])]
        binds = before or found[3]
        is_operation = isinstance(ast.parse(code, mode="eval").body, ast.BinOp)
        return before + (f"({code})" if binds and is_operation else code)

    form = form.replace("'", '"').replace("e-0", "e-")
    return re.sub(r"([-+*/@] )?\bx(\d+)\b(?=(\.|\[| [*/@])?)", place, form)


def resize_call(layout: Layout, op: BilinearResize, x: str, like: str) -> str:
    """A call of the file's `resize`, which is told how only if the network resizes in both ways."""
    how = ", align_corners=True" if op.align_corners and len(layout.aligned) > 1 else ""
    return f"resize({x}, {like}{how})"


def return_lines(layout: Layout, key: str, code: Mapping[str, str]) -> list[str]:
    """The return statement of a scope: a tensor, a tuple of several, or what the network returns.

    `code`: path -> code of each result.
    """
    written = Parts(code)
    values = [written[path] for path in layout.signature(key).results]
    returns = layout.graph.returns if not key else ""
    plain = ", ".join(values)
    if returns == "dict":
        names = (string_literal(name) for name, _ in layout.graph.outputs)
        pairs = (f"{name}: {value}" for name, value in zip(names, values, strict=True))
        plain = f"{{{', '.join(pairs)}}}"
    elif returns == "list":
        plain = f"[{plain}]"
    elif len(values) > 1 and len(plain) > 73:
        plain = f"({plain})"
    return [f"        return {plain}"] if plain else []
