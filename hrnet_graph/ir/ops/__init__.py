"""The closed set of primitive ops. Facts live with each op; policy lives with whoever has it."""

from hrnet_graph.ir.ops.activation import Activation
from hrnet_graph.ir.ops.attention import Column, FlattenPixels, MatMul, Softmax, UnflattenPixels
from hrnet_graph.ir.ops.base import Layer, Op, Operands, State
from hrnet_graph.ir.ops.conv import Conv2d, ConvTranspose2d
from hrnet_graph.ir.ops.fused import FusedConv2d
from hrnet_graph.ir.ops.input import Input
from hrnet_graph.ir.ops.linear import Flatten, Linear
from hrnet_graph.ir.ops.norm import BatchNorm, GroupNorm
from hrnet_graph.ir.ops.pointwise import ChannelDropout, Concat, Scale, Sum
from hrnet_graph.ir.ops.resample import (
    AveragePool,
    BilinearResize,
    GlobalAveragePool,
    NearestUpsample,
)

__all__ = [
    "Activation",
    "AveragePool",
    "BatchNorm",
    "BilinearResize",
    "ChannelDropout",
    "Column",
    "Concat",
    "Conv2d",
    "ConvTranspose2d",
    "Flatten",
    "FlattenPixels",
    "FusedConv2d",
    "GlobalAveragePool",
    "GroupNorm",
    "Input",
    "Layer",
    "Linear",
    "MatMul",
    "NearestUpsample",
    "Op",
    "Operands",
    "Scale",
    "Softmax",
    "State",
    "Sum",
    "UnflattenPixels",
]
