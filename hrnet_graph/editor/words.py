"""What helps while one types: completion, meanings, and changes of the text."""

from __future__ import annotations

from dataclasses import asdict
from typing import cast, get_args

from hrnet_graph.editor.request import MAX_TEXT, Request
from hrnet_graph.errors import Action, Fix, HRNetGraphError, dotted_key
from hrnet_graph.language.change import remove_value, set_value
from hrnet_graph.language.complete import complete
from hrnet_graph.language.fixes import apply_fix
from hrnet_graph.language.hover import hover
from hrnet_graph.language.layout import format_text
from hrnet_graph.spec.load import load_text
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.stage import Stage

Reply = dict[str, object]


def completions(request: Request) -> Reply:
    """What may be typed at `line` and `column`."""
    text, line, column, path = _cursor(request)
    return {"completions": [asdict(found) for found in complete(text, line, column, path)]}


def meaning(request: Request) -> Reply:
    """What stands at `line` and `column`, in Markdown; empty where that is nothing."""
    text, line, column, path = _cursor(request)
    found = hover(text, line, column, path)
    return {"text": found.text, "range": asdict(found.range)} if found else {"text": ""}


def _cursor(request: Request) -> tuple[str, int, int, str | None]:
    line, column = (request.number(name, 1, MAX_TEXT) for name in ("line", "column"))
    return request.text("text"), line, column, request.text("path", "") or None


def changed(request: Request) -> Reply:
    """The text with `key` set to `value` (or with another `action` of a `Fix`), in one layout, or
    with a stage more or less.
    """
    text, path = request.text("text"), request.text("path", "") or None
    do = request.text("do")
    if do == "set":
        action = cast(Action, request.choice("action", get_args(Action), "set"))
        fix = Fix(request.text("key"), request.value("value"), action)
        return {"text": apply_fix(text, fix, path)}
    if do == "format":
        return {"text": format_text(text)}
    spec = load_text(text, path)
    number = len(spec.stages)
    if request.choice("what", ("add", "remove"), "add") == "remove":
        if number == 1:
            raise HRNetGraphError("a network has one stage at least")
        return {"text": remove_value(text, dotted_key(("stages", number - 1)), path)}
    return {"text": set_value(text, dotted_key(("stages", number)), _next(spec), path)}


def _next(spec: Spec) -> dict[str, object]:
    """One more stage: the last one with a branch more, or as many where there can be no more."""
    last = spec.stages[-1]
    branches = last.branch_count + 1
    if branches > 4:
        branches = last.branch_count
    return {
        "block": _more_blocks(last, branches),
        "branches": branches,
        "modules": last.modules,
        "blocks": _longer(last, branches),
        **({"channels": _wider(last, branches)} if last.channels else {}),
    }


def _more_blocks(stage: Stage, branches: int) -> object:
    """The block of every branch, or that of each of so many."""
    if not isinstance(stage.block, tuple):
        return stage.block.short()
    blocks = [block.short() for block in stage.block]
    return [*blocks, *blocks[-1:] * (branches - len(blocks))]


def _longer(stage: Stage, branches: int) -> object:
    """The blocks of a stage for so many branches."""
    counts = stage.block_counts
    if isinstance(stage.blocks, int):
        return stage.blocks
    return [*counts, *counts[-1:] * (branches - len(counts))]


def _wider(stage: Stage, branches: int) -> list[int]:
    """The channels of a stage for so many branches: each has twice those of the one before."""
    channels = [*(stage.channels or ())]
    while len(channels) < branches:
        channels.append(2 * channels[-1])
    return channels
