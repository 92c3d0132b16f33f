"""Plain values as YAML text: on one line, or as the lines behind a key."""

from __future__ import annotations

import re

import yaml

from hrnet_graph.language.data import Plain
from hrnet_graph.spec.emit import inline
from hrnet_graph.spec.source import plain_scalar

_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ENDLESS = 1_000_000


def write_key(key: str, quote: str = "") -> str:
    """A key, quoted as its neighbours are, or where it must be."""
    if not _WORD.fullmatch(key):
        return _in_double_quotes(key)
    return f"{quote}{key}{quote}"


def write_inline(value: Plain, quote: str = "") -> str:
    """A value on one line; text, and keys inside, in these quotes if they can hold it."""
    if isinstance(value, dict):
        pairs = (
            f"{write_key(key, quote)}: {write_inline(item, quote)}" for key, item in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(write_inline(item, quote) for item in value)}]"
    if not isinstance(value, str):
        return inline(value)
    if quote == '"' or not value.isprintable():
        return _in_double_quotes(value)
    if quote == "'":
        return "'" + value.replace("'", "''") + "'"
    if _WORD.fullmatch(value) and isinstance(plain_scalar(value), str):
        return value
    return inline([value])[1:-1]


def _in_double_quotes(text: str) -> str:
    written = yaml.safe_dump(text, default_style='"', width=_ENDLESS, allow_unicode=True)
    return written.removesuffix("\n")


def write_lines(value: Plain, column: int, step: int, in_block: bool) -> list[str]:
    """What stands behind a key at a column: the rest of its line, and the lines below, indented.

    A list of mappings has a line an item; a mapping has a line a key where `in_block`.
    """
    inner = " " * (column + step)
    if isinstance(value, dict) and value and in_block:
        lines = [""]
        for key, item in value.items():
            first, *rest = write_lines(item, column + step, step, in_block)
            lines += [f"{inner}{write_key(key)}:{first}", *rest]
        return lines
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return ["", *(line for item in value for line in write_item(item, inner, False))]
    return [f" {write_inline(value)}"]


def write_item(value: Plain, indent: str, in_block: bool) -> list[str]:
    """An item of a list in block style, with its dash."""
    if not in_block or not isinstance(value, dict) or not value:
        return [f"{indent}- {write_inline(value)}"]
    _, first, *rest = write_lines(value, len(indent), 2, in_block)
    return [f"{indent}- {first.lstrip(' ')}", *rest]
