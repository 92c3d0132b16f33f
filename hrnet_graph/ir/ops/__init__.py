"""The primitive ops: a page each, on which all facts of an op stand, as data without torch."""

from hrnet_graph.ir.ops.activation import Activation
from hrnet_graph.ir.ops.attention import Column, FlattenPixels, MatMul, Softmax, UnflattenPixels
from hrnet_graph.ir.ops.base import Counters, Layer, Onnx, Op, Operands, Saved, State, TorchLayer
from hrnet_graph.ir.ops.conv import Conv2d, ConvTranspose2d
from hrnet_graph.ir.ops.fused import FusedConv2d
from hrnet_graph.ir.ops.input import Input
from hrnet_graph.ir.ops.linear import Flatten, Linear
from hrnet_graph.ir.ops.norm import BatchNorm, GroupNorm, LayerNorm
from hrnet_graph.ir.ops.pointwise import (
    ChannelDropout,
    ChannelShuffle,
    Concat,
    Multiply,
    Scale,
    Split,
    Sum,
)
from hrnet_graph.ir.ops.resample import (
    AdaptiveAveragePool,
    AveragePool,
    BilinearResize,
    GlobalAveragePool,
    NearestUpsample,
)

__all__ = [
    "Activation",
    "AdaptiveAveragePool",
    "AveragePool",
    "BatchNorm",
    "BilinearResize",
    "ChannelDropout",
    "ChannelShuffle",
    "Column",
    "Concat",
    "Conv2d",
    "ConvTranspose2d",
    "Counters",
    "Flatten",
    "FlattenPixels",
    "FusedConv2d",
    "GlobalAveragePool",
    "GroupNorm",
    "Input",
    "Layer",
    "LayerNorm",
    "Linear",
    "MatMul",
    "Multiply",
    "NearestUpsample",
    "Onnx",
    "Op",
    "Operands",
    "Saved",
    "Scale",
    "Softmax",
    "Split",
    "State",
    "Sum",
    "TorchLayer",
    "UnflattenPixels",
]
