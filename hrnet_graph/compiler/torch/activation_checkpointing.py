"""Time for memory: parts of a network that keep their inputs alone for the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.hierarchy import boxes_at

Unit = Literal["module", "block", "elementwise"]
"""What runs again: high-resolution modules, residual blocks and fuse units, or all of a module that
is no convolution."""

COMPILED_COUNTS_ONCE = torch.__version__ >= "2.14"  # which torch compares as versions
"""Whether running statistics count a batch once in what torch compiles; in 2.6 they count it twice,
and nobody has tried those between: what runs again there is kept out of what is compiled."""


def checkpointed_scopes(graph: Graph, unit: Unit | None) -> set[str]:
    """The paths of the scopes that run again: the boxes of the figure at that level.

    By modules, what lies outside of them (the blocks of a head) runs again block by block. Stem and
    head are no submodules, and keep what they compute. Raises `HRNetGraphError` for another unit.
    """
    if unit is None:
        return set()
    if unit not in get_args(Unit):
        expected = ", ".join(repr(name) for name in get_args(Unit))
        raise HRNetGraphError(
            f"checkpoint_activations: expected {expected} or None, got {quoted(unit)}"
        )
    boxes = boxes_at(graph, "block")
    if unit != "block":
        boxes |= boxes_at(graph, "module")
    return {box for box in boxes if not box.rpartition(".")[2].startswith("@")}


def checkpointed(
    scope: nn.Module, run: Callable[..., tuple[Tensor, ...]], *inputs: Tensor
) -> tuple[Tensor, ...]:
    """What `run` gives for the inputs; it runs again in the backward pass.

    The second run draws the same random numbers and leaves the buffers of `scope` as they are, so
    that running statistics count a batch once. Compiled, torch sees to both.
    """
    if torch.compiler.is_compiling() and COMPILED_COUNTS_ONCE:
        return checkpoint(run, *inputs, use_reentrant=False)
    return _kept_apart(scope, run, *inputs)


def _checkpointed(
    scope: nn.Module, run: Callable[..., tuple[Tensor, ...]], *inputs: Tensor
) -> tuple[Tensor, ...]:
    contexts = (nullcontext(), _BuffersKept(scope))
    return checkpoint(run, *inputs, use_reentrant=False, context_fn=lambda: contexts)


_kept_apart: Callable[..., tuple[Tensor, ...]] = torch.compiler.disable(_checkpointed)


class _BuffersKept:
    """Whatever happens inside happens to copies of the buffers; it is entered by each backward."""

    def __init__(self, scope: nn.Module) -> None:
        self._scope = scope
        self._kept: list[tuple[nn.Module, dict[str, Tensor | None]]] = []

    def __enter__(self) -> None:
        layers = self._scope.modules()
        self._kept = [(layer, dict(layer._buffers)) for layer in layers if layer._buffers]
        for layer, buffers in self._kept:
            layer._buffers.update({k: v.clone() for k, v in buffers.items() if v is not None})

    def __exit__(self, *error: object) -> None:
        for layer, buffers in self._kept:
            layer._buffers.update(buffers)
        self._kept = []
