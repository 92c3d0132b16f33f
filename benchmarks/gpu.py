"""Inference on a GPU: eager, channels_last, CUDA graph and torch.compile, float32 and bfloat16.

    python benchmarks/gpu.py [NETWORK] [--device cuda|cuda:1|cpu] [--batch 1 32] [--size 224 224]

One table, by turns, timm's network in it where it has one; `folded` is `optimize="inference"`, as a
CUDA graph on a GPU. Each row is checked against the first before it is timed. Without a GPU it says
so and ends with exit code 2; `--device cpu` prints the rows that a CPU can do, and names those that
it cannot.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import timm
import torch
from torch import Tensor
from torch._dynamo.exc import TorchDynamoException
from torch._inductor.exc import InductorError
from torch.utils._pytree import tree_leaves

import hrnet_graph as hg

Forward = Callable[[Tensor], Any]
ROWS = ("eager", "timm", "channels_last", "cuda_graph", "folded", "compile", "compile by block")
WARM_UP = 3
FAILURES = (
    hg.HRNetGraphError,
    InductorError,
    TorchDynamoException,
    torch.OutOfMemoryError,
)
"""What leaves out a row, with its reason."""

BOUNDS = {torch.float32: 1e-2, torch.bfloat16: 0.1}
"""How far a row may be from the first, by the largest value; cuDNN multiplies float32 in TF32."""


def main() -> int:
    """Prints the table, unless there is no such device."""
    options = arguments()
    problem = lacking(options.device)
    if problem:
        print(f"{problem}; --device cpu runs what a CPU can", file=sys.stderr)
        return 2
    try:
        hg.build_graph(options.network, tuple(options.size))
    except hg.HRNetGraphError as error:
        print(str(error).partition("\n")[0], file=sys.stderr)
        return 2
    device = torch.device(options.device)
    print(
        f"{named(device)}, torch {torch.__version__}; ms a batch, least of {options.runs} by turns"
    )
    print(f"{options.network} at {options.size[0]}x{options.size[1]}\n")
    print("| batch | precision | " + " | ".join(ROWS) + " |")
    print("|---|---|" + "---|" * len(ROWS))
    left_out: dict[str, str] = {}
    for batch in options.batch:
        for dtype in (torch.float32, torch.bfloat16):
            made = candidates(options, device, dtype, batch, left_out)
            cells = measure(made, device, options.runs)
            texts = [cells.get(row, "-") for row in ROWS]
            name = str(dtype).removeprefix("torch.")
            print(f"| {batch} | {name} | " + " | ".join(texts) + " |", flush=True)
    for row, why in left_out.items():
        print(f"\n{row}: left out, {why}")
    return 0


def arguments() -> argparse.Namespace:
    """What is to be measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("network", nargs="?", default="hrnet_w48_cls")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch", type=positive, nargs="+", default=[1, 32])
    parser.add_argument("--size", type=positive, nargs=2, default=[224, 224])
    parser.add_argument("--runs", type=positive, default=20)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    return parser.parse_args()


def positive(text: str) -> int:
    """A whole number above 0. Raises `ValueError`, which argparse tells in a line."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def lacking(name: str) -> str:
    """Why nothing can run on a device, in one line, or nothing."""
    try:
        device = torch.device(name)
    except RuntimeError:
        return f"no device {name!r}"
    if device.type == "cuda" and not torch.cuda.is_available():
        return "no CUDA GPU is present"
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        return f"no device {name!r} among {torch.cuda.device_count()} GPUs"
    return "" if device.type in ("cuda", "cpu") else f"no rows for {device.type!r}"


def named(device: torch.device) -> str:
    """What the device is called."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()}, {torch.get_num_threads()} threads"


def candidates(
    options: argparse.Namespace,
    device: torch.device,
    dtype: torch.dtype,
    batch: int,
    left_out: dict[str, str],
) -> Mapping[str, Callable[[], Any]]:
    """The rows that run here and agree with the first, each as a call; notes why others do not."""
    made: dict[str, Callable[[], Any]] = {}
    pixels = torch.randn(batch, 3, *options.size).to(device, dtype)
    expected: Any = None
    for row in options.rows:
        image = pixels.to(memory_format=form_of(row))
        try:
            with torch.no_grad():
                forward = prepared(row, options.network, image)
                for _ in range(WARM_UP):
                    result = forward(image)
            expected = result if expected is None else expected
            check(result, expected, BOUNDS[dtype])
        except FAILURES as error:
            reason = " ".join(str(error).split())[:160]
            left_out[f"{row}, {batch} x {dtype}"] = reason
            continue
        made[row] = partial(forward, image)
    return made


def check(result: Any, expected: Any, bound: float) -> None:
    """Refuses results that are further apart than a bound, by the largest value."""
    for ours, first in zip(tree_leaves(result), tree_leaves(expected), strict=True):
        apart = float((ours.float() - first.float()).abs().max() / first.float().abs().max())
        if not apart <= bound:
            raise hg.HRNetGraphError(f"{apart:.2g} from the first row, {bound} allowed")


def form_of(row: str) -> Any:
    """The memory format of a row."""
    return torch.contiguous_format if row in ("eager", "timm") else torch.channels_last


def prepared(row: str, network: str, image: Tensor) -> Forward:
    """A network as a row of the table says, on the device and in the type of the image."""
    on_gpu = image.device.type == "cuda"
    if row == "cuda_graph" and not on_gpu:
        raise hg.HRNetGraphError("a CUDA graph needs a GPU")
    torch.manual_seed(0)
    model: Any = hg.build_module(network, optimize="inference" if row == "folded" else None)
    if row == "timm":
        model, ours = timm_model(network), model
        model.load_state_dict(ours.state_dict())
    model = model.eval().to(image.device, image.dtype).to(memory_format=form_of(row))
    if row == "cuda_graph" or (row == "folded" and on_gpu):
        return hg.cuda_graph(model, image)
    if row == "compile":
        model = torch.compile(model, fullgraph=True, dynamic=False)
    if row == "compile by block":
        hg.compile_blocks(model)
    forward: Forward = model
    return forward


def timm_model(network: str) -> Any:
    """The network of the same topology that timm has, without weights of its own."""
    name = network.removesuffix("_cls")
    if name == network or not timm.is_model(name):
        raise hg.HRNetGraphError(f"timm has no {network}")
    return timm.create_model(name)


def measure(
    made: Mapping[str, Callable[[], Any]], device: torch.device, runs: int
) -> Mapping[str, str]:
    """The least time of each row in ms, and how many times as fast as the first it is."""
    times: dict[str, list[float]] = {row: [] for row in made}
    with torch.no_grad():
        for _ in range(runs):
            for row, run in made.items():
                wait_for(device)
                start = time.perf_counter()
                run()
                wait_for(device)
                times[row].append(1000 * (time.perf_counter() - start))
    if not times:
        return {}
    first = next(iter(times.values()))
    cells = {}
    for row, taken in times.items():
        ratio = statistics.median(a / b for a, b in zip(first, taken, strict=True))
        cells[row] = f"{min(taken):.2f}, {ratio:.2f} x"
    return cells


def wait_for(device: torch.device) -> None:
    """Until all that was asked of a device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    sys.exit(main())
