"""The layers that `torch.nn` does not have."""

from __future__ import annotations

from torch import Tensor, nn
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


LAYERS: dict[str, type[nn.Module]] = {layer.__name__: layer for layer in (Sum, BilinearResize)}
"""Class name -> class, for what a `Layer` may name beside `torch.nn`."""
