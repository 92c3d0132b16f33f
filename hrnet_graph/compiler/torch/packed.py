"""Convolutions as torch's own compiler calls them on CPU: with what follows, on packed weights.

The operators are private to torch, so `available` tries them before anybody relies on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from hrnet_graph.compiler.torch.layers import activation_layer
from hrnet_graph.ir.ops import Conv2d, FusedConv2d
from hrnet_graph.ir.ops.activation import Packed, activation_row

Kernel = Callable[..., Tensor]

PLAIN = Packed("none")
"""No activation, as the operators take it."""


def pack(op: Conv2d, weight: Tensor, shape: Sequence[int]) -> Tensor:
    """A weight as the engine wants it for images of one shape; `to_dense` gives it back.

    shape: (N, C, H, W)
    """
    reorder: Any = torch.ops.mkldnn._reorder_convolution_weight
    packed: Tensor = reorder(weight, *_geometry(op), list(shape))
    return packed


def _geometry(op: Conv2d) -> tuple[list[int], list[int], list[int], int]:
    """Padding, stride, dilation and groups."""
    return [op.padding] * 2, [op.stride] * 2, [op.dilation] * 2, op.groups


def convolution(op: Conv2d, packed: Tensor, bias: Tensor | None, *, overwrites: bool) -> Kernel:
    """A kernel on a packed weight: (x) or (x, term) -> map.

    With `overwrites` the result takes the memory of the term.
    """
    operators: Any = torch.ops.mkldnn
    how = _geometry(op)
    activation = op.activation if isinstance(op, FusedConv2d) else ""
    unary = _packed(activation)
    numbers = list(unary.numbers)
    alone = (packed, bias, *how, unary.name, numbers, unary.algorithm)
    with_term = (packed, bias, *how, "add", 1.0, unary.name if activation else None, numbers, None)
    without = operators._convolution_pointwise.default
    binary = operators._convolution_pointwise.binary
    written = operators._convolution_pointwise_.binary

    def run(x: Tensor, term: Tensor | None = None) -> Tensor:
        if term is None:
            result: Tensor = without(x, *alone)
        elif overwrites:
            result = written(term, x, *with_term)
        else:
            result = binary(x, term, *with_term)
        return result

    return run


def _packed(activation: str) -> Packed:
    """How the operators take an activation, or none."""
    return (activation_row(activation).packed if activation else None) or PLAIN


def usable(x: Tensor, activations: frozenset[str]) -> bool:
    """Whether convolutions of this tensor, activated in these ways, can run here."""
    if x.device.type != "cpu" or not torch.backends.mkldnn.enabled:
        return False
    return available(x.dtype, activations | {""})


@cache
def available(dtype: torch.dtype, activations: frozenset[str] = frozenset({""})) -> bool:
    """Whether this torch has the operators, this machine the type, and the results are right."""
    if dtype not in TOLERANCE or not torch.backends.mkldnn.is_available():
        return False
    summed = [name for name in activations if not name or _packed(name).after_sum]
    cases = [*((name, False) for name in activations), *((name, True) for name in summed)]
    try:
        with torch.inference_mode(), torch.device("cpu"), torch.autocast("cpu", enabled=False):
            return all(_agrees(activation, added, dtype) for activation, added in cases)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False  # another torch, without these operators or with others of their names


TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 5e-2}
"""Type -> the largest error that a fused convolution may have, relative to the largest value."""


def _agrees(activation: str, added: bool, dtype: torch.dtype) -> bool:
    """Whether a small fused convolution gives what its steps give one after another."""
    op = FusedConv2d(3, kernel=3, bias=True, activation=activation)
    shapes = ((1, 2, 5, 5), (3, 2, 3, 3), (3,), (1, 3, 5, 5))
    numbers = 4 * torch.arange(sum(math.prod(shape) for shape in shapes)).sin()
    parts = numbers.split([math.prod(shape) for shape in shapes])
    x, weight, bias, term = (part.view(shape) for part, shape in zip(parts, shapes, strict=True))
    expected = functional.conv2d(x, weight, bias, padding=1)
    expected = activation_layer(activation, inplace=False)(expected + term if added else expected)
    x, term = (value.to(dtype, memory_format=torch.channels_last) for value in (x, term))
    weight, bias = weight.to(dtype), bias.to(dtype)
    for overwrites in (False, True)[: 1 + added]:
        run = convolution(op, pack(op, weight, x.shape), bias, overwrites=overwrites)
        result = run(x, term) if added else run(x)
        error = (result.float() - expected).abs().max()
        if not error <= TOLERANCE[dtype] * expected.abs().max():
            return False
    return True
