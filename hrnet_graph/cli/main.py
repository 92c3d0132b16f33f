"""The `hrnet-graph` command."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module

import click

from hrnet_graph.cli.stream import ClosedPipeError, guarded_streams
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.extras import loading
from hrnet_graph.version import __version__

COMMANDS = (
    "list", "show", "init", "edit", "lsp", "validate", "schema", "keys",
    "flops", "memory", "roofline", "field", "published", "diff", "sweep", "search", "fit",
    "graph", "render", "watch", "build", "bench", "weights", "import", "predict",
)  # fmt: skip
"""The commands, in the order of the help; each is `command` in `cli/commands/NAME.py`."""


class _Commands(click.Group):
    """The commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"hrnet_graph.cli.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExamples:\n  hrnet-graph flops hrnet_w32_cls\n  hrnet-graph render hrnet_w32_cls",
)
@click.version_option(__version__, prog_name="hrnet-graph")
def cli() -> None:
    """Compile high-resolution networks (HRNet) from YAML specs.

    SPEC is a catalogue name (see `hrnet-graph list`), the path of a YAML file, - for standard
    input, or a .pt or .safetensors file that `build` or training wrote: that holds its spec and its
    weights.
    """


def main() -> None:
    """Runs the command line; bad input ends in one message and exit code 2, a closed pipe in 0."""
    as_json = "--json" in sys.argv
    with guarded_streams():
        try:
            with loading():
                sys.exit(cli.main(prog_name="hrnet-graph", standalone_mode=not as_json) or 0)
        except ClosedPipeError:
            sys.exit(0)
        except HRNetGraphError as error:
            with suppress(ClosedPipeError, HRNetGraphError):
                from hrnet_graph.cli.terminal import note_error

                note_error(error, as_json)
            sys.exit(2)
        except click.ClickException as error:  # of a usage, with --json
            with suppress(ClosedPipeError, HRNetGraphError):
                from hrnet_graph.cli.terminal import print_error

                error.show()
                print_error(error.format_message())
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(1)
