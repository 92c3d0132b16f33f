"""Activations: one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from hrnet_graph import plug_ins
from hrnet_graph.errors import RuleError, did_you_mean, quoted
from hrnet_graph.ir.ops.base import Elementwise
from hrnet_graph.ir.ops.columns import Layer, Onnx, Saved, TorchLayer
from hrnet_graph.ir.types import Operands, TensorType


@dataclass(frozen=True, slots=True)
class Packed:
    """How oneDNN's convolution computes an activation: name, numbers and algorithm.

    `after_sum` says whether one that adds a map first does so, too.
    """

    name: str
    numbers: tuple[float, ...] = ()
    algorithm: str = ""
    after_sum: bool = False


@dataclass(frozen=True, slots=True)
class ActivationRow:
    """All facts of an activation.

    layer, function: the `torch.nn` layer without arguments, and the function of the same result
    saved: what training keeps of it
    saved_in_place: what it keeps where the result is written over the operand, which may be a
        copy; "" where torch cannot write it there
    onnx: the operator, or an emitter's name, as of `Op.onnx`
    packed: how a convolution on packed weights computes it, if it does
    """

    layer: str
    function: str
    saved: Literal["operand", "result"]
    saved_in_place: Literal["", "result", "copy"]
    onnx: Onnx | str
    packed: Packed | None = None

    def __post_init__(self) -> None:
        if self.saved not in ("operand", "result"):
            raise ValueError(f"saved: expected 'operand' or 'result', got {quoted(self.saved)}")
        if self.saved_in_place not in ("", "result", "copy"):
            got = quoted(self.saved_in_place)
            raise ValueError(f"saved_in_place: expected 'result', 'copy' or '', got {got}")
        if not isinstance(self.onnx, Onnx | str):
            raise TypeError(f"onnx: expected Onnx or an emitter's name, got {quoted(self.onnx)}")
        if not isinstance(self.packed, Packed | None):
            raise TypeError(f"packed: expected Packed or None, got {quoted(self.packed)}")


ACTIVATIONS: Mapping[str, ActivationRow] = {
    "relu": ActivationRow(
        "ReLU", "F.relu", "result", "result", Onnx("Relu"), Packed("relu", after_sum=True)
    ),
    "relu6": ActivationRow(
        "ReLU6", "F.relu6", "operand", "copy",
        Onnx("Clip", constants=(0.0, 6.0)), Packed("hardtanh", (0.0, 6.0)),
    ),
    "leaky_relu": ActivationRow(
        "LeakyReLU", "F.leaky_relu", "operand", "result",
        Onnx("LeakyRelu", {"alpha": 0.01}), Packed("leaky_relu", (0.01,)),
    ),
    "silu": ActivationRow("SiLU", "F.silu", "operand", "copy", "silu", Packed("swish")),
    "hardswish": ActivationRow(
        "Hardswish", "F.hardswish", "operand", "copy", Onnx("HardSwish"), Packed("hardswish")
    ),
    "gelu": ActivationRow(
        "GELU", "F.gelu", "operand", "", Onnx("Gelu"), Packed("gelu", (), "none")
    ),
    "sigmoid": ActivationRow(
        "Sigmoid", "torch.sigmoid", "result", "", Onnx("Sigmoid"), Packed("sigmoid")
    ),
}  # fmt: skip
"""The activations of our own, by the name that a spec gives them."""


def activation_names() -> tuple[str, ...]:
    """All activations, other packages' last."""
    return (*ACTIVATIONS, *plug_ins.offered("activations"))


@cache
def activation_row(name: str) -> ActivationRow:
    """The facts of an activation. Raises `RuleError` for one that there is not."""
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    if name not in activation_names():
        known = did_you_mean(name, activation_names())
        raise RuleError(f"unknown activation {quoted(name)}{known}")
    return plug_ins.load("activations", name, f"the activation '{name}'", ActivationRow)


@dataclass(frozen=True)
class Activation(Elementwise):
    """An elementwise nonlinearity without parameters: a row of the table.

    x: (...) -> (...)

    Raises `RuleError` for a kind that there is not.
    """

    family = "activation"

    kind: str = "relu"

    def __post_init__(self) -> None:
        activation_row(self.kind)

    @property
    def row(self) -> ActivationRow:
        """The facts of its kind."""
        return activation_row(self.kind)

    @property
    def can_overwrite(self) -> bool:
        return bool(self.row.saved_in_place)

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The result where the slope can be told from it, else the operand or a copy of it."""
        what = self.row.saved_in_place if in_place else self.row.saved
        more = y.elements if what == "copy" else 0
        return Saved(operands=what == "operand", result=what == "result", more=more)

    def layer(self, x: Operands) -> Layer:
        in_place = {"inplace": False} if self.can_overwrite else {}
        return TorchLayer(self.row.layer, (), in_place, f"{self.row.function}({{x}})")()

    @property
    def onnx(self) -> Onnx | str:
        return self.row.onnx

    @property
    def label(self) -> str:
        return self.kind
