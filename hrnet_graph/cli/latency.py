"""Options that limit how long a network takes on an engine, and what was predicted and measured."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from hrnet_graph.cli.arguments import all_of
from hrnet_graph.cli.table import number
from hrnet_graph.cli.terminal import note
from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.precision import FLOATS

if TYPE_CHECKING:
    from hrnet_graph.search.fit import Fitted
    from hrnet_graph.search.latency import Latency
    from hrnet_graph.spec.schema import Spec

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+) ?(us|ms|s)")

COLUMNS = (
    number("predicted", "predicted ms", form=",.2f", per=1e-3),
    number("measured", "measured ms", form=",.2f", per=1e-3),
)


def read_time(ctx: object, param: click.Parameter, value: str | None) -> float | None:
    """`30ms` in seconds."""
    if value is None:
        return None
    found = TIME.fullmatch(value.strip())
    seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
    if not 0 < seconds < float("inf"):
        raise click.BadParameter(f"expected a time such as 30ms, got {quoted(value)}")
    return seconds


latency_options: Callable[[Any], Any] = all_of(
    click.option(
        "--latency",
        metavar="TIME",
        callback=read_time,
        help="The most that one image may take on --target here, as 30ms: predicted from modules"
        " that are measured once and kept, and measured for what is found.",
    ),
    click.option("--target", metavar="ENGINE", help="The engine that --latency is of."),
    click.option(
        "--precision",
        type=click.Choice(FLOATS),
        help="What it computes in. Default: float32.",
    ),
    click.option(
        "--threads", type=click.IntRange(1), metavar="N", help="Default: the engine's own."
    ),
)


def read_latency(
    spec: Spec,
    most: float | None,
    target: str | None,
    precision: str | None,
    threads: int | None,
) -> Latency | None:
    """What predicts for the engine that was asked for, if one was.

    Raises `HRNetGraphError` for an engine that is not there, or options without a limit.
    """
    if most is None:
        given = {"--target": target, "--precision": precision, "--threads": threads}
        for name, value in given.items():
            if value is not None:
                raise HRNetGraphError(
                    f"{name} changes nothing without a limit", "give --latency 30ms, too"
                )
        return None
    if target is None:
        raise HRNetGraphError("expected an engine for --latency", "for example: --target openvino")
    from hrnet_graph.compiler.build import build_graph
    from hrnet_graph.engines.engine import AUTO, choose_engine
    from hrnet_graph.extras import require

    if target == AUTO:
        what = f"--target: expected one engine for --latency, got {AUTO!r}"
        raise HRNetGraphError(what, "for example: --target openvino")

    require("torch", "measuring latency")
    from hrnet_graph.search.latency import Latency

    engine, known, count, _ = choose_engine(target, precision or "float32", threads)
    return Latency(build_graph(spec), engine, known, count, most)


def measure_all(found: Iterable[Fitted], latency: Latency) -> dict[str, float]:
    """Seconds that the networks take which were found, by their kind, each measured once."""
    from hrnet_graph.compiler.build import build_graph

    known: dict[object, float] = {}
    measured = {}
    for each in found:
        if each.size not in known:
            known[each.size] = latency.measure(build_graph(each.spec))
        measured[each.kind] = known[each.size]
    return measured


def note_late(measured: dict[str, float], most: float) -> None:
    """Says which networks took longer than they may."""
    for kind, seconds in measured.items():
        if seconds > most:
            took, limit = f"{1e3 * seconds:.4g} ms", f"{1e3 * most:.4g} ms"
            note(f"{kind}: took {took} when it was measured, over the limit of {limit}")
