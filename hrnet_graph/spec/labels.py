"""Names and colours of what a network says, as a spec or a file beside it states them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field
from pydantic.functional_validators import BeforeValidator
from pydantic.json_schema import WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from hrnet_graph.errors import Mark, Problem, SpecError, as_yaml, quoted
from hrnet_graph.files import is_file, is_inside
from hrnet_graph.spec.source import Located, need, read_text

LabelSet = Literal["imagenet", "cityscapes", "coco_keypoints", "crowdpose_keypoints"]
"""The data sets whose names are known."""

SETS: tuple[LabelSet, ...] = get_args(LabelSet)

SUFFIX = ".txt"

MAX_BYTES = 40 * 1024
MAX_NAMES = 2_048
"""So many that a spec which holds them can still be read as a file."""


def _names(value: object) -> object:
    """The labels, or in one sentence, with the item's place, what they must be."""
    if value is None or value in SETS:
        return value
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_NAMES:
        got = f"{len(value)} of them" if isinstance(value, list | tuple) else as_yaml(value)
        raise PydanticCustomError(
            "labels",
            "expected {sets}, a list of 1 to {most} names, or a file of them such as names.txt,"
            " got {got}",
            {"sets": ", ".join(SETS), "most": MAX_NAMES, "got": got},
        )
    wrong = [
        InitErrorDetails(
            type=PydanticCustomError(
                "label",
                "expected a name of 1 to 100 printable characters, got {got}",
                {"got": as_yaml(name)},
            ),
            loc=(index,),
            input=name,
        )
        for index, name in enumerate(value)
        if not (isinstance(name, str) and name.strip() and len(name) <= 100 and name.isprintable())
    ]
    if wrong:
        raise ValidationError.from_exception_data("labels", wrong)
    return tuple(value)


Labels = Annotated[
    LabelSet | tuple[str, ...] | None,
    BeforeValidator(_names),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(SETS)},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
                {"type": "string", "pattern": rf"\{SUFFIX}$"},
                {"type": "null"},
            ]
        }
    ),
]

Level = Annotated[int, Field(ge=0, le=255)]
Palette = Annotated[tuple[tuple[Level, Level, Level], ...], Field(min_length=1, max_length=512)]
"""Colours as red, green and blue."""


def with_names(root: Located, folder: Path, anywhere: bool = False) -> Located:
    """A document whose `labels`, where it names a file, are the names that stand in it.

    A relative path is taken from `folder`. Unless `anywhere`, the file has to be in that folder or
    below it: a spec may come from anybody. Raises `SpecError` if there is none that can be read.
    """
    stated = root.value.get("labels") if isinstance(root.value, Mapping) else None
    if stated is None or not isinstance(stated.value, str) or not stated.value.endswith(SUFFIX):
        return root
    assert isinstance(root.value, Mapping)
    path, where = folder / stated.value, quoted(stated.value, 200)
    problem = ""
    if not (anywhere or is_inside(path, folder)):
        problem = f"expected a file in the folder of the spec, or below it, got {where}"
    elif not is_file(need(path)):
        problem = f"no file of names at {where}"
    if problem:
        raise SpecError([Problem(stated.mark, "labels", problem)])
    lines = read_text(path, "names", MAX_BYTES).rstrip().splitlines()
    names = tuple(
        Located(line.strip(), Mark(str(path), number, 1, number, len(line) + 1))
        for number, line in enumerate(lines, 1)
    )
    return replace(root, value={**root.value, "labels": replace(stated, value=names)})
