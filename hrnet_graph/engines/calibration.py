"""The images that calibrate int8, as a network takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from hrnet_graph.compiler.model import Model
from hrnet_graph.engines.engine import Array, Images
from hrnet_graph.engines.images import as_images, to_array
from hrnet_graph.errors import FileError, HRNetGraphError, quoted
from hrnet_graph.files import is_folder
from hrnet_graph.images import Preprocessor
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.sizes import ImageCheck

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")


class Folder:
    """The images of a folder and the folders in it, read as `predict` reads one, when asked for.

    Raises `FileError` if there is no such folder, or no image in it.
    """

    def __init__(self, path: str | Path, graph: Graph, size: tuple[int, int]) -> None:
        where = quoted(str(path), 200)
        if not is_folder(path):
            raise FileError(f"no folder of images at {where}")
        files = sorted(Path(path).rglob("*"))
        self._files = [file for file in files if file.suffix.lower() in SUFFIXES]
        if not self._files:
            raise FileError(f"no image in {where}", f"images end in {', '.join(SUFFIXES)}")
        self._prepared = Preprocessor(graph, size)

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[Array]:
        return map(self._prepared, self._files)


Batches = Sequence[Array] | Folder
"""Arrays, or a folder of images, each a batch of one."""


def read_batches(
    model: Model, given: Iterable[Images] | str | Path | None, size: tuple[int, int]
) -> Batches:
    """The batches that a caller gives, or a folder of them, each checked.

    Raises `HRNetGraphError` for what int8 cannot be calibrated on.
    """
    if given is None:
        raise HRNetGraphError(
            "int8 needs images to be calibrated on", "give calibration: batches, or a folder"
        )
    if isinstance(given, str | Path):
        return Folder(given, model.graph, size)
    try:
        each = iter(given)
    except TypeError:
        got = quoted(given)
        raise HRNetGraphError(f"calibration: expected batches or a folder, got {got}") from None
    check = ImageCheck(model.graph)
    batches = tuple(to_array(as_images(batch, model.graph.name, check)) for batch in each)
    if not batches:
        raise HRNetGraphError("int8 needs images to be calibrated on, got none")
    if not all(map(len, batches)):
        raise HRNetGraphError("int8 needs images to be calibrated on, got an empty batch")
    if not all(np.isfinite(batch).all() for batch in batches):
        raise HRNetGraphError("int8 needs images of finite numbers to be calibrated on")
    return batches
