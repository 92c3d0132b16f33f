"""`hrnet-graph watch`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hrnet_graph.choices import FIGURES, GROUPINGS, Grouping
from hrnet_graph.cli.arguments import (
    as_command,
    change_options,
    complete_spec,
    force_option,
    written_option,
)
from hrnet_graph.cli.files import is_output, networks, watched
from hrnet_graph.cli.look import takes_drawing
from hrnet_graph.cli.stream import StreamError
from hrnet_graph.cli.terminal import note, note_error
from hrnet_graph.errors import FileError, HRNetGraphError, quoted
from hrnet_graph.extras import require
from hrnet_graph.files import check_writable, exists


@as_command(
    "watch mine.yaml -o mine.svg -o counts.tex",
    "watch mine.yaml -o mine.pdf --fold --width double",
)
@click.argument("spec", shell_complete=complete_spec)
@written_option(
    "-o",
    "--output",
    "outputs",
    kinds=watched,
    multiple=True,
    required=True,
    help="A file to write: a figure, a table of counts (.json too) or a network, by suffix."
    " Repeatable.",
)
@force_option
@change_options
@click.option("--by", type=click.Choice(GROUPINGS), help="Break the counts down by part.")
@takes_drawing
@click.pass_context
def command(
    ctx: click.Context,
    /,
    spec: str,
    outputs: tuple[Path, ...],
    changes: tuple[str, ...],
    size: tuple[int, int] | None,
    by: Grouping | None,
    as_json: bool,
    **drawing: Any,
) -> None:
    """Write figures, counts and networks again whenever the spec changes.

    As `render`, `flops` and `build` write them, at once and at every change of the spec's file or
    of one that it extends. An error is told once, and what was written last stays. Ends with
    Ctrl-C.
    """
    require("edit", "watch")
    _check_options(ctx, spec, outputs, by, drawing)
    given = {"spec": spec, "changes": changes, "size": size, "as_json": as_json}
    jobs = [_job(ctx, path, given, by, drawing) for path in outputs]
    try:
        _repeat(spec, jobs)
    except KeyboardInterrupt:
        note("ended: Ctrl-C")


def _check_options(
    ctx: click.Context,
    spec: str,
    outputs: tuple[Path, ...],
    by: str | None,
    drawing: Mapping[str, Any],
) -> None:
    """Refuses what would be left undone, or done again and again."""
    from hrnet_graph.spec.catalogue import find

    source = find(spec)
    if any(map(is_output, outputs)):
        raise HRNetGraphError("watch writes files again and again, got standard output")
    for path in outputs:
        check_writable(path)
        if exists(source) and exists(path) and path.samefile(source):
            said = f"{quoted(str(path), 200)} is read, and cannot be written too"
            raise FileError(said, "give -o another file")
    if len(set(outputs)) < len(outputs):
        raise HRNetGraphError("expected each file once")
    kinds = {_kind(path) for path in outputs}
    stated = [
        param.opts[-1]
        for param in ctx.command.params
        if param.name in drawing
        and ctx.get_parameter_source(param.name) is not ParameterSource.DEFAULT
    ]
    if stated and "render" not in kinds:
        raise HRNetGraphError(f"{', '.join(dict.fromkeys(stated))}: of figures, got none to write")
    if by and "flops" not in kinds:
        raise HRNetGraphError("--by: of counts, got no table to write")


def _kind(path: Path) -> str:
    """The command that writes such a file."""
    suffix = path.suffix.lower()
    if suffix in networks():
        return "build"
    return "render" if suffix in FIGURES and suffix != ".json" else "flops"


def _job(
    ctx: click.Context,
    path: Path,
    given: Mapping[str, Any],
    by: str | None,
    drawing: Mapping[str, Any],
) -> Callable[[], object]:
    """What writes one file."""
    from hrnet_graph.cli.commands import build, flops, render

    match _kind(path):
        case "render":
            return lambda: ctx.invoke(render.command, **given, **drawing, output=path)
        case "flops":
            counted = {**given, "specs": (given["spec"],), "by": by, "output": path}
            counted.pop("spec")
            return lambda: ctx.invoke(flops.command, **counted)
        case _:
            return lambda: ctx.invoke(build.command, **given, output=path)


def _repeat(spec: str, jobs: list[Callable[[], object]]) -> None:
    """Does all jobs, and again at every change of the files that the spec is read from."""
    from hrnet_graph.editor.changes import States, changes, settled, states_of
    from hrnet_graph.spec.catalogue import find
    from hrnet_graph.spec.source import STDIN, files_needed

    if find(spec) == STDIN:
        raise HRNetGraphError("watch follows a file, got standard input")
    states: States = {}
    told: set[str] = set()
    with asyncio.Runner() as runner:
        events = changes(lambda: states)
        while True:
            with files_needed() as read:
                wrong = _do(jobs)
            states = runner.run(settled(read, states)) if wrong else states_of(read)
            if states == read:  # else it was read while it was written, and is read again
                for text, error in wrong.items():
                    if text not in told:
                        note_error(error)
                told = {*wrong}
                while states == states_of(states):
                    runner.run(anext(events))
            states = runner.run(settled(states, read))


def _do(jobs: list[Callable[[], object]]) -> dict[str, HRNetGraphError]:
    """Does all jobs; what goes wrong, by what it says, each once."""
    wrong: dict[str, HRNetGraphError] = {}
    for job in jobs:
        try:
            job()
        except StreamError:
            raise
        except HRNetGraphError as error:
            wrong.setdefault(str(error), error)
    return wrong
