"""The closed set of primitive ops. Facts live with each op; policy lives with whoever has it."""

from hrnet_graph.ir.ops.activation import Activation
from hrnet_graph.ir.ops.base import Layer, Op, Operands, State
from hrnet_graph.ir.ops.conv import Conv2d
from hrnet_graph.ir.ops.input import Input
from hrnet_graph.ir.ops.linear import Flatten, Linear
from hrnet_graph.ir.ops.norm import BatchNorm, GroupNorm
from hrnet_graph.ir.ops.pointwise import Sum
from hrnet_graph.ir.ops.resample import BilinearResize, GlobalAveragePool, NearestUpsample

__all__ = [
    "Activation",
    "BatchNorm",
    "BilinearResize",
    "Conv2d",
    "Flatten",
    "GlobalAveragePool",
    "GroupNorm",
    "Input",
    "Layer",
    "Linear",
    "NearestUpsample",
    "Op",
    "Operands",
    "State",
    "Sum",
]
