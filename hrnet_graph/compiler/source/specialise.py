"""The family's text with what is known of a network put in: partial evaluation by rules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

from hrnet_graph.compiler.source.formatting import unwrap


def specialise(name: str, facts: Mapping[str, str]) -> str:
    """One function or class of `family.py`, with a statement a line.

    facts: the text of an expression or a parameter -> what stands in its place, nothing if it goes.
    Where an `if` is known to be `True` or `False`, one branch is left; a name that is known is no
    parameter any more. Raises `LookupError` for a fact about nothing.
    """
    lines, parts = _family()
    specialiser = _Specialiser(lines, facts, parts[name].lineno - 1)
    text = "\n".join(specialiser.statements([parts[name]]))
    if unused := facts.keys() - specialiser.used:
        raise LookupError(f"the family's {name} has no {', '.join(sorted(unused))}")
    return text


@cache
def _family() -> tuple[list[str], dict[str, ast.stmt]]:
    text = unwrap((files("hrnet_graph.compiler.source") / "family.py").read_text("utf-8"))
    statements = ast.parse(text).body
    named = [each for each in statements if isinstance(each, ast.ClassDef | ast.FunctionDef)]
    return text.splitlines(), {each.name: each for each in named}


class _Specialiser:
    """Goes through statements from line `at` on, which counts the lines behind us."""

    def __init__(self, lines: Sequence[str], facts: Mapping[str, str], at: int) -> None:
        self.lines = lines
        self.facts = facts
        self.at = at
        self.used: set[str] = set()

    def statements(self, body: Sequence[ast.stmt], left: int = 0) -> Iterator[str]:
        """The lines of statements that remain, moved `left`, with what stands between them."""
        for each in body:
            assert each.end_lineno is not None
            between = self.lines[self.at : each.lineno - 1]
            test = self._known(each.test) if isinstance(each, ast.If) else None
            if isinstance(each, ast.If) and test is not None:
                kept = each.body if test == "True" else each.orelse
                self.at = kept[0].lineno - 1 if kept else each.end_lineno
                yield from self.statements(kept, left + 4)
                if kept and isinstance(kept[-1], ast.Return):
                    self.at = body[-1].end_lineno or 0
                    return
            elif not (isinstance(each, ast.Assign) and self._known(each.targets[0]) == ""):
                yield from (line[left:] for line in between)
                yield from self._statement(each, left)
            self.at = each.end_lineno

    def _statement(self, each: ast.stmt, left: int) -> Iterator[str]:
        inner = [*getattr(each, "body", ()), *getattr(each, "orelse", ())]
        yield self._edited(each)[left:]
        self.at = each.lineno
        yield from self.statements(inner, left)
        if not inner:
            yield from self._docstring(self.lines[each.lineno : each.end_lineno])

    def _docstring(self, lines: Iterable[str]) -> Iterator[str]:
        """The lines of a docstring without the clauses on parameters that are gone."""
        for line in lines:
            yield re.sub(r", [^,]*?(\w+)$", lambda m: "" if m[1] in self.facts else m[0], line)

    def _edited(self, statement: ast.stmt) -> str:
        """A statement's own line."""
        line = self.lines[statement.lineno - 1]
        parts = (n for n in ast.iter_child_nodes(statement) if not isinstance(n, ast.stmt))
        edits = [edit for part in parts for edit in self._edits(part)]
        for start, end, text in sorted(edits, reverse=True):
            line = _put(line, start, end, text)
        return line

    def _edits(self, node: ast.AST) -> Iterator[tuple[int, int, str]]:
        """What is to be replaced in a line: from where, to where, and by what."""
        known = self._known(node)
        if known is None:
            for child in ast.iter_child_nodes(node):
                yield from self._edits(child)
        elif isinstance(node, ast.expr | ast.arg):
            yield node.col_offset, node.end_col_offset or 0, known

    def _known(self, node: ast.AST) -> str | None:
        """What stands in the place of a node, if anything else than itself does."""
        if not isinstance(node, ast.expr | ast.arg):
            return None
        text = self.lines[node.lineno - 1][node.col_offset : node.end_col_offset]
        if isinstance(node, ast.arg) and node.arg in self.facts:
            self.used.add(node.arg)
            return ""
        if text in self.facts:
            self.used.add(text)
        return self.facts.get(text)


def _put(line: str, start: int, end: int, text: str) -> str:
    """A line with something replaced; what is left out takes comma, default, `if` or `or` along."""
    before, after = line[:start], line[end:]
    if not text:
        after = re.sub(r"^ = [^,)]*", "", after)
        before, joined = re.subn(r"(, | if | or )$", "", before)
        after = after if joined else re.sub(r"^(, | or )", "", after)
    return before + text + after
