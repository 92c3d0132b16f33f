"""What a spec's text comes to with the specs that it extends, as plain data."""

from __future__ import annotations

from pathlib import Path

from hrnet_graph.errors import SpecError
from hrnet_graph.language.data import Plain, plain_value
from hrnet_graph.spec.catalogue import find
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.merge import merge, without
from hrnet_graph.spec.source import parse


def inherited_stages(text: str, path: str | Path | None) -> list[Plain] | None:
    """The stages of a spec that extends another, its own changes laid over them.

    None if it extends none, or one that is not to be had.
    """
    root = parse(text, "")
    extends = root.find(("extends",)).value
    if not isinstance(extends, str):
        return None
    try:
        base = load_spec(find(extends, beside=Path(path).parent if path else None))
        below = base.layers[-1].root
        stages = merge(below, without(root, "extends")).find(("stages",))
    except SpecError:
        return None
    found = plain_value(stages.plain())
    return found if isinstance(found, list) else None
