"""The Graphviz that lays out and draws: the system's where there is one, else the wheel's."""

from __future__ import annotations

import shutil
import threading

import graphviz

from hrnet_graph.errors import FileError

FORMATS = ("svg", "png", "pdf")

_ONE_AT_A_TIME = threading.Lock()
"""An engine inside the process keeps global state."""


def draw(dot: str, format: str) -> bytes:
    """DOT source drawn as svg, png or pdf. Raises `FileError` if Graphviz cannot."""
    try:
        if shutil.which("dot"):
            return bytes(graphviz.Source(dot).pipe(format=format, quiet=True))
        return _draw_inside(dot, format)
    except (graphviz.CalledProcessError, OSError, ValueError) as error:
        raise FileError(f"Graphviz could not draw the {format}: {error}") from None


def _draw_inside(dot: str, format: str) -> bytes:
    """The engine that pygraphviz carries, for machines that have no Graphviz of their own."""
    import pygraphviz

    with _ONE_AT_A_TIME:
        drawn = pygraphviz.AGraph(string=dot).draw(format=format, prog="dot")
    assert isinstance(drawn, bytes)
    return drawn
