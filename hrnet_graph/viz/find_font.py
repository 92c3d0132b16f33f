"""Where a font is that somebody names: in the package, in a file, or on the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hrnet_graph.choices import FONT
from hrnet_graph.errors import HRNetGraphError, did_you_mean, error_line, quoted
from hrnet_graph.files import is_file
from hrnet_graph.viz.font import Face, Font, shipped

_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")


@dataclass(frozen=True)
class _Installed:
    """A face on the machine, and what tells it from others of its families."""

    face: Face
    families: frozenset[str]
    slanted: bool
    width: int
    weight: int

    def distance(self, weight: int) -> tuple[bool, int, int]:
        """How far it is from upright, of plain width, and of a weight."""
        return self.slanted, abs(self.width - 5), abs(self.weight - weight)


@cache
def find_font(names: str = FONT) -> Font:
    """The first of some fonts, with commas between them, that is there: a family, or a file.

    Raises `HRNetGraphError` if none is, or if it cannot be drawn with.
    """
    for name in filter(None, map(str.strip, names.split(","))):
        if name.casefold() in (FONT.casefold(), "sans-serif"):
            return Font(FONT, shipped(False), shipped(True))
        if Path(name).suffix.lower() in _SUFFIXES and is_file(name):
            return _check(Font(Path(name).stem, Face(Path(name)), Face(Path(name))))
        family = [each for each in _installed() if name.casefold() in each.families]
        if family:
            regular, bold = (min(family, key=lambda x: x.distance(w)).face for w in (400, 700))
            return _check(Font(name, regular, bold))
    known = sorted({family for each in _installed() for family in each.families})
    near = did_you_mean(names.casefold(), known).partition(" (known")[0]
    hint = f"{FONT} is always here; a font's file is taken too, such as ./font.ttf"
    raise HRNetGraphError(f"no font {quoted(names, 200)} on this machine{near}", hint)


def _check(font: Font) -> Font:
    """The font, if words can be drawn in it."""
    from fontTools.pens.recordingPen import RecordingPen

    for face in (font.regular, font.bold):
        why, pen = "it has no outlines of letters", RecordingPen()
        try:
            if all(face.has(letter) and face.advance(letter) > 0 for letter in "0Aa"):
                face.draw("A", pen)
        except Exception as error:  # whatever a broken file makes of its reader
            why = error_line(error)
        if not pen.value:
            raise HRNetGraphError(f"cannot draw with {quoted(str(face.path), 200)}: {why}")
    return font


@cache
def _installed() -> tuple[_Installed, ...]:
    """The faces in the folders where this system keeps fonts; what cannot be read is none."""
    found = (path for folder in _folders() for path in folder.rglob("*"))
    files = sorted({path for path in found if path.suffix.lower() in _SUFFIXES})
    return tuple(face for path in files for face in _faces(path))


def _folders() -> list[Path]:
    """Source: the manuals of fontconfig, macOS and Windows."""
    home = Path.home()
    if sys.platform == "darwin":
        return [home / "Library/Fonts", Path("/Library/Fonts"), Path("/System/Library/Fonts")]
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home)) / "Microsoft/Windows/Fonts"
        return [local, Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"]
    data = os.environ.get("XDG_DATA_HOME") or home / ".local/share"
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    return [home / ".fonts", *(Path(base) / "fonts" for base in (data, *shared.split(":")))]


def _faces(path: Path) -> Iterator[_Installed]:
    from fontTools.ttLib import TTCollection, TTFont

    try:
        with path.open("rb") as file:
            collection = path.suffix.lower() in (".ttc", ".otc")
            fonts = TTCollection(file, lazy=True).fonts if collection else [TTFont(file, lazy=True)]
            for number, font in enumerate(fonts):
                style, names = font["OS/2"], font["name"].names
                families = frozenset(str(n).casefold() for n in names if n.nameID in (1, 4, 16))
                kind = bool(style.fsSelection & 1), style.usWidthClass, style.usWeightClass
                yield _Installed(Face(path, number), families, *kind)
    except Exception:  # whatever a broken file makes of its reader
        return
