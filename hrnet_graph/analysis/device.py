"""What devices can do at most: a table of well-known ones, from their makers' data sheets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted
from hrnet_graph.precision import FloatPrecision

GPU_LAUNCH = 5e-6
"""Seconds that a kernel takes at least where eager torch queues it; assumed, in no data sheet."""

CPU_LAUNCH = 1e-6
"""The same on a CPU, where a call takes about that long."""


@dataclass(frozen=True)
class Device:
    """A device's limits.

    flops: peak floating-point operations a second, by precision; dense, tensor cores included
    bandwidth: bytes a second between the device and its memory
    launch: seconds that the smallest operation takes
    source: where the figures are from
    """

    name: str
    flops: Mapping[FloatPrecision, float]
    bandwidth: float
    launch: float
    source: str

    def peak(self, precision: FloatPrecision) -> float:
        """Peak operations a second. Raises `HRNetGraphError` for a precision without a figure."""
        if precision not in self.flops:
            known = ", ".join(self.flops)
            raise HRNetGraphError(f"{self.name} has no peak in {precision} (known: {known})")
        return self.flops[precision]


def _gpu(
    name: str, source: str, bandwidth: float, full: float, half: float, bfloat16: bool = True
) -> Device:
    """A GPU by GB/s and TFLOP/s in float32 and, on its tensor cores, in 16-bit formats."""
    flops: dict[FloatPrecision, float] = {"float32": 1e12 * full, "float16": 1e12 * half}
    if bfloat16:
        flops["bfloat16"] = 1e12 * half
    return Device(name, flops, 1e9 * bandwidth, GPU_LAUNCH, source)


def _cpu(name: str, source: str, bandwidth: float, cores: int, clock: float, cycle: int) -> Device:
    """A CPU by GB/s, cores, base clock in GHz and float32 operations a cycle and core."""
    flops: dict[FloatPrecision, float] = {"float32": 1e12 * (cores * clock * cycle / 1e3)}
    return Device(name, flops, 1e9 * bandwidth, CPU_LAUNCH, source)


DEVICES: Mapping[str, Device] = {
    device.name: device
    for device in (
        _gpu("t4", "NVIDIA T4 data sheet", 320, 8.1, 65, bfloat16=False),
        _gpu("v100", "NVIDIA V100 data sheet, SXM2", 900, 15.7, 125, bfloat16=False),
        _gpu("l4", "NVIDIA L4 data sheet, without sparsity", 300, 30.3, 121),
        _gpu("rtx3090", "NVIDIA GA102 whitepaper, float32 accumulation", 936, 35.6, 71),
        _gpu("rtx4090", "NVIDIA Ada whitepaper, float32 accumulation", 1008, 82.6, 165.2),
        _gpu("a100", "NVIDIA A100 data sheet, SXM 80 GB", 2039, 19.5, 312),
        _gpu("h100", "NVIDIA H100 data sheet, SXM, without sparsity", 3350, 67, 989),
        _cpu("epyc7763", "AMD EPYC 7763: AVX2, 8 x DDR4-3200", 204.8, 64, 2.45, 32),
        _cpu("xeon8380", "Intel Xeon 8380: AVX-512, 8 x DDR4-3200", 204.8, 40, 2.3, 64),
    )
}
"""The devices, by the names that the command line knows."""


def find_device(name: str) -> Device:
    """A device of the table. Raises `HRNetGraphError` for another name."""
    if name not in DEVICES:
        known = did_you_mean(name, (*DEVICES, "measured"))
        raise HRNetGraphError(f"unknown device {quoted(name)}{known}")
    return DEVICES[name]
