"""From a spec to the first OpenVINO output, beside the same through timm, in one run.

timm's network goes to OpenVINO by torch.onnx.export, torch's own exporter, or by OpenVINO's
converter, which traces. Weights are random, imports are done before; every turn starts from nothing
but names.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import openvino as ov
import timm
import torch

import hrnet_graph as hg

RUNS = 3
PAIRS = {"hrnet_w18_cls": "hrnet_w18", "hrnet_w48_cls": "hrnet_w48"}
"""Our name -> timm's."""

IMAGE = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
DYNAMO = find_spec("onnxscript") is not None
"""torch's newer exporter needs onnxscript; without it, the older one."""

OPTIONS = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}


def ours(name: str) -> None:
    """Spec to output."""
    hg.compile(name, "openvino")(IMAGE)


def by_export(name: str) -> None:
    """Timm's network to output, by an ONNX file of torch's."""
    model = timm.create_model(name).eval()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "net.onnx")
        torch.onnx.export(model, (IMAGE,), path, dynamo=DYNAMO, verbose=False)
        _run(ov.Core().read_model(path))


def by_converter(name: str) -> None:
    """Timm's network to output, by OpenVINO's own converter."""
    model = timm.create_model(name).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _run(ov.convert_model(model, example_input=IMAGE))


def _run(model: ov.Model) -> None:
    ov.Core().compile_model(model, "CPU", OPTIONS)(IMAGE.numpy())


def main() -> None:
    """Prints medians, spreads, and ratios to ours, pair by pair."""
    print(f"torch.onnx.export with dynamo={DYNAMO}, {RUNS} turns, medians and extremes")
    for name in sys.argv[1:] or PAIRS:
        jobs: dict[str, Callable[[], object]] = {
            f"{name}, spec to first OpenVINO output": partial(ours, name),
            "  timm, OpenVINO's converter": partial(by_converter, PAIRS[name]),
            "  timm, torch.onnx.export": partial(by_export, PAIRS[name]),
        }
        times: dict[str, list[float]] = {what: [] for what in jobs}
        for _ in range(RUNS):
            for what, job in jobs.items():
                start = time.perf_counter()
                job()
                times[what].append(time.perf_counter() - start)
        first = next(iter(times.values()))
        for what, seconds in times.items():
            ratio = statistics.median(a / b for a, b in zip(seconds, first, strict=True))
            spread = f"({min(seconds):.2f} to {max(seconds):.2f})"
            print(f"{what:50}{statistics.median(seconds):8.2f} s  {spread}  x {ratio:.1f}")


if __name__ == "__main__":
    main()
