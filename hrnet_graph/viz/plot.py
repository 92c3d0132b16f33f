"""Charts through matplotlib, the same bytes from run to run. Needs the extra `plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hrnet_graph.errors import FileError, HRNetGraphError, shown
from hrnet_graph.files import whole_file

SUFFIXES = (".svg", ".png")


def new_figure(width: float, height: float) -> Any:
    """An empty `matplotlib.figure.Figure`, in inches. Raises `HRNetGraphError` if there is none."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise HRNetGraphError("plots need matplotlib", "pip install 'hrnet-graph[plot]'") from None
    mpl.rcParams["svg.hashsalt"] = "hrnet-graph"
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def check_plot(path: Path) -> None:
    """Raises `FileError` unless a chart can be written to a file of this name."""
    if path.suffix not in SUFFIXES:
        expected = " or ".join(SUFFIXES)
        got = shown(str(path), 200)
        raise FileError(f"expected a file name that ends in {expected}, got {got}")


def write_figure(figure: Any, path: Path) -> None:
    """Writes a figure as svg or png by suffix, whole or not at all."""
    check_plot(path)
    with whole_file(path) as draft:
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(draft, format=path.suffix[1:], dpi=150, metadata=metadata)
