"""Normalisation."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.errors import NormError, SizeError
from hrnet_graph.ir.ops.base import Layer, Op, Operands, Saved, State, single
from hrnet_graph.ir.types import TensorType


@dataclass(frozen=True)
class BatchNorm(Op):
    """Batch normalisation with a learnt scale and shift and running statistics.

    x: (C, H, W) -> (C, H, W)

    `synchronised` takes the statistics of a training batch over all processes that share it; what
    is learnt, what is counted and what evaluation computes are the same.
    """

    family = "norm"

    eps: float = 1e-5
    momentum: float = 0.1
    synchronised: bool = False

    def infer(self, x: Operands) -> TensorType:
        return single(x, self, rank=3)

    def state(self, x: Operands) -> tuple[State, ...]:
        shape = (x[0].channels,)
        return (
            State("weight", shape),
            State("bias", shape),
            State("running_mean", shape, trainable=False),
            State("running_var", shape, trainable=False),
            State("num_batches_tracked", (), trainable=False),
        )

    def operations(self, x: Operands, y: TensorType) -> int:
        """A scale and a shift an element: what is left of it after training."""
        return 2 * y.elements

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The operand, and mean and deviation of each channel over the batch."""
        return Saved(operands=True, shared=2 * y.channels)

    def layer(self, x: Operands) -> Layer:
        arguments = {"num_features": x[0].channels, "eps": self.eps, "momentum": self.momentum}
        return Layer("SyncBatchNorm" if self.synchronised else "BatchNorm2d", arguments)

    def label(self) -> str:
        return "batch norm"


@dataclass(frozen=True)
class GroupNorm(Op):
    """Group normalisation with a learnt scale and shift, independent of the batch.

    x: (C, H, W) -> (C, H, W), where `groups` divides C and a group has two values or more

    Source: Wu and He, "Group Normalization", ECCV 2018.
    """

    family = "norm"

    groups: int
    eps: float = 1e-5

    def infer(self, x: Operands) -> TensorType:
        y = single(x, self, rank=3)
        if y.channels % self.groups:
            raise NormError(f"group norm splits {y.channels} channels into {self.groups} groups")
        if y.elements == self.groups:
            raise SizeError(f"group norm finds a single value in each group of {y}")
        return y

    def state(self, x: Operands) -> tuple[State, ...]:
        shape = (x[0].channels,)
        return (State("weight", shape), State("bias", shape))

    def operations(self, x: Operands, y: TensorType) -> int:
        """Mean, variance, difference, scale and shift: five an element."""
        return 5 * y.elements

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The operand, and mean and deviation of each group."""
        return Saved(operands=True, more=2 * self.groups)

    def layer(self, x: Operands) -> Layer:
        arguments = {"num_groups": self.groups, "num_channels": x[0].channels, "eps": self.eps}
        return Layer("GroupNorm", arguments)

    def label(self) -> str:
        return f"group norm {self.groups}"
