"""What `--json` prints, command by command: the types of its documents, and their schemas.

`VERSION` stands in every document that is an object, and in every schema (docs/adr/0087).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from hrnet_graph.cli.document_files import (
    Benched,
    Built,
    Converted,
    GraphFile,
    Imported,
    ImportedFile,
    Initial,
    Opened,
    Rendered,
    Swept,
    Written,
)
from hrnet_graph.cli.document_types import (
    Agreement,
    Answer,
    Beside,
    Checked,
    Counted,
    Difference,
    Failure,
    Fields,
    Fitted,
    Found,
    Listed,
    Measured,
    Memory,
    Passes,
    Published,
    Roofline,
    SpecData,
    Weight,
)
from hrnet_graph.cli.terminal import VERSION

DOCUMENTS: Mapping[str, Any] = {
    "list": list[Listed],
    "show": SpecData,
    "init": Initial,
    "edit": Opened,
    "validate": Checked,
    "schema": Annotated[dict[str, Any], Field(description="A JSON Schema.")],
    "keys": list[Weight],
    "flops": Counted | list[Beside] | Agreement | Written,
    "memory": list[Memory],
    "roofline": Roofline,
    "field": Fields,
    "published": list[Published],
    "diff": Difference,
    "sweep": list[dict[str, Any]] | Swept,
    "search": Found,
    "fit": Fitted,
    "graph": GraphFile,
    "render": Rendered,
    "watch": Written,
    "build": Built | Passes,
    "bench": Measured | Benched,
    "weights": Converted,
    "import": Imported | ImportedFile,
    "predict": Answer | list[Answer],
}
"""Command -> what its `--json` prints. A command that fails prints a `Failure`."""


def schema_of(command: str) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of what a command's `--json` prints, an error included."""
    of = DOCUMENTS[command] | Failure
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:hrnet-graph:{command}:{VERSION}",
        "title": f"hrnet-graph {command} --json",
        "version": VERSION,
        **TypeAdapter(of).json_schema(),
    }
