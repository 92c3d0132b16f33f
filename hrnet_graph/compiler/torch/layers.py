"""The layers that `torch.nn` does not have."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from hrnet_graph.compiler.torch.sync_norm import SyncBatchNorm
from hrnet_graph.ir.ops import Activation
from hrnet_graph.ir.ops.activation import LAYERS as ACTIVATIONS


class Sum(nn.Module):
    """The sum of its operands, added from left to right.

    x0, x1, ...: (N, C, H, W) -> (N, C, H, W)
    """

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = first + other
        return first


class BilinearResize(nn.Module):
    """The first operand, resized bilinearly to the height and width of the second.

    x: (N, C, H, W), like: (N, D, H', W') -> (N, C, H', W')
    """

    def __init__(self, align_corners: bool) -> None:
        super().__init__()
        self.align_corners = align_corners

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        return functional.interpolate(
            x, size=like.shape[2:], mode="bilinear", align_corners=self.align_corners
        )

    def extra_repr(self) -> str:
        return f"align_corners={self.align_corners}"


class Concat(nn.Module):
    """The operands' channels, one after another.

    x0, x1, ...: (N, C_i, H, W) -> (N, sum of C_i, H, W)
    """

    def forward(self, *maps: Tensor) -> Tensor:
        return torch.cat(maps, dim=1)


class Scale(nn.Module):
    """Every element times a fixed factor.

    x: (N, ...) -> (N, ...)
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor

    def extra_repr(self) -> str:
        return f"factor={self.factor}"


class MatMul(nn.Module):
    """The product of two matrices a sample, either of them transposed first.

    a: (N, M, K), b: (N, K, L) -> (N, M, L)
    """

    def __init__(self, transpose_first: bool, transpose_second: bool) -> None:
        super().__init__()
        self.transpose_first = transpose_first
        self.transpose_second = transpose_second

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        a = a.transpose(1, 2) if self.transpose_first else a
        b = b.transpose(1, 2) if self.transpose_second else b
        return torch.matmul(a, b)

    def extra_repr(self) -> str:
        return f"transpose_first={self.transpose_first}, transpose_second={self.transpose_second}"


class UnflattenPixels(nn.Module):
    """A matrix with one column a pixel, as a map of the second operand's height and width.

    x: (N, C, H * W), like: (N, D, H, W) -> (N, C, H, W)
    """

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], *like.shape[2:])


def activation_layer(kind: str, *, inplace: bool) -> nn.Module:
    """The layer of an activation, which works in place if it is to and can; no kind is none."""
    if not kind:
        return nn.Identity()
    arguments = {"inplace": inplace} if Activation(kind).can_overwrite else {}
    return cast(nn.Module, getattr(nn, ACTIVATIONS[kind])(**arguments))


class FusedConv2d(nn.Conv2d):
    """A convolution, plus another map where there is one, then activated where it says so.

    x: (N, C, H, W), term: (N, out, H', W') -> (N, out, H', W')
    """

    def __init__(self, *, activation: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.activation = activation
        self._activate = activation_layer(activation, inplace=True)

    def forward(self, x: Tensor, term: Tensor | None = None) -> Tensor:
        result = super().forward(x)
        if term is not None:
            result += term
        activated: Tensor = self._activate(result)
        return activated

    def extra_repr(self) -> str:
        plain: str = super().extra_repr()  # type: ignore[no-untyped-call]  # torch gives no types
        return f"{plain}, activation={self.activation or None}"


LAYERS: dict[str, type[nn.Module]] = {
    layer.__name__: layer
    for layer in (
        Sum,
        BilinearResize,
        Concat,
        Scale,
        MatMul,
        UnflattenPixels,
        FusedConv2d,
        SyncBatchNorm,
    )
}
"""Class name -> class, for what a `Layer` may name beside `torch.nn`."""
