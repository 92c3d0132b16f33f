"""A precision plan: which layers are in int8, and how near to float32 the results stay."""

from __future__ import annotations

from dataclasses import dataclass


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
