"""The measurements of benchmarks/README.md, each pair side by side in one run. `make bench`."""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import timm
import torch
from fvcore.nn import FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode

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
        "hrnet-graph render hrnet_w48_cls (the figure)",
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
    counts("hrnet_w48_cls")
    counts("hrnetv2_w48_ocr_cityscapes", (512, 1024))
    cold_counts()
    sweep_time()
    forward()


def counts(name: str, size: tuple[int, int] | None = None) -> None:
    """Our count of a graph, and from the spec on, beside fvcore's and torch's of a built module."""
    graph = hg.build_graph(name, size)
    model = hg.build_module(graph).eval()
    image = torch.zeros(1, *graph.input.type.shape)

    def fvcore() -> object:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            analysis = FlopCountAnalysis(model, image)
            analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
            return analysis.total()

    def flop_counter() -> object:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(image)
        return counter.get_total_flops()

    spec = hg.load_spec(name)
    ours, whole, theirs, torchs = interleaved(
        lambda: hg.analyze(graph).macs,
        lambda: hg.analyze(hg.build_graph(spec, size)).macs,
        fvcore,
        flop_counter,
    )
    row(f"count {name}, graph to total", ours)
    row("  from spec to total", whole, ours)
    row("  fvcore, module to total", theirs, ours)
    row("  torch.utils.flop_counter, module to total", torchs, ours)


SHORTEST = """
import timm, torch
from fvcore.nn import FlopCountAnalysis
print(FlopCountAnalysis(timm.create_model("hrnet_w48").eval(), torch.zeros(1, 3, 224, 224)).total())
"""


def cold_counts() -> None:
    """The whole command beside the shortest script that counts with timm and fvcore."""
    ours = [sys.executable, "-m", "hrnet_graph", "flops", "hrnet_w48_cls"]
    theirs = [sys.executable, "-W", "ignore", "-c", SHORTEST]
    run = partial(subprocess.run, check=True, capture_output=True)
    times = interleaved(lambda: run(ours), lambda: run(theirs))
    row("hrnet-graph flops hrnet_w48_cls, cold", times[0])
    row("  shortest script with timm and fvcore, cold", times[1], times[0])


def sweep_time() -> None:
    """A thousand variants, as a whole command."""
    widths = ",".join(str(8 + i) for i in range(50))
    arguments = ("--vary", f"width={widths}", "--vary", "stages.2.modules=1,2,3,4,5")
    more = ("--vary", "stages.3.modules=1,2,3,4", "--json")
    what = "hrnet-graph sweep, 1000 variants of hrnet_w32_cls"
    cold(what, "sweep", "hrnet_w32_cls", *arguments, *more)


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
