"""Self-attention in windows of a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.ops.base import Op, Spans, single
from hrnet_graph.ir.ops.columns import Counted, Counters, Layer, Saved, State, TorchLayer
from hrnet_graph.ir.types import Operands, TensorType

ATTENTION = TorchLayer(
    "hrnet_graph.compiler.torch.attention:WindowAttention",
    ("channels", "heads", "window"),
    {"biased": True},
)

PROJECTIONS = ("k_proj", "v_proj", "q_proj", "out_proj")


@dataclass(frozen=True)
class WindowAttention(Op):
    """Every pixel attends to those of its window, in `heads` heads of channels.

    x: (C, H, W) -> (C, H, W), where `heads` divides C

    The map is padded with zeros, evenly on both sides, to whole windows of `window` x `window`
    pixels; the padding takes part. `biased` adds to the scores what is learnt for each distance
    between two pixels; without it that is held and not read.

    Source: Yuan et al., "HRFormer", NeurIPS 2021, section 3.1; for the layers, HRFormer,
    cls/models/modules/multihead_isa_attention.py.
    """

    family = "attention"
    lender = 0
    onnx = "window_attention"

    heads: int
    window: int = 7
    biased: bool = True

    def infer(self, x: Operands) -> TensorType:
        y = single(x, self, rank=3)
        if y.channels % self.heads:
            raise ShapeError(f"{self.label} splits {y.channels} channels into {self.heads} heads")
        return y

    def windows(self, y: TensorType) -> int:
        """How many windows a map has, those at its edges padded."""
        rows, columns = (-(-extent // self.window) for extent in y.size)
        return rows * columns

    def state(self, x: Operands) -> tuple[State, ...]:
        channels, pixels = x[0].channels, self.window**2
        return (
            State(
                "relative_position_bias_table", ((2 * self.window - 1) ** 2, self.heads), std=0.02
            ),
            State("relative_position_index", (pixels, pixels), trainable=False, is_constant=True),
            *(
                State(f"{name}.{kind}", shape)
                for name in PROJECTIONS
                for kind, shape in (("weight", (channels, channels)), ("bias", (channels,)))
            ),
        )

    def constants(self) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """For each query and key of a window, the row of the table that their distance has."""
        side, pixels = self.window, range(self.window**2)
        reach = 2 * side - 1
        return {
            "relative_position_index": tuple(
                tuple(
                    (i // side - j // side + side - 1) * reach + i % side - j % side + side - 1
                    for j in pixels
                )
                for i in pixels
            )
        }

    def macs(self, x: Operands, y: TensorType) -> int:
        """The four projections of every pixel, and two products for every pair in a window."""
        return sum(count for _, count in self.counted(x, y))

    def counted(self, x: Operands, y: TensorType) -> tuple[Counted, ...]:
        tokens, pairs = self._padded(y), self._scores(y)
        products = 2 * pairs * y.channels // self.heads
        return (
            (Counters(fvcore="linear", torch="addmm"), len(PROJECTIONS) * tokens * y.channels),
            (Counters(fvcore="bmm", torch="bmm"), products),
        )

    def operations(self, x: Operands, y: TensorType) -> int:
        """Scaling, the bias, and the three operations of a softmax for every pair in a window."""
        return self._padded(y) + (3 + self.biased) * self._scores(y)

    def saved(self, x: Operands, y: TensorType, in_place: bool) -> Saved:
        """What the projections read, queries, keys, values, and what each pair weighs."""
        return Saved(more=5 * self._padded(y) + self._scores(y))

    def workspace(self, x: Operands, y: TensorType) -> int:
        """Windows and shares, values and two results; or windows, queries, keys, scores, shares."""
        tokens, scores = self._padded(y), self._scores(y)
        bias = self.window**4 * self.heads if self.biased else 0
        return max(4 * tokens + scores, 3 * tokens + 2 * scores + bias) - y.elements

    def _padded(self, y: TensorType) -> int:
        """How many numbers all windows hold."""
        return self.windows(y) * self.window**2 * y.channels

    def _scores(self, y: TensorType) -> int:
        """How many pairs of pixels share a window, for each head."""
        return self.windows(y) * self.window**4 * self.heads

    def reads(self, n: Any, extents: tuple[int, ...], extent: int) -> Spans:
        """The window that the cell is in, which the padding shifts."""
        shift = -extent % self.window // 2
        first = (n + shift) // self.window * self.window - shift
        return ((first, first + self.window - 1),)

    def layer(self, x: Operands) -> Layer:
        channels = x[0].channels
        return ATTENTION(
            channels=channels, heads=self.heads, window=self.window, biased=self.biased
        )

    @property
    def label(self) -> str:
        return f"attention {self.window}x{self.window}"
