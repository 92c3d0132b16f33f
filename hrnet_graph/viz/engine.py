"""The Graphviz that draws: the system's where there is one, else the wheel's."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import graphviz

from hrnet_graph.errors import FileError

FORMATS = ("svg", "png", "pdf")

_ONE_AT_A_TIME = threading.Lock()
"""An engine inside the process keeps global state."""

_COMMENTS = re.compile(rb"<!--.*?-->\n?", re.DOTALL)
"""They name Graphviz's version, and every part twice."""

RESOLUTION, PRINTED = 192, 300
"""Of a png, in pixels an inch: on a screen, and on a journal's page."""


def run_graphviz(dot: str, format: str, resolution: int = RESOLUTION) -> bytes:
    """DOT source drawn as svg, png or pdf, a png in `resolution` pixels an inch.

    Raises `FileError` if Graphviz cannot.
    """
    if format == "png":
        dot = dot.replace("{\n", f"{{\n\tgraph [dpi={resolution}]\n", 1)
    try:
        if shutil.which("dot"):
            drawn = bytes(graphviz.Source(dot).pipe(format=format, quiet=True))
        else:
            drawn = _draw_inside(dot, format)
    except (graphviz.CalledProcessError, OSError, ValueError) as error:
        raise FileError(f"Graphviz could not draw the {format}: {error}") from None
    return _COMMENTS.sub(b"", drawn) if format == "svg" else drawn


def resize_svg(svg: bytes, size: tuple[float, float]) -> bytes:
    """An svg with another width and height, in points, for the same content."""
    width, height = (f"{side:.2f}pt".encode() for side in size)
    sides = b'<svg width="%s" height="%s"' % (width, height)
    return re.sub(rb'<svg width="[^"]*" height="[^"]*"', sides, svg, count=1)


def _draw_inside(dot: str, format: str) -> bytes:
    """The engine that pygraphviz carries, for machines that have no Graphviz of their own."""
    import pygraphviz

    with _ONE_AT_A_TIME, _quiet():
        drawn = pygraphviz.AGraph(string=dot).draw(format=format, prog="dot")
    assert isinstance(drawn, bytes)
    return drawn


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the engine's C libraries from standard error.

    The wheel's fontconfig is older than many systems' and complains of their settings at each run.
    """
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
