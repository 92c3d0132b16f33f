"""`hrnet-graph roofline`."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

import hrnet_graph as hg
from hrnet_graph.analysis.device import DEVICES
from hrnet_graph.choices import GROUPINGS, Grouping
from hrnet_graph.cli.arguments import Number, as_command, takes_spec
from hrnet_graph.cli.table import Column, Row, Table, mebibytes, number, text
from hrnet_graph.cli.terminal import present, working
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.precision import FLOATS

if TYPE_CHECKING:
    from hrnet_graph.analysis.device import Device
    from hrnet_graph.analysis.roofline import Roofline
    from hrnet_graph.precision import FloatPrecision

POSITIVE = Number(1e-6, 1e9)


@as_command(
    "roofline hrnet_w32_cls --device h100 --precision float16",
    "roofline hrnet_w32_cls --peak 40 --bandwidth 1000 --by module",
)
@takes_spec
@click.option(
    "--device",
    "name",
    metavar="NAME",
    help=f"One of {', '.join(DEVICES)}, or 'measured' for this machine; a100 if unstated.",
)
@click.option("--peak", type=POSITIVE, metavar="TFLOPS", help="Any device, with --bandwidth.")
@click.option("--bandwidth", type=POSITIVE, metavar="GB/s", help="Any device, with --peak.")
@click.option("--launch", type=POSITIVE, metavar="µs", help="Time of the smallest operation.")
@click.option(
    "--precision",
    type=click.Choice(FLOATS),
    default="float32",
    show_default=True,
    help="What it computes in.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, 65536),
    default=1,
    show_default=True,
    metavar="N",
    help="Images at once.",
)
@click.option(
    "--by", type=click.Choice(GROUPINGS), default="stage", show_default=True, help="By what part."
)
def command(
    spec: hg.Spec, precision: FloatPrecision, batch: int, by: Grouping, as_json: bool, **device: Any
) -> None:
    """Say why a network is slow on a device.

    By part: arithmetic intensity, the least time that the device needs, and whether compute, memory
    or the launching of kernels bounds it; then the longest chain of operations that wait for one
    another. An estimate from peak figures, not a measurement.
    """
    from hrnet_graph.analysis.roofline import roofline

    graph = hg.build_graph(spec)
    found = roofline(graph, _device(precision, **device), precision, batch)
    present(_table(found, by), as_json, data=partial(found.as_dict, by))


def _device(
    precision: FloatPrecision,
    name: str | None,
    peak: float | None,
    bandwidth: float | None,
    launch: float | None,
) -> Device:
    from hrnet_graph.analysis.device import GPU_LAUNCH, Device, find_device

    if any(math.isnan(number) for number in (peak, bandwidth, launch) if number is not None):
        raise HRNetGraphError("expected a number, got nan")
    if (peak is None) != (bandwidth is None) or (peak is not None and name is not None):
        raise HRNetGraphError("a device is --device NAME, or --peak and --bandwidth together")
    if peak is not None and bandwidth is not None:
        device = Device("given", {precision: peak * 1e12}, bandwidth * 1e9, GPU_LAUNCH, "given")
    elif name == "measured":
        from hrnet_graph.benchmark.machine import measure_limits

        with working("measuring this machine"):
            flops, speed, least = measure_limits()
        device = Device("this machine", {"float32": flops}, speed, least, "measured with torch")
    else:
        device = find_device("a100" if name is None else name)
    return device if launch is None else replace(device, launch=launch / 1e6)


def _limit(row: Row) -> str:
    """What bounds most of a part's time, and how much of it."""
    limit = row["limit"]
    return f"{limit} {row['seconds'][limit] / row['time']:.0%}" if limit else " "


COLUMNS = (
    number("kernels", rank=3),
    number("flops", "GFLOPs", form=",.3f", per=1e9),
    mebibytes("bytes", "MiB moved"),
    number("intensity", "FLOPs/byte", form=".1f", rank=2),
    number("time", "least ms", form=",.3f", per=1e-3),
    Column("bound by", _limit),
)


def _table(found: Roofline, by: Grouping) -> Table:
    device, report, chain = found.device, found.report, found.chain
    return Table(
        (text(by), *COLUMNS),
        found.rows(by),
        f"{report.graph.name}, {found.batch} x {report.graph.input.type}, {found.precision}",
        total={by: "total", **found.total.as_dict()},
        notes=(
            f"{device.name} ({device.source}): {device.peak(found.precision) / 1e12:,.3g} TFLOP/s, "
            f"{device.bandwidth / 1e9:,.4g} GB/s, {device.launch * 1e6:.2g} µs a launch; "
            f"bound by compute from {found.ridge:.1f} FLOPs/byte on",
            f"longest chain: {chain.kernels} of {found.total.kernels} kernels wait for one another,"
            f" with {chain.macs / 1e9:.3f} of {report.macs / 1e9:.3f} GMACs, "
            f"from {chain.first} to {chain.last}",
            "GFLOPs: 2 x MACs and all elementary operations, for the batch",
        ),
    )
