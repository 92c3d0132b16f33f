"""What Pydantic found, in the words and with the places that a person and an editor can use."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hrnet_graph.errors import (
    MOST_PROBLEMS,
    NOWHERE,
    Action,
    Fix,
    Key,
    Mark,
    Problem,
    as_yaml,
    did_you_mean,
    dotted_key,
    first_of,
    meant,
    quoted,
)
from hrnet_graph.rules.function import ROLES, Role
from hrnet_graph.rules.registry import names, rule
from hrnet_graph.spec.layers import Layer, blame, stated_in
from hrnet_graph.spec.norm import Norm
from hrnet_graph.spec.part import PART
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.source import Located

_BOOLEAN_WORDS = {"on": True, "yes": True, "y": True, "off": False, "no": False, "n": False}

MAX_DIGITS, MAX_MEANT = 20, 2**53
"""Longer numbers are nothing that anybody meant."""

MOST_CHOICES = 3
"""So few words are all worth to be offered."""


def problems_of(
    error: ValidationError, root: Located, layers: Sequence[Layer] = ()
) -> list[Problem]:
    """Every error of a validation, placed in the source, in the order of the source."""
    layers = (*layers[:-1], Layer(root, layers[-1].changes if layers else ()))
    details = error.errors(include_url=False)
    found = [
        _placed(detail, layers)
        for detail in details[:MOST_PROBLEMS]
        if not _follows_from_others(detail, details) and _is_meant(detail, details)
    ]
    found = sorted(dict.fromkeys(found), key=lambda problem: _reading_order(problem.mark))
    return first_of(found, len(details) - MOST_PROBLEMS)


def _placed(detail: ErrorDetails, layers: Sequence[Layer]) -> Problem:
    """One error, at what the person wrote that is its reason; an unknown key is itself to blame."""
    key = _key(detail)
    found = layers[-1].root.find(key)
    if detail["type"] == "extra_forbidden" and found.key_mark:
        mark = found.key_mark
    else:
        mark = blame(layers, key, lambda root: key in map(_key, _errors(root)))
    if detail["type"] == "extra_forbidden":
        stated = layers[stated_in(layers, key)].changes or (layers[-1].root,)
        fixes = _other_keys(key, _known_keys(detail["loc"]), stated)
    else:
        fixes = [fix_at(key, value) for value in _values(detail)]
    hint = _hint(detail["type"], detail["input"])
    return problem_at(mark, key, _message(detail), hint, tuple(fix for fix in fixes if fix))


def _errors(root: Located) -> Sequence[ErrorDetails]:
    """What is wrong with a document."""
    try:
        Spec.model_validate(root.plain())
    except ValidationError as error:
        return error.errors(include_url=False)
    return ()


def problem_at(
    mark: Mark | None, key: Key, message: str, hint: str = "", fixes: tuple[Fix, ...] = ()
) -> Problem:
    """A problem with the value at `key`, whose reason stands at `mark`."""
    return Problem(mark or NOWHERE, _shown(key), message, hint, fixes)


def fix_at(key: Key, value: object, action: Action = "set") -> Fix | None:
    """A change of the value at a key, if dots and names can say which that is."""
    if all(isinstance(part, int) or _NAME.fullmatch(part) for part in key):
        return Fix(dotted_key(key), value, action)
    return None


_NAME = re.compile(r"[\w-]+")


def _shown(key: Key) -> str:
    """A key as a message says it."""
    return dotted_key(quoted(part)[1:-1] if isinstance(part, str) else part for part in key)


def _key(detail: ErrorDetails) -> Key:
    """Pydantic's location without the parts that name which choice of a union it checked."""
    location = detail["loc"]
    return tuple(part for part in location if not str(part).startswith(("@", "[key]", *_CHOICES)))


_LIST = "tuple["
_CHOICES = (_LIST, "constrained-")
"""How the parts of a location begin that say which choice of a union was checked."""


def _reading_order(mark: Mark) -> tuple[str, int, int]:
    return mark.file, mark.line or 0, mark.column or 0


