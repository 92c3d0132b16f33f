"""A network for ncnn in int8: convolutions and linear layers, by the ranges of what they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hrnet_graph.compiler.ncnn.layers import Layer, Weight
from hrnet_graph.compiler.ncnn.model import NcnnModel
from hrnet_graph.compiler.state import Array
from hrnet_graph.errors import HRNetGraphError

QUANTIZED = ("Convolution", "ConvolutionDepthWise", "InnerProduct")
"""The layers that ncnn computes in int8."""

LARGEST = 127
"""The largest number of int8 that is used, on either side of zero."""


def is_quantized(layer: Layer) -> bool:
    """Whether int8 computes a layer: of convolutions in groups, those of one result a group."""
    groups = layer.parameters.get("group", 1)
    return layer.kind in QUANTIZED and groups in (1, layer.parameters["num_output"])


def finite(layer: Layer, values: Array) -> Array:
    """What a layer reads, or its weights. Raises `HRNetGraphError` if int8 cannot hold them."""
    if not np.isfinite(values).all():
        raise HRNetGraphError(
            f"the network cannot be made int8: not all that {layer.name} reads is finite",
            "weights and images have to give finite numbers everywhere",
        )
    return values


def quantize(model: NcnnModel, ranges: Mapping[str, float]) -> NcnnModel:
    """The network in int8, its weights with a range for each channel of their results.

    `ranges` are the largest values of what each layer reads, by its name; a layer without one stays
    in float32.
    Raises `HRNetGraphError` for weights that are not finite.
    """
    layers = (
        _quantized(layer, ranges[layer.name]) if layer.name in ranges else layer
        for layer in model.layers
    )
    return replace(model, layers=tuple(layers))


def _quantized(layer: Layer, largest: float) -> Layer:
    weight, *bias = layer.weights
    values, scales = _channels(finite(layer, weight.array))
    scale = np.array([LARGEST / largest if largest > 0 else 1.0], np.float32)
    weights = (Weight(values, flagged=True), *bias, Weight(scales), Weight(scale))
    return layer._replace(parameters={**layer.parameters, "int8_scale_term": 1}, weights=weights)


def _channels(weight: Array) -> tuple[Array, Array]:
    """A weight in int8, and what each channel was multiplied by."""
    largest = np.abs(weight.reshape(len(weight), -1)).max(axis=1)
    scales = np.divide(LARGEST, largest, out=np.ones(len(weight)), where=largest > 0)
    factors = scales.reshape(-1, *[1] * (weight.ndim - 1))
    rounded = np.rint(weight * factors).clip(-LARGEST, LARGEST)
    return rounded.astype(np.int8), scales.astype(np.float32)
