"""Batch normalisation over all processes, on every device."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, distributed, nn


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
        if input.device.type != "cpu":
            return super().forward(input)
        shared = self.training and distributed.is_available() and distributed.is_initialized()
        if shared and distributed.get_world_size(self.process_group) > 1:
            return self._over_all_processes(input)
        return nn.BatchNorm2d.forward(self, input)

    def _over_all_processes(self, x: Tensor) -> Tensor:
        wide = x if x.dtype == torch.float64 else x.float()
        count = self._total(torch.tensor([x.numel() / x.shape[1]], dtype=wide.dtype))
        mean = self._total(wide.sum(dim=(0, 2, 3))) / count
        centred = wide - mean[:, None, None]
        variance = self._total(centred.square().sum(dim=(0, 2, 3))) / count
        self._track(mean.detach(), (variance * count / (count - 1)).detach())
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    def _total(self, values: Tensor) -> Tensor:
        return cast(Tensor, _Total.apply(values, self.process_group))

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        for kept, new in ((self.running_mean, mean), (self.running_var, variance)):
            if kept is not None and self.momentum is not None:
                kept.lerp_(new.to(kept.dtype), self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
