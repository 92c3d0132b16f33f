"""ncnn's two files, a network's layers and its weights, written both or neither."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from hrnet_graph.compiler.ncnn.model import NcnnModel
from hrnet_graph.files import atomic_write, check_writable, files_of


def write_ncnn(model: NcnnModel, path: str | Path, look: Callable[[], None] | None = None) -> None:
    """Writes a network as `NAME.param`, and the weights as `NAME.bin` beside it.

    `look` is called where not all numbers are finite that come in float32, to say of what they are.

    Raises `FileError` if one of them cannot be written; then both are as they were.
    """
    for each in files_of(path):
        check_writable(each)
    with atomic_write(path) as draft:
        _, weights = files_of(draft)
        with weights.open("wb") as file:
            for block in model.blocks():
                if look and not np.isfinite(np.frombuffer(block, np.float32)).all():
                    look()
                    look = None
                file.write(block)
        draft.write_text(model.text, encoding="utf-8")
