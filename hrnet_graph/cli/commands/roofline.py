"""`hrnet-graph roofline`."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import click

from hrnet_graph.cli.arguments import json_option, takes_spec
from hrnet_graph.cli.terminal import print_json, print_table, working
from hrnet_graph.errors import HRNetGraphError

if TYPE_CHECKING:
    from hrnet_graph.analysis.cost import Grouping
    from hrnet_graph.analysis.device import Device
    from hrnet_graph.analysis.roofline import Roofline, Work
    from hrnet_graph.precision import FloatPrecision
    from hrnet_graph.spec.schema import Spec

PARTS = click.Choice(["stage", "branch", "module", "block", "op", "kind", "node"])
POSITIVE = click.FloatRange(1e-6, 1e9)
FORMATS = click.Choice(["float32", "float16", "bfloat16"])


@click.command()
@takes_spec
@click.option(
    "--device",
    "name",
    metavar="NAME",
    help="A known device, or 'measured' for this machine; a100 if unstated.",
)
@click.option("--peak", type=POSITIVE, metavar="TFLOPS", help="Any device, with --bandwidth.")
@click.option("--bandwidth", type=POSITIVE, metavar="GB/s", help="Any device, with --peak.")
@click.option("--launch", type=POSITIVE, metavar="µs", help="Time of the smallest operation.")
@click.option("--precision", type=FORMATS, default="float32", show_default=True)
@click.option("--batch", type=click.IntRange(1, 65536), default=1, show_default=True, metavar="N")
@click.option("--by", type=PARTS, default="stage", show_default=True)
@json_option
def command(
    spec: Spec, name: str | None, peak: float | None, bandwidth: float | None,
    launch: float | None, precision: FloatPrecision, batch: int, by: Grouping, as_json: bool,
) -> None:  # fmt: skip
    """Say why a network is slow on a device.

    By part: arithmetic intensity, the least time that the device needs, and whether compute, memory
    or the launching of kernels bounds it; then the longest chain of operations that wait for one
    another. An estimate from peak figures, not a measurement.
    """
    from hrnet_graph.analysis.roofline import roofline
    from hrnet_graph.compiler.build import build_graph

    graph = build_graph(spec)
    found = roofline(graph, _device(name, peak, bandwidth, launch, precision), precision, batch)
    if as_json:
        print_json(_data(found, by))
    else:
        _print(found, by)


def _device(
    name: str | None,
    peak: float | None,
    bandwidth: float | None,
    launch: float | None,
    precision: FloatPrecision,
) -> Device:
    from dataclasses import replace

    from hrnet_graph.analysis.device import GPU_LAUNCH, Device, find_device

    if any(math.isnan(number) for number in (peak, bandwidth, launch) if number is not None):
        raise HRNetGraphError("expected a number, got nan")
    if (peak is None) != (bandwidth is None) or (peak is not None and name is not None):
        raise HRNetGraphError("a device is --device NAME, or --peak and --bandwidth together")
    if peak is not None and bandwidth is not None:
        device = Device("given", {precision: peak * 1e12}, bandwidth * 1e9, GPU_LAUNCH, "given")
    elif name == "measured":
        device = _measure()
    else:
        device = find_device("a100" if name is None else name)
    return device if launch is None else replace(device, launch=launch / 1e6)


def _measure() -> Device:
    from hrnet_graph.analysis.device import Device
    from hrnet_graph.benchmark.machine import measure_limits

    with working("measuring this machine"):
        flops, bandwidth, launch = measure_limits()
    return Device("this machine", {"float32": flops}, bandwidth, launch, "measured with torch")


def _data(found: Roofline, by: Grouping) -> dict[str, Any]:
    from hrnet_graph.analysis.roofline import longest_chain

    def row(work: Work) -> dict[str, Any]:
        return {**asdict(work), "intensity": work.intensity, "time": work.time, "limit": work.limit}

    return {
        "name": found.report.graph.name,
        "input": found.report.graph.input.type.shape,
        "batch": found.batch,
        "precision": found.precision,
        "device": asdict(found.device),
        "ridge": found.ridge,
        **row(found.total),
        "macs": found.report.macs,
        "chain": asdict(longest_chain(found.report)),
        "by": by,
        "parts": [{by: part, **row(work)} for part, work in found.by(by).items()],
    }


def _print(found: Roofline, by: Grouping) -> None:
    from hrnet_graph.analysis.roofline import longest_chain

    def row(part: str, work: Work) -> tuple[str, ...]:
        limit = cast(str, work.limit or "")
        share = f"{work.seconds[work.limit] / work.time:.0%}" if work.limit else ""
        return (part, f"{work.kernels:,}", f"{work.flops / 1e9:,.3f}", f"{work.bytes / 2**20:,.1f}",
                f"{work.intensity:.1f}", f"{work.time * 1e3:,.3f}", f"{limit} {share}")  # fmt: skip

    headings = ("kernels", "GFLOPs", "MiB moved", "FLOPs/byte", "least ms")
    device, report = found.device, found.report
    print_table(
        (by, *headings, "bound by"),
        [row(part, work) for part, work in found.by(by).items()],
        title=f"{report.graph.name}, {found.batch} x {report.graph.input.type}, {found.precision}",
        total=row("total", found.total),
        right=headings,
    )
    chain = longest_chain(report)
    click.echo(
        f"{device.name} ({device.source}): {device.peak(found.precision) / 1e12:,.3g} TFLOP/s, "
        f"{device.bandwidth / 1e9:,.4g} GB/s, {device.launch * 1e6:.2g} µs a launch; "
        f"bound by compute from {found.ridge:.1f} FLOPs/byte on\n"
        f"longest chain: {chain.kernels} of {found.total.kernels} kernels wait for one another, "
        f"with {chain.macs / 1e9:.3f} of {report.macs / 1e9:.3f} GMACs, "
        f"from {chain.first} to {chain.last}\n"
        "GFLOPs: 2 x MACs and all elementary operations, for the batch"
    )
