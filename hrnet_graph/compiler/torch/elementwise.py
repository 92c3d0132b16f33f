"""Memory for next to no time: what costs no convolution is computed again in the backward pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.multiprocessing.reductions import StorageWeakRef

from hrnet_graph.ir import ops
from hrnet_graph.ir.ops.norm import Affine
from hrnet_graph.ir.types import Operands

AGAIN = (Affine, ops.Activation, ops.Sum, ops.Scale, ops.NearestUpsample, ops.BilinearUpsample)
"""The ops that run again: those that cost little next to a convolution, and draw nothing."""

DEPTH = 64
"""How many results in a row are computed again, each from the one before; the next is kept."""


class Recipe:
    """How to come to a value that is not kept: what to run on which others.

    `uses` counts what the backward pass still asks of it: the value stays until the last of them.
    """

    def __init__(self, again: Again, sources: Sequence[Source]) -> None:
        self._again, self._sources = again, sources
        self.depth: int = 1 + max((s.depth for s in sources if isinstance(s, Recipe)), default=0)
        self.uses = 0
        self.value: Tensor | None = None

    def take(self) -> Tensor:
        """The value, for one of the uses that were counted."""
        value, _ = self.look()
        self.uses -= 1
        if self.uses <= 0:
            self.value = None
        return value

    def look(self) -> tuple[Tensor, bool]:
        """The value, and whether it is the caller's own, who may write over it."""
        if self.value is not None:
            return self.value, False
        read = [s.look() if isinstance(s, Recipe) else (s, False) for s in self._sources]
        value = self._again(read[0][1], *[x for x, _ in read])
        if self.uses > 0:
            self.value = value
        return value, self.uses <= 0


Source = Recipe | Tensor

Again = Callable[..., Tensor]
"""Computes a value: whether the first operand may be written over, and the operands."""


class Saved:
    """What stands for a tensor that the backward pass reads: it, or how to come to it."""

    __slots__ = ("source", "version")

    def __init__(self, x: Tensor, version: int) -> None:
        self.source: Source = x
        self.version = version

    def unpack(self) -> Tensor:
        """The tensor. Raises `RuntimeError`, as torch does, where it was written to meanwhile."""
        if isinstance(self.source, Recipe):
            return self.source.take()
        if self.source._version != self.version:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an "
                f"inplace operation: {self.source.dtype} {tuple(self.source.shape)}"
            )
        return self.source


class Values:
    """What the values of a scope are made of, while it runs forward."""

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        self._known: dict[int, tuple[StorageWeakRef, Look, Source]] = {}
        self._waiting: list[Saved] | None = None
        device = inputs[0].device.type
        available = torch.amp.is_autocast_available(device)
        self._device, self._autocast = device, available and torch.is_autocast_enabled(device)
        self._dtype = torch.get_autocast_dtype(device) if available else None
        for x in inputs:
            self._learn(x, x.detach())

    def call(self, layer: nn.Module, *operands: Tensor) -> Tensor:
        """Calls a layer; where its result can be computed again, it is not kept."""
        keeps_operand = layer.__dict__.get(MARK)
        if keeps_operand is None:
            return cast(Tensor, layer(*operands))
        found = [self._find(x) for x in operands]
        if keeps_operand and found[0] is None:
            found[0] = operands[0].detach()
        waiting: list[Saved] = []
        self._waiting = waiting
        try:
            result = cast(Tensor, layer(*operands))
        finally:
            self._waiting = None
        sources = [source for source in found if source is not None]
        run = _again(layer, result) if len(sources) == len(found) else None
        if run and getattr(layer, "inplace", False) and isinstance(sources[0], Tensor):
            self._learn(result, result.detach())  # what was kept to start from is written over
        elif run:
            made = Recipe(self._as_now(run), sources)
            self._learn(result, made if made.depth <= DEPTH else result.detach())
        for saved in waiting:
            self._settle(saved)
        return result

    def keep(self, results: Sequence[Tensor]) -> None:
        """Keeps what the scope hands out, which others read."""
        for result in results:
            made = self._find(result)
            if isinstance(made, Recipe):
                made.value, made.uses = result.detach(), made.uses + 1

    def pack(self, x: Tensor) -> Saved:
        """Takes a tensor that the backward pass will read; of a layer that runs, once it has."""
        if x.grad_fn is None:  # a weight, a statistic, the image
            return Saved(x, x._version)
        saved = Saved(x.detach(), x._version)
        if self._waiting is None:
            self._settle(saved)
        else:
            self._waiting.append(saved)
        return saved

    def _settle(self, saved: Saved) -> None:
        made = self._find(cast(Tensor, saved.source))
        if isinstance(made, Recipe):
            made.uses += 1
            saved.source = made

    def _as_now(self, run: Again) -> Again:
        """A function without gradients, in the precision in which the forward pass is."""
        device, dtype, enabled = self._device, self._dtype, self._autocast

        def again(own: bool, *x: Tensor) -> Tensor:
            with torch.no_grad():
                if dtype is None or not (enabled or torch.is_autocast_enabled(device)):
                    return run(own, *x)
                with torch.autocast(device, dtype, enabled=enabled):
                    return run(own, *x)

        return again

    def _learn(self, x: Tensor, source: Source) -> None:
        """Remembers what a value is; its memory is watched, so that no other is taken for it."""
        storage = x.untyped_storage()
        self._known[storage._cdata] = (StorageWeakRef(storage), _look(x), source)

    def _find(self, x: Tensor) -> Source | None:
        found = self._known.get(x.untyped_storage()._cdata)
        return found[2] if found and found[1] == _look(x) else None


