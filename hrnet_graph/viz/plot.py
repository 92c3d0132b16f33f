"""Plots of numbers, as svg or png by suffix. Needs the extra `plot`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.files import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(height: float = 4.5) -> Figure:
    """An empty figure of this height in inches. Raises `HRNetGraphError` without matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise HRNetGraphError("plots need matplotlib", "pip install 'hrnet-graph[plot]'") from None
    mpl.rcParams["svg.hashsalt"] = "hrnet-graph"
    from matplotlib.figure import Figure

    return Figure(figsize=(7, height), layout="constrained")


def write(figure: Figure, path: Path) -> None:
    """Writes a figure, the same bytes for the same numbers."""
    with whole_file(path) as draft:
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(draft, format=path.suffix[1:], dpi=150, metadata=metadata)
