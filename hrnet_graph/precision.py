"""What numbers are computed in, and how each precision is called: here and everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted

FloatPrecision = Literal["float32", "float16", "bfloat16"]
Precision = Literal["float32", "bfloat16", "float16", "int8"]
PrecisionName = Literal[Precision, "f32", "bf16", "f16"]
"""A precision as callers may write it."""

FLOATS: tuple[FloatPrecision, ...] = get_args(FloatPrecision)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

SHORT: Mapping[str, Precision] = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}
"""The short forms that callers may write."""


def read_precision(value: object) -> Precision:
    """A precision by its name or its short form. Raises `HRNetGraphError` for anything else."""
    name = SHORT.get(value, value) if isinstance(value, str) else value
    if name not in PRECISIONS:
        known = did_you_mean(value, PRECISIONS)
        raise HRNetGraphError(f"unknown precision {quoted(value)}{known}")
    return name
