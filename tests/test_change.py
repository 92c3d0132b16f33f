"""`set_value` and `remove_value`: one value of a spec's text changes, and nothing else does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_texts import BLOCK, CATALOGUE, FLOW, SHARED, comments_of, data_of, texts

import hrnet_graph as hg
from hrnet_graph.errors import HRNetGraphError, key_parts
from hrnet_graph.language.change import remove_value, rename_key, set_value
from hrnet_graph.language.fixes import apply_fix
from hrnet_graph.spec.catalogue import folder


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


@settings(max_examples=120, deadline=None)
@given(texts(), st.data())
def test_a_text_says_the_new_value_and_all_else_as_before(text: str, draw: st.DataObject) -> None:
    data = data_of(text)
    known = [".".join(key) for key in keys_of(data)]
    key = draw.draw(st.sampled_from([*known, *NEW]))
    value = draw.draw(VALUES)
    if (key.endswith(".kind") and key not in known) or key == "head.bias":
        value, key = "x", "name"  # an option of a bare kind is tested by itself
    changed = set_value(text, key, value)
    assert data_of(changed) == put(data, key_parts(key), frozen(value))
    assert len(re.findall("\r\n", changed)) in (0, len(re.findall("\n", changed)))
    if not isinstance(value, list | dict) and not isinstance(_found(data, key), dict | tuple):
        assert comments_of(changed) == comments_of(text)
        assert set_value(changed, key, value) == changed
        old, new = text.splitlines(), changed.splitlines()
        assert len(new) - len(old) in (0, 1 + key.count("."), 1)
        assert len([line for line in new if line not in old]) <= 2 + ("&" in text)


def _found(data: Any, key: str) -> Any:
    for part in key_parts(key):
        data = data[int(part)] if isinstance(data, tuple) else dict(data or ()).get(part, "")
    return data


@settings(max_examples=80, deadline=None)
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


def test_a_place_in_keys_is_one_part_of_a_key() -> None:
    text = CATALOGUE["hrformer_small_ocr_cityscapes"]
    changed = set_value(text, "keys.layer1.0", "first")
    assert data_of(changed)["keys"]["layer1.0"] == "first"
    assert data_of(remove_value(changed, "keys.layer1.0")) == data_of(text)
    spec = hg.load_spec("hrnet_w18_cls", {"keys.stage2.0": "stage2.first"})
    assert spec.keys == {"stage2.0": "stage2.first"}


@pytest.mark.parametrize("name", CATALOGUE)
def test_what_is_added_and_removed_again_leaves_the_text_as_it_was(name: str) -> None:
    text = CATALOGUE[name]
    for key, value in [("norm.eps", 0.01), ("activation", "silu"), ("name", "mine")]:
        changed = set_value(text, key, value)
        assert changed != text
        assert remove_value(changed, key) == text


@pytest.mark.parametrize(
    ("text", "key", "value", "changed"),
    [
        ("extends: hrnet_w32_cls\n", "stages.2.modules", 2, "extends: hrnet_w32_cls\nstages: {2: {modules: 2}}\n"),
        ("extends: hrnet_w32_cls", "width", 18, "extends: hrnet_w32_cls\nwidth: 18"),
        ("extends: x\r\nhead: ocr # y\r\n", "head.keys", 8, "extends: x\r\nhead: {kind: ocr, keys: 8} # y\r\n"),
        ("extends: x\nhead: ocr # y\n", "head.kind", "heatmap", "extends: x\nhead: heatmap # y\n"),
        ("extends: x\nstages: {3: {blocks: 2}}\n", "stages.1.blocks", 1, "extends: x\nstages: {1: {blocks: 1}, 3: {blocks: 2}}\n"),
        ("# a\nwidth: 8 # b\n", "input", [3, 8, 8], "# a\ninput: [3, 8, 8]\nwidth: 8 # b\n"),
        ("input: [3, 224,  224] # c\n", "input", [3, 256, 224], "input: [3, 256,  224] # c\n"),
        ("width:\n", "width", 8, "width: 8\n"),
        ("name: 'a'\nwidth: 8\n", "name", "b c", "name: 'b c'\nwidth: 8\n"),
        (SHARED, "stages.0.branches", 2, SHARED.replace("&first {block: basic, branches: 1, blocks: &four 4}", "{block: basic, branches: 2, blocks: &four 4}").replace("*first", "&first {block: basic, branches: 1, blocks: 4}")),
        (SHARED, "stages.1.branches", 2, SHARED.replace("*first ", "{block: basic, branches: 2, blocks: 4} ")),
        (SHARED, "stages.2.blocks", 3, SHARED.replace("*four", "3")),
        (BLOCK, "stages.1.modules", 3, BLOCK.replace("branches: 2\n", "branches: 2\n      modules: 3\n")),
        (BLOCK, "norm.eps", 0.1, BLOCK.replace("# the end", "norm:\n    eps: 0.1\n# the end")),
        (FLOW, "stem.norm", "x", FLOW.replace('"channels": 64', '"channels": 64,\n    "norm": "x"')),
    ],
)  # fmt: skip
def test_a_change_keeps_the_style_around_it(text: str, key: str, value: Any, changed: str) -> None:
    assert set_value(text, key, value) == changed


def test_a_stage_is_added_and_removed_also_where_stages_are_inherited() -> None:
    stage = {"block": "basic", "branches": 4, "modules": 1, "blocks": 2}
    for text in (CATALOGUE["hrnet_w32_cls"], CATALOGUE["hrnet_w48_cls"]):
        longer = set_value(text, "stages.4", stage)
        assert len(hg.load_spec(text=longer).stages) == 5
        assert "  - {block: basic, branches: 4, modules: 1, blocks: 2}\n" in longer
        assert len(hg.load_spec(text=remove_value(longer, "stages.4")).stages) == 4
        shorter = remove_value(text, "stages.3")
        assert len(data_of(shorter)["stages"]) == 3
        assert comments_of(shorter) == comments_of(text)


@pytest.mark.parametrize(
    ("text", "key", "value", "words"),
    [
        ("width: [1\n", "width", 2, "not YAML"),
        ("", "width", 2, "empty file"),
        ("width: 8\n", "width.x", 2, "width: expected a mapping, got x"),
        ("stages: [{}]\n", "stages.7.blocks", 2, "stages: expected an index from 0 to 0, got 7"),
        ("width: 8\n", "a..b", 2, "expected a dotted key"),
        ("width: 8\n", "width", {1, 2}, "expected a number, a text"),
        ("width: 8\n", "width", 10**30, "cannot be changed here"),
        ("width: 8\n" * 9000, "width", 1, "at most 65536 bytes"),
        ("? width\n: 8\n", "input", [1], "cannot be changed here"),
    ],
)  # fmt: skip
def test_what_cannot_be_changed_is_said_in_a_sentence(
    text: str, key: str, value: Any, words: str
) -> None:
    with pytest.raises(HRNetGraphError, match=re.escape(words)):
        set_value(text, key, value)


def test_what_is_not_stated_cannot_be_removed_or_renamed() -> None:
    text = "extends: hrnet_w32_cls\nwidht: 8\nwidth: 9\n"
    missing = "head: expected a value that the text states"
    with pytest.raises(HRNetGraphError, match=missing):
        remove_value(text, "head")
    with pytest.raises(HRNetGraphError, match=missing):
        rename_key(text, "head", "x")
    with pytest.raises(HRNetGraphError, match="widht: width is stated already"):
        rename_key(text, "widht", "width")
    with pytest.raises(HRNetGraphError, match="one key at least"):
        remove_value("width: 8\n", "width")


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_fix_of_a_broken_text_can_be_applied(name: str) -> None:
    text = set_value(CATALOGUE[name], "input", [3, 250, 190])
    found = hg.check(text.replace("head:", "haed:", 1), folder() / f"{name}.yaml")
    for problem in found.problems:
        for fix in problem.fixes:
            data = data_of(apply_fix(text.replace("head:", "haed:", 1), fix))
            assert data != data_of(text.replace("head:", "haed:", 1))
