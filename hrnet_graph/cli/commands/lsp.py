"""`hrnet-graph lsp`."""

from __future__ import annotations

import click

from hrnet_graph.cli.files import Command
from hrnet_graph.extras import require


@click.command(cls=Command, epilog="\b\nExamples:\n  hrnet-graph lsp")
@click.option("--stdio", is_flag=True, hidden=True, help="What some editors add; it is so anyway.")
def command(stdio: bool) -> None:
    """Serve specs to an editor, by the Language Server Protocol.

    The editor starts this and talks to it over standard input and output: problems at their place
    with quick fixes, completion, hover, costs of stages, outline, and formatting that keeps
    comments. docs/editors.md has each editor's setup.
    """
    require("lsp", "lsp")
    from hrnet_graph.lsp.server import server

    server.start_io()
