"""What a JSON Schema takes, in a sentence that a person reads beside a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_ONE: Mapping[str, str] = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "object": "a mapping",
}
_MANY: Mapping[str, str] = {
    "integer": "integers",
    "number": "numbers",
    "string": "texts",
    "object": "mappings",
    "array": "lists",
}
BY_INDEX = "^[0-9]+$"
"""The pattern of a mapping's keys that are indices of a list."""

_FEW = 9
"""How many words are told one by one."""


def expectation(schema: Mapping[str, Any], is_required: bool = False) -> str:
    """Type, bounds and default: `An integer from 1 to 1000; 1 where unstated.`"""
    kinds = dict.fromkeys(words for words in _alternatives(schema) if words)
    sentence = ", or ".join(kinds) or "anything"
    default = schema.get("default")
    if isinstance(default, Mapping):
        default = default.get("kind")  # which is short for the rest
    if is_required:
        sentence += "; it has to be stated"
    elif default not in (None, []):
        sentence += f"; {shown(default)} where unstated"
    return f"{sentence[0].upper()}{sentence[1:]}."


def shown(value: object) -> str:
    """A value as YAML says it, in code quotes."""
    return f"`{_yaml(value)}`"


def _yaml(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_yaml(item)}' for key, item in value.items())}}}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _alternatives(schema: Mapping[str, Any]) -> Iterator[str]:
    if "anyOf" in schema and "properties" not in schema:
        for part in schema["anyOf"]:
            yield from _alternatives(part)
    elif "enum" in schema:
        yield _listed([shown(value) for value in schema["enum"]])
    elif "const" in schema:
        yield shown(schema["const"])
    elif "$ref" in schema or "properties" in schema:
        yield "a mapping"
    elif "patternProperties" in schema:
        by_index = BY_INDEX in schema["patternProperties"]
        yield "a mapping " + ("from indices to those that change" if by_index else "of names")
    elif schema.get("type") == "array":
        yield f"a list of {_items(schema)}"
    elif schema.get("pattern", "").startswith(r"\."):
        yield f"a file that ends in {_endings(schema['pattern'])}"
    elif schema.get("type") != "null":
        yield _ONE.get(schema.get("type", ""), "") + _bounds(schema)


def _endings(pattern: str) -> str:
    return {r"\.ya?ml$": ".yaml or .yml"}.get(pattern, pattern.strip("\\$"))


def _listed(words: list[str]) -> str:
    if len(words) > _FEW:
        return "a name"
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _items(schema: Mapping[str, Any]) -> str:
    """How many items of what: `3 integers from 1 to 65536`."""
    item = schema.get("items", (schema.get("prefixItems") or [{}])[0])
    least, most = schema.get("minItems"), schema.get("maxItems")
    count = f"{least} " if least is not None and least == most else ""
    kind = "mappings" if "$ref" in item else _MANY.get(item.get("type", ""), "values")
    return f"{count}{kind}{_bounds(item)}"


def _bounds(schema: Mapping[str, Any]) -> str:
    if schema.get("type") == "string":
        return f" of at most {schema['maxLength']} characters" if "maxLength" in schema else ""
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if low is not None and (high is not None or below is not None):
        return f" from {low:g} to {high}" if high is not None else f" from {low:g} to below {below}"
    if above is not None:
        return f" above {above:g}" + (f" up to {high:g}" if high is not None else "")
    return f" of at least {low:g}" if low is not None else ""
