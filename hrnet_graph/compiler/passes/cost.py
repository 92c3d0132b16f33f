"""What a node takes on a target, roughly: enough to tell where a pass pays."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.ir.ops import BilinearResize, Op, Operands
from hrnet_graph.ir.types import TensorType


@dataclass(frozen=True)
class Rates:
    """How fast a target is, in numbers a microsecond.

    macs: multiply-accumulates of a convolution
    moved: numbers read and written
    resized: numbers of a bilinearly resized map
    call: microseconds that a call takes, whatever it does
    """

    macs: float
    moved: float
    resized: float
    call: float


def microseconds(op: Op, x: Operands, y: TensorType, rates: Rates) -> float:
    """What one node takes for one image, in microseconds."""
    if op.is_view:
        return 0.0
    moved = sum(operand.elements for operand in x) + y.elements
    resized = y.elements if isinstance(op, BilinearResize) else 0
    return rates.call + op.macs(x, y) / rates.macs + moved / rates.moved + resized / rates.resized
