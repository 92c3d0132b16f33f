"""`set_value` and `remove_value`: one value of a spec's text changes, and nothing else does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hrnet_graph.language.change import remove_value, set_value
from hrnet_graph.spec.catalogue import folder
from hrnet_graph.spec.source import parse

CATALOGUE = {path.stem: path.read_text() for path in sorted(folder().glob("*.yaml"))}

BLOCK = """\
# mine
# yaml-language-server: $schema=hrnet-graph.schema.json

extends: 'hrnet_w32_cls'   # the base

stem:
    # of the image
    kind: conv    # two convolutions
    channels: 64
stages:
    - block: bottleneck
      branches: 1   # one
      channels:
      - 64
    - block: basic
      # four
      branches: 2
    - {block: basic, branches: 3}
head: classification
# the end
"""
FLOW = """\
{
  "input": [3, 224, 224],  # channels first
  "width": 32,
  "stem": {
    "kind": "conv",  # two of them
    "channels": 64
  },
  "stages": [{"block": "basic", "branches": 2}, {"branches": 3, }],
  "head": {"kind": "classification", "classes": 1000},
}
"""
SHARED = """\
width: 18
stages:
  - &first {block: basic, branches: 1, blocks: &four 4}
  - *first   # the same
  - {block: basic, branches: 3, blocks: *four}
head: classification
"""
TEXTS = {**CATALOGUE, "block": BLOCK, "flow": FLOW, "shared": SHARED}


def data_of(text: str) -> Any:
    return parse(text, "").plain()


def comments_of(text: str) -> list[str]:
    """The comments, found between the tokens."""
    found, at = [], 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        found += re.findall(r"#[^\r\n]*", text[at : token.start_mark.index])
        at = max(at, token.end_mark.index)
    return [comment.rstrip() for comment in found]


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


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text of the catalogue or one in another style, with comments and line ends of its own."""
    lines = draw(st.sampled_from(list(TEXTS.values()))).splitlines()
    for at in draw(st.lists(st.integers(0, len(lines)), max_size=4)):
        comment = (
            f"{' ' * draw(st.integers(0, 6))}# {draw(st.sampled_from(['x', '{a: 1}', '😀 - b']))}"
        )
        lines.insert(at, draw(st.sampled_from([comment, ""])))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join(lines) + draw(st.sampled_from([end, ""]))


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
        assert len([line for line in new if line not in old]) <= 2


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
