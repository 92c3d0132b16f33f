"""Self-attention in windows of a map, as a layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the class is copied into written source


class WindowAttention(nn.Module):
    """Every pixel attends to those of its window.

    x: (N, C, H, W) -> (N, C, H, W)
    """

    def __init__(self, channels: int, heads: int, window: int, biased: bool = True) -> None:
        super().__init__()
        self.heads, self.window, self.biased = heads, window, biased
        shape = ((2 * window - 1) ** 2, heads)
        self.relative_position_bias_table = nn.Parameter(torch.empty(shape))
        index = torch.empty(window**2, window**2, dtype=torch.long)
        self.register_buffer("relative_position_index", index)
        self.k_proj = nn.Linear(channels, channels)
        self.v_proj = nn.Linear(channels, channels)
        self.q_proj = nn.Linear(channels, channels)
        self.out_proj = nn.Linear(channels, channels)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        side = self.window
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        y, x = (torch.arange(side**2) // side, torch.arange(side**2) % side)
        rows, columns = y[:, None] - y + side - 1, x[:, None] - x + side - 1
        self.get_buffer("relative_position_index").copy_(rows * (2 * side - 1) + columns)

    def forward(self, x: Tensor) -> Tensor:
        side, channels, height, width = self.window, x.shape[1], x.shape[2], x.shape[3]
        below, right = -height % side, -width % side
        top, left = below // 2, right // 2
        x = F.pad(x, (left, right - left, top, below - top))
        x = x.unflatten(3, (-1, side)).unflatten(2, (-1, side))
        rows, columns = x.shape[2], x.shape[4]
        x = x.permute(0, 2, 4, 3, 5, 1).clone(memory_format=torch.contiguous_format)
        x = self._attend(x.flatten(3, 4).flatten(0, 2))
        x = x.view(-1, rows, columns, side, side, channels).permute(0, 5, 1, 3, 2, 4)
        x = x.clone(memory_format=torch.contiguous_format).flatten(4, 5).flatten(2, 3)
        return F.pad(x, (-left, left - right, -top, top - below))

    def _attend(self, x: Tensor) -> Tensor:
        shares, values = self._shares(x), self._split(self.v_proj(x))
        x = torch.bmm(shares, values).unflatten(0, (-1, self.heads))
        x = x.transpose(1, 2).clone(memory_format=torch.contiguous_format)
        projected: Tensor = self.out_proj(x.flatten(2))
        return projected

    def _shares(self, x: Tensor) -> Tensor:
        keys = self._split(self.k_proj(x))
        queries = self._split(self.q_proj(x) * (x.shape[2] // self.heads) ** -0.5)
        scores = torch.bmm(queries, keys.transpose(1, 2)).unflatten(0, (-1, self.heads))
        if self.biased:
            scores = scores + self._bias()
        shares: Tensor = scores.softmax(dim=3).flatten(0, 1)
        return shares

    def _split(self, x: Tensor) -> Tensor:
        x = x.unflatten(2, (self.heads, -1)).transpose(1, 2)
        return x.clone(memory_format=torch.contiguous_format).flatten(0, 1)

    def _bias(self) -> Tensor:
        table = self.relative_position_bias_table[self.get_buffer("relative_position_index")]
        return table.permute(2, 0, 1)
