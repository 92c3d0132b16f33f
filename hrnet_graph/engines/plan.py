"""A precision plan: which layers are in int8, and how near to float32 the results stay."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.precision import read_precision


@dataclass(frozen=True)
class PrecisionPlan:
    """Which layers are in int8, of those that int8 could compute, and how near the results stay.

    macs: the share of those layers' MACs that is in int8
    difference: the largest of any output of a calibration batch from torch's in float32, over the
        largest value there
    bound: what that was to be at most
    """

    layers: tuple[str, ...]
    candidates: int
    macs: float
    difference: float
    bound: float

    def __repr__(self) -> str:
        share = f"{len(self.layers)} of {self.candidates} layers, {self.macs:.1%} of their MACs"
        return f"int8 in {share}: difference {self.difference:.2g}, at most {self.bound:g}"


def check_int8(name: str, value: object, precision: object) -> None:
    """Raises `HRNetGraphError` for what is stated and read by int8 alone, in another precision."""
    if value is not None and read_precision(precision) != "int8":
        what = f"{name} is for int8, got {quoted(value)} for {quoted(precision)}"
        raise HRNetGraphError(what, f"leave {name} out, or take int8")


def checked_bound(value: object, precision: object) -> float | None:
    """How far int8's results may be from float32's. Raises `HRNetGraphError` for what is none."""
    check_int8("max_difference", value, precision)
    if value is None:
        return None
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else 0.0
    if not 0 < number < 1:
        what = f"max_difference: expected a number over 0 and under 1, got {quoted(value)}"
        raise HRNetGraphError(what, "0.01 is a hundredth of the largest value; float32 has no int8")
    return number
