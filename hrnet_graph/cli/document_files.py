"""The types of the documents that `--json` prints of files that were written or read."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # that of typing is not for pydantic before 3.12

from hrnet_graph.cli.document_types import File, SpecData, Version


class Written(TypedDict):
    """A file that was written."""

    version: Version
    file: File
    replaced: NotRequired[Annotated[Literal[True], Field(description="Whether one was there.")]]


class Swept(Written):
    """A table or plot of variants that was written."""

    variants: int


class Benched(TypedDict):
    """A table or plot of candidates that was written, or none where nothing was measured."""

    version: Version
    file: str | None
    candidates: int
    replaced: NotRequired[Literal[True]]


class Initial(Written):
    """A spec to edit, and the schema beside it."""

    schema: File


class GraphFile(Written):
    """A graph that was written."""

    nodes: int
    edges: int


class Rendered(Written):
    """A figure that was written."""

    view: str


class Built(Written):
    """A network that was written: how its weights came, or that they are random.

    Of two files the other one, with the weights, is `beside`.
    """

    beside: NotRequired[File]
    weights: NotRequired[dict[str, Any] | str]


class Converted(Written):
    """A checkpoint that was converted: the dialect that was read, and that which was written."""

    read: str
    head: str
    written: str


class Unused(TypedDict):
    """What an import did not use of a config."""

    version: Version
    ignored: list[str]
    risked: list[str]
    assumed: list[str]
    left: list[str]


class Imported(Unused):
    """A config as a spec."""

    spec: SpecData


class ImportedFile(Unused):
    """A config that was written as a spec."""

    file: File
    replaced: NotRequired[Literal[True]]


class Opened(TypedDict):
    """The editor's page."""

    version: Version
    file: File
    url: str
