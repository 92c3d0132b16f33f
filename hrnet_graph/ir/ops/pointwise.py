"""Arithmetic over several operands, and channels taken apart and put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import ShapeError, SizeError
from hrnet_graph.ir.ops.base import Elementwise, Rearrangement, Spans, single
from hrnet_graph.ir.ops.columns import ITSELF, Layer, Onnx, Saved, State, TorchLayer
from hrnet_graph.ir.types import Operands, TensorType, times

DROPOUT = TorchLayer("Dropout2d", ("p",), {"p": 0.5})

LAYER_SCALE = TorchLayer(
    "hrnet_graph.compiler.torch.layers:LayerScale", ("channels",), {"start": ...}
)

DROP_PATH = TorchLayer("hrnet_graph.compiler.torch.layers:DropPath", ("rate",))

WEIGHTED = TorchLayer(
    "hrnet_graph.compiler.torch.layers:WeightedSum", ("terms",), {"softmax": False}
)

SHUFFLE = TorchLayer("ChannelShuffle", ("groups",), {}, "F.channel_shuffle({x}, {groups})")


class _Channels(Elementwise, Rearrangement, abstract=True):
    """An op that moves whole channels."""

    family = "pointwise"
    per_element = 0


class Addition(Elementwise, abstract=True):
    """An op that adds maps of one shape."""

    family = "pointwise"

    def infer(self, x: Operands) -> TensorType:
        if len(x) < 2:
            raise ShapeError(f"{self.label} takes two operands or more, got {len(x)}")
        first = x[0]
        for other in x[1:]:
            if other.shape == first.shape:
                continue
            if other.channels == first.channels:
                raise SizeError(f"adds {times(other.size)} to {times(first.size)}")
            raise ShapeError(f"adds {other.channels} channels to {first.channels}")
        return first


@dataclass(frozen=True)
class Sum(Addition):
    """The sum of its operands, added from left to right.

    x0, x1, ...: (C, H, W) -> (C, H, W)
    """

    reuses = slice(None)
    label = "sum"
    keeps = Saved()
    onnx = "sum"

    def operations(self, x: Operands, y: TensorType) -> int:
        """One addition an element for every operand after the first."""
        return (len(x) - 1) * y.elements

    def workspace(self, x: Operands, y: TensorType) -> int:
        """The sum of all but the last operand."""
        return y.elements if len(x) > 2 else 0

    def functional(self, *x: str) -> str:
        return " + ".join(x)


@dataclass(frozen=True)
class WeightedSum(Addition):
    """The sum of its operands, each times a learnt weight; the weights come to one together.

    x0, x1, ...: (C, H, W) -> (C, H, W)

    Each of the weights, those below zero taken as zero, is divided by their sum and 0.0001, or
    with `softmax` they are the softmax of what is learnt.

    Source: Tan et al., "EfficientDet", CVPR 2020, section 3.3.
    """

    label = "weighted sum"
    onnx = "weighted_sum"

    softmax: bool = False

    def state(self, x: Operands) -> tuple[State, ...]:
        return (State("weight", (len(x),), start=1),)

    def operations(self, x: Operands, y: TensorType) -> int:
        """One multiplication an element for every operand, and one addition after the first."""
        return (2 * len(x) - 1) * y.elements

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The operands and their weights, and those before they were divided, and by what."""
        return Saved(operands=True, shared=len(x) if self.softmax else 2 * len(x) + 1)

    def workspace(self, x: Operands, y: TensorType) -> int:
        """The weights that come to one."""
        return len(x)

    def layer(self, x: Operands) -> Layer:
        return WEIGHTED(terms=len(x), softmax=self.softmax)


@dataclass(frozen=True)
class Multiply(Elementwise):
    """The product of two maps; the second may have one number a channel, or one a pixel.

    x: (C, H, W), factor: (C, H, W), (C, 1, 1) or (1, H, W) -> (C, H, W)
    """

    family = "pointwise"
    label = "multiply"
    keeps = Saved(operands=True)
    onnx = Onnx("Mul")

    def infer(self, x: Operands) -> TensorType:
        if len(x) != 2 or any(len(t.shape) != 3 for t in x):
            raise ShapeError(f"multiply takes a map and its factors, got {len(x)} operands")
        y, factor = x
        if factor.channels not in (1, y.channels):
            raise ShapeError(f"multiplies {y.channels} channels by {factor.channels}")
        if factor.size not in ((1, 1), y.size):
            raise SizeError(f"multiplies {times(y.size)} by {times(factor.size)}")
        return y

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        """The factor in the same place, or the one there is."""
        return (n, n), (n, n) if extents[1] == extent else None

    def functional(self, *x: str) -> str:
        return f"{x[0]} * {x[1]}"


