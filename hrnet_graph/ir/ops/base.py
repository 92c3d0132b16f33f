"""What every op states about itself."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.types import TensorType

Operands = tuple[TensorType, ...]

Span = tuple[Any, Any]
"""The first and the last cell of a map along one axis."""


@dataclass(frozen=True, slots=True)
class State:
    """One entry of the `state_dict` that an op adds: a parameter, or a buffer (not trainable)."""

    name: str
    shape: tuple[int, ...]
    trainable: bool = True

    @property
    def elements(self) -> int:
        """How many numbers the entry holds; a scalar holds one."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Layer:
    """The `torch.nn` layer that computes an op, as data: a class name and its keyword arguments."""

    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Saved:
    """What torch keeps of an operation for the backward pass, parameters apart.

    `more` are numbers beside operands and result, for one sample; `shared` are those that a whole
    batch shares.
    """

    operands: bool = False
    result: bool = False
    more: int = 0
    shared: int = 0


@dataclass(frozen=True)
class Op(ABC):
    """A primitive operation: its kind is its class, its attributes are its fields.

    An op never states what its operands tell: `Conv2d` reads its input channels from its operand.
    """

    family: ClassVar[str]
    """The family the op belongs to: conv, norm, activation, pointwise, resample, linear, input."""

    is_view: ClassVar[bool] = False
    """Whether the result shares its operand's memory, outside training."""

    can_overwrite: ClassVar[bool] = False
    """Whether torch can write the result over the one operand."""

    copies_in_training: ClassVar[bool] = False
    """Whether a view outside training is none while training."""

    @abstractmethod
    def infer(self, x: Operands) -> TensorType:
        """The type of the result. Raises `ShapeError` if the operands do not fit."""

    def state(self, x: Operands) -> tuple[State, ...]:
        """The op's `state_dict` entries, in the order in which torch registers them."""
        return ()

    def macs(self, x: Operands, y: TensorType) -> int:
        """Multiply-accumulates for one sample, of convolution, linear and matmul alone; no bias."""
        return 0

    def operations(self, x: Operands, y: TensorType) -> int:
        """Elementary operations for one sample that are no MACs, as fvcore counts where it does."""
        return 0

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """What the backward pass needs; `in_place` where the result overwrites the operand."""
        return Saved()

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        """Which cells of each operand, along one axis, the result's cell `n` depends on.

        `extents` are the operands' sizes along the axis, `extent` the result's. A span is the first
        and the last cell, which may lie outside the operand (padding); None is the whole operand.
        `n` is a number or an array of them. An operand that only lends its size has no entry.
        """
        return tuple((n, n) for _ in extents)

    @abstractmethod
    def layer(self, x: Operands) -> Layer:
        """The `torch.nn` layer that computes the op."""

    @abstractmethod
    def label(self) -> str:
        """A short name for figures and tables: `conv 3x3 /2`."""


def single(x: Operands, op: Op, rank: int) -> TensorType:
    """The one operand of `op`, once it is known to have `rank` dimensions."""
    if len(x) != 1 or len(x[0].shape) != rank:
        got = ", ".join(str(t) for t in x)
        raise ShapeError(
            f"{op.label()} takes one operand of {rank} dimensions, got {got or 'none'}"
        )
    return x[0]
