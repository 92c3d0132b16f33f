"""A table as a page of LaTeX takes it."""

from __future__ import annotations

import re

from hrnet_graph.cli.fit import shorten
from hrnet_graph.cli.table import Column, Table

_WRITTEN = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{character: f"{{{character}}}" for character in "[]*"},  # which `\\` would take for its own
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "µ": r"$\mu$", "×": r"$\times$", "→": r"$\rightarrow$",
}  # fmt: skip


def to_latex(table: Table) -> str:
    """The columns as a tabular of booktabs, counts in k, M and G; title and notes are comments."""
    columns = table.columns
    rows = [*table.rows] if table.total is None else [*table.rows, table.total]
    lines = [_line(*(_cell(column, column.cell(row)) for column in columns)) for row in rows]
    if table.total is not None:
        lines.insert(-1, r"\midrule")
    page = (
        "% needs \\usepackage{booktabs}",
        *(f"% {_on_one_line(said)}" for said in (table.title, *table.notes) if said),
        rf"\begin{{tabular}}{{{''.join('r' if column.right else 'l' for column in columns)}}}",
        r"\toprule",
        _line(*(escape(column.heading) for column in columns)),
        r"\midrule",
        *lines,
        r"\bottomrule",
        r"\end{tabular}",
    )
    return "\n".join(page) + "\n"


def escape(text: str) -> str:
    """A text as LaTeX prints it, on one line."""
    return "".join(_WRITTEN.get(character, character) for character in _on_one_line(text))


def _cell(column: Column, cell: str) -> str:
    """A cell; a number with its true minus, and never parted from its unit."""
    if not column.right:
        return escape(cell)
    number = re.sub(r"(?<=[0-9]) (?=[^ ]+$)", "\0", shorten(cell))
    return re.sub("^-", "$-$", escape(number)).replace("\0", r"\,")


def _line(*cells: str) -> str:
    return f"{' & '.join(cells)} \\\\"


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
