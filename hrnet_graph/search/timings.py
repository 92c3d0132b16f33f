"""What sections of networks took on this machine, kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hrnet_graph.engines.engine import Engine
from hrnet_graph.engines.kept import cache_folder
from hrnet_graph.engines.question import cpus, openmp_environment, processor, versions
from hrnet_graph.errors import FileError, error_line, quoted
from hrnet_graph.files import is_file, make_folder, write_text
from hrnet_graph.precision import Precision

LARGEST = 2**26
"""No file of ours has more bytes: a section takes 60."""

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Conditions(BaseModel):
    """How and where sections were measured: what else was, says nothing of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: str
    precision: Precision
    threads: int | None
    machine: str
    versions: Mapping[str, str]
    environment: Mapping[str, str]

    @classmethod
    def here(cls, engine: Engine, precision: Precision, threads: int | None) -> Conditions:
        """Those of an engine on this machine, with what is installed."""
        return cls(
            engine=engine.name,
            precision=precision,
            threads=threads,
            machine=f"{processor()}, {cpus()} cores",
            versions=versions([engine]),
            environment=openmp_environment(),
        )

    @property
    def place(self) -> Path:
        """The file of what was measured so. Raises `FileError` for a user without a folder."""
        digest = hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]
        return cache_folder() / "latency" / f"{self.engine}-{digest}.json"


class Timings(BaseModel):
    """Seconds by a section's digest, under some conditions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    conditions: Conditions
    seconds: Mapping[str, Seconds]


def recall(conditions: Conditions) -> dict[str, float]:
    """What was measured under these conditions. A file that says something else is warned of."""
    path = conditions.place
    if not is_file(path):
        return {}
    try:
        with path.open("rb") as stream:
            found = Timings.model_validate_json(stream.read(LARGEST))
    except OSError as error:
        problem = error_line(error)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]["msg"]
    else:
        if found.conditions == conditions:
            return dict(found.seconds)
        problem = "it is of other conditions"
    where = quoted(str(path), 200)
    warnings.warn(
        f"{where} holds no timings of ours, and is measured anew: {problem}", stacklevel=2
    )
    return {}


def keep(conditions: Conditions, seconds: Mapping[str, float]) -> None:
    """Adds what was measured to what is kept. What cannot be written is warned of."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # who measured has been told of a file that is not ours
            kept = {**recall(conditions), **seconds}
        text = Timings(conditions=conditions, seconds=kept).model_dump_json(indent=1)
        make_folder(conditions.place.parent)
        write_text(conditions.place, text + "\n")
    except FileError as error:
        warnings.warn(f"what was measured is not kept: {error.message}", stacklevel=2)
