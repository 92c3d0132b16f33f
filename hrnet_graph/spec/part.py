"""What all parts of a spec share: frozen, strict, unknown keys refused, contradictions placed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.functional_validators import AfterValidator
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from hrnet_graph.errors import Key
from hrnet_graph.ir.reserved import RESERVED

Trouble = tuple[Key, str] | tuple[Key, str, object]
"""The key of what contradicts something, how, and the value that would not, where one is known."""


class Model(BaseModel):
    """What all parts of a spec share."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class Checked(Model):
    """A part whose values can contradict each other."""

    def _troubles(self) -> Iterator[Trouble]:
        """The contradictions, each with its own key."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        errors = [
            InitErrorDetails(
                type=PydanticCustomError(
                    "contradiction", "{problem}", {"problem": problem, "values": values}
                ),
                loc=key,
                input=None,
            )
            for key, problem, *values in self._troubles()
        ]
        if errors:
            raise ValidationError.from_exception_data(type(self).__name__, errors)
        return self


def _free(name: str) -> str:
    """A name that a submodule can have."""
    if name in RESERVED:
        raise PydanticCustomError(
            "reserved",
            "every torch module has '{name}' already; expected another name",
            {"name": name},
        )
    return name


PART = r"^[a-z][a-z0-9_]*$"
Part = Annotated[str, Field(pattern=PART, max_length=40), AfterValidator(_free)]
"""The name of a submodule."""
