"""`set_value` and `remove_value`: one value of a spec's text changes, and nothing else does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_texts import CATALOGUE, comments_of, data_of, texts

from hrnet_graph.language.change import remove_value, set_value


def keys_of(data: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of plain data, as parts."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        yield (*above, str(key))
        if isinstance(value, dict | tuple):
            yield from keys_of(value, (*above, str(key)))


def put(data: Any, parts: tuple[str, ...], value: Any) -> Any:
    """Plain data with a value, which is what a text should say after `set_value`."""
    if not parts:
        return value
    if isinstance(data, tuple):
        index = int(parts[0])
        inner = put(data[index] if index < len(data) else {}, parts[1:], value)
        return (*data[:index], inner, *data[index + 1 :])
    return {**data, parts[0]: put(data.get(parts[0], {}), parts[1:], value)}


def frozen(value: Any) -> Any:
    """A value as the reader gives it back."""
    if isinstance(value, list):
        return tuple(map(frozen, value))
    return {k: frozen(v) for k, v in value.items()} if isinstance(value, dict) else value


WORDS = st.text("ab0 :#,'\"\\&*[]{}-?!|>%@`~é😀\n\t", max_size=6)
SCALARS = st.none() | st.booleans() | st.integers(-9, 10**6) | st.floats(-1e3, 1e3) | WORDS
NAMES = st.sampled_from(["kind", "channels", "x", "2", "blocks"])
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(NAMES, SCALARS, max_size=3)
NEW = [
    "width",
    "input",
    "norm.eps",
    "stem.kind",
    "stem.channels",
    "head.bias",
    "activation",
    "extends",
]


@settings(max_examples=250, deadline=None)
@given(texts(), st.data())
def test_a_text_says_the_new_value_and_all_else_as_before(text: str, draw: st.DataObject) -> None:
    data = data_of(text)
    known = [".".join(key) for key in keys_of(data)]
    key = draw.draw(st.sampled_from([*known, *NEW]))
    value = draw.draw(VALUES)
    if (key.endswith(".kind") and key not in known) or key == "head.bias":
        value, key = "x", "name"  # an option of a bare kind is tested by itself
    changed = set_value(text, key, value)
    assert data_of(changed) == put(data, tuple(key.split(".")), frozen(value))
    assert len(re.findall("\r\n", changed)) in (0, len(re.findall("\n", changed)))
    if not isinstance(value, list | dict) and not isinstance(_found(data, key), dict | tuple):
        assert comments_of(changed) == comments_of(text)
        assert set_value(changed, key, value) == changed
        old, new = text.splitlines(), changed.splitlines()
        assert len(new) - len(old) in (0, 1 + key.count("."), 1)
        assert len([line for line in new if line not in old]) <= 2 + ("&" in text)


def _found(data: Any, key: str) -> Any:
    for part in key.split("."):
        data = data[int(part)] if isinstance(data, tuple) else dict(data or ()).get(part, "")
    return data


@settings(max_examples=150, deadline=None)
@given(texts(), st.data())
def test_what_is_removed_is_gone_and_all_else_as_before(text: str, draw: st.DataObject) -> None:
    data = data_of(text)
    key = draw.draw(st.sampled_from(list(keys_of(data))))
    inside = _found(data, ".".join(key[:-1])) if len(key) > 1 else data
    changed = remove_value(text, ".".join(key))
    after = data_of(changed)
    if len(inside) > 1 and isinstance(inside, dict):
        kept = {name: item for name, item in inside.items() if name != key[-1]}
        assert after == (put(data, key[:-1], kept) if len(key) > 1 else kept)
    elif len(inside) > 1:
        index = int(key[-1])
        assert after == put(data, key[:-1], (*inside[:index], *inside[index + 1 :]))
    assert after != data
    lines = [line.strip() for line in text.splitlines()]
    whole = [line for line in lines if line.startswith("#") and lines.count(line) == 1]
    outside = [line for line in whole if line in {"# mine", "# the end", "# of the image"}]
    if key[0] not in ("stem", "head"):
        assert all(line in changed for line in outside)


@pytest.mark.parametrize("name", CATALOGUE)
def test_what_is_added_and_removed_again_leaves_the_text_as_it_was(name: str) -> None:
    text = CATALOGUE[name]
    for key, value in [("norm.eps", 0.01), ("activation", "silu"), ("name", "mine")]:
        changed = set_value(text, key, value)
        assert changed != text
        assert remove_value(changed, key) == text
