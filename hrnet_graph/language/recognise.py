"""Whether a YAML text is one of ours: editors show a language server every YAML file."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import PurePath

from hrnet_graph.language.forms import form_at
from hrnet_graph.language.outline import Node, outline
from hrnet_graph.spec.source import MAX_BYTES

_SCHEMA = re.compile(r"^# *yaml-language-server: *\$schema=\S*hrnet-graph", re.MULTILINE)


def is_spec(text: str, name: str = "") -> bool:
    """Whether a text is meant as a spec: it names our schema, or it reads like one.

    It reads like one where it states `extends` or `stages`, most of its keys are the language's or
    misspelt ones, and its stages are no list of names; a file whose name begins with a dot is some
    tool's own.

    Example:
        >>> is_spec("extends: hrnet_w32_cls"), is_spec("stages: [build, test]")
        (True, False)
    """
    head = text[:MAX_BYTES]
    if _SCHEMA.search(head):
        return True
    root = outline(head)
    extends, stages = root.get("extends"), root.get("stages")
    if PurePath(name).name.startswith(".") or not (extends or stages):
        return False
    form = form_at((), {})
    known = [*form.keys({})] if form else []
    ours = [entry for entry in root.entries if get_close_matches(str(entry.step)[:40], known, 1)]
    return 2 * len(ours) > len(root.entries) and not (stages and _has_words(stages.value))


def is_blank(text: str) -> bool:
    """Whether a text states nothing yet, and may become a spec."""
    return len(text) <= MAX_BYTES and all(not entry.colon for entry in outline(text).entries)


def _has_words(stages: Node | None) -> bool:
    """Whether stages are listed by name, as those of a pipeline are."""
    items = stages.entries if stages is not None and stages.style == "list" else ()
    values = [item.value for item in items if item.value is not None]
    return bool(values) and all(value.is_scalar or value.get("stage") for value in values)