@dataclass(frozen=True)
class Concat(_Channels):
    """The operands' channels, one after another.

    x0, x1, ...: (C_i, H, W) -> (sum of C_i, H, W)
    """

    label = "concat"
    onnx = Onnx("Concat", {"axis": 1})

    def infer(self, x: Operands) -> TensorType:
        if len(x) < 2:
            raise ShapeError(f"concat takes two operands or more, got {len(x)}")
        for other in x[1:]:
            if other.size != x[0].size:
                raise SizeError(f"sets {times(other.size)} beside {times(x[0].size)}")
        return TensorType((sum(operand.channels for operand in x), *x[0].size))

    def functional(self, *x: str) -> str:
        return f"torch.cat([{', '.join(x)}], dim=1)"


@dataclass(frozen=True)
class Split(_Channels):
    """The channels from `start` up to `stop`; several of them take a map apart.

    x: (C, H, W) -> (stop - start, H, W), where 0 <= start < stop <= C
    """

    is_view = True

    start: int
    stop: int

    def infer(self, x: Operands) -> TensorType:
        source = single(x, self, rank=3)
        if not 0 <= self.start < self.stop <= source.channels:
            raise ShapeError(f"takes {self.label} of {source.channels} channels")
        return TensorType((self.stop - self.start, *source.size))

    def functional(self, *x: str) -> str:
        return f"{x[0]}[:, {self.start}:{self.stop}]"

    @property
    def onnx(self) -> Onnx | str:
        return Onnx("Slice", constants=((self.start,), (self.stop,), (1,)))

    @property
    def label(self) -> str:
        return f"channels {self.start} to {self.stop}"


@dataclass(frozen=True)
class ChannelShuffle(_Channels):
    """The channels of `groups` groups in turn: the first of each, the second of each, ...

    x: (C, H, W) -> (C, H, W), where `groups` divides C

    Source: Zhang et al., "ShuffleNet", CVPR 2018, figure 1.
    """

    onnx = "channel_shuffle"
    rank = 3

    groups: int

    def infer(self, x: Operands) -> TensorType:
        source = super().infer(x)
        if source.channels % self.groups:
            raise ShapeError(f"shuffles {source.channels} channels in {self.groups} groups")
        return source

    def layer(self, x: Operands) -> Layer:
        return SHUFFLE(groups=self.groups)

    @property
    def label(self) -> str:
        return f"channel shuffle {self.groups}"


@dataclass(frozen=True)
class Scale(Elementwise):
    """Every element times a fixed factor.

    x: (...) -> (...)
    """

    family = "pointwise"
    label = "scale"
    keeps = Saved()

    factor: float

    def functional(self, *x: str) -> str:
        return f"{x[0]} * {self.factor!r}"

    @property
    def onnx(self) -> Onnx | str:
        return Onnx("Mul", constants=(self.factor,))


@dataclass(frozen=True)
class LayerScale(Elementwise):
    """Every channel times a learnt factor, which starts at `start`.

    x: (C, H, W) -> (C, H, W)

    Source: Touvron et al., "Going deeper with Image Transformers", ICCV 2021, section 2.
    """

    family = "pointwise"
    label = "layer scale"
    keeps = Saved(operands=True)
    onnx = "layer_scale"
    rank = 3

    start: float

    def state(self, x: Operands) -> tuple[State, ...]:
        return (State("gamma", (x[0].channels,), start=self.start),)

    def layer(self, x: Operands) -> Layer:
        return LAYER_SCALE(channels=x[0].channels, start=self.start)


@dataclass(frozen=True)
class ChannelDropout(_Channels):
    """Drops whole channels at random while training; does nothing afterwards.

    x: (C, H, W) -> (C, H, W)
    """

    is_view = True
    for_training = True
    label = "dropout"
    onnx = ITSELF
    rank = 3

    rate: float

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The factor of each channel."""
        return Saved(more=y.channels)

    def layer(self, x: Operands) -> Layer:
        return DROPOUT(p=self.rate)


@dataclass(frozen=True)
class DropPath(Elementwise, Rearrangement):
    """Drops a whole residual at random while training; does nothing afterwards.

    x: (...) -> (...)

    Source: Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016.
    """

    family = "pointwise"
    is_view = True
    for_training = True
    per_element = 0
    label = "drop path"
    onnx = ITSELF

    rate: float

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The factor of the sample."""
        return Saved(more=1)

    def layer(self, x: Operands) -> Layer:
        return DROP_PATH(rate=self.rate)
