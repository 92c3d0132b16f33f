"""What an op's columns hold: state, layer, ONNX operator, counters' names, what training keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class State:
    """One entry of the `state_dict` that an op adds: a parameter, or a buffer (not trainable).

    start: the number that it is filled with at first; None for a `weight`, and the `bias` beside
        it, that are drawn as the network's initialisation says
    std: the deviation of a normal distribution that it is drawn from instead
    is_constant: whether it is always what `Op.constants` says
    beside: whether the scope around the layer holds it, under its name alone, not the layer
    """

    name: str
    shape: tuple[int, ...]
    trainable: bool = True
    start: float | None = None
    std: float | None = None
    is_constant: bool = False
    beside: bool = False

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
    function: what computes the same without a layer, of `{x}` and the parameters, or of all
        `{arguments}` that are no defaults; empty where the layer has weights, or works otherwise in
        training
    extra: the extra that brings the package it is imported from, if it is none of ours

    A class of another file is copied into written source, unless an `extra` brings it: it may use
    `torch`, `Tensor`, `nn` and `F`, and starts its weights in `reset_parameters`.
    """

    name: str
    positional: tuple[str, ...] = ()
    keywords: Mapping[str, object] = field(default_factory=dict)
    function: str = ""
    extra: str = ""

    def __call__(self, **arguments: object) -> Layer:
        """The layer that is made with these arguments."""
        return Layer(self, arguments)

    @property
    def class_name(self) -> str:
        """The name alone: `Conv2d`."""
        return self.name.rpartition(":")[2]

    def bind(self, *given: object, **named: object) -> dict[str, object]:
        """All arguments by name. Raises `TypeError` for one too many or one that is missing."""
        signature = {**dict.fromkeys(self.positional, ...), **self.keywords}
        arguments = {**signature, **dict(zip(signature, given, strict=False)), **named}
        missing = any(value is ... for value in arguments.values())
        if missing or len(given) > len(signature) or arguments.keys() != signature.keys():
            raise TypeError(f"{self.class_name} has other arguments")
        return arguments

    def compute(self, x: str, arguments: Mapping[str, object]) -> str:
        """The function's expression, of an operand's name."""
        written = {name: repr(value) for name, value in arguments.items()}
        stated = [written[name] for name in self.positional if name in written]
        stated += [
            f"{name}={written[name]}"
            for name, usual in self.keywords.items()
            if name not in self.positional and arguments.get(name, usual) != usual
        ]
        return self.function.format(x=x, arguments=", ".join(stated), **written)


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
    """

    operator: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    constants: tuple[float | str | tuple[int, ...] | tuple[float, ...], ...] = ()


ITSELF = Onnx("")
"""The form of what hands its operand on."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What the field's counters call an op: fvcore counts MACs, or else operations; torch MACs."""

    fvcore: str = ""
    torch: str = ""


Counted = tuple[Counters, int]
"""What counters call a part of an op, and how much they count of it for one sample."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What torch keeps of an operation for the backward pass, parameters apart.

    `operands` are those whose values it reads: one that lends its size alone is not kept. `more`
    are numbers beside operands and result, for one sample; `shared` are those that a whole batch
    shares.
    """

    operands: bool = False
    result: bool = False
    more: int = 0
    shared: int = 0
