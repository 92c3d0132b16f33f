"""What is asked of engines here: the network, the images, the machine, and what is installed."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from hrnet_graph.checks import checked_int
from hrnet_graph.engines.choice import BOUNDS, Question
from hrnet_graph.engines.engine import (
    AUTO,
    MAX_THREADS,
    MOST,
    OWN,
    WAIT_VARIABLE,
    Engine,
    engine_names,
    find_engine,
    process_waiting,
)
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.graph import Graph
from hrnet_graph.precision import Precision, read_precision
from hrnet_graph.version import __version__

OPENMP = ("OMP_", "GOMP_", "KMP_", "MKL_")
"""How the names of variables begin that OpenMP's threads depend on."""

UNASKED: Mapping[str, str] = {
    "torch-compile": "builds for minutes, and was behind torch where measured; named, it is tried"
}
"""Targets that are not tried unless they are named, and why."""

_CPU_FACTS = Path("/proc/cpuinfo")
_CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


class Workload(NamedTuple):
    """How a network is to run: images a batch, threads (what is best if None), busy processes."""

    precision: str = "float32"
    batch: int = 1
    threads: int | None = None
    beside: int = 0


def read_workload(
    precision: str,
    batch: int | None,
    threads: int | None,
    beside: int | None,
    waiting: object = None,
) -> Workload:
    """How a network is to run, as a caller says it. Raises `HRNetGraphError` for what cannot be."""
    if waiting is not None:
        raise HRNetGraphError(f"the target {AUTO} chooses how threads wait", "leave waiting out")
    return Workload(
        precision,
        1 if batch is None else checked_int("batch", batch, MOST, "images"),
        None if threads is None else checked_int("threads", threads, MAX_THREADS, "threads"),
        0 if beside is None else checked_int("beside", beside, MOST, "processes", least=0),
    )


def ask(
    graph: Graph, workload: Workload, targets: Iterable[str] | None = None
) -> tuple[Question, dict[str, str]]:
    """The question, for images of the graph's size, and the targets that are not tried, and why.

    Of all targets, or of those that are named. Raises `HRNetGraphError` if none can be tried.
    """
    precision = read_precision(workload.precision)
    if precision not in BOUNDS:
        raise HRNetGraphError(
            f"the target {AUTO} chooses between {', '.join(BOUNDS)}, got {precision}",
            "int8 is calibrated: name an engine",
        )
    engines, untried = _to_try(precision, targets)
    if not engines:
        raise HRNetGraphError(f"no target to try in {precision}: {'; '.join(untried.values())}")
    channels, height, width = graph.input.type.shape
    question = Question(
        network=digest_of(graph),
        shape=(workload.batch, channels, height, width),
        precision=precision,
        threads=thread_counts(workload.threads, workload.beside),
        targets=tuple(engines),
        beside=workload.beside,
        machine=f"{processor()}, {cpus()} of {os.cpu_count()} cores, {platform.platform()}",
        versions=versions(engines.values()),
        environment={
            k: v for k, v in os.environ.items() if k.startswith(OPENMP) and k != WAIT_VARIABLE
        },
    )
    return question, untried


def _to_try(
    precision: Precision, targets: Iterable[str] | None
) -> tuple[dict[str, Engine], dict[str, str]]:
    """The engines that can be tried in a precision, and why others cannot.

    Raises `HRNetGraphError` for one that is named and not there.
    """
    untried: dict[str, str] = {}
    engines: dict[str, Engine] = {}
    for name in engine_names() if targets is None else dict.fromkeys(targets):
        try:
            engine = find_engine(name)
        except HRNetGraphError as error:
            if targets is not None:
                raise
            untried[name] = str(error).replace("\n ", ":")
            continue
        if precision not in engine.precisions:
            untried[name] = f"has no {precision}, only {', '.join(engine.precisions)}"
        elif targets is None and name in UNASKED:
            untried[name] = UNASKED[name]
        else:
            engines[name] = engine
    return engines, untried


def openmp_environment() -> dict[str, str]:
    """What OpenMP reads; that its threads wait passively is left out, for that is always tried."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(OPENMP) and (name != WAIT_VARIABLE or process_waiting() != "passive")
    }


def digest_of(graph: Graph) -> str:
    """What tells networks apart, whatever they are called and whatever images they are for."""
    parts = repr([(node.path, node.op, node.inputs) for node in graph.nodes])
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


def thread_counts(stated: int | None, beside: int) -> tuple[int, ...]:
    """The numbers of threads to try, the likeliest first: one a processor that is left, then fewer.

    The one that is stated, if one is.
    """
    if stated is not None:
        return (stated,)
    here = min(cpus(), MAX_THREADS)
    first = max(1, here - beside)
    return tuple(dict.fromkeys((first, here, max(1, first // 2))))


def cpus() -> int:
    """The processors that this process may use, by its affinity, its quota and OpenMP's limit."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = _CPU_QUOTA.read_text().split()
        count = min(count, max(1, round(int(quota) / int(period))))
    with suppress(ValueError):
        stated = int(os.environ.get("OMP_NUM_THREADS", ""))
        count = min(count, max(1, stated))
    return count


def processor() -> str:
    """The processor's name, as Linux tells it, else as Python does."""
    with suppress(OSError):
        for line in _CPU_FACTS.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def versions(engines: Iterable[Engine]) -> dict[str, str]:
    """Of Python, of ours, and of the packages that engines need."""
    names = dict.fromkeys(name for engine in engines for name in engine.packages)
    found = {"python": platform.python_version(), "hrnet-graph": __version__}
    for name in (*names, *OWN["torch"].packages):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
