"""A catalogue spec, written out to be edited, with the schema that editors read."""

from __future__ import annotations

import json
from pathlib import Path

import hrnet_graph as hg
from hrnet_graph.files import write_text

SCHEMA_FILE = "hrnet-graph.schema.json"


def write_template(spec: hg.Spec, path: Path) -> Path:
    """Writes a spec whole, and the schema beside it; where that is."""
    from hrnet_graph.spec.emit import to_template
    from hrnet_graph.spec.json_schema import json_schema

    schema = path.parent / SCHEMA_FILE
    write_text(schema, json.dumps(json_schema(), indent=1) + "\n")
    write_text(path, to_template(spec, SCHEMA_FILE))
    return schema
