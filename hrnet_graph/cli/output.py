"""Files that several commands write tables and charts to."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from hrnet_graph.files import check_suffix, check_writable

PLOTS = (".svg", ".png")


def check_output(path: Path | None, suffixes: Sequence[str]) -> str:
    """The suffix of a file that is asked for, in small letters; nothing if none is.

    Raises, before anything is computed, `FileError` if it could not be written and
    `HRNetGraphError` if it is a chart and nothing draws charts here.
    """
    if path is None:
        return ""
    suffix = check_suffix(path, suffixes)
    check_writable(path)
    if suffix in PLOTS:
        from hrnet_graph.viz.plot import new_figure

        new_figure(1, 1)
    return suffix


def to_csv(rows: Sequence[Mapping[str, Any]], leaving_out: Collection[str] = ()) -> str:
    """Rows as comma-separated values, under all their keys in order of appearance."""
    fields = [
        key for key in dict.fromkeys(k for row in rows for k in row) if key not in leaving_out
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