def _follows_from_others(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """A list whose items are all wrong is also reported as too short; the items say it better."""
    at = detail["loc"]
    return detail["type"] == "too_short" and any(
        other["loc"][: len(at)] == at and len(other["loc"]) > len(at) for other in details
    )


def _is_meant(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """Whether an error is of the choice of a union that was meant: that of a list by a list."""
    at = detail["loc"]
    for i, part in enumerate(at):
        if str(part).startswith(_CHOICES):
            same = [other for other in details if other["loc"][:i] == at[:i]]
            choices = {other["loc"][i] for other in same if len(other["loc"]) > i}
            is_list = not any(other["type"] == "tuple_type" for other in same)
            return len(choices) == 1 or is_list == str(part).startswith(_LIST)
    return True


def _message(detail: ErrorDetails) -> str:
    """One error in words."""
    kind = detail["type"]
    if kind == "extra_forbidden":
        return f"unknown key{did_you_mean(detail['loc'][-1], _known_keys(detail['loc']))}"
    if kind == "missing":
        role = detail["loc"][-1]
        known = f" (known: {', '.join(names(role))})" if role in ROLES else ""
        return f"missing; expected it in every {_owner(detail['loc'])}{known}"
    if kind not in _EXPECTED:
        return detail["msg"]
    if kind == "string_pattern_mismatch" and detail["ctx"]["pattern"] == PART:
        kind = "part_mismatch"
    elif kind.startswith("too_") and isinstance(detail["input"], Mapping):
        kind = f"{kind}_mapping"
    expected = _EXPECTED[kind].format_map(detail.get("ctx", {}))
    if kind == "int_type" and detail["loc"][-1] == "constrained-int":
        expected += " or a list of them"
    return f"expected {expected}, got {as_yaml(detail['input'])}"


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
    "less_than": "less than {lt:g}",
    "predicate_failed": "an odd number",
    "too_short": "at least {min_length} in the list",
    "too_long": "at most {max_length} in the list",
    "too_short_mapping": "at least {min_length} of them",
    "too_long_mapping": "at most {max_length} of them",
    "part_mismatch": "lower-case letters, digits and '_', the first a letter",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "some text",
    "string_pattern_mismatch": "letters, digits, '_', '.' and '-', the first a letter or digit",
}
"""Pydantic's kind of error -> what was expected, with the numbers of its context."""


def _values(detail: ErrorDetails) -> Sequence[object]:
    """Values that would be right in place of a wrong one, the nearest first."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "literal_error":
        words = re.findall("'([^']*)'", context["expected"])
        near = meant(detail["input"], words)
        rest = words if len(words) <= MOST_CHOICES else ()
        return [*dict.fromkeys(word for word in (near, *rest) if word)]
    found = _meant_value(kind, detail["input"])
    return [found] if found is not None else context.get("values", ())


def _meant_value(kind: str, value: object) -> bool | int | None:
    """The boolean or the whole number that was written as something else."""
    if kind == "bool_type" and isinstance(value, str):
        return _BOOLEAN_WORDS.get(value.lower())
    if kind == "int_type" and isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < MAX_MEANT else None
    if kind == "int_type" and isinstance(value, str) and len(value) < MAX_DIGITS:
        digits = value.replace("_", "")
        return int(digits) if digits.isdecimal() else None
    return None


def _hint(kind: str, value: object) -> str:
    """What to write in place of a value, in words."""
    if kind == "finite_number" or (isinstance(value, float) and not math.isfinite(value)):
        return "only numbers that can be counted with are taken"
    found = _meant_value(kind, value)
    if found is None:
        return ""
    if kind == "bool_type":
        return "only true and false are booleans here, as in YAML 1.2"
    return f"write {found}{', without quotes or underscores' if isinstance(value, str) else ''}"


def _other_keys(key: Key, known: Sequence[str], stated: Sequence[Located]) -> list[Fix | None]:
    """Ways to be rid of an unknown key: the one that was meant, if it is free, or none."""
    near = meant(key[-1], known)
    is_free = near and all(near not in dict(r.find(key[:-1]).children()) for r in stated)
    renamed = [fix_at(key, near, "rename")] if is_free else []
    return [*renamed, fix_at(key, None, "remove")]


def _known_keys(location: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that may stand where an unknown one does."""
    outside = location[:-1]
    tags = [i for i, part in enumerate(outside) if str(part).startswith("@")]
    if tags:
        role, _, kind = str(outside[tags[-1]])[1:].partition(".")
        options = rule(cast(Role, role), kind).options
        inside = [options[str(each)] for each in outside[tags[-1] + 1 :] if each in options]
        if not inside and "norm" in outside[tags[-1] + 1 :]:
            return tuple(Norm.model_fields)
        if not inside:
            return ("kind", *dict.fromkeys((*options, "norm")))
        types = get_args(inside[-1].annotation)
        return tuple(key for each in types for key in getattr(each, "__annotations__", ()))
    model: type[BaseModel] = Spec
    for part in outside:
        if isinstance(part, str) and part in model.model_fields:
            model = next(_models_in(model.model_fields[part].annotation), model)
    extends = ("extends",) if model is Spec else ()
    return (*extends, *model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
