"""What this machine really reaches, measured with what networks are made of."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch.nn import functional

MAPS = ((64, 56), (128, 28), (32, 64))
"""Channels and side of the maps whose 3x3 convolutions are timed: those of typical branches."""

ROUNDS = 15


def measure_limits() -> tuple[float, float, float]:
    """This machine's CPU in float32: FLOP/s, bytes/s, and seconds for the smallest operation.

    The first is the best of three typical convolutions, the second that of an addition of two maps,
    as eager torch computes them with its present number of threads.
    """
    with torch.inference_mode():
        flops = max(_convolution(channels, side) for channels, side in MAPS)
        a, b = torch.rand(64, 128, 128), torch.rand(64, 128, 128)
        bandwidth = 3 * a.nbytes / _seconds(lambda: a + b)
        one = torch.zeros(1)
        launch = _seconds(lambda: one + one)
    return flops, bandwidth, launch


def _convolution(channels: int, side: int) -> float:
    x = torch.rand(1, channels, side, side)
    weight = torch.rand(channels, channels, 3, 3)
    return 2 * weight.numel() * side**2 / _seconds(lambda: functional.conv2d(x, weight, padding=1))


def _seconds(run: Callable[[], object]) -> float:
    """The least of several times after a first run; what disturbs makes only slower."""
    run()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)
