"""The JSON Schema that editors read: what it says of every key, what it takes and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from broken_specs import GOOD

import hrnet_graph as hg
from hrnet_graph.rules.function import ROLES
from hrnet_graph.rules.registry import rules
from hrnet_graph.spec.catalogue import find
from hrnet_graph.spec.emit import to_yaml
from hrnet_graph.spec.expectation import expectation
from hrnet_graph.spec.json_schema import json_schema
from hrnet_graph.spec.meaning import gist, meaning_of
from hrnet_graph.spec.source import parse

SCHEMA = json_schema()
REFERENCE = (Path(__file__).parents[1] / "docs" / "spec.md").read_text()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def keys(schema: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key and option in a schema, with the way to it."""
    if isinstance(schema, dict):
        for key, inner in schema.get("properties", {}).items():
            yield f"{at}/{key}", inner
        for name, inner in schema.items():
            yield from keys(inner, f"{at}/{name}")
    elif isinstance(schema, list):
        for index, inner in enumerate(schema):
            yield from keys(inner, f"{at}/{index}")


KEYS = dict(keys(SCHEMA))


def read(text: str) -> Any:
    """YAML as the JSON that a schema is for."""
    return json.loads(json.dumps(parse(text, "").plain()))


def enums(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if "enum" in schema:
            yield schema
        for inner in schema.values():
            yield from enums(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from enums(inner)


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert len(KEYS) > 90


def test_every_key_and_option_has_a_description_and_a_title_that_are_sentences() -> None:
    for at, schema in KEYS.items():
        for part in ("title", "description"):
            text = schema.get(part, "")
            assert text[:1].isupper() or text[:1] == "`", (at, part, text)
            assert text.endswith((".", "...")), (at, part, text)
            assert "\n" not in text


def test_descriptions_stand_in_the_reference_word_by_word() -> None:
    for at, schema in KEYS.items():
        if not at.endswith(("/kind", "/extends")) or "/Norm/" in at:
            assert f"| {schema['description']} |" in REFERENCE, at


def test_a_key_has_its_default_or_is_required() -> None:
    free = {"/properties/extends", "/properties/name", "/properties/input", "/properties/stages",
            "/properties/head"}  # fmt: skip
    for at, schema in KEYS.items():
        if "default" not in schema and at.replace("/properties/", "/", 1).count("/") > 1:
            is_kind = at.endswith("/kind")  # of a rule that is not the default one
            assert schema["title"].endswith("has to be stated.") or is_kind, at
        elif "default" not in schema:
            assert at in {name.replace("/properties", "") for name in free}, at


def test_defaults_are_those_of_the_signatures() -> None:
    for role in ROLES:
        owner = SCHEMA["$defs"]["Stage"] if role == "block" else SCHEMA
        choices = [c for c in owner["properties"][role]["anyOf"] if "properties" in c]
        for schema, rule in zip(choices, rules(role).values(), strict=True):
            assert schema["properties"]["kind"]["const"] == rule.name
            for name, option in rule.options.items():
                default = schema["properties"][name].get("default", ...)
                default = tuple(default) if isinstance(default, list) else default
                assert default == option.default, (role, rule.name, name)


def test_every_word_of_an_enum_has_a_meaning() -> None:
    found = 0
    for schema in enums(SCHEMA):
        meanings = schema["enumDescriptions"]
        assert len(meanings) == len(schema["enum"])
        assert all(meaning.endswith(".") for meaning in meanings), schema
        found += len(meanings)
    assert found > 90


def test_kinds_are_described_by_their_rules() -> None:
    heads = SCHEMA["properties"]["head"]["anyOf"][0]
    assert heads["enum"] == [*rules("head")]
    assert heads["enumDescriptions"] == [rule.summary for rule in rules("head").values()]


def test_the_catalogue_is_completed_after_extends() -> None:
    known, path = SCHEMA["properties"]["extends"]["anyOf"]
    assert known["enum"] == [*hg.list_specs(), *hg.list_variants()]
    assert known["enumDescriptions"][known["enum"].index("hrnetv2p_w18")].startswith(
        "Detection, 3x"
    )
    assert path == {"type": "string", "pattern": r"\.ya?ml$"}


@pytest.mark.parametrize("name", hg.list_specs())
def test_it_takes_the_catalogue(name: str) -> None:
    VALIDATOR.validate(read(find(name).read_text()))
    VALIDATOR.validate(read(to_yaml(hg.load_spec(name).dump())))


@pytest.mark.parametrize(
    "text",
    [
        "extends: other.yaml",
        "extends: ../specs/other.yml\nhead: {classes: 3}",
        "extends: hrnet_w32_cls\nstages: {3: {outputs: 1}}\ninput: {1: 64}",
        "extends: hrnet_w32_cls\nnorm: group",
        "extends: hrnet_w32_cls\nnorm: {kind: group, groups: 2}",
        "extends: hrnet_w32_cls\nlabels: names.txt",
        "extends: hrnet_w32_cls\nlabels: [cat, dog]\npalette: [[1, 2, 3], [4, 5, 6]]",
    ],
)
def test_it_takes_what_is_legal(text: str) -> None:
    VALIDATOR.validate(read(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("width: 4", "widht: 4"),
        ("width: 4", "width: 0"),
        ("width: 4", "width: 4.5"),
        ("width: 4", "width: '4'"),
        ("block: basic", "block: basik"),
        ("block: basic", "block: 7"),
        ("block: basic", "block: {kind: basik}"),
        ("block: basic", "block: {kind: basic, expansion: 4}"),
        ("block: basic", "block: {kind: basic, squeeze_excite: {}}"),
        ("blocks: 1}", "blocks: 0}"),
        ("branches: 2", "branchs: 2"),
        ("branches: 2", "branches: 17"),
        ("classes: 5", "klasses: 5"),
        ("classes: 5", "classes: many"),
        ("classes: 5", "classes: 5, bias: 1"),
        ("kind: classification", "kind: segmentation, features: 3"),
        ("head: {kind: classification, classes: 5}", ""),
        ("input: [3, 64, 64]", "input: [64, 64]"),
        ("input: [3, 64, 64]", "input: [3, 64, 70000]"),
        ("input: [3, 64, 64]", "input: 64"),
        ("width: 4", "width: 4\nextends: hrnet_w33_cls"),
        ("width: 4", "width: 4\nextends: base.pt"),
        ("width: 4", "width: 4\nactivation: rellu"),
        ("width: 4", "width: 4\nnorm: weight"),
        ("width: 4", "width: 4\nnorm: {eps: 0}"),
        ("width: 4", "width: 4\nfuse: {upsample: bicubic}"),
        ("width: 4", "width: 4\nlabels: coco"),
        ("width: 4", "width: 4\npreprocess: {resize: pad}"),
        ("width: 4", "width: 4\npublished: {figures: []}"),
    ],
)
def test_it_refuses_a_mistake_that_the_compiler_refuses(old: str, new: str) -> None:
    VALIDATOR.validate(read(GOOD))
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    assert hg.check(text).problems
    assert not VALIDATOR.is_valid(read(text))


def test_a_meaning_is_read_from_the_sentence_that_names_the_value() -> None:
    text = "How it starts; see `b`. `a`: at 7/8. Then more. `b`: of `c`, as `d`."
    assert meaning_of("a", text) == "At 7/8. Then more."
    assert meaning_of("b", text) == "Of `c`, as `d`."
    assert meaning_of("c", text) == ""
    assert gist(text) == "How it starts; see `b`."
    assert gist("Nothing more.") == "Nothing more."


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "minimum": 1, "default": 4}, "An integer of at least 1; `4` where unstated."),
        ({"type": "number", "exclusiveMinimum": 0}, "A number above 0."),
        ({"type": "boolean", "default": False}, "True or false; `false` where unstated."),
        ({"enum": ["a", "b", "c"]}, "`a`, `b` or `c`."),
        ({"enum": [*"abcdefghijk"]}, "A name."),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}, "An integer."),
        ({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
         "A list of 2 numbers."),
        ({"anyOf": [{"enum": ["a"]}, {"properties": {}}], "default": {"kind": "a"}},
         "`a`, or a mapping; `a` where unstated."),
        ({}, "Anything."),
    ],
)  # fmt: skip
def test_what_is_expected_is_said_in_a_sentence(schema: dict[str, Any], expected: str) -> None:
    assert expectation(schema) == expected


def test_what_has_to_be_stated_says_so() -> None:
    assert expectation({"type": "string"}, is_required=True) == "Text; it has to be stated."


def test_null_takes_a_name_of_a_base_away() -> None:
    spec = {"extends": "hrnetv2_w48_ocr_cityscapes", "keys": {"backbone": None}}
    VALIDATOR.validate(spec)
