"""The measurements of benchmarks/README.md, each pair side by side in one run. `make bench`."""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import timm
import torch

import hrnet_graph as hg

RUNS = 7


def main() -> None:
    """Prints a table: what was measured, the median, the spread, and the ratio to its peer."""
    packages = ("torch", "timm", "networkx", "pydantic")
    print(f"Python {platform.python_version()}, {torch.get_num_threads()} threads, ", end="")
    print(", ".join(f"{name} {version(name)}" for name in packages))
    print(f"medians of {RUNS} runs after one warm-up, smallest and largest behind them\n")
    cold("hrnet-graph --help", "--help")
    cold("hrnet-graph flops hrnet_w48_cls", "flops", "hrnet_w48_cls")
    cold(
        "hrnet-graph render hrnet_w48_cls (module view)",
        "render",
        "hrnet_w48_cls",
        "-o",
        "/tmp/a.svg",
    )
    spec = hg.load_spec("hrnet_w48_cls")
    stages = {f"stages.{i}.modules": 10 * spec.stages[i].modules for i in (1, 2, 3)}
    tenfold = hg.load_spec(spec, stages)
    once, ten = interleaved(lambda: hg.build_graph(spec), lambda: hg.build_graph(tenfold))
    row("build_graph, hrnet_w48_cls", once)
    row("build_graph, ten times the modules", ten, once)
    ours, theirs = interleaved(
        lambda: hg.build_module("hrnet_w48_cls"), lambda: timm.create_model("hrnet_w48")
    )
    row('timm.create_model("hrnet_w48")', theirs)
    row('build_module("hrnet_w48_cls")', ours, theirs)
    forward()


def forward() -> None:
    """One image through the network, beside timm's with the same weights."""
    model, peer = hg.build_module("hrnet_w48_cls").eval(), timm.create_model("hrnet_w48").eval()
    peer.load_state_dict(model.state_dict())
    image = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        ours, theirs = interleaved(lambda: model(image), lambda: peer(image))
    row("timm hrnet_w48, forward, batch 1", theirs)
    row("hrnet_w48_cls, forward, batch 1", ours, theirs)


def cold(what: str, *arguments: str) -> None:
    """A whole command, as a process of its own."""
    command = [sys.executable, "-m", "hrnet_graph", *arguments]
    (times,) = interleaved(lambda: subprocess.run(command, check=True, capture_output=True))
    row(what, times)


def interleaved(*jobs: Callable[[], object]) -> list[list[float]]:
    """Seconds of each job, run in turn, A B A B, so that a drift of the machine meets all alike."""
    times: list[list[float]] = [[] for _ in jobs]
    for run in range(RUNS + 1):
        for job, kept in zip(jobs, times, strict=True):
            start = time.perf_counter()
            job()
            if run:
                kept.append(time.perf_counter() - start)
    return times


def row(what: str, times: list[float], peer: list[float] | None = None) -> None:
    """One line of the table; the ratio is the median of the pairwise ratios."""
    ms = [1000 * seconds for seconds in (statistics.median(times), min(times), max(times))]
    line = f"{what:50}{ms[0]:9.1f} ms  ({ms[1]:.1f} to {ms[2]:.1f})"
    if peer is not None:
        ratios = [ours / theirs for ours, theirs in zip(times, peer, strict=True)]
        line += f"  x {statistics.median(ratios):.2f}"
    print(line, flush=True)


if __name__ == "__main__":
    main()
