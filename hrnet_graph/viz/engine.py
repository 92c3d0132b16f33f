"""The Graphviz that paints png and pdf: the system's where there is one, else the wheel's."""

from __future__ import annotations

import math
import os
import shutil
import struct
import subprocess
import sys
import zlib
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from hrnet_graph.errors import FileError
from hrnet_graph.viz.drawing import Drawing
from hrnet_graph.viz.font import Font, shipped
from hrnet_graph.viz.to_dot import to_dot

_DRAW = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""

_FONTS = """\
<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}</dir><cachedir>{folder}</cachedir>
<match target="pattern"><edit name="family" mode="assign" binding="strong">
<string>{family}</string></edit></match>
<match target="font"><edit name="hinting"><bool>false</bool></edit></match></fontconfig>
"""
"""Whatever is asked for is the chosen font, then ours; no other one is there."""

RESOLUTION, PRINTED = 192, 300
"""Of a png, in pixels an inch: on a screen, and on a journal's page."""

_SIDE, _PIXELS = 32_767, 200_000_000
"""How many pixels a png may be wide or high, and have in all."""

_FINE = 2
"""How many times as large a drawing is painted: Pango places letters to the 96th of an inch."""


def fitting(drawing: Drawing, resolution: float) -> float:
    """The resolution in which a drawing is no larger than a png may be."""
    wide, high = (resolution * side / 72 for side in drawing.size)
    return resolution * min(1.0, _SIDE / max(wide, high), math.sqrt(_PIXELS / (wide * high)))


def paint(drawing: Drawing, format: str, resolution: float = RESOLUTION) -> bytes:
    """The drawing as png or pdf, a png in `resolution` pixels an inch."""
    return run_graphviz(to_dot(drawing.enlarged(_FINE)), format, drawing.font, resolution)


def run_graphviz(dot: str, format: str, font: Font, resolution: float = RESOLUTION) -> bytes:
    """DOT drawn as svg, png or pdf in a font, a png in `resolution` pixels an inch.

    It runs in a process of its own: there its fonts, its global state, the complaints that its C
    libraries write to standard error, and a crash stay. Raises `FileError` if Graphviz cannot.
    """
    if format == "png":
        dot = dot.replace("{\n", f"{{\n\tgraph [dpi={resolution}]\n", 1)
    system = shutil.which("dot")
    wheel = [sys.executable, "-P", "-c", _DRAW, format]
    command = [system, f"-T{format}"] if system else wheel
    try:
        with TemporaryDirectory() as folder:
            env = {**os.environ, "PANGOCAIRO_BACKEND": "fc"}
            env["FONTCONFIG_FILE"] = str(_provide(font, Path(folder)))
            done = subprocess.run(
                command, input=dot.encode(), capture_output=True, check=False, env=env
            )
    except (OSError, ValueError) as error:
        raise FileError(f"Graphviz could not draw the {format}: {error}") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").split("\n")
        why = next(filter(None, map(str.strip, reversed(lines))), "it crashed")
        raise FileError(f"Graphviz could not draw the {format}: {why}")
    return _measured(done.stdout, resolution) if format == "png" else done.stdout


def _provide(font: Font, folder: Path) -> Path:
    """The settings of a machine on which a font is, and ours for what it lacks, and no other.

    They are copies: fontconfig writes into folders of fonts.
    """
    faces = {font.regular, font.bold, shipped(False), shipped(True)}
    for number, path in enumerate(sorted({face.path for face in faces})):
        shutil.copyfile(path, folder / f"{number}{path.suffix}")
    family = font.regular.font["name"].getBestFamilyName() or font.name
    settings = folder / "fonts.conf"
    text = _FONTS.format(folder=escape(str(folder)), family=escape(family))
    settings.write_text(text, encoding="utf-8")
    return settings


def _measured(png: bytes, resolution: float) -> bytes:
    """A png that says its resolution, which programs place it by. Source: PNG 3rd ed., 11.3.4.3."""
    metre = round(resolution / 0.0254)
    said = b"pHYs" + struct.pack(">IIB", metre, metre, 1)
    chunk = struct.pack(">I", 9) + said + struct.pack(">I", zlib.crc32(said))
    return png[:33] + chunk + png[33:]
