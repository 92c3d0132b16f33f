"""Processes of our own: a module of this package that runs beside us."""

from __future__ import annotations

import sys
from pathlib import Path

_START = """
import sys
sys.path[:] = sys.argv[2:]
from importlib import import_module
import_module(sys.argv[1]).main()
"""


def command_of(module: str) -> list[str]:
    """What runs `main()` of a module of ours in a Python of its own."""
    return [sys.executable, "-P", "-c", _START, module, *_search_path()]


def _search_path() -> list[str]:
    """Where such a process looks for modules: as we do, in the working folder last.

    A file there that is called like a module of Python's would otherwise be run in its place.
    """
    here = str(Path.cwd())
    if Path(__file__).is_relative_to(Path(here, "hrnet_graph")):
        return sys.path  # we are a checkout's, and it is ours
    return [*(path for path in sys.path if path not in ("", here)), here]
