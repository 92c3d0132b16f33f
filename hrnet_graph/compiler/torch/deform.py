"""The offsets of a deformable convolution, as a layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AffineOffsets(nn.Module):
    """Maps the taps of a convolution linearly, shifts them, tells how far they moved.

    matrix: (N, 4, H, W), shift: (N, 2, H, W) -> (N, 2 * kernel_size^2, H, W)
    """

    def __init__(self, kernel_size: int) -> None:
        super().__init__()
        self.kernel_size = kernel_size

    def forward(self, matrix: Tensor, shift: Tensor) -> Tensor:
        batch, _, height, width = matrix.shape
        side = self.kernel_size
        cells = torch.arange(side, dtype=matrix.dtype, device=matrix.device) - side // 2
        taps = torch.stack([cells.repeat_interleave(side), cells.repeat(side)])
        matrices = matrix.permute(0, 2, 3, 1).reshape(-1, 2, 2)
        moved = matrices @ taps.expand(matrices.shape[0], -1, -1) - taps
        moved = moved + shift.permute(0, 2, 3, 1).reshape(-1, 2, 1)
        moved = moved.transpose(1, 2).reshape(batch, height, width, -1)
        return moved.permute(0, 3, 1, 2)

    def extra_repr(self) -> str:
        return f"{self.kernel_size}"
