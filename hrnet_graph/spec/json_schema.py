"""The spec language as JSON Schema, for editors and other tools."""

from __future__ import annotations

from typing import Any

from hrnet_graph.spec.schema import Spec


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a spec file, `extends` included.

    A file that extends another states only what changes, so nothing is required of it but that.
    """
    schema = Spec.model_json_schema()
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
