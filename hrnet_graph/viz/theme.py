"""How figures look, in one table. Colours are Okabe and Ito's, safe for the colour-blind."""

from __future__ import annotations

from collections.abc import Mapping

FONT = "Helvetica,Arial,sans-serif"
INK = "#222222"
QUIET = "#666666"

FILLS: Mapping[str, str] = {
    "input": "#ffffff",
    "stem": "#e8e8e8",
    "stage": "#cfe6f5",
    "module": "#cfe6f5",
    "transition": "#fbe3b5",
    "block": "#cfe6f5",
    "fuse": "#cdeee0",
    "head": "#f6d5e6",
    "op": "#f4f4f4",
}
"""What a part is -> the colour of its box, light enough for black text."""

BRANCHES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9")
"""The colour of each branch's edges, finest first; beyond the last they start again."""


def branch_colour(branch: int | None) -> str:
    """The colour of a branch's edges; ink where an edge belongs to none."""
    return INK if branch is None else BRANCHES[branch % len(BRANCHES)]
