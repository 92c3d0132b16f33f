"""How a figure is to look: the choices of whoever asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict, get_args

from hrnet_graph.choices import FONT
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted

Labels = Literal["symbolic", "numbers", "none"]
Orientation = Literal["lr", "tb"]
ThemeName = Literal["light", "dark"]
Colour = Literal["resolution", "macs", "params", "memory"]
PageWidth = Literal["single", "double"]

INCHES: dict[PageWidth, float] = {"single": 3.5, "double": 7.16}
"""The width of one column and of two on a journal's page."""

_UNSTATED = ("orientation", "width")


@dataclass(frozen=True)
class Look:
    """The choices. Raises `HRNetGraphError` if one of them is none.

    orientation: `lr` from left to right, `tb` from top to bottom; if None, `tb` for the view of
    layers, which is too long for a line, and `lr` for others
    colour: what the colour of a part says
    labels: `symbolic` (C, 2C; 1/4), `numbers` (48, 96; pixels) or `none`
    font: a font's family or file, or several with commas between them: the first that is there
    scale: a factor for everything
    width: fit one column of a journal's page, or both
    title: whether the network's name and totals stand above
    dpi: of a png, in pixels an inch; if None, 192, or 300 where a width is given
    """

    orientation: Orientation | None = None
    theme: ThemeName = "light"
    colour: Colour = "resolution"
    labels: Labels = "symbolic"
    font: str = FONT
    scale: float = 1.0
    width: PageWidth | None = None
    title: bool = True
    dpi: float | None = None

    def __post_init__(self) -> None:
        for name, kind in (
            ("orientation", Orientation),
            ("theme", ThemeName),
            ("colour", Colour),
            ("labels", Labels),
            ("width", PageWidth),
        ):
            value = getattr(self, name)
            if value not in get_args(kind) and not (value is None and name in _UNSTATED):
                known = did_you_mean(value, get_args(kind))
                raise HRNetGraphError(f"unknown {name} {quoted(value)}{known}")
        if not isinstance(self.title, bool):
            raise HRNetGraphError(f"expected title to be True or False, got {quoted(self.title)}")
        if self.dpi is not None and not 10 <= self.dpi <= 2400:
            raise HRNetGraphError(f"expected a dpi from 10 to 2400, got {quoted(self.dpi)}")
        if not 0.1 <= self.scale <= 10:
            raise HRNetGraphError(f"expected a scale from 0.1 to 10, got {quoted(self.scale)}")
        if self.font != FONT:
            from hrnet_graph.viz.find_font import find_font  # which no help text needs

            find_font(self.font)


class LookOptions(TypedDict, total=False):
    """The choices of a `Look` as keyword arguments."""

    orientation: Orientation | None
    theme: ThemeName
    colour: Colour
    labels: Labels
    font: str
    scale: float
    width: PageWidth | None
    title: bool
    dpi: float | None
