"""What every op states about itself: the columns of its page."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hrnet_graph.errors import HRNetGraphError, ShapeError
from hrnet_graph.ir.types import TensorType

Operands = tuple[TensorType, ...]

Span = tuple[Any, Any]
"""The first and the last cell of a map along one axis."""


@dataclass(frozen=True, slots=True)
class State:
    """One entry of the `state_dict` that an op adds: a parameter, or a buffer (not trainable).

    start: the number that it is filled with at first; None for a `weight`, and the `bias` beside
        it, that are drawn as the network's initialisation says
    """

    name: str
    shape: tuple[int, ...]
    trainable: bool = True
    start: float | None = None

    @property
    def elements(self) -> int:
        """How many numbers the entry holds; a scalar holds one."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class TorchLayer:
    """A class of `torch.nn`, or of another file as `package.module:Class`, as people write it.

    positional: the parameters that are written without their names, in torch's order
    keywords: those that are written with them, in torch's order, and torch's defaults; `...` is
        none, and a default of a positional one stands here as well
    function: what computes the same without a layer, of `{x}` and the parameters; empty where the
        layer has weights, or works otherwise in training

    A class of another file is copied into written source: it may use `torch`, `Tensor`, `nn` and
    `F`, and starts its weights in `reset_parameters`.
    """

    name: str
    positional: tuple[str, ...] = ()
    keywords: Mapping[str, object] = field(default_factory=dict)
    function: str = ""

    def __call__(self, **arguments: object) -> Layer:
        """The layer that is made with these arguments."""
        return Layer(self, arguments)

    @property
    def class_name(self) -> str:
        """The name alone: `Conv2d`."""
        return self.name.rpartition(":")[2]

    def bind(self, *given: object, **named: object) -> dict[str, object]:
        """All arguments by name. Raises `TypeError` for one that the layer does not have."""
        signature = {**dict.fromkeys(self.positional, ...), **self.keywords}
        arguments = {**signature, **dict(zip(signature, given, strict=False)), **named}
        if len(given) > len(signature) or arguments.keys() != signature.keys():
            raise TypeError(f"{self.class_name} has other arguments")
        return arguments


@dataclass(frozen=True, slots=True)
class Layer:
    """The layer that computes an op, as data: its class and its arguments by name."""

    of: TorchLayer
    arguments: Mapping[str, object]

    @property
    def name(self) -> str:
        """The name of its class: `Conv2d`."""
        return self.of.class_name


@dataclass(frozen=True, slots=True)
class Onnx:
    """The ONNX operator that computes an op; without a name, its result is its operand.

    Its inputs are the operands, the op's state in order (counters excepted), and `constants`: a
    number, whole numbers (a shape), fractions (factors), or "" for an input that is left out.
    `since` is the opset that the operator came with, where that is newer than what all models need.
    """

    operator: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    constants: tuple[float | str | tuple[int, ...] | tuple[float, ...], ...] = ()
    since: int = 0


ITSELF = Onnx("")
"""The form of what hands its operand on."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What the field's counters call an op: fvcore counts MACs, or else operations; torch MACs."""

    fvcore: str = ""
    torch: str = ""


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


COLUMNS = (
    ("family",),
    ("infer",),
    ("macs", "operations"),
    ("saved",),
    ("reads",),
    ("layer", "functional"),
    ("onnx",),
    ("label",),
)
"""What an op has to state, by this or that; of the rest, what is left out is safe or seen."""


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

    def __init_subclass__(cls, abstract: bool = False, **others: Any) -> None:
        super().__init_subclass__(**others)
        for column in () if abstract else COLUMNS:
            if all(getattr(cls, name, None) is getattr(Op, name, None) for name in column):
                file = getattr(sys.modules.get(cls.__module__), "__file__", None)
                raise HRNetGraphError(
                    f"{cls.__module__.partition('.')[0]}: the op {cls.__name__} in"
                    f" {file or cls.__module__} does not state its {' or '.join(column)}"
                )

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

    def macs(self, x: Operands, y: TensorType) -> int:
        """Multiply-accumulates for one sample, of convolution, linear and matmul alone; no bias."""
        return 0

    def operations(self, x: Operands, y: TensorType) -> int:
        """Elementary operations for one sample that are no MACs, as fvcore counts where it does."""
        return 0

    @abstractmethod
    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """What the backward pass needs; `in_place` where the result overwrites the operand."""

    def workspace(self, x: Operands, y: TensorType) -> int:
        """Numbers for one sample that torch holds beside operands and result while it computes."""
        return 0

    @abstractmethod
    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        """Which cells of each operand, along one axis, the result's cell `n` depends on.

        `extents` are the operands' sizes along the axis, `extent` the result's. A span is the first
        and the last cell, which may lie outside the operand (padding); None is the whole operand.
        `n` is a number or an array of them. An operand that only lends its size has no entry.
        """

    def layer(self, x: Operands) -> Layer | None:
        """The torch layer that computes the op; none where its functional form does."""
        return None

    def functional(self, *x: str) -> str:
        """The op without weights as a Python expression of its operands, `F` being torch's.

        An operand is a name. Where the layer states its function, that is it.
        """
        layer = self.layer(())
        if layer is None or not layer.of.function:
            raise TypeError(f"{self.label()} is no function of its operands alone")
        written = {name: repr(value) for name, value in layer.arguments.items()}
        return layer.of.function.format(x=x[0], **written)

    @abstractmethod
    def onnx(self) -> Onnx | str:
        """The ONNX operator, or the name of an emitter: our own, or `package.module:function`."""

    @abstractmethod
    def label(self) -> str:
        """A short name for figures and tables: `conv 3x3 /2`."""


class Elementwise(Op, abstract=True):
    """An op whose every result reads the numbers in its place alone, of one operand.

    x: (...) -> (...)
    """

    lender = 0

    def infer(self, x: Operands) -> TensorType:
        if len(x) != 1:
            raise ShapeError(f"{self.label()} takes one operand, got {len(x)}")
        return x[0]

    def operations(self, x: Operands, y: TensorType) -> int:
        """One an element."""
        return y.elements

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        return tuple((n, n) for _ in extents)


class Rearrangement(Op, abstract=True):
    """An op that computes nothing, and keeps nothing: the operand's numbers in another order."""

    def operations(self, x: Operands, y: TensorType) -> int:
        return 0

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        return Saved()

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> tuple[Span | None, ...]:
        """All of it, where an axis is no longer what it was."""
        return tuple(None for _ in extents)


def single(x: Operands, op: Op, rank: int) -> TensorType:
    """The one operand of `op`, once it is known to have `rank` dimensions."""
    if len(x) != 1 or len(x[0].shape) != rank:
        got = ", ".join(str(t) for t in x)
        raise ShapeError(
            f"{op.label()} takes one operand of {rank} dimensions, got {got or 'none'}"
        )
    return x[0]
