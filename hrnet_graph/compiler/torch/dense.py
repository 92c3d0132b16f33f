"""Tensors as files and callers bring them, not all of plain numbers, and as arrays."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from hrnet_graph.compiler.passes.weights import Array


def unsupported_kind(value: Tensor) -> str:
    """What keeps a tensor from being plain real numbers in memory, in one word, or nothing."""
    kinds = {
        "meta": value.is_meta,
        "nested": value.is_nested,
        "quantised": value.is_quantized,
        "sparse": value.layout != torch.strided,
        "complex": value.is_complex(),
    }
    return next((kind for kind, holds in kinds.items() if holds), "")


def arrays(state: Mapping[str, Tensor], *, exact: bool) -> dict[str, Array]:
    """Weights for those who have no torch, in float32 where numpy lacks their type (bfloat16).

    Those in float64 stay so where they are to be `exact`; ONNX Runtime has no convolution in it.
    """
    lacking = (torch.bfloat16,) if exact else (torch.bfloat16, torch.float64)
    plain = {key: value.contiguous() for key, value in state.items()}
    return {
        key: (value.float() if value.dtype in lacking else value).numpy(force=True)
        for key, value in plain.items()
    }