Look = tuple[object, ...]


def _look(x: Tensor) -> Look:
    """What tells a value from a view of it, and from what it was before it was written over."""
    return x.shape, x.stride(), x.storage_offset(), x.dtype, x._version


def _again(layer: nn.Module, result: Tensor) -> Again | None:
    """What computes the result of a layer again, if anything may.

    A batch norm does so by the statistics of its batch, as the backward pass has them; one that is
    frozen, or shared by processes, is kept, and so is what somebody's hook may have changed.
    """
    if layer._forward_hooks or layer._forward_pre_hooks or not isinstance(result, Tensor):
        return None
    if isinstance(layer, nn.modules.batchnorm._BatchNorm):
        return _normalised_again(layer, result)
    run = layer.forward
    if getattr(layer, "inplace", False):
        return lambda own, x: run(x if own else x.clone())
    return lambda _, *x: run(*x)


def _normalised_again(norm: nn.modules.batchnorm._BatchNorm, result: Tensor) -> Again | None:
    mean = getattr(result.grad_fn, "_saved_result1", None)
    deviation = getattr(result.grad_fn, "_saved_result2", None)
    if not norm.training or mean is None or deviation is None:
        return None
    scale = norm.weight.detach() * deviation
    shift = norm.bias.detach() - mean * scale
    zero, one = torch.zeros_like(scale), torch.ones_like(scale)
    return lambda _, x: torch.batch_norm(x, scale, shift, zero, one, False, 0.0, 0.0, False)


class _Running(threading.local):
    """The values of the scope that runs forward in this thread, if one does."""

    values: Values | None = None


_running = _Running()


def values_now() -> Values | None:
    """The values of the scope around, if what is cheap in it runs again."""
    return None if torch.compiler.is_compiling() else _running.values


def with_less_kept(run: Callable[..., tuple[Tensor, ...]], *inputs: Tensor) -> tuple[Tensor, ...]:
    """What `run` gives for the inputs; for the backward pass it keeps what convolutions read and
    write no more than once. Compiled, torch's own compiler decides what it keeps.
    """
    if torch.compiler.is_compiling():
        return run(*inputs)
    values = Values(inputs)
    with saved_tensors_hooks(values.pack, Saved.unpack):
        _running.values = values
        try:
            results = run(*inputs)
        finally:
            _running.values = None
    values.keep(results)
    return results


def mark(layer: nn.Module, op: ops.Op, operands: Operands, *, in_place: bool) -> None:
    """Notes on a layer that it may run again, if so, and whether it keeps its operand anyway."""
    if isinstance(op, AGAIN):
        setattr(layer, MARK, op.saved(operands, op.infer(operands), in_place).operands)


MARK = "_keeps_operand"
"""The attribute of a layer that may run again."""
