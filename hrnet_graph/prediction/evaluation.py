"""A module as it is asked: in evaluation, and in the mode that it was in again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def evaluating(module: torch.nn.Module) -> Iterator[None]:
    """A module in evaluation without gradients; every part is then in the mode that it was in."""
    modes = {part: part.training for part in module.modules()}
    try:
        with torch.inference_mode():
            module.eval()
            yield
    finally:
        for part, training in modes.items():
            part.training = training
