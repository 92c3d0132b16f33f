"""The family's text with what is known of a network put in: partial evaluation by rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_CHOICE = re.compile(r"(?m)^( *)if BILINEAR:\n((?:\1    .*\n)+)((?:\1.*\n)+)")
"""`if BILINEAR:`, the lines below it, which return, and those that are run otherwise."""


def specialise(
    name: str,
    facts: Mapping[str, str],
    common: Mapping[str, str] | None = None,
    *,
    bilinear: bool = False,
) -> str:
    """One function or class of `family.py`, with a statement a line.

    facts: a piece of the text -> what stands in its place wherever it occurs; `common` are those
    that need not occur. Where `BILINEAR` decides, one branch is left. Raises `LookupError` for a
    fact about nothing.
    """
    text = _CHOICE.sub(
        lambda found: re.sub(r"(?m)^    ", "", found[2]) if bilinear else found[3], _family()[name]
    )
    if unused := [fact for fact in facts if fact not in text]:
        raise LookupError(f"the family's {name} has no {', '.join(unused)}")
    known = {**facts, **(common or {})}
    pieces = "|".join(map(re.escape, known))
    return re.sub(pieces, lambda found: known[found[0]], text).rstrip() if known else text.rstrip()


@cache
def _family() -> dict[str, str]:
    """The functions and classes of the library, by name."""
    text = unwrap((files("hrnet_graph.compiler.source") / "family.py").read_text("utf-8"))
    parts = (re.match(r"(?:def|class) (\w+)", part) for part in text.split("\n\n\n"))
    return {found[1]: f"{found.string}\n" for found in parts if found}


def unwrap(text: str) -> str:
    """Python as ruff lays it out, with every statement on one line."""
    text = re.sub(r"(?<=[(\[{])\n *|,?\n *(?=[)\]}])", "", text)
    return re.sub(r"(?<=,)\n *|\n *(?=for [^:\n]*$)", " ", text, flags=re.MULTILINE)
