"""The spec language as JSON Schema, for editors and other tools.

What a key, an option or a value means is said once, where it is declared: in the docstring of a
field or of a rule, in which "`value`: meaning." stands for one value of several.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hrnet_graph.spec.about import about
from hrnet_graph.spec.catalogue import list_specs, list_variants
from hrnet_graph.spec.expectation import BY_INDEX, expectation
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.meaning import meaning_of, one_line
from hrnet_graph.spec.schema import Spec

EXTENDS = "The network that this one changes: the name of a catalogue network, or a spec's path."


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a spec file, `extends` included.

    A file that extends another states only what changes: options may be missing, and items of a
    list may be stated by index. A title says what is expected, a description what it is for.
    """
    schema = language_schema()
    extends = schema["properties"]["extends"]["anyOf"][0]
    extends["enumDescriptions"] = [about(load_spec(name)) for name in extends["enum"]]
    return schema


def language_schema() -> dict[str, Any]:
    """The schema without what the networks of the catalogue are, which takes reading them all."""
    schema = Spec.model_json_schema()
    for key in ("stages", "input"):
        schema["properties"][key] = _or_by_index(schema["properties"][key])
    _nullable(schema["properties"]["keys"]["anyOf"][0]["patternProperties"])
    for key, field in Spec.model_fields.items():  # one that equals its part's is left out
        schema["properties"][key]["description"] = field.description
    required = [key for key in schema.pop("required") if key != "name"]
    schema["properties"] = {"extends": _extends(), **schema["properties"]}
    whole = {**schema, "anyOf": [{"required": ["extends"]}, {"required": required}]}
    _explain(whole)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "title": "A network of hrnet-graph.",
    }


def _extends() -> dict[str, Any]:
    path = {"type": "string", "pattern": r"\.ya?ml$"}
    return {"description": EXTENDS, "anyOf": [{"enum": [*list_specs(), *list_variants()]}, path]}


def _or_by_index(array: dict[str, Any]) -> dict[str, Any]:
    """A list, or the items of it that change, by index."""
    description = array.pop("description")
    item = array.get("items", array.get("prefixItems", [{}])[-1])
    changes = {"type": "object", "patternProperties": {BY_INDEX: item}}
    return {
        "description": description,
        "anyOf": [array, {**changes, "additionalProperties": False}],
    }


def _nullable(entries: dict[str, Any]) -> None:
    """Lets null stand for each entry of a mapping of names: it takes away what a base states."""
    for pattern, name in entries.items():
        entries[pattern] = {"anyOf": [name, {"type": "null"}]}


def _explain(schema: dict[str, Any], owner: Mapping[str, Any] | None = None, key: str = "") -> None:
    """Gives a schema and all in it titles that are sentences, and every value its meaning."""
    text = one_line(schema.get("description"))
    if text:
        schema["description"] = text
        for part in (schema, *schema.get("anyOf", ())):
            if "enumDescriptions" not in part and any(meanings := _meanings(part, text)):
                part["enumDescriptions"] = meanings
    if owner is not None:
        schema["title"] = expectation(schema, _is_required(key, schema, owner))
    elif "title" in schema:
        del schema["title"]
    for name, inner in schema.get("properties", {}).items():
        _explain(inner, schema, name)
    for inner in _inner(schema):
        _explain(inner)
    for pattern, inner in schema.get("patternProperties", {}).items():
        if pattern != BY_INDEX:
            inner |= {"title": expectation(inner), "description": schema.get("description", "")}


def _is_required(key: str, schema: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    """Whether a key has no default: of a rule's options none is said to be required, since a spec
    that extends another may state a part of them.
    """
    if "kind" in owner["properties"]:
        return "default" not in schema and key != "kind"
    return key in owner.get("required", ())


def _inner(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas in a schema, but for those of its keys."""
    yield from schema.get("$defs", {}).values()
    yield from schema.get("anyOf", ())
    yield from schema.get("prefixItems", ())
    yield from schema.get("patternProperties", {}).values()
    if "items" in schema:
        yield schema["items"]


def _meanings(schema: Mapping[str, Any], text: str = "") -> list[str]:
    """What a text (that of the schema) says of each value of an enum."""
    text = text or one_line(schema.get("description"))
    return [meaning_of(value, text) for value in schema.get("enum", ())]
