"""What Pydantic found, in the words and with the places that a person and an editor can use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hrnet_graph.errors import Key, Problem, did_you_mean, dotted_key, quoted
from hrnet_graph.rules.function import ROLES, Role
from hrnet_graph.rules.registry import names, rule
from hrnet_graph.spec.layers import Layer, blame
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.source import Located, Mark

_BOOLEAN_WORDS = {"on", "off", "yes", "no", "y", "n"}


def problems_of(
    error: ValidationError, root: Located, layers: Sequence[Layer] = ()
) -> list[Problem]:
    """Every error of a validation, placed in the source, in the order of the source."""
    layers = (*layers[:-1], Layer(root, layers[-1].changes if layers else ()))
    details = error.errors(include_url=False)
    found = [
        _placed(detail, layers) for detail in details if not _follows_from_others(detail, details)
    ]
    return sorted(dict.fromkeys(found), key=lambda problem: _reading_order(problem.place))


def _placed(detail: ErrorDetails, layers: Sequence[Layer]) -> Problem:
    """One error, at what the person wrote that is its reason; an unknown key is itself to blame."""
    key = _key(detail)
    found = layers[-1].root.find(key)
    if detail["type"] == "extra_forbidden" and found.key_mark:
        mark = found.key_mark
    else:
        mark = blame(layers, key, lambda root: key in map(_key, _errors(root)))
    return problem_at(mark, key, *_words(detail))


def _errors(root: Located) -> Sequence[ErrorDetails]:
    """What is wrong with a document."""
    try:
        Spec.model_validate(root.plain())
    except ValidationError as error:
        return error.errors(include_url=False)
    return ()


def problem_at(mark: Mark | None, key: Key, message: str, hint: str = "") -> Problem:
    """A problem with the value at `key`, whose reason stands at `mark`."""
    return Problem(str(mark or ""), _shown(key), message, hint)


def _shown(key: Key) -> str:
    """A key as a message says it."""
    return dotted_key(quoted(part)[1:-1] if isinstance(part, str) else part for part in key)


def _key(detail: ErrorDetails) -> Key:
    """Pydantic's location without the parts that name which choice of a union it checked."""
    location = detail["loc"]
    return tuple(part for part in location if not str(part).startswith(("@", "tuple[")))


def _reading_order(place: str) -> tuple[str, int, int]:
    match = re.fullmatch(r"(.*):(\d+):(\d+)", place, re.DOTALL)
    return (match[1], int(match[2]), int(match[3])) if match else (place, 0, 0)


def _follows_from_others(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """A list whose items are all wrong is also reported as too short; the items say it better."""
    at = detail["loc"]
    return detail["type"] == "too_short" and any(
        other["loc"][: len(at)] == at and len(other["loc"]) > len(at) for other in details
    )


def _words(detail: ErrorDetails) -> tuple[str, str]:
    """Message and hint for one error."""
    kind = detail["type"]
    if kind == "extra_forbidden":
        return f"unknown key{did_you_mean(detail['loc'][-1], _known_keys(detail['loc']))}", ""
    if kind == "missing":
        role = detail["loc"][-1]
        known = f" (known: {', '.join(names(role))})" if role in ROLES else ""
        return f"missing; expected it in every {_owner(detail['loc'])}{known}", ""
    if kind not in _EXPECTED:
        return detail["msg"], ""
    expected = _EXPECTED[kind].format_map(detail.get("ctx", {}))
    return f"expected {expected}, got {quoted(detail['input'])}", _hint(kind, detail["input"])


def _owner(location: Sequence[str | int]) -> str:
    """What the missing key's mapping is called."""
    inside = [part for part in location[:-1] if isinstance(part, str)]
    if not inside:
        return "spec"
    if inside[-1].startswith("@"):
        role, _, kind = inside[-1][1:].partition(".")
        return f"{kind} {role}"
    return {"stages": "stage", "figures": "figure"}.get(inside[-1], f"`{inside[-1]}`")


_EXPECTED: Mapping[str, str] = {
    "int_type": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "literal_error": "{expected}",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "predicate_failed": "an odd number",
    "too_short": "at least {min_length} in the list",
    "too_long": "at most {max_length} in the list",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "some text",
    "string_pattern_mismatch": "letters, digits, '_', '.' and '-', the first a letter or digit",
}
"""Pydantic's kind of error -> what was expected, with the numbers of its context."""


def _hint(kind: str, value: object) -> str:
    if kind == "bool_type" and isinstance(value, str) and value.lower() in _BOOLEAN_WORDS:
        return "only true and false are booleans here, as in YAML 1.2"
    if kind == "int_type" and isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    if kind == "int_type" and isinstance(value, str) and value.replace("_", "").isdigit():
        return f"write {value.replace('_', '')}, without quotes or underscores"
    return ""


def _known_keys(location: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that may stand where an unknown one does."""
    model: type[BaseModel] = Spec
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        if part.startswith("@"):
            role, _, kind = part[1:].partition(".")
            options = rule(cast(Role, role), kind).options
            inside = [options[str(each)] for each in location[:-1] if each in options]
            if not inside:
                return ("kind", *options)
            types = get_args(inside[-1].annotation)
            return tuple(key for each in types for key in getattr(each, "__annotations__", ()))
        if part in model.model_fields:
            model = next(_models_in(model.model_fields[part].annotation), model)
    extends = ("extends",) if model is Spec else ()
    return (*extends, *model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
