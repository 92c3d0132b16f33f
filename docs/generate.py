"""Writes docs/spec.md and docs/published.md. Run by `make docs`; a test says when they are old."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hrnet_graph.cli.commands.published import cells, rows_of
from hrnet_graph.registry import ROLES, rules
from hrnet_graph.spec.catalogue import list_specs
from hrnet_graph.spec.rule import DEFAULT_KINDS
from hrnet_graph.spec.schema import Figure, Init, Norm, Preprocess, Published, Spec, Stage

SPEC = Path(__file__).with_name("spec.md")
PUBLISHED = Path(__file__).with_name("published.md")

FIGURES = """\
# Published cost figures, beside ours

Generated from the catalogue by `make docs`, as `hrnet-graph published` prints it. Each figure is
compared under the convention that its unit names; it counts as reproduced if ours, rounded or cut
off to the printed digits, is the same.

| network | figure | published | unit | ours | reproduced | note |
|---|---|---|---|---|---|---|
"""

OPENING = """\
# The spec language

Generated from the schema by `make docs`; edit the schema's docstrings instead.

A spec is one YAML document, read by the YAML 1.2 core schema: `on` is text, `1e3` a number.
`extends: NAME` (a catalogue name, or a path beside the file) takes another spec and states only
what changes:

- mappings change the keys that they state; one that states another `kind` stands alone;
- a list is replaced, or changed by index: `stages: {3: {outputs: 1}}`;
- `name` and `published` are never taken over, since it is another network.

`--set KEY=VALUE` and `load_spec(..., {"KEY": value})` do the same with dotted keys:
`stages.2.modules=2`.
"""


def reference() -> str:
    """The whole reference as Markdown."""
    parts = [OPENING]
    for title, model in (
        ("A spec", Spec),
        ("`stages`: each of them", Stage),
        ("`norm`", Norm),
        ("`init`; `init.head` alike", Init),
        ("`preprocess`", Preprocess),
        ("`published`", Published),
        ("`published.figures`: each of them", Figure),
    ):
        parts.append(f"## {title}\n\n{model.__doc__}\n\n" + "\n".join(_table(model)) + "\n")
    for role in ROLES:
        parts.append("\n".join(_rules(role)) + "\n")
    return "\n".join(parts)


def _table(model: type[BaseModel]) -> Iterator[str]:
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for name, field in model.model_fields.items():
        meaning = " ".join((field.description or "").split())
        yield f"| `{name}` | {_default(field)} | {meaning} |"


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, BaseModel):
        return "see below"
    return "" if value is None or value == () else f"`{value}`"


def _rules(role: str) -> Iterator[str]:
    known = next(r for r in ROLES if r == role)
    default = DEFAULT_KINDS.get(known)
    yield f"## `{role}`: the rules"
    yield ""
    yield f"A name, or a mapping with `kind` and options. Default kind: `{default or 'none'}`."
    for rule in rules(known).values():
        yield f"\n**`{rule.name}`**: {rule.summary}\n"
        for name, option in rule.options.items():
            value = "required" if option.default is ... else f"default `{option.default}`"
            yield f"- `{name}` ({value})"


def figures() -> str:
    """The table of published figures as Markdown."""
    rows = (cells(row) for name in list_specs() for row in rows_of(name))
    return FIGURES + "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    SPEC.write_text(reference(), encoding="utf-8")
    PUBLISHED.write_text(figures(), encoding="utf-8")
