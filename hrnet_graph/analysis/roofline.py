"""Why a network is slow: a bound on the time of every operation, and how long the longest chain is.

Source: Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for
multicore architectures", CACM 2009.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from hrnet_graph.analysis.cost import Report, analyze, naming
from hrnet_graph.analysis.device import Device
from hrnet_graph.analysis.memory import BYTES
from hrnet_graph.choices import Grouping
from hrnet_graph.ir.graph import Graph
from hrnet_graph.precision import FloatPrecision

Limit = Literal["compute", "memory", "launch"]


@dataclass(frozen=True, slots=True)
class Work:
    """What operations do, for a batch.

    kernels: operations that compute; views do not
    flops: 2 x MACs and the elementary operations of all else
    bytes: operands and parameters read, and results written, once each
    seconds: the least time, operation after operation, by what bounds each
    """

    kernels: int
    flops: int
    bytes: int
    seconds: Mapping[Limit, float]

    @property
    def intensity(self) -> float:
        """Arithmetic intensity: FLOPs for every byte that is moved."""
        return self.flops / self.bytes if self.bytes else 0.0

    @property
    def time(self) -> float:
        """Seconds in all."""
        return sum(self.seconds.values())

    @property
    def limit(self) -> Limit | None:
        """What bounds most of the time; None of no work."""
        return max(self.seconds, key=lambda limit: self.seconds[limit], default=None)

    def as_dict(self) -> dict[str, Any]:
        """The work as plain data for JSON."""
        derived = {"intensity": self.intensity, "time": self.time, "limit": self.limit}
        return {**asdict(self), **derived}


@dataclass(frozen=True, slots=True)
class Chain:
    """Operations that wait for one another: how many, their MACs, and the keys of both ends."""

    kernels: int
    macs: int
    first: str
    last: str


@dataclass(frozen=True)
class Roofline:
    """The bound of every operation of a graph on a device."""

    report: Report
    device: Device
    precision: FloatPrecision
    batch: int
    works: Mapping[str, Work]

    @cached_property
    def total(self) -> Work:
        """The whole network, one operation after another."""
        return _join(self.works.values())

    @property
    def ridge(self) -> float:
        """FLOPs a byte from which on the device is bound by compute, and below it by memory."""
        return self.device.peak(self.precision) / self.device.bandwidth

    def by(self, grouping: Grouping) -> dict[str, Work]:
        """Work by part, in execution order."""
        name_of = naming(self.report.graph, grouping)
        parts: dict[str, list[Work]] = defaultdict(list)
        for node in self.report.graph.order:
            if node.path in self.works:
                parts[name_of(node)].append(self.works[node.path])
        return {name: _join(works) for name, works in parts.items()}

    @cached_property
    def chain(self) -> Chain:
        """The longest chain of operations."""
        return longest_chain(self.report)

    def rows(self, by: Grouping) -> list[dict[str, Any]]:
        """The work of every part, in execution order."""
        return [{by: name, **work.as_dict()} for name, work in self.by(by).items()]

    def as_dict(self, by: Grouping) -> dict[str, Any]:
        """The whole and its parts as plain data for JSON."""
        graph = self.report.graph
        return {
            "name": graph.name,
            "input": graph.input.type.shape,
            "batch": self.batch,
            "precision": self.precision,
            "device": asdict(self.device),
            "ridge": self.ridge,
            **self.total.as_dict(),
            "macs": self.report.macs,
            "chain": asdict(self.chain),
            "by": by,
            "parts": self.rows(by),
        }


def roofline(
    graph: Graph, device: Device, precision: FloatPrecision = "float32", batch: int = 1
) -> Roofline:
    """The least time that a device needs for a graph, by peak, bandwidth and launches.

    Every operation is a kernel that reads and writes memory, as eager torch runs it; what stays in
    caches is quicker, what does not reach the peak is slower. Raises `HRNetGraphError` for a
    precision that the device has no peak for.
    """
    report, peak = analyze(graph), device.peak(precision)
    works = {}
    for node in graph.order[1:]:
        if node.op.is_view:
            continue
        cost = report.nodes[node.path]
        flops = batch * (cost.flops + cost.operations)
        maps = sum(kind.elements for kind in graph.operands(node)) + node.type.elements
        moved = BYTES[precision] * (cost.params + batch * maps)
        bounds: dict[Limit, float] = {
            "compute": flops / peak,
            "memory": moved / device.bandwidth,
            "launch": device.launch,
        }
        limit = max(bounds, key=lambda name: bounds[name])
        works[node.path] = Work(1, flops, moved, {limit: bounds[limit]})
    return Roofline(report, device, precision, batch, works)


def longest_chain(report: Report) -> Chain:
    """The most operations that wait for one another; of equals, the one with the most MACs."""
    graph = report.graph
    best: dict[str, tuple[int, int]] = {}
    before: dict[str, str] = {}
    for node in graph.order:
        source = max(node.inputs, key=lambda path: best[path], default=None)
        kernels, macs = best[source] if source else (0, 0)
        computes = node is not graph.input and not node.op.is_view
        best[node.path] = (kernels + computes, macs + report.nodes[node.path].macs)
        if source and kernels:
            before[node.path] = source
    last = max(best, key=lambda path: best[path])
    first = last
    while first in before:
        first = before[first]
    return Chain(*best[last], graph[first].key, graph[last].key)


def _join(works: Iterable[Work]) -> Work:
    works = list(works)
    seconds: dict[Limit, float] = defaultdict(float)
    for work in works:
        for limit, time in work.seconds.items():
            seconds[limit] += time
    return Work(
        sum(work.kernels for work in works),
        sum(work.flops for work in works),
        sum(work.bytes for work in works),
        dict(seconds),
    )
