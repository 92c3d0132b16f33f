"""Images in a folder, with what a head is to learn of each.

classification     CLASS/IMAGE
segmentation, ocr, upernet
                   images/IMAGE and masks/IMAGE.png: the class of every pixel, grey, palette index
                   or bit; 255 is ignored
heatmap, landmark, bottom_up, regression, simcc
                   images/IMAGE and points.json: {IMAGE: [[[x, y, seen], ...], ...]}, by person and
                   joint, in pixels; seen is 1 or 0
feature_pyramid    images/IMAGE and boxes.json: {IMAGE: [[left, top, right, bottom, class], ...]},
                   in pixels, classes from 1

Several heads (`multi`) learn from one folder: images/, and masks/ and points.json for those of them
that learn from these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset
from torch.utils.data.distributed import DistributedSampler

import hrnet_graph as hg
from training.marks import read_marks

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")

IGNORED = 255
"""The class of pixels that are not learnt."""

MASKED = frozenset({"segmentation", "ocr", "upernet"})
"""The heads that learn the class of every pixel."""

POINTED = ("heatmap", "landmark", "bottom_up", "regression", "simcc")
"""The heads that learn points."""

NAMED = 2_048
"""The most classes whose names a spec holds."""

Samples = list[tuple[Tensor, Any]] | hg.HRNetGraphError
Batch = tuple[Tensor | list[Tensor], Any]


class Targets(dict[str, Any]):
    """What each of several heads is to learn of an image, by its name."""


class Folder(Dataset[tuple[Tensor, Any]]):
    """Image i and its target, the same for the same seed, epoch and i, whichever process asks."""

    def __init__(self, folder: Path, head: str, seed: int, name: str = "") -> None:
        """For a head of a kind, which is called `name` where there are several."""
        self.head, self.seed, self.epoch, self.name = head, seed, 0, name
        self.spec: hg.Spec | None = None
        self.prepared: hg.Preprocessor | None = None
        self.folder = folder if head == "classification" else folder / "images"
        pattern = "*/*" if head == "classification" else "*"
        files = sorted(p for p in self.folder.glob(pattern) if p.suffix.lower() in SUFFIXES)
        if not files:
            raise hg.FileError(f"no images for a {head} head in {str(self.folder)!r}")
        self.files = files
        self.classes = sorted({path.parent.name for path in files})
        self.marks: dict[str, Any] = {}
        if head not in ("classification", *MASKED):
            self.marks = read_marks(folder, head, [path.name for path in files])
        self.mirrors = not self.marks

    def prepare(self, spec: hg.Spec) -> hg.Spec:
        """The spec with what the data decide of it: how many outputs the head has, their names."""
        changes: dict[str, Any] = {}
        if self.head == "classification":
            changes = self._named(spec)
        elif self.head in POINTED:
            people = next(people for people in self.marks.values() if people)
            at = f"head.heads.{self.name}" if self.name else "head"
            changes = {f"{at}.{'points' if self.head == 'landmark' else 'joints'}": len(people[0])}
        self.spec = hg.load_spec(spec, changes)
        self.prepared = hg.Preprocessor(self.spec)
        return self.spec

    def _named(self, spec: hg.Spec) -> dict[str, Any]:
        """Classes by the folders' names, or in the order in which the spec lists them."""
        if isinstance(spec.labels, tuple):
            if strange := [name for name in self.classes if name not in spec.labels]:
                raise hg.HRNetGraphError(
                    f"the folder {strange[0]!r} is none of the spec's labels",
                    "--set labels=null takes the names of the folders",
                )
            self.classes = list(spec.labels)
            return {"head.classes": len(self.classes)}
        if all(re.fullmatch("n[0-9]{8}", name) for name in self.classes):  # ImageNet's own folders
            return {"head.classes": len(self.classes)}
        names = self.classes if len(self.classes) <= NAMED else None
        return {"head.classes": len(self.classes), "labels": names}

    @property
    def box_classes(self) -> int:
        """Classes of boxes, background included: as many as the spec names, or as there are."""
        most = max((int(row[4]) for rows in self.marks.values() for row in rows), default=0)
        names = self.spec.labels if self.spec is not None else None
        if not isinstance(names, tuple):
            return 1 + most
        if most > len(names):
            raise hg.FileError(f"boxes.json has the class {most}, and the spec {len(names)} labels")
        return 1 + len(names)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> tuple[Tensor, Any]:
        assert self.prepared is not None
        path = self.files[i]
        image = self.prepared.read(path)
        if self.head == "feature_pyramid":  # a detector resizes and scales images by itself
            return torch.from_numpy(self.prepared.levels(image)), self._boxes(path, image)
        chance = torch.Generator().manual_seed(hash((self.seed, self.epoch, i)) % 2**63)
        flip = self.mirrors and bool(torch.rand((), generator=chance) < 0.5)
        pixels = torch.from_numpy(self.prepared.scale(image)[0])
        target = self._target(path, image)
        if not flip:
            return pixels, target
        return pixels.flip(-1), target.flip(-1) if target.dim() == 2 else target

    def __getitems__(self, indices: list[int]) -> Samples:
        """What a loader asks for: a batch's samples, or the error that one of them ends in.

        An error is a value here, since torch would bring a worker's with its traceback.
        """
        try:
            return [self[i] for i in indices]
        except hg.HRNetGraphError as error:
            return error

    def _target(self, path: Path, image: Image.Image) -> Any:
        """What is to be learnt of an image, in the pixels that the network sees of it."""
        assert self.prepared is not None
        if self.head == "classification":
            return torch.tensor(self.classes.index(path.parent.name))
        if not self.marks:
            return self._mask(self.folder.parent / "masks" / f"{path.stem}.png")
        place = self.prepared.place(image)
        start = torch.tensor([place.left, place.top])
        size = torch.tensor([place.width, place.height])
        joints = next(len(person) for people in self.marks.values() for person in people)
        people = torch.tensor(self.marks[path.name] or [[[0.0, 0.0, 0.0]] * joints])
        at = (people[..., :2] - start) / size
        inside = ((at >= 0) & (at < 1)).all(dim=-1, keepdim=True)
        return torch.cat([at, people[..., 2:] * inside], dim=-1)

    def _boxes(self, path: Path, image: Image.Image) -> dict[str, Tensor]:
        rows = torch.tensor(self.marks[path.name], dtype=torch.float32).reshape(-1, 5)
        corners = rows[:, :4].clamp_min(0).minimum(torch.tensor(image.size * 2))
        there = (corners[:, :2] < corners[:, 2:]).all(dim=1)
        return {"boxes": corners[there], "labels": rows[there, 4].long()}

    def _mask(self, path: Path) -> Tensor:
        """The class of every pixel; those beyond an image that is fitted in are ignored."""
        assert self.spec is not None
        assert self.prepared is not None
        seen = np.asarray(self.prepared.view(read_mask(path), Image.Resampling.NEAREST))
        target = torch.full(self.prepared.size, IGNORED)
        target[: seen.shape[0], : seen.shape[1]] = torch.from_numpy(seen.copy())
        head = self.spec.head.inner[self.name] if self.name else self.spec.head
        wrong = target[(target >= head.options["classes"]) & (target != IGNORED)]
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


def collate(samples: Samples) -> Batch | hg.HRNetGraphError:
    """A batch, or an error passed on; persons are filled up with unseen ones, a detector's images
    and boxes stay lists.
    """
    if isinstance(samples, hg.HRNetGraphError):
        return samples
    images, targets = zip(*samples, strict=True)
    if isinstance(targets[0], Targets):
        return torch.stack(images), {
            name: _stacked([each[name] for each in targets]) for name in targets[0]
        }
    if isinstance(targets[0], dict):
        return list(images), list(targets)
    return torch.stack(images), _stacked(targets)


def _stacked(targets: Sequence[Tensor]) -> Tensor:
    """The targets of a batch; those of persons are as many as the most of them."""
    if targets[0].dim() == 3:
        return pad_sequence(list(targets), batch_first=True)
    return torch.stack(list(targets))


def batches(loader: Iterable[Batch | hg.HRNetGraphError]) -> Iterator[Batch]:
    """The batches of a loader. Raises, in this process, the error that one of them is."""
    for batch in loader:
        if isinstance(batch, hg.HRNetGraphError):
            raise batch
        yield batch
