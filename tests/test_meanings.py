"""Every key and option of the spec language says what it is for, once, where it is declared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import hrnet_graph as hg
from hrnet_graph.rules.function import ROLES, RuleFunction
from hrnet_graph.rules.registry import rules
from hrnet_graph.spec.json_schema import json_schema

REFERENCE = (Path(__file__).parents[1] / "docs" / "spec.md").read_text()
RULES = [rule for role in ROLES for rule in rules(role).values()]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.role} {rule.name}")
def test_every_option_has_a_meaning_in_reference_and_schema(rule: RuleFunction) -> None:
    fields = _schema(rule)["properties"]
    assert set(fields) == {"kind", *rule.options, "norm"}
    for name, option in rule.options.items():
        assert option.meaning[:1].isupper() or option.meaning[0] == "`", name
        assert option.meaning.endswith("."), name
        assert f" | {option.meaning} |\n" in REFERENCE, name
        assert fields[name]["description"] == option.meaning


def _schema(rule: RuleFunction) -> dict[str, Any]:
    """What editors know of the rule."""
    schema = json_schema()
    keys = schema["$defs"]["Stage"] if rule.role == "block" else schema
    choices = keys["properties"][rule.role]["anyOf"]
    mappings: list[dict[str, Any]] = [choice for choice in choices if "properties" in choice]
    return next(c for c in mappings if c["properties"]["kind"]["const"] == rule.name)


def described(b: Any, x: Any, channels: int, *, one: int = 1, two: int, three: int = 3) -> None:
    """Text of one: and two: is no meaning.

    x: (C, H, W) -> (C, H, W)

    one: The first,
    other: on two lines.
    two: The second: with a colon.

    Source: nobody.
    """


def test_meanings_are_read_line_by_line() -> None:
    options = RuleFunction("block", "described", described).options
    assert {name: option.meaning for name, option in options.items()} == {
        "one": "The first, other: on two lines.",
        "two": "The second: with a colon.",
        "three": "",
    }
    assert options["two"].default is ...


def test_a_rule_without_a_docstring_is_still_a_rule() -> None:
    def bare(b: Any, maps: Any, *, option: int = 1) -> None:
        raise NotImplementedError

    assert RuleFunction("head", "bare", bare).options["option"].meaning == ""


def test_defaults_are_the_signatures() -> None:
    spec = hg.load_spec("hrnet_w18_cls")
    assert spec.head.options == {
        "classes": 1000, "channels": None, "features": 2048, "bias": True, "depthwise": False,
        "squeeze_excite": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"extends": "hrnet_w32_cls", "head": {"bias": False}},
        {"extends": "hrnet_w32_pose_256x192", "head": {"kind": "heatmap", "kernel": 3}},
        {"extends": "hrnet_w32_cls", "stages": {"1": {"block": {"kind": "bottleneck"}}}},
    ],
)
def test_editors_take_a_part_of_the_options_where_a_spec_extends_another(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "variant.yaml"
    path.write_text(yaml.safe_dump(changes))
    hg.load_spec(path)
    jsonschema.validate(changes, json_schema())


def test_editors_refuse_an_option_that_no_rule_has() -> None:
    changes = {"extends": "hrnet_w32_cls", "head": {"bais": False}}
    with pytest.raises(jsonschema.ValidationError, match="bais"):
        jsonschema.validate(changes, json_schema())
