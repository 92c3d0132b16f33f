"""What may stand at a key: the JSON Schema of the spec language, followed down to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any

from hrnet_graph.language.outline import Steps
from hrnet_graph.spec.expectation import BY_INDEX, expectation
from hrnet_graph.spec.json_schema import language_schema

Schema = Mapping[str, Any]


@cache
def _whole() -> Schema:
    return language_schema()


@dataclass(frozen=True)
class Choice:
    """One value of several, and what it is."""

    value: object
    meaning: str


@dataclass(frozen=True)
class Form:
    """What may stand at a key.

    expected: type, bounds and default in a sentence
    meaning: what it is for
    """

    schema: Schema

    @property
    def expected(self) -> str:
        return str(self.schema.get("title", ""))

    @property
    def meaning(self) -> str:
        return str(self.schema.get("description", ""))

    @property
    def has_default(self) -> bool:
        """Whether it may be left out."""
        return "default" in self.schema

    @property
    def default(self) -> object:
        """What stands there where nothing is stated."""
        return self.schema.get("default")

    @property
    def choices(self) -> Iterator[Choice]:
        """The values that it may have, where those can be told one by one."""
        for part in _parts(self.schema):
            meanings = part.get("enumDescriptions", ())
            for index, value in enumerate(part.get("enum", ())):
                yield Choice(value, meanings[index] if index < len(meanings) else "")
            if part.get("type") == "boolean":
                yield from (Choice(value, "") for value in (True, False))

    @property
    def is_list(self) -> bool:
        """Whether it may be a list, the items of which can be stated by index."""
        return any(BY_INDEX in part.get("patternProperties", ()) for part in _parts(self.schema))

    @property
    def is_mapping(self) -> bool:
        """Whether it may be a mapping of named keys."""
        return any("properties" in part for part in _parts(self.schema))

    def required(self, data: object) -> Sequence[str]:
        """The keys that have to be stated in it."""
        mapping = self._mapping_for(data)
        stated = [*mapping.get("required", ())]
        for part in mapping.get("anyOf", ()):
            stated += part.get("required", ()) if part.get("required") != ["extends"] else ()
        if "kind" in mapping.get("properties", {}):
            keys = mapping["properties"].items()
            stated += [k for k, inner in keys if not {"default", "const"} & inner.keys()]
        return stated

    def keys(self, data: object) -> Mapping[str, Form]:
        """The keys of it as a mapping, beside what it states and inherits (`data`)."""
        mapping = self._mapping_for(data)
        found = {key: Form(inner) for key, inner in mapping.get("properties", {}).items()}
        kinds = [*self.kinds]
        if kinds:
            found["kind"] = Form(self._kind_schema(kinds, data))
        return found

    def _kind_schema(self, kinds: Sequence[Choice], data: object) -> Schema:
        """Which kinds of rule there are, beside what is stated and inherited."""
        own = [part.get("properties", {}).get("kind", {}) for part in _parts(self.schema)]
        defaults = [schema["default"] for schema in own if "default" in schema]
        default = {"default": defaults[0]} if defaults else {}
        schema = {"enum": [kind.value for kind in kinds], **default}
        is_missing = not (default or (isinstance(data, Mapping) and "kind" in data))
        return {**schema, "title": expectation(schema, is_missing), "description": self.meaning,
                "enumDescriptions": [kind.meaning for kind in kinds]}  # fmt: skip

    def inside(self, step: str | int, data: object) -> Form | None:
        """What may stand at a key or an index in it."""
        index = isinstance(step, int) or step.isdigit()
        for part in _parts(self.schema) if index else ():
            place = int(step)
            if place < len(part.get("prefixItems", ())):
                return Form(part["prefixItems"][place])
            if "items" in part:
                return Form(part["items"])
        found = self.keys(data).get(str(step))
        return found or self._under_any_name(str(step))

    def _under_any_name(self, step: str) -> Form | None:
        """What may stand at a key of a mapping whose keys anybody names."""
        for part in _parts(self.schema):
            for pattern, inner in part.get("patternProperties", {}).items():
                if pattern != BY_INDEX and re.search(pattern, step):
                    return Form(inner)
        return None

    @property
    def kinds(self) -> Iterator[Choice]:
        """The kinds of rule that it may be, each a mapping of its own options."""
        for part in _parts(self.schema):
            kind = part.get("properties", {}).get("kind", {})
            if "const" in kind:
                yield Choice(kind["const"], str(part.get("description", "")))

    def _mapping_for(self, data: object) -> Schema:
        """The mapping that it is with such data in it: of the kind that this states."""
        parts = [part for part in _parts(self.schema) if "properties" in part]
        stated = data.get("kind") if isinstance(data, Mapping) else data
        for part in parts:
            kind = part["properties"].get("kind", {})
            if "const" not in kind or kind["const"] == (stated or kind.get("default")):
                return part
        return {"properties": {"kind": {}}} if parts else {}


def form_at(steps: Steps, data: object) -> Form | None:
    """What may stand at the end of some steps in a spec, beside its `data`."""
    form: Form | None = Form(_whole())
    for step in steps:
        if form is None:
            return None
        form = form.inside(step, data)
        data = _inside(data, step)
    return form


def value_at(steps: Steps, data: object) -> object:
    """The value at the end of some steps in plain data, or None."""
    return reduce(_inside, steps, data)


def _inside(data: object, step: str | int) -> object:
    if isinstance(data, Mapping):
        return data.get(str(step))
    if isinstance(data, Sequence) and not isinstance(data, str) and str(step).isdigit():
        return data[int(step)] if int(step) < len(data) else None
    return None


def _parts(schema: Schema) -> Iterator[Schema]:
    """The alternatives of a schema, references followed."""
    if "$ref" in schema:
        schema = {**_whole()["$defs"][schema["$ref"].rpartition("/")[2]], **schema}
    if "anyOf" in schema and "properties" not in schema:
        for part in schema["anyOf"]:
            yield from _parts(part)
    else:
        yield schema
