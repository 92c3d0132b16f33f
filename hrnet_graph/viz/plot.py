"""Charts through matplotlib, the same bytes from run to run. Needs the extra `plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.files import atomic_write


def require_matplotlib() -> Any:
    """The package matplotlib. Raises `HRNetGraphError` if there is none."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise HRNetGraphError("plots need matplotlib", "pip install 'hrnet-graph[plot]'") from None
    return mpl


def new_figure(width: float, height: float) -> Any:
    """An empty `matplotlib.figure.Figure`, in inches. Raises `HRNetGraphError` if there is none."""
    mpl = require_matplotlib()
    mpl.rcParams["svg.hashsalt"] = "hrnet-graph"
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def write_figure(figure: Any, path: Path) -> None:
    """Writes a figure as svg or png by suffix, whole or not at all."""
    with atomic_write(path) as draft:
        format = path.suffix[1:].lower()
        metadata = {"Date": None} if format == "svg" else {}
        figure.savefig(draft, format=format, dpi=150, metadata=metadata)
