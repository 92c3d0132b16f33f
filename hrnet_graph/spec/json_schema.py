"""The spec language as JSON Schema, for editors and other tools."""

from __future__ import annotations

from typing import Any

from hrnet_graph.spec.schema import Spec


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a spec file, `extends` included.

    A file that extends another states only what changes: options may be missing, and items of a
    list may be stated by index.
    """
    schema = Spec.model_json_schema()
    for key in ("stages", "input"):
        schema["properties"][key] = _or_by_index(schema["properties"][key])
    norm = schema["properties"]["norm"]
    kinds = {"enum": schema["$defs"]["Norm"]["properties"]["kind"]["enum"]}
    norm["anyOf"] = [kinds, {"$ref": norm.pop("$ref")}]
    required = [key for key in schema.pop("required") if key != "name"]
    schema["properties"] = {
        "extends": {"type": "string", "description": "A catalogue name, or the path of a spec."},
        **schema["properties"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "hrnet-graph spec",
        "anyOf": [{"required": ["extends"]}, {"required": required}],
    }


def _or_by_index(array: dict[str, Any]) -> dict[str, Any]:
    """A list, or the items of it that change, by index."""
    description = array.pop("description")
    item = array.get("items", array.get("prefixItems", [{}])[-1])
    changes = {"type": "object", "patternProperties": {"^[0-9]+$": item}}
    return {
        "description": description,
        "anyOf": [array, {**changes, "additionalProperties": False}],
    }
