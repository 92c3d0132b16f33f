"""What devices can do at most: a table of well-known ones, from their makers' data sheets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hrnet_graph.choices import PRECISIONS, Precision
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted

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
    flops: Mapping[Precision, float]
    bandwidth: float
    launch: float
    source: str

    def peak(self, precision: Precision) -> float:
        """Peak operations a second. Raises `HRNetGraphError` for a precision without a figure."""
        if precision not in self.flops:
            known = ", ".join(self.flops)
            raise HRNetGraphError(f"{self.name} has no peak in {precision} (known: {known})")
        return self.flops[precision]


def _device(name: str, source: str, bandwidth: float, launch: float, **teraflops: float) -> Device:
    flops = {
        precision: 1e12 * teraflops[precision] for precision in PRECISIONS if precision in teraflops
    }
    return Device(name, flops, 1e9 * bandwidth, launch, source)


def _gpu(name: str, source: str, bandwidth: float, full: float, half: float) -> Device:
    """A GPU by GB/s and TFLOP/s in float32 and, on its tensor cores, in both 16-bit formats."""
    return _device(name, source, bandwidth, GPU_LAUNCH, float32=full, float16=half, bfloat16=half)


def _old_gpu(name: str, source: str, bandwidth: float, full: float, half: float) -> Device:
    """A GPU whose tensor cores know no bfloat16."""
    return _device(name, source, bandwidth, GPU_LAUNCH, float32=full, float16=half)


def _cpu(name: str, source: str, bandwidth: float, cores: int, clock: float, cycle: int) -> Device:
    """A CPU by GB/s, cores, base clock in GHz and float32 operations a cycle and core."""
    return _device(name, source, bandwidth, CPU_LAUNCH, float32=cores * clock * cycle / 1e3)


DEVICES: Mapping[str, Device] = {
    device.name: device
    for device in (
        _old_gpu("t4", "NVIDIA T4 data sheet", 320, 8.1, 65),
        _old_gpu("v100", "NVIDIA V100 data sheet, SXM2", 900, 15.7, 125),
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
