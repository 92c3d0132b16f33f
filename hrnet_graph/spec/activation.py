"""An activation as a spec names it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.functional_validators import BeforeValidator
from pydantic_core import PydanticCustomError

from hrnet_graph.ir.ops.activation import ACTIVATIONS, activation_names


def _known_activation(value: object) -> object:
    """Refuses what is no activation, whoever offers it."""
    if isinstance(value, str) and (value in ACTIVATIONS or value in activation_names()):
        return value
    *names, last = map(repr, activation_names())
    expected = f"{', '.join(names)} or {last}"
    raise PydanticCustomError("literal_error", "{expected}", {"expected": expected})


def _layer_of(name: str) -> str:
    """What an activation is; another package's is not loaded for it."""
    own = ACTIVATIONS.get(name)
    return f"`torch.nn.{own.layer}`." if own else "Another package's."


ActivationName = Annotated[
    str,
    BeforeValidator(_known_activation),
    Field(
        json_schema_extra=lambda schema: schema.update(
            enum=[*activation_names()],
            enumDescriptions=[_layer_of(name) for name in activation_names()],
        )
    ),
]
