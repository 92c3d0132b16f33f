"""`optimize="inference"` beside timm and beside the plain network, each pair in one run.

`python benchmarks/inference.py` prints the table; `--cpu` measures processor time on one thread,
which other work on the machine hardly disturbs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import timm
import torch

import hrnet_graph as hg
from hrnet_graph.compiler.torch.inference import optimize_for_inference

RUNS = 10
SEGMENTATION = ("hrnetv2_w48_seg_cityscapes", (512, 1024))


def main() -> None:
    """Prints medians and smallest times in ms, the ratios, and the peak memory."""
    clock = time.perf_counter
    if "--cpu" in sys.argv:
        torch.set_num_threads(1)
        clock = time.process_time
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {RUNS} interleaved runs")
    for width in (18, 32, 48):
        ours = hg.build_module(f"hrnet_w{width}_cls").eval()
        peer = timm.create_model(f"hrnet_w{width}").eval()
        peer.load_state_dict(ours.state_dict())
        image = torch.randn(1, 3, 224, 224)
        row(f"W{width} at 224x224, beside timm", peer, optimize_for_inference(ours), image, clock)
    name, size = SEGMENTATION
    plain = hg.build_module(hg.build_graph(name, size)).eval()
    image = torch.randn(1, 3, *size)
    row(
        f"{name} at 512x1024, beside ours plain", plain, optimize_for_inference(plain), image, clock
    )
    for how in ("plain", "inference"):
        command = [sys.executable, __file__, "--peak", how]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="")


Forward = Callable[[torch.Tensor], object]


def row(
    what: str, theirs: Forward, ours: Forward, image: torch.Tensor, clock: Callable[[], float]
) -> None:
    """Two networks on one image, in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        for run in range(RUNS + 2):
            for forward, kept in zip((theirs, ours), times, strict=True):
                start = clock()
                forward(image)
                if run > 1:
                    kept.append(1000 * (clock() - start))
    ratios = [a / b for a, b in zip(*times, strict=True)]
    medians = [statistics.median(kept) for kept in times]
    least = [min(kept) for kept in times]
    print(
        f"{what:55}{medians[0]:8.1f} -> {medians[1]:7.1f} ms  x {statistics.median(ratios):.2f}"
        f"  smallest {least[0]:.1f} -> {least[1]:.1f}  x {least[0] / least[1]:.2f}",
        flush=True,
    )


def peak(how: str) -> None:
    """The segmentation network alone in a process: what a forward pass holds at most (Linux)."""
    name, size = SEGMENTATION
    graph = hg.build_graph(name, size)
    model = hg.build_module(graph, optimize="inference" if how == "inference" else None).eval()
    image = torch.randn(1, 3, *size)
    with torch.inference_mode():
        model(image)
        with torch.profiler.profile(profile_memory=True) as seen:
            model(image)
    total = most = 0
    for event in seen.profiler.kineto_results.events():
        if event.name() == "[memory]":
            total += event.nbytes()
            most = max(most, total)
    print(f"{name} {how}: allocator peak of a forward pass {most / 2**20:.0f} MiB beside weights")


if __name__ == "__main__":
    if "--peak" in sys.argv:
        peak(sys.argv[-1])
    else:
        main()
