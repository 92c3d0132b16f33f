"""A problem's fixes, as changes of the text."""

from __future__ import annotations

from pathlib import Path

from hrnet_graph.errors import Fix
from hrnet_graph.language.change import remove_value, rename_key, set_value


def apply_fix(text: str, fix: Fix, path: str | Path | None = None) -> str:
    """The text of a spec after a fix of one of its problems.

    Raises `HRNetGraphError` where the text is not the one that has the problem.
    """
    if fix.action == "rename":
        return rename_key(text, fix.key, str(fix.value))
    if fix.action == "remove":
        return remove_value(text, fix.key, path)
    return set_value(text, fix.key, fix.value, path)
