"""ncnn's two files, a network's layers and its weights, written both or neither."""

from __future__ import annotations

from pathlib import Path

from hrnet_graph.compiler.ncnn.model import NcnnModel
from hrnet_graph.files import atomic_write, check_writable, files_of


def write_ncnn(model: NcnnModel, path: str | Path) -> None:
    """Writes a network as `NAME.param`, and the weights as `NAME.bin` beside it.

    Raises `FileError` if one of them cannot be written; then both are as they were.
    """
    for each in files_of(path):
        check_writable(each)
    with atomic_write(path) as draft:
        _, weights = files_of(draft)
        with weights.open("wb") as file:
            file.writelines(model.blocks())
        draft.write_text(model.text, encoding="utf-8")
