"""Several heads that learn at once: what each has to learn of an image, and the sum of losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

import hrnet_graph as hg
from training.data import Folder, Samples, Targets

APART = ("classification", "feature_pyramid")
"""The heads whose data are laid out in another way, so that they learn alone."""


class Folders(Dataset[tuple[Tensor, Any]]):
    """Image i and the target of each head, by its name; see `Folder`."""

    def __init__(self, folder: Path, heads: Mapping[str, str], seed: int) -> None:
        self.folders = {name: Folder(folder, kind, seed, name) for name, kind in heads.items()}
        for each in self.folders.values():
            each.mirrors = all(other.mirrors for other in self.folders.values())
        self._epoch = 0

    @property
    def epoch(self) -> int:
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._epoch = epoch
        for each in self.folders.values():
            each.epoch = epoch

    @property
    def box_classes(self) -> int:
        """None of them finds boxes."""
        return 1

    def prepare(self, spec: hg.Spec) -> hg.Spec:
        """The spec with what the data decide of it."""
        for each in self.folders.values():
            spec = each.prepare(spec)
        for each in self.folders.values():
            each.prepare(spec)
        return spec

    def __len__(self) -> int:
        return len(next(iter(self.folders.values())))

    def __getitem__(self, i: int) -> tuple[Tensor, Any]:
        samples = {name: each[i] for name, each in self.folders.items()}
        pixels = next(iter(samples.values()))[0]
        return pixels, Targets({name: target for name, (_, target) in samples.items()})

    def __getitems__(self, indices: list[int]) -> Samples:
        """A batch's samples, or the error that one of them ends in."""
        try:
            return [self[i] for i in indices]
        except hg.HRNetGraphError as error:
            return error


def data_of(folder: Path, spec: hg.Spec, seed: int) -> Folder | Folders:
    """The data that the head of a spec, or each of its heads, learns from."""
    if not spec.head.inner:
        return Folder(folder, spec.head.kind, seed)
    kinds = {name: head.kind for name, head in spec.head.inner.items()}
    return Folders(folder, kinds, seed)


def apart(results: Mapping[str, Tensor], name: str) -> Any:
    """What one of several heads gave: a tensor, or several by the names that it has for them."""
    if name in results:
        return results[name]
    return {
        key.removeprefix(f"{name}."): value
        for key, value in results.items()
        if key.startswith(f"{name}.")
    }


def by_head(losses: Mapping[str, Callable[[Any, Any], Tensor]]) -> Callable[[Any, Any], Any]:
    """The loss of each of several heads, by its name."""

    def of(results: Mapping[str, Tensor], targets: Mapping[str, Any]) -> dict[str, Tensor]:
        return {name: loss(apart(results, name), targets[name]) for name, loss in losses.items()}

    return of


def total(losses: Mapping[str, Tensor]) -> Tensor:
    """The sum of the losses of several heads."""
    return torch.stack([loss.float() for loss in losses.values()]).sum()
