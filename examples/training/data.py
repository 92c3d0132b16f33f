"""Images in a folder, with what a head is to learn of each.

classification     CLASS/IMAGE
segmentation, ocr  images/IMAGE and masks/IMAGE.png: the class of every pixel, grey, palette index
                   or bit; 255 is ignored
heatmap, landmark, bottom_up
                   images/IMAGE and points.json: {IMAGE: [[[x, y, seen], ...], ...]}, by person and
                   joint, in pixels; seen is 1 or 0
feature_pyramid    images/IMAGE and boxes.json: {IMAGE: [[left, top, right, bottom, class], ...]},
                   in pixels, classes from 1
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset
from torch.utils.data.distributed import DistributedSampler

import hrnet_graph as hg
from training.marks import read_marks

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")

Samples = list[tuple[Tensor, Any]] | hg.FileError
Batch = tuple[Tensor, Any]


class Folder(Dataset[tuple[Tensor, Any]]):
    """Image i and its target, the same for the same seed, epoch and i, whichever process asks."""

    def __init__(self, folder: Path, head: str, seed: int) -> None:
        self.head, self.seed, self.epoch = head, seed, 0
        self.spec: hg.Spec | None = None
        self.folder = folder if head == "classification" else folder / "images"
        pattern = "*/*" if head == "classification" else "*"
        files = sorted(p for p in self.folder.glob(pattern) if p.suffix.lower() in SUFFIXES)
        if not files:
            raise hg.FileError(f"no images for a {head} head in {str(self.folder)!r}")
        self.files = files
        self.classes = sorted({path.parent.name for path in files})
        self.marks: dict[str, Any] = {}
        if head not in ("classification", "segmentation", "ocr"):
            self.marks = read_marks(folder, head, [path.name for path in files])

    @property
    def options(self) -> dict[str, int]:
        """What the data decide of the spec: the number of the head's outputs."""
        if self.head == "classification":
            return {"head.classes": len(self.classes)}
        if self.head in ("heatmap", "landmark", "bottom_up"):
            people = next(people for people in self.marks.values() if people)
            return {f"head.{'points' if self.head == 'landmark' else 'joints'}": len(people[0])}
        return {}

    @property
    def box_classes(self) -> int:
        """Classes of boxes, background included."""
        return 1 + max((int(row[4]) for rows in self.marks.values() for row in rows), default=0)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> tuple[Tensor, Any]:
        assert self.spec is not None
        path = self.files[i]
        image = ImageOps.exif_transpose(opened(path, "image")).convert("RGB")
        _, height, width = self.spec.input
        chance = torch.Generator().manual_seed(hash((self.seed, self.epoch, i)) % 2**63)
        flip = bool(torch.rand((), generator=chance) < 0.5)
        target = self._target(path, image.size, flip)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
        if flip and not self.marks:
            image = ImageOps.mirror(image)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255
        scale = self.spec.preprocess
        mean, std = (torch.tensor(row)[:, None, None] for row in (scale.mean, scale.std))
        return (pixels - mean) / std, target

    def __getitems__(self, indices: list[int]) -> Samples:
        """What a loader asks for: a batch's samples, or the error that one of them ends in.

        An error is a value here, since torch would bring a worker's with its traceback.
        """
        try:
            return [self[i] for i in indices]
        except hg.FileError as error:
            return error

    def _target(self, path: Path, size: tuple[int, int], flip: bool) -> Any:
        assert self.spec is not None
        _, height, width = self.spec.input
        if self.head == "classification":
            return torch.tensor(self.classes.index(path.parent.name))
        if self.head == "feature_pyramid":
            rows = torch.tensor(self.marks[path.name], dtype=torch.float32).reshape(-1, 5)
            scale = torch.tensor([width / size[0], height / size[1]] * 2)
            return {"boxes": rows[:, :4] * scale, "labels": rows[:, 4].long()}
        if self.marks:
            (joints,) = self.options.values()
            people = torch.tensor(self.marks[path.name] or [[[0, 0, 0]] * joints])
            return people / torch.tensor([*size, 1.0])
        path = self.folder.parent / "masks" / f"{path.stem}.png"
        mask = read_mask(path).resize((width, height), Image.Resampling.NEAREST)
        if flip:
            mask = ImageOps.mirror(mask)
        flat = torch.frombuffer(bytearray(mask.tobytes()), dtype=torch.uint8)
        target = flat.view(height, width).long()
        wrong = target[(target >= self.spec.head.options["classes"]) & (target != 255)]
        if len(wrong):
            where = repr(str(path))
            raise hg.FileError(f"{where} has a pixel of class {int(wrong[0])}, unknown to the head")
        return target


class Rest(DistributedSampler[Any]):
    """The images of an epoch that this process has not had yet: all but the first `done`."""

    done = 0

    def __iter__(self) -> Iterator[Any]:
        return islice(super().__iter__(), self.done, None)


def opened(path: Path, what: str) -> Image.Image:
    """A picture in memory. Raises `FileError`, which says what it should have been."""
    try:
        with Image.open(path) as file:
            return file.copy()
    except FileNotFoundError:
        raise hg.FileError(f"no {what} at {str(path)!r}") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise hg.FileError(f"{str(path)!r} is no {what} that can be read: {error}") from None


def read_mask(path: Path) -> Image.Image:
    """A class a pixel, in one byte: grey, a palette's index, or a bit. Raises `FileError`."""
    mask = opened(path, "mask")
    if mask.mode == "1":
        return mask.convert("L").point(lambda value: min(value, 1))
    if mask.mode not in ("L", "P"):
        raise hg.FileError(
            f"{str(path)!r}: expected a mask of mode L, P or 1, got {mask.mode}",
            "a pixel of a mask is the number of its class, not a colour",
        )
    return mask


def collate(samples: Samples) -> Batch | hg.FileError:
    """A batch, or an error passed on; persons are filled up with unseen ones, boxes stay a list."""
    if isinstance(samples, hg.FileError):
        return samples
    images, targets = zip(*samples, strict=True)
    if isinstance(targets[0], dict):
        return torch.stack(images), list(targets)
    if targets[0].dim() == 3:
        return torch.stack(images), pad_sequence(list(targets), batch_first=True)
    return torch.stack(images), torch.stack(targets)


def batches(loader: Iterable[Batch | hg.FileError]) -> Iterator[Batch]:
    """The batches of a loader. Raises, in this process, the error that one of them is."""
    for batch in loader:
        if isinstance(batch, hg.FileError):
            raise batch
        yield batch
