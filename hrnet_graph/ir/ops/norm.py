"""Normalisation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from hrnet_graph.errors import NormError, SizeError
from hrnet_graph.ir.ops.base import Elementwise
from hrnet_graph.ir.ops.columns import Counters, Layer, Onnx, Saved, State, TorchLayer
from hrnet_graph.ir.types import Operands, TensorType

BATCH, SYNC = (
    TorchLayer(name, ("num_features",), {"eps": 1e-5, "momentum": 0.1})
    for name in ("BatchNorm2d", "SyncBatchNorm")
)

FROZEN = TorchLayer(
    "hrnet_graph.compiler.torch.layers:FrozenBatchNorm2d", ("num_features",), {"eps": 1e-5}
)

GROUP = TorchLayer("GroupNorm", ("num_groups", "num_channels"), {"eps": 1e-5})

INSTANCE = TorchLayer("InstanceNorm2d", ("num_features",), {"eps": 1e-5, "affine": False})

LAYER = TorchLayer(
    "hrnet_graph.compiler.torch.layers:ChannelLayerNorm", ("normalized_shape",), {"eps": 1e-5}
)


class Affine(Elementwise, abstract=True):
    """A normalisation with a learnt scale and shift a channel.

    A receptive field leaves out the mean and the deviation: they carry next to nothing of a pixel.
    """

    family = "norm"
    rank = 3
    per_element = 5  # mean, variance, difference, scale and shift

    varies: ClassVar[str] = ""
    """What its mean and variance are taken from after training, where they are no constants that a
    convolution can compute."""

    def state(self, x: Operands) -> tuple[State, ...]:
        shape = (x[0].channels,)
        return (State("weight", shape, start=1), State("bias", shape, start=0))


@dataclass(frozen=True)
class BatchNorm(Affine):
    """Batch normalisation with a learnt scale and shift and running statistics.

    x: (C, H, W) -> (C, H, W)

    `synchronised` takes the statistics of a training batch over all processes that share it; what
    is learnt, what is counted and what evaluation computes are the same.
    """

    counters = Counters(fvcore="batch_norm")
    label = "batch norm"
    per_element = 2  # a scale and a shift: what is left of it after training

    eps: float = 1e-5
    momentum: float = 0.1
    synchronised: bool = False

    def state(self, x: Operands) -> tuple[State, ...]:
        shape = (x[0].channels,)
        return (
            *super().state(x),
            State("running_mean", shape, trainable=False, start=0),
            State("running_var", shape, trainable=False, start=1),
            State("num_batches_tracked", (), trainable=False, start=0),
        )

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The operand, and mean and deviation of each channel over the batch."""
        return Saved(operands=True, shared=2 * y.channels)

    def layer(self, x: Operands) -> Layer:
        norm = SYNC if self.synchronised else BATCH
        return norm(num_features=x[0].channels, eps=self.eps, momentum=self.momentum)

    @property
    def onnx(self) -> Onnx | str:
        return Onnx("BatchNormalization", {"epsilon": self.eps, "momentum": 1 - self.momentum})


@dataclass(frozen=True)
class FrozenBatchNorm(Affine):
    """Batch normalisation that training leaves as it is: by fixed statistics, scale and shift.

    x: (C, H, W) -> (C, H, W)

    Source: torchvision, ops/misc.py, and detectron2, layers/batch_norm.py, `FrozenBatchNorm2d`; for
    the keys, the first.
    """

    counters = Counters(fvcore="batch_norm")
    label = "frozen batch norm"
    per_element = 2
    keeps = Saved(operands=True)

    eps: float = 1e-5

    def state(self, x: Operands) -> tuple[State, ...]:
        whole = BatchNorm().state(x)[:-1]
        return tuple(replace(entry, trainable=False) for entry in whole)

    def layer(self, x: Operands) -> Layer:
        return FROZEN(num_features=x[0].channels, eps=self.eps)

    @property
    def onnx(self) -> Onnx:
        return Onnx("BatchNormalization", {"epsilon": self.eps})


@dataclass(frozen=True)
class GroupNorm(Affine):
    """Group normalisation with a learnt scale and shift, independent of the batch.

    x: (C, H, W) -> (C, H, W), where `groups` divides C and a group has two values or more

    Source: Wu and He, "Group Normalization", ECCV 2018.
    """

    counters = Counters(fvcore="group_norm")
    onnx = "group_norm"
    varies = "group norm takes its mean and variance from the image"

    groups: int
    eps: float = 1e-5

    def infer(self, x: Operands) -> TensorType:
        y = super().infer(x)
        if y.channels % self.groups:
            known = ", ".join(str(n) for n in range(1, y.channels + 1) if y.channels % n == 0)
            problem = f"group norm splits {y.channels} channels into {self.groups} groups"
            raise NormError(problem, f"{y.channels} channels make as many as one of {known}")
        if y.elements == self.groups:
            raise SizeError(f"group norm finds a single value in each group of {y}")
        return y

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The operand, and mean and deviation of each group."""
        return Saved(operands=True, more=2 * self.groups)

    def workspace(self, x: Operands, y: TensorType) -> int:
        """Mean and deviation of each group."""
        return 2 * self.groups

    def layer(self, x: Operands) -> Layer:
        return GROUP(num_groups=self.groups, num_channels=x[0].channels, eps=self.eps)

    @property
    def label(self) -> str:
        return f"group norm {self.groups}"


@dataclass(frozen=True)
class InstanceNorm(Affine):
    """Instance normalisation: every channel of an image alone, with a learnt scale and shift.

    x: (C, H, W) -> (C, H, W), where a channel has two values or more

    Source: Ulyanov et al., "Instance Normalization", 2016.
    """

    counters = Counters(fvcore="instance_norm")
    label = "instance norm"
    varies = "instance norm takes its mean and variance from the image"

    eps: float = 1e-5

    def infer(self, x: Operands) -> TensorType:
        y = super().infer(x)
        if y.elements == y.channels:
            raise SizeError(f"instance norm finds a single value in each channel of {y}")
        return y

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The operand, and of each channel mean, deviation and, for every image, the scale."""
        return Saved(operands=True, more=3 * y.channels)

    def workspace(self, x: Operands, y: TensorType) -> int:
        """Of each channel mean and deviation, and scale and shift for every image."""
        return 4 * y.channels

    def layer(self, x: Operands) -> Layer:
        return INSTANCE(num_features=x[0].channels, eps=self.eps, affine=True)

    @property
    def onnx(self) -> Onnx:
        return Onnx("InstanceNormalization", {"epsilon": self.eps})


@dataclass(frozen=True)
class LayerNorm(Affine):
    """Layer normalisation of the channels of each pixel, with a learnt scale and shift.

    x: (C, H, W) -> (C, H, W)

    Source: Ba et al., "Layer Normalization", 2016; over channels as in Liu et al., "Swin
    Transformer", ICCV 2021.
    """

    counters = Counters(fvcore="layer_norm")
    label = "layer norm"
    onnx = "layer_norm"
    varies = "layer norm takes its mean and variance from each pixel"

    eps: float = 1e-5

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """The operand, and mean and deviation of each pixel."""
        return Saved(operands=True, more=self.workspace(x, y))

    def workspace(self, x: Operands, y: TensorType) -> int:
        """Mean and deviation of each pixel."""
        return 2 * y.elements // y.channels

    def layer(self, x: Operands) -> Layer:
        return LAYER(normalized_shape=x[0].channels, eps=self.eps)
