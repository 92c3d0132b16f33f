"""The weights that a writer asks for, by key, held against the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import State

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"


class Numbers(Protocol):
    """What has a shape and a type as arrays have."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...


Held = TypeVar("Held", bound=Numbers)


def learnt_keys(graph: Graph, node: Node) -> dict[str, State]:
    """Key -> entry of a node's state, in its order, without whole numbers."""
    entries = node.op.state(graph.operands(node))
    learnt = (entry for entry in entries if entry.shape and not entry.is_constant)
    return {node.key_of(entry): entry for entry in learnt}


def fitting_weight(
    graph: Graph, weights: Mapping[str, Held], key: str, entry: State, dtype: np.dtype[Any]
) -> Held:
    """The weights under a key. Raises `HRNetGraphError` if there are none that fit."""
    value = weights.get(key)
    wanted = f"{graph.name}: expected weights for {quoted(key, 200)}"
    if value is None:
        raise HRNetGraphError(f"{wanted}, got none")
    if value.shape != entry.shape:
        raise HRNetGraphError(f"{wanted} of shape {entry.shape}, got {value.shape}")
    if value.dtype != dtype:
        raise HRNetGraphError(f"{wanted} of type {dtype}, as others, got {value.dtype}")
    return value


def number_type(weights: Mapping[str, Numbers]) -> np.dtype[Any]:
    """The type of a network's numbers: that of the first of its weights, or float32."""
    import numpy as np

    floats = (value.dtype for value in weights.values() if value.dtype.kind == "f")
    return next(floats, np.dtype(np.float32))
