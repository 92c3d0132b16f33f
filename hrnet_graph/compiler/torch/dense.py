"""Tensors as files and callers bring them: not all hold plain numbers."""

from __future__ import annotations

import torch
from torch import Tensor


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
