"""The memory that torch holds while it works."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import hrnet_graph as hg


class Watch(TorchDispatchMode):
    """Adds up, after every operation, the bytes of all pieces of memory that are still held.

    Those of `own` tensors are left out: a linear layer looks at its weight from another side.
    """

    def __init__(self, image: torch.Tensor, own: Iterable[torch.Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch gives it no types
        self._known = {self._key(image): (self._reference(image), image.nbytes)}
        self._own = {self._key(tensor) for tensor in own}
        self.peak = 0

    @staticmethod
    def _key(tensor: torch.Tensor) -> int:
        return int(tensor.untyped_storage()._cdata)

    @staticmethod
    def _reference(tensor: torch.Tensor) -> Any:
        return StorageWeakRef(tensor.untyped_storage())

    def __torch_dispatch__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor) and self._key(leaf) not in self._own:
                size = leaf.untyped_storage().nbytes()
                self._known.setdefault(self._key(leaf), (self._reference(leaf), size))
        self._known = {key: kept for key, kept in self._known.items() if not kept[0].expired()}
        self.peak = max(self.peak, sum(size for _, size in self._known.values()))
        return result


def saved_for_backward(graph: hg.Graph) -> int:
    """Bytes of all memory that autograd keeps for one image, parameters and buffers apart."""
    model = hg.build_module(graph).train()
    own = {v.untyped_storage()._cdata for v in model.state_dict(keep_vars=True).values()}
    kept: list[torch.Tensor] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = model(torch.randn(1, *graph.input.type.shape))
    assert out is not None
    pieces = {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in kept}
    return sum(size for piece, size in pieces.items() if piece not in own)
