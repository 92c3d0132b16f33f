"""The options that say how a figure looks."""

from __future__ import annotations

from typing import Any, get_args

import click

from hrnet_graph.cli.arguments import Command
from hrnet_graph.viz.look import Colour, Labels, Look, Orientation, PageWidth, ThemeName

CHOICES = {
    "orientation": (Orientation, "From left to right, or from top to bottom."),
    "colour": (Colour, "What the colour of a part says."),
    "labels": (Labels, "C, 2C and 1/4, or 48, 96 and pixels."),
    "theme": (ThemeName, "On white, or on near black."),
    "width": (PageWidth, "Fit one column of a journal's page (3.5 in), or two (7.16 in)."),
}
"""Option -> the words that it takes, and what it says."""

FONT = "A font, or several with commas between them: the first that is found."
SCALE = "Draw everything larger or smaller, 0.1 to 10 times; with --width, too."
TITLE = "The network's name and totals above, or none."


def takes_look(command: Command) -> Command:
    """Adds the choices of a `Look`, with its defaults; pass them all on to `render`."""

    def option(name: str, **how: Any) -> None:
        nonlocal command
        default = getattr(Look, name.strip("-").partition("/")[0])
        shown = default is not None
        command = click.option(name, default=default, show_default=shown, **how)(command)

    def choice(name: str) -> None:
        words, help = CHOICES[name]
        option(f"--{name}", type=click.Choice(get_args(words)), help=help)

    choice("width")
    option("--scale", type=float, metavar="FACTOR", help=SCALE)
    option("--font", metavar="NAME", help=FONT)
    choice("theme")
    option("--title/--no-title", help=TITLE)
    none = click.option("--no-labels", "labels", flag_value="none", help="Same as --labels none.")
    command = none(command)
    for name in ("labels", "colour", "orientation"):
        choice(name)
    return command
