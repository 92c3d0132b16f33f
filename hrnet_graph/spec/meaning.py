"""What a docstring says of a key, and of its values one by one: "`value`: meaning."."""

from __future__ import annotations

import re

_VALUE = re.compile(r"(?:^| )`[\w.]+`: ")


def one_line(text: str | None) -> str:
    """A text without its line breaks."""
    return " ".join((text or "").split())


def gist(text: str) -> str:
    """What a text says before it goes on to values: "Start. `a`: at 1." -> "Start."."""
    return _VALUE.split(text, maxsplit=1)[0]


def meaning_of(value: object, text: str) -> str:
    """What a text says of one value: "`crop`: its centre. `fit`: whole." -> "Its centre."."""
    found = re.search(rf"`{re.escape(str(value))}`: (.*?\.)(?= `[\w.]+`: |$)", text)
    return f"{found[1][0].upper()}{found[1][1:]}" if found else ""
