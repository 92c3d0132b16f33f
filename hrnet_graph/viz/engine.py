"""The Graphviz that draws: the system's where there is one, else the wheel's."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import graphviz

from hrnet_graph.errors import FileError

_DRAW = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""

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
            drawn = _run_wheel(dot, format)
    except (graphviz.CalledProcessError, OSError, ValueError) as error:
        raise FileError(f"Graphviz could not draw the {format}: {error}") from None
    return _COMMENTS.sub(b"", drawn) if format == "svg" else drawn


def _run_wheel(dot: str, format: str) -> bytes:
    """The engine that pygraphviz carries, for machines that have no Graphviz of their own.

    It runs in a process of its own: there its global state, the complaints that its C libraries
    write to standard error, and a crash stay.
    """
    command = [sys.executable, "-P", "-c", _DRAW, format]
    done = subprocess.run(command, input=dot.encode(), capture_output=True, check=False)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").split("\n")
        raise ValueError(next(filter(None, map(str.strip, reversed(lines))), "it crashed"))
    return done.stdout
