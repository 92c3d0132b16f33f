"""What every op states about itself: the columns of its page."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hrnet_graph.errors import HRNetGraphError, ShapeError
from hrnet_graph.ir.ops.columns import Counted, Counters, Layer, Onnx, Saved, State
from hrnet_graph.ir.types import Operands, TensorType

Spans = tuple[tuple[Any, Any] | None, ...]
"""For each operand the first and the last cell along one axis; None is the whole operand."""

COLUMNS = (
    ("family",),
    ("infer",),
    ("macs", "operations", "per_element"),
    ("saved", "keeps"),
    ("reads",),
    ("layer", "functional"),
    ("onnx",),
    ("label",),
)
"""What an op has to state, by this or that; of the rest, what is left out is safe or seen."""


def refusal(op: type, problem: str) -> HRNetGraphError:
    """What is wrong with a class of op, in one sentence that names its package and file."""
    file = getattr(sys.modules.get(op.__module__), "__file__", None)
    package = op.__module__.partition(".")[0]
    return HRNetGraphError(f"{package}: the op {op.__name__} in {file or op.__module__} {problem}")


@dataclass(frozen=True)
class Op(ABC):
    """A primitive operation: its kind is its class, its attributes are its fields.

    An op never states what its operands tell: `Conv2d` reads its input channels from its operand.
    A class that lacks a column is refused when it is made, unless it is `abstract`.
    """

    family: ClassVar[str]
    """The family the op belongs to: conv, norm, activation, pointwise, resample, linear, input."""

    is_view: ClassVar[bool] = False
    """Whether the result shares its operand's memory, outside training."""

    for_training: ClassVar[bool] = False
    """Whether it does nothing after training, when it hands on its operand."""

    is_rewrite: ClassVar[bool] = False
    """Whether rewrites alone make it: no rule does, and no source is written of it."""

    reuses: ClassVar[slice] = slice(0)
    """The operands whose memory the result can take where nodes run one by one."""

    lender: ClassVar[int | None] = None
    """The operand whose height and width the result has; any but the first lends nothing else.

    All other operands that are read have that size, too, or one that does not vary.
    """

    counters: ClassVar[Counters] = Counters()
    """What the field's counters call it, if they count it."""

    per_element: ClassVar[int] = 0
    """The elementary operations, which are no MACs, that an element of the result takes."""

    keeps: ClassVar[Saved] = Saved()
    """What the backward pass needs, where that is always the same."""

    def __init_subclass__(cls, abstract: bool = False, **others: Any) -> None:
        super().__init_subclass__(**others)
        above = cls.__mro__[: cls.__mro__.index(Op)]
        stated = {name for kind in above for name in vars(kind)}
        for column in () if abstract else COLUMNS:
            if stated.isdisjoint(column):
                raise refusal(cls, f"does not state its {' or '.join(column)}")

    @property
    def can_overwrite(self) -> bool:
        """Whether the torch layer can write the result over the one operand: `inplace=True`."""
        return False

    @abstractmethod
    def infer(self, x: Operands) -> TensorType:
        """The type of the result. Raises `ShapeError` if the operands do not fit."""

    def state(self, x: Operands) -> tuple[State, ...]:
        """The op's `state_dict` entries, in the order in which torch registers them."""
        return ()

    def constants(self) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """Name -> the whole numbers that an entry of the state always holds, a matrix."""
        return {}

    def macs(self, x: Operands, y: TensorType) -> int:
        """Multiply-accumulates for one sample, of convolution, linear and matmul alone; no bias."""
        return 0

    def counted(self, x: Operands, y: TensorType) -> tuple[Counted, ...]:
        """What the field's counters come to: MACs, or else operations, by what they call them."""
        return ((self.counters, self.macs(x, y) or self.operations(x, y)),)

    def operations(self, x: Operands, y: TensorType) -> int:
        """Elementary operations for one sample that are no MACs, as fvcore counts where it does."""
        return self.per_element * y.elements

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """What the backward pass needs; `in_place` where the result overwrites the operand."""
        return self.keeps

    def workspace(self, x: Operands, y: TensorType) -> int:
        """Numbers for one sample that torch holds beside operands and result while it computes."""
        return 0

    @abstractmethod
    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        """Which cells of each operand, along one axis, the result's cell `n` depends on.

        `extents` are the operands' sizes along the axis, `extent` the result's. A span is the first
        and the last cell, which may lie outside the operand (padding); None is the whole operand.
        `n` is a number. An operand that only lends its size has no entry.
        """

    @property
    def reading(self) -> Op:
        """An op that reads the same cells, one for many where that is known."""
        return self

    def layer(self, x: Operands) -> Layer | None:
        """The torch layer that computes the op; none where its functional form does."""
        return None

    def functional(self, *x: str) -> str:
        """The op without weights as a Python expression of its operands, `F` being torch's.

        An operand is a name. Where the layer states its function, that is it.
        """
        layer = self.layer(())
        if layer is None or not layer.of.function:
            raise TypeError(f"{self.label} is no function of its operands alone")
        return layer.of.compute(x[0], layer.arguments)

    @property
    @abstractmethod
    def onnx(self) -> Onnx | str:
        """The ONNX operator, or the name of an emitter: our own, or `package.module:function`."""

    @property
    @abstractmethod
    def label(self) -> str:
        """A short name for figures and tables: `conv 3x3 /2`."""


class Elementwise(Op, abstract=True):
    """An op whose every result reads the numbers in its place alone, of one operand.

    x: (...) -> (...)
    """

    lender = 0
    per_element = 1

    rank: ClassVar[int | None] = None
    """The dimensions that the operand has to have, if that matters."""

    def infer(self, x: Operands) -> TensorType:
        return single(x, self, self.rank)

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        return tuple((n, n) for _ in extents)


def reads_whole(op: Op, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
    """What an op reads whose every result depends on all of its operands."""
    return tuple(None for _ in extents)


class Rearrangement(Op, abstract=True):
    """An op that computes nothing, and keeps nothing: the operand's numbers in another order."""

    per_element = 0
    keeps = Saved()
    reads = reads_whole  # an axis is no longer what it was


def single(x: Operands, op: Op, rank: int | None = None) -> TensorType:
    """The one operand of `op`, once it is known to have `rank` dimensions, if that matters."""
    if len(x) == 1 and rank in (None, len(x[0].shape)):
        return x[0]
    if rank is None:
        raise ShapeError(f"{op.label} takes one operand, got {len(x)}")
    got = ", ".join(str(t) for t in x) or "none"
    raise ShapeError(f"{op.label} takes one operand of {rank} dimensions, got {got}")
