"""`hrnet-graph edit`."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

import hrnet_graph as hg
from hrnet_graph.choices import SPECS
from hrnet_graph.cli.arguments import as_command, complete_spec, written_option
from hrnet_graph.cli.files import is_output, specs
from hrnet_graph.cli.template import write_template
from hrnet_graph.cli.terminal import note, print_json, say
from hrnet_graph.errors import FileError, HRNetGraphError, Mark, quoted
from hrnet_graph.extras import require
from hrnet_graph.files import exists

if TYPE_CHECKING:
    from hrnet_graph.editor.edit import Addresses


@as_command("edit mine.yaml", "edit hrnet_w32_cls -o mine.yaml")
@click.argument("spec", shell_complete=complete_spec)
@written_option(
    "-o",
    "--output",
    kinds=specs,
    help="The file that a catalogue name is written to first. Default: NAME.yaml.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="The port of the page. Default: any free one.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    metavar="ADDRESS",
    show_default=True,
    help="The address to listen at; any but this machine's own opens the file to others.",
)
@click.option("--no-browser", is_flag=True, help="Print the address, and open nothing.")
@click.option("--keep", is_flag=True, help="Stay when the last page is closed.")
def command(
    spec: str,
    output: Path | None,
    port: int,
    host: str,
    no_browser: bool,
    keep: bool,
    as_json: bool,
) -> None:
    """Edit a spec in the browser, and see its network at once.

    The page follows the file, whichever editor changes it, and saves to it alone. A catalogue name
    is first written as a file, as `init` does, and never over one. Ends when the last page is
    closed, or with Ctrl-C.
    """
    require("edit", "edit")
    import asyncio

    from hrnet_graph.editor.edit import edit
    from hrnet_graph.editor.file import SpecFile
    from hrnet_graph.editor.guard import is_loopback

    path = _file_of(spec, output)
    if not is_loopback(host):
        note(
            f"warning: whoever can reach {quoted(host, 200)} and learns the address below can read"
            f" and write {quoted(str(path), 200)}, and nothing is encrypted"
        )

    def started(where: Addresses) -> None:
        _announce(path, where, as_json, keep)
        if not no_browser:
            _open(where.ticket)

    why = asyncio.run(edit(SpecFile(path), host, port, keep, started))
    note(f"ended: {why}")


def _file_of(spec: str, output: Path | None) -> Path:
    """The file to edit: SPEC itself, or a catalogue network's that is written now."""
    from hrnet_graph.spec.catalogue import find

    found = find(spec)
    if "/" in spec or "\\" in spec or spec.endswith(SPECS):
        if output is not None:
            raise HRNetGraphError(f"-o is for a catalogue name, got it beside {quoted(spec, 200)}")
        return found
    if output is not None and is_output(output):
        raise HRNetGraphError("-o is the file to edit, got standard output")
    if found.suffix not in SPECS:
        raise FileError(f"expected a file that ends in .yaml, or a name, got {quoted(spec, 200)}")
    target = output or Path(found.name)
    if output is None and exists(target):
        hint = f"`hrnet-graph edit {target}` edits it; -o NAME.yaml writes another"
        raise FileError(f"{quoted(str(target))} is there already", hint)
    schema = write_template(hg.load_spec(spec), target)
    note(f"wrote {target}, {schema}")
    return target


def _announce(path: Path, where: Addresses, as_json: bool, keep: bool) -> None:
    if as_json:
        print_json({"file": str(path), "url": where.page})
    else:
        say(f"{Mark(str(path))} is at {where.page}")
        note(f"ends with Ctrl-C{'' if keep else ', or when its last page is closed'}")


def _open(address: str) -> None:
    import webbrowser

    if is_with_windows(sys.platform, os.environ):
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def is_with_windows(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether a browser opens beside the terminal; one in its place would take it from us."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return platform in ("darwin", "win32") or any(environment.get(name) for name in names)
