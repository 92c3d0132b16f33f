"""The images of a folder, as a network takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from hrnet_graph.errors import FileError, HRNetGraphError, quoted
from hrnet_graph.files import is_folder
from hrnet_graph.images import as_array, read_image, view
from hrnet_graph.ir.graph import Graph
from hrnet_graph.spec.load import check
from hrnet_graph.spec.source import parse

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")


class Folder:
    """The images of a folder and the folders in it, read as `predict` reads one, when asked for.

    Raises `FileError` if there is no such folder, or no image in it.
    """

    def __init__(self, path: str | Path, graph: Graph, size: tuple[int, int]) -> None:
        spec = check(parse(graph.source, graph.name))
        where = quoted(str(path), 200)
        if spec.input[0] != 3:
            raise HRNetGraphError(f"{spec.name}: expected 3 input channels, got {spec.input[0]}")
        if not is_folder(path):
            raise FileError(f"no folder of images at {where}")
        files = sorted(Path(path).rglob("*"))
        self._files = [file for file in files if file.suffix.lower() in SUFFIXES]
        if not self._files:
            raise FileError(f"no image in {where}", f"images end in {', '.join(SUFFIXES)}")
        self._preprocess, self._size = spec.preprocess, size

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[Tensor]:
        scale = self._preprocess
        for file in self._files:
            seen, _ = view(read_image(file), *self._size, crop=scale.resize == "crop")
            yield torch.from_numpy(as_array(seen, scale.mean, scale.std))


Images = Sequence[Tensor] | Folder
"""Batches, or a folder of images, each a batch of one."""
