"""Whether the roofline ranks networks as the clock does, over the catalogue.

Prints each network's least time by `roofline --device measured`, its time in eager torch (median of
three, one image), and Spearman's rank correlation of the two. Takes some minutes.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch

import hrnet_graph as hg
from hrnet_graph.analysis.device import Device
from hrnet_graph.analysis.roofline import roofline
from hrnet_graph.benchmark.machine import measure_limits

RUNS = 3


def main() -> None:
    """Prints the table and the correlation."""
    flops, bandwidth, launch = measure_limits()
    device = Device("this machine", {"float32": flops}, bandwidth, launch, "measured")
    bounds, clock, macs = [], [], []
    for name in hg.list_specs():
        graph = hg.build_graph(name)
        found = roofline(graph, device)
        bounds.append(found.total.time)
        clock.append(seconds(graph))
        macs.append(float(found.report.macs))
        print(f"{name:45}{1e3 * bounds[-1]:10.1f} ms{1e3 * clock[-1]:10.1f} ms", flush=True)
    print(f"rank correlation with the clock: least time {spearman(bounds, clock):.3f},", end="")
    print(f" MACs {spearman(macs, clock):.3f}")


def seconds(graph: hg.Graph) -> float:
    """The median time of one image, after one that is not counted."""
    model = hg.build_module(graph).eval()
    image = torch.rand(1, *graph.input.type.shape)
    times = []
    with torch.inference_mode():
        for _ in range(RUNS + 1):
            start = time.perf_counter()
            model(image)
            times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def spearman(a: list[float], b: list[float]) -> float:
    """The correlation of the ranks; there are no ties to speak of."""
    first, second = (np.argsort(np.argsort(values)) for values in (a, b))
    return float(np.corrcoef(first, second)[0, 1])


if __name__ == "__main__":
    main()
