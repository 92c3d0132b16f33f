"""The layers that `torch.nn` does not have."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional


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


class _Total(torch.autograd.Function):
    """A sum over all processes, whose gradient is the sum of the processes' gradients."""

    @staticmethod
    def forward(context: Any, values: Tensor, group: Any) -> Tensor:
        context.group = group
        total = values.clone()
        distributed.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        return _Total.forward(context, gradient, context.group), None


class SyncBatchNorm(nn.SyncBatchNorm):
    """torch's own, which trains between processes on GPUs alone, on every device.

    x: (N, C, H, W) -> (N, C, H, W)

    Evaluation, and training in one process, is batch normalisation.
    """

    def forward(self, input: Tensor) -> Tensor:
        shared = self.training and distributed.is_available() and distributed.is_initialized()
        if input.device.type == "cpu" and shared and distributed.get_world_size() > 1:
            return self._over_all_processes(input)
        return super().forward(input)

    def _over_all_processes(self, x: Tensor) -> Tensor:
        wide = x.float()
        count = self._total(torch.tensor([x.numel() / x.shape[1]]))
        mean = self._total(wide.sum(dim=(0, 2, 3))) / count
        centred = wide - mean[:, None, None]
        variance = self._total(centred.square().sum(dim=(0, 2, 3))) / count
        self._track(mean.detach(), (variance * count / (count - 1)).detach())
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    def _total(self, values: Tensor) -> Tensor:
        """The sum over all processes, with gradients."""
        return cast(Tensor, _Total.apply(values, self.process_group))

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        for kept, new in ((self.running_mean, mean), (self.running_var, variance)):
            if kept is not None and self.momentum is not None:
                kept.lerp_(new.to(kept.dtype), self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


LAYERS: dict[str, type[nn.Module]] = {
    layer.__name__: layer
    for layer in (Sum, BilinearResize, Concat, Scale, MatMul, UnflattenPixels, SyncBatchNorm)
}
"""Class name -> class, for what a `Layer` may name beside `torch.nn`."""
