"""The options that say how a figure looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import click

from hrnet_graph.cli.arguments import Command
from hrnet_graph.viz.look import Colour, Labels, Look, Orientation, PageWidth, ThemeName


def takes_look(command: Command) -> Command:
    """Adds the choices of a `Look`, with its defaults; pass them all on to `render`."""
    for option in reversed((*_content_options(), *_page_options())):
        command = option(command)
    return command


def _content_options() -> tuple[Callable[[Command], Command], ...]:
    """What a figure's colours and words say, and which way it goes."""
    return (
        _choice("orientation", Orientation, "From left to right, or from top to bottom."),
        _choice("colour", Colour, "What the colour of a part says."),
        _choice("labels", Labels, "C, 2C and 1/4, or 48, 96 and pixels."),
        click.option("--no-labels", "labels", flag_value="none", help="Same as --labels none."),
        click.option(
            "--title/--no-title",
            default=Look.title,
            show_default=True,
            help="The network's name and totals above, or none.",
        ),
    )


def _page_options() -> tuple[Callable[[Command], Command], ...]:
    """What a figure is drawn on and with, and how large."""
    return (
        _choice("theme", ThemeName, "On white, or on near black."),
        click.option(
            "--font",
            default=Look.font,
            show_default=True,
            metavar="NAME",
            help="A font, or several with commas between them: the first that is found.",
        ),
        click.option(
            "--scale",
            type=float,
            default=Look.scale,
            show_default=True,
            metavar="FACTOR",
            help="Draw everything larger or smaller, 0.1 to 10 times; with --width, too.",
        ),
        _choice(
            "width", PageWidth, "Fit one column of a journal's page (3.5 in), or two (7.16 in)."
        ),
    )


def _choice(name: str, words: object, help: str) -> Callable[[Command], Command]:
    """An option that takes one of a Literal's words, with the default of a `Look`."""
    return click.option(
        f"--{name}",
        type=click.Choice(get_args(words)),
        default=getattr(Look, name),
        show_default=getattr(Look, name) is not None,
        help=help,
    )
