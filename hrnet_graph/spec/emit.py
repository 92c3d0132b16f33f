"""A spec as YAML that people like to edit: one line a stage, in the order of the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from hrnet_graph.spec.meaning import gist, one_line
from hrnet_graph.spec.part import Model
from hrnet_graph.spec.rule import Rule
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.source import plain_scalar

_ENDLESS = 1_000_000
WIDTH = 100
"""How wide the lines are of what people are to edit, in characters."""


def to_yaml(
    data: Mapping[str, Any], comments: Mapping[str, str] | None = None, width: int = _ENDLESS
) -> str:
    """Plain spec data as YAML; `comments` are written behind the keys they are for.

    A mapping or a list of more characters than `width` has a line for each of its values.
    """
    comments = comments or {}
    lines = []
    for key, value in data.items():
        comment = f"  # {comments[key]}" if key in comments else ""
        if _is_list_of_mappings(value):
            lines.append(f"{key}:{comment}")
            lines += [f"  - {inline(item)}" for item in value]
        elif isinstance(value, Mapping) and any(map(_is_list_of_mappings, value.values())):
            lines.append(f"{key}:{comment}")
            lines += [f"  {line}" for line in to_yaml(value).splitlines()]
        elif len(key) + len(inline(value)) > width and isinstance(value, Mapping | list | tuple):
            lines.append(f"{key}:{comment}")
            lines += [f"  {line}" for line in _lines(value)]
        else:
            lines.append(f"{key}: {inline(value)}{comment}")
    return "\n".join(lines) + "\n"


def _lines(value: Mapping[str, Any] | Sequence[Any]) -> list[str]:
    """A mapping or a list in YAML's block style."""
    if isinstance(value, Mapping):
        return [inline({key: item})[1:-1] for key, item in value.items()]
    return [f"- {inline(item)}" for item in value]


def to_template(spec: Spec, schema_file: str) -> str:
    """A whole spec to be edited: every key not left at its default, and what each means."""
    changed = spec.model_dump(exclude_defaults=True, exclude={"name", "published"})
    data = {key: value for key, value in spec.dump().items() if key in changed}
    comments = {
        key: gist(one_line(Spec.model_fields[key].description)).rstrip(".")
        for key, value in data.items()
        if not _is_list_of_mappings(value)
    }
    return f"# yaml-language-server: $schema={schema_file}\n{to_yaml(data, comments, WIDTH)}"


def to_short(spec: Spec) -> str:
    """A spec as the catalogue writes one: what is the default is left out, but for stages."""
    stages = [
        {key: _short(value) for key in _STAGE if (value := getattr(stage, key)) is not None}
        | _short(stage)
        for stage in spec.stages
    ]
    return to_yaml({"name": spec.name, **_short(spec), "stages": stages})


_STAGE = ("block", "branches", "modules", "blocks")
"""What every stage of the catalogue states."""


def _short(value: Any) -> Any:
    """A part of a spec as plain data, without what is the default."""
    if isinstance(value, Rule):
        return value.short()
    if isinstance(value, tuple) and any(isinstance(item, Rule) for item in value):
        return [_short(item) for item in value]
    if not isinstance(value, Model):
        return value
    shown = {}
    for name, field in type(value).model_fields.items():
        inner = getattr(value, name)
        if inner not in (field.default, None) and _short(inner) != field.default:
            shown[name] = _short(inner)
    return shown


def _is_list_of_mappings(value: object) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value)


def inline(value: Any) -> str:
    """A value on one line, in YAML's flow style."""
    text = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        width=_ENDLESS,
        sort_keys=False,
        allow_unicode=True,
    )
    return text.removesuffix("\n...\n").removesuffix("\n")


class _Dumper(yaml.SafeDumper):
    """Writes what the YAML 1.2 core schema reads back as the same value."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Text, quoted where the reader would take it for a number or a word with a meaning."""
    style = None if isinstance(plain_scalar(value), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


_Dumper.add_representer(str, _text)
