"""The order in which a spec states its keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel

from hrnet_graph.errors import Key
from hrnet_graph.spec.schema import Spec


def keys_in_order(owner: Key) -> tuple[str, ...]:
    """The keys of the mapping at a key, in the order of the schema; of a rule, its kind."""
    model: type[BaseModel] | None = Spec
    for part in owner:
        if isinstance(part, int) or part.isdecimal():
            continue
        field = model.model_fields.get(part) if model else None
        model = _model_in(field.annotation) if field else None
    extends = ("extends",) if model is Spec else ()
    return (*extends, *model.model_fields) if model else ("kind",)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The first model that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(inner) for inner in get_args(annotation))
    return next((model for model in found if model), None)


def predecessor(owner: Key, stated: Sequence[str], key: str) -> int:
    """The index of the stated key behind which another belongs; -1 if before all of them."""
    if key.isdecimal() and all(other.isdecimal() for other in stated):
        before = [number for number, other in enumerate(stated) if int(other) < int(key)]
        return before[-1] if before else -1
    order = keys_in_order(owner)
    if key not in order:
        return len(stated) - 1
    earlier = order[: order.index(key)]
    before = [number for number, other in enumerate(stated) if other in earlier]
    return before[-1] if before else -1
