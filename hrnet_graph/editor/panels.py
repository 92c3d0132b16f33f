"""What is known of a network beside its figure, as tables: costs, memory, roofline, fields.

A table is JSON: `columns` of key, title and what they hold (`text`, `count`, `bytes`, `seconds`,
`number`), `rows` of values by key, a `total`, and `notes` below. A column with `bar` shows shares;
one with `beside` has the values of the text one began with (`start_KEY`) and of the network that
is compared with (`other_KEY`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, cast

from hrnet_graph.analysis.comparison import in_order
from hrnet_graph.analysis.cost import Cost, Report
from hrnet_graph.analysis.device import DEVICES, find_device
from hrnet_graph.analysis.difference import differing_values
from hrnet_graph.analysis.memory import memory
from hrnet_graph.analysis.roofline import roofline
from hrnet_graph.choices import GROUPINGS, Grouping
from hrnet_graph.editor.request import Request
from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.precision import FLOATS, FloatPrecision

Table = dict[str, object]

MAX_ROWS = 2_000
"""The most rows of a table: nobody reads more on a screen."""


@dataclass(frozen=True)
class Subject:
    """What is counted: a network, the one that one began with, and one to compare with."""

    report: Report
    start: Report | None
    other: Report | None


def panels(subject: Subject, request: Request) -> dict[str, object]:
    """The tables that are asked for by name, all where none is; `error` in place of one that cannot
    be had.
    """
    asked = request.words("panels") or tuple(PANELS)
    return {name: _panel(name, subject, request) for name in asked if name in PANELS}


def _panel(name: str, subject: Subject, request: Request) -> Table:
    try:
        return PANELS[name](subject, request)
    except HRNetGraphError as error:
        return {"error": str(error)}


def _column(key: str, title: str, holds: str = "text", **more: bool) -> dict[str, object]:
    return {"key": key, "title": title, "holds": holds, **more}


def _stages(subject: Subject, request: Request) -> Table:
    """Costs by part, each beside what it was and what it is in the other network."""
    by = cast(Grouping, request.choice("by", GROUPINGS, "stage"))
    beside = {"": subject.report, "start_": subject.start, "other_": subject.other}
    costs = {name: report.by(by) for name, report in beside.items() if report}
    names: list[str] = reduce(in_order, costs.values(), [])
    rows = [
        {
            "part": name,
            **{
                f"{prefix}{key}": getattr(found.get(name, Cost()), key)
                for prefix, found in costs.items()
                for key in ("params", "macs", "activations")
            },
        }
        for name in names
    ]
    return {
        "columns": [
            _column("part", by.capitalize()),
            _column("params", "Params", "count", bar=True, beside=True),
            _column("macs", "MACs", "count", bar=True, beside=True),
            _column("activations", "Activations", "count"),
        ],
        "rows": rows[:MAX_ROWS],
        "by": by,
        "notes": [f"{len(rows) - MAX_ROWS} rows more are not shown"] * (len(rows) > MAX_ROWS),
    }


def _field(subject: Subject, request: Request) -> Table:
    try:
        from hrnet_graph.analysis.receptive_field import fields_of_branches
    except ImportError as error:
        raise HRNetGraphError(f"receptive fields are measured with {error.name}") from None
    rows = [
        {**row, "size": row["size"] or "the whole image", "stride": row["stride"] or "none"}
        for row in fields_of_branches(subject.report.graph)
    ]
    columns = [
        _column("place", "At"),
        _column("size", "Pixels", "number", bar=True),
        _column("stride", "Stride", "number"),
    ]
    note = "The largest extent of the image, along one axis, that a cell can depend on."
    return {"columns": columns, "rows": rows, "notes": [note]}


def _precision(request: Request) -> FloatPrecision:
    return cast(FloatPrecision, request.choice("precision", FLOATS, "float32"))


def _memory(subject: Subject, request: Request) -> Table:
    precision = _precision(request)
    found = memory(subject.report.graph, precision)
    meanings = {
        "weights": ("weights", "parameters and buffers"),
        "gradients": ("gradients", "as many as parameters"),
        "optimiser": ("optimiser", "Adam's two moments in float32"),
        "activations": ("kept for training", "for the backward pass of one image"),
        "peak": ("peak of inference", f"most at once, at {found.peak_node}"),
        "cpu_peak": ("peak on a CPU", "with the copies that oneDNN makes"),
    }
    held = {key: getattr(found, key) for key in meanings}
    rows = [
        {"what": name, "bytes": held[key], "why": why}
        for key, (name, why) in meanings.items()
        if held[key] is not None
    ]
    columns = [
        _column("what", "Memory"),
        _column("bytes", "Takes", "bytes", bar=True),
        _column("why", ""),
    ]
    return {"columns": columns, "rows": rows, "notes": [f"One image in {precision}."]}


def _roofline(subject: Subject, request: Request) -> Table:
    device, batch = find_device(request.text("device", "a100")), request.number("batch", 1, 4096, 1)
    precision = _precision(request)
    found = roofline(subject.report.graph, device, precision, batch)

    def row(name: str, work: Any) -> dict[str, object]:
        limit = work.limit or ""
        share = work.seconds[limit] / work.time if limit else 0
        bound = f"{limit} {share:.0%}" if limit else ""
        facts = {"flops": work.flops, "bytes": work.bytes, "intensity": round(work.intensity, 1)}
        return {"part": name, "time": work.time, "bound": bound, "limit": limit, **facts}

    chain = found.chain
    return {
        "columns": [
            _column("part", "Stage"),
            _column("time", "At least", "seconds", bar=True),
            _column("bound", "Bound by"),
            _column("flops", "FLOPs", "count"),
            _column("bytes", "Moved", "bytes"),
            _column("intensity", "FLOPs/byte", "number"),
        ],
        "rows": [row(name, work) for name, work in found.by("stage").items()],
        "total": row("total", found.total),
        "notes": [
            f"{device.name} ({device.source}): {device.peak(precision) / 1e12:,.3g} TFLOP/s,"
            f" {device.bandwidth / 1e9:,.4g} GB/s, {device.launch * 1e6:.2g} \u00b5s a launch;"
            f" bound by compute from {found.ridge:.1f} FLOPs/byte on.",
            f"{chain.kernels} of {found.total.kernels} operations wait for one another.",
            "An estimate from peak figures, not a measurement.",
        ],
    }


def _values(subject: Subject, request: Request) -> Table:
    """The values of the spec that differ from the start's, and from the other network's."""
    graphs = {"a": subject.start, "other": subject.other}
    now = _dump(subject.report)
    rows: dict[str, dict[str, object]] = {}
    for column, report in graphs.items():
        for row in differing_values(_dump(report), now) if report else []:
            key = str(row["key"])
            if not key.startswith(("name", "published")):
                mine = rows.setdefault(key, {"key": key, "now": _shown(row["b"])})
                mine[column] = _shown(row["a"])
    columns = [_column("key", "Key"), _column("now", "Now")]
    columns += [_column("a", "At the start")] if subject.start else []
    columns += [_column("other", subject.other.graph.name)] if subject.other else []
    notes = [] if rows else ["No value of the spec differs."]
    return {"columns": columns, "rows": [*rows.values()][:MAX_ROWS], "notes": notes}


def _dump(report: Report | None) -> object:
    spec = report.graph.spec if report else None
    return getattr(spec, "dump", dict)()


def _shown(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else quoted(value)


PANELS: Mapping[str, Callable[[Subject, Request], Table]] = {
    "stages": _stages,
    "field": _field,
    "memory": _memory,
    "roofline": _roofline,
    "values": _values,
}
"""The tables by name."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "device": tuple(DEVICES),
    "precision": FLOATS,
    "by": GROUPINGS,
}
"""What a page offers to choose for them."""
