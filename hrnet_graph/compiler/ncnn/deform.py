"""Convolution whose taps lie where the network says, as ncnn's layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hrnet_graph.compiler.ncnn.emission import Emission
from hrnet_graph.compiler.ncnn.layers import Weight
from hrnet_graph.ir import ops
from hrnet_graph.ir.graph import Node


def deform_conv(e: Emission, node: Node, op: ops.DeformConv2d, x: Sequence[str]) -> str:
    """The layer that ncnn has for it."""
    (weight,) = e.state(node)
    how = {"num_output": op.out, "kernel_w": op.kernel, "pad_left": op.kernel // 2}
    weights = [Weight(weight, flagged=True)]
    return e.add(node, "DeformableConv2D", x, "", weights, **how, weight_data_size=weight.size)


def affine_offsets(e: Emission, node: Node, op: ops.AffineOffsets, x: Sequence[str]) -> str:
    """As a 1x1 convolution of both maps, whose weight and bias the places of the taps are."""
    taps = np.array(op.constants()["regular_matrix"]).T
    matrix = np.einsum("ab,kc->kabc", np.eye(2), taps).reshape(-1, 4)
    weight = np.hstack([matrix, np.tile(np.eye(2), (len(taps), 1))])
    how = {"num_output": 2 * len(taps), "kernel_w": 1, "bias_term": 1}
    weights = [Weight(weight, flagged=True), Weight(-taps.flatten())]
    maps = e.add(node, "Concat", x, "maps", axis=0)
    return e.add(node, "Convolution", [maps], "", weights, **how, weight_data_size=weight.size)
