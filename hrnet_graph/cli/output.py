"""What is known of a file to write before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hrnet_graph.files import check_suffix, check_writable

PLOTS = (".svg", ".png")


def check_output(path: Path | None, known: Sequence[str]) -> None:
    """Checks a file that is asked for, if one is.

    Raises `FileError` if it could not be written, and `HRNetGraphError` if it is a chart and
    nothing draws charts here.
    """
    if path is None:
        return
    suffix = check_suffix(path, known)
    check_writable(path)
    if suffix in PLOTS:
        from hrnet_graph.viz.charts import require_matplotlib

        require_matplotlib()
