"""The options that say how a figure looks."""

from __future__ import annotations

from typing import Any, get_args

import click

from hrnet_graph.choices import VIEWS
from hrnet_graph.cli.arguments import PARTS, all_of
from hrnet_graph.viz.look import Colour, Labels, Look, Orientation, PageWidth, ThemeName


def _option(name: str, help: str, words: Any = None, **how: Any) -> Any:
    """An option with the default of a `Look`, for one of some words if these are given."""
    default = getattr(Look, name.strip("-").partition("/")[0])
    kind = click.Choice(get_args(words)) if words else type(default)
    shown = default is not None
    return click.option(name, type=kind, default=default, show_default=shown, help=help, **how)


takes_look = all_of(
    _option(
        "--orientation",
        "From left to right, or from top to bottom, as layers are where nothing is said.",
        Orientation,
    ),
    _option("--colour", "What the colour of a part says.", Colour),
    _option("--labels", "C, 2C and 1/4, or 48, 96 and pixels.", Labels),
    click.option("--no-labels", "labels", flag_value="none", help="Same as --labels none."),
    _option("--title/--no-title", "The network's name and totals above, or none."),
    _option("--theme", "On white, or on near black.", ThemeName),
    _option(
        "--font",
        "A font of the machine or a font's file; with commas between several, the first there is.",
        metavar="NAME",
    ),
    _option(
        "--scale",
        "Draw everything larger or smaller, 0.1 to 10 times; with --width, too.",
        metavar="FACTOR",
    ),
    click.option(
        "--dpi", type=float, metavar="N", help="Pixels an inch of a png: 192, or 300 with --width."
    ),
    _option("--width", "Fit one column of a journal's page (3.5 in), or two (7.16 in).", PageWidth),
)
"""The choices of a `Look`, with its defaults; pass them all on to `render`."""

takes_drawing = all_of(
    click.option(
        "--view",
        type=click.Choice(VIEWS),
        default="figure",
        show_default=True,
        help="As the papers draw it, one fuse unit in detail, or how much is one box; a layer is a"
        " convolution with its norm and activation.",
    ),
    click.option("--only", default="", metavar="PART", help=f"Draw one part alone, {PARTS}."),
    click.option(
        "--expand",
        multiple=True,
        metavar="PART",
        help=f"Open a part by one level, {PARTS}. Repeatable.",
    ),
    click.option("--fold", is_flag=True, help="Draw modules alike once, with their number."),
    takes_look,
)
"""What of a network a figure draws, and how it looks."""
