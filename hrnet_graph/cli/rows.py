"""Rows written to a file one by one, as they come: none is held."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from hrnet_graph.cli.json_text import to_json
from hrnet_graph.cli.table import Row
from hrnet_graph.files import atomic_write

STREAMED = (".csv", ".jsonl")
"""What is written so."""


def write_rows(path: Path, names: Sequence[str], rows: Iterable[Row]) -> int:
    """Writes rows under their names, or one JSON object a line, and tells how many those were.

    Raises `FileError` if that cannot be, and leaves what was there.
    """
    count = 0
    with atomic_write(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, names, lineterminator="\n")
        lines = path.suffix.lower() == ".jsonl"
        if not lines:
            table.writeheader()
        for row in rows:
            count += 1
            if lines:
                file.write(to_json(row) + "\n")
            else:
                table.writerow(row)
    return count
