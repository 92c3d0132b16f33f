"""Training with and without activation checkpointing: peak memory and time, side by side.

`python benchmarks/checkpointing.py [full]`: the sizes of real training need some 10 GiB.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import hrnet_graph as hg
from hrnet_graph.compiler.torch.activation_checkpointing import Unit

RUNS = 5
UNITS: tuple[Unit | None, ...] = (None, "module", "block")
CASES = {
    "small": (("hrnet_w32_cls", 2, 224, 224), ("hrnetv2_w48_seg_cityscapes", 2, 128, 256)),
    "full": (
        ("hrnet_w32_cls", 8, 224, 224),
        ("hrnet_w48_cls", 8, 224, 224),
        ("hrnetv2_w48_seg_cityscapes", 2, 256, 512),
    ),
}
"""Network, batch, height and width."""


class Held(TorchDispatchMode):
    """The most bytes of activations and gradients that are held at once, weights apart."""

    def __init__(self, model: hg.Network) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch gives it no types
        self._weights = {value.untyped_storage()._cdata for value in model.state_dict().values()}
        self._known: dict[int, tuple[Any, int]] = {}
        self._total = 0
        self.peak: int = 0

    def __torch_dispatch__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                storage = leaf.untyped_storage()
                if storage._cdata in self._weights:
                    continue
                self._total += storage.nbytes() - self._known.get(storage._cdata, (None, 0))[1]
                self._known[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
        if self._total > self.peak:  # what is gone is looked for where it matters alone
            self._known = {key: kept for key, kept in self._known.items() if not kept[0].expired()}
            self._total = sum(size for _, size in self._known.values())
            self.peak = max(self.peak, self._total)
        return result


def step(model: hg.Network, image: torch.Tensor) -> None:
    """Forward and backward pass; gradients begin anew."""
    model.zero_grad()
    result = model(image)
    torch.as_tensor(result).square().mean().backward()


def peak_of(name: str, unit: Unit | None, shape: tuple[int, ...]) -> int:
    """The peak of one step, followed without computing anything."""
    model = hg.build_module(name, checkpoint_activations=unit, device="meta")
    with Held(model) as held:
        step(model, torch.empty(shape, device="meta"))
    return int(held.peak)


def main(size: str = "small") -> None:
    """Prints a table: peak of what torch holds, growth of the process, time of a step."""
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}; medians of {RUNS} steps")
    for name, batch, height, width in CASES[size]:
        peaks = [peak_of(name, unit, (batch, 3, height, width)) for unit in UNITS]
        models = [hg.build_module(name, checkpoint_activations=unit) for unit in UNITS]
        image = torch.randn(batch, 3, height, width)
        times: list[list[float]] = [[] for _ in models]
        for _ in range(RUNS):
            for model, kept in zip(models, times, strict=True):
                start = time.perf_counter()
                step(model, image)
                kept.append(time.perf_counter() - start)
                model.zero_grad()
        print(f"\n{name}, batch {batch}, {height}x{width}")
        for unit, peak, taken in zip(UNITS, peaks, times, strict=True):
            ratio = statistics.median(a / b for a, b in zip(taken, times[0], strict=True))
            print(
                f"  {unit or 'without':8} {peak / 2**20:8.0f} MiB  x {peak / peaks[0]:.2f}"
                f"  process {resident(name, unit, batch, height, width) / 2**20:8.0f} MiB"
                f"  {statistics.median(taken):7.2f} s  x {ratio:.2f}",
                flush=True,
            )


ALONE = """
import re, sys, torch
from pathlib import Path
import hrnet_graph as hg
sys.path.insert(0, {folder!r})
from checkpointing import step
def most():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
model = hg.build_module({name!r}, checkpoint_activations={unit!r})
before = most()
step(model, torch.randn{shape})
print(1024 * (most() - before))
"""


def resident(name: str, unit: str | None, batch: int, height: int, width: int) -> int:
    """By how many bytes the memory of a process of its own grows over one step, at most."""
    shape = (batch, 3, height, width)
    code = ALONE.format(folder=sys.path[0], name=name, unit=unit, shape=shape)
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return int(result.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:2])
