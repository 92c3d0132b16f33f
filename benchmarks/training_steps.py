"""A step of training beside timm's: time by turns and peak memory, or seconds that compiling takes.

    python benchmarks/training_steps.py [w18 w32 w48 seg] [--precision float32 bfloat16]
        [--format channels_last|channels_first] [--batch N] [--size H W] [--seconds N] [--threads N]
        [--device cuda] [--compile] [--keep elementwise ...] [--cpu]

All networks and both precisions if none are named: within twelve minutes, as each is run by turns
for `--seconds`, and at least three times. timm has no segmentation network: there ours without any
setting stands in its place. A step is forward, loss and backward pass, and SGD's. Peaks are of
activations and gradients: followed in float32, or what torch's allocator took on a GPU.
`--compile` compares compiling whole and by block instead, `--cpu` takes the processor's time on one
thread, which other work on the machine hardly disturbs.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import timm
import torch
from checkpointing import Held
from gpu import named, wait_for
from torch import Tensor, nn
from torch._inductor import config as inductor

import hrnet_graph as hg
from hrnet_graph.compiler.torch.network import Network


class Case(NamedTuple):
    """A network of ours, timm's of the same topology if it has one, and the images of a step."""

    ours: str
    timm: str
    batch: int
    size: tuple[int, int]


CASES = {
    **{f"w{w}": Case(f"hrnet_w{w}_cls", f"hrnet_w{w}", 4, (224, 224)) for w in (18, 32, 48)},
    "seg": Case("hrnetv2_w48_seg_cityscapes", "", 1, (256, 512)),
}
FORMATS = {"channels_last": torch.channels_last, "channels_first": torch.contiguous_format}
Clock = Callable[[], float]


def main() -> None:
    """Prints one table, its rows as they come."""
    options = arguments()
    if options.threads or options.cpu:
        torch.set_num_threads(1 if options.cpu else options.threads)
    where = f"{named(torch.device(options.device))}, torch {torch.__version__}"
    print(f"{where}, timm {timm.__version__}; {options.format}; ratios to the first row of each\n")
    last = "first step | processor's | of processor's" if options.compile else "peak | of peaks"
    print(f"| network | precision | | least | median | of least | by turns | {last} |")
    print(f"|---|---|---|---|---|---|---|{'---|' * (last.count('|') + 1)}", flush=True)
    for network in options.networks:
        for precision in options.precision:
            measure(CASES[network], precision, options)


def measure(case: Case, precision: str, options: argparse.Namespace) -> None:
    """Prints the rows of one network."""
    clock = time.process_time if options.cpu else time.perf_counter
    makes = compiled_rows(case, options) if options.compile else rows(case, options)
    shape = (options.batch or case.batch, 3, *(options.size or case.size))
    device = torch.device(options.device)
    image = torch.randn(shape, device=device).to(memory_format=FORMATS[options.format])
    steps = {name: Step(make(device), image, precision) for name, make in makes.items()}
    if options.compile:  # what a compiler loads once is no part of any first step
        first_of_all = nn.Linear(1, 1, device=device)
        torch.compile(first_of_all, backend=options.backend)(image[0, :1, :1, :1]).sum().backward()
    first = {name: first_step(step) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    start = time.perf_counter()
    while len(times[next(iter(steps))]) < 3 or time.perf_counter() - start < options.seconds:
        for name, step in steps.items():
            times[name].append(seconds(step, clock))
    on_gpu = device.type == "cuda"
    peaks = {name: (taken(step),) for name, step in steps.items()} if on_gpu else {}
    del steps
    if not on_gpu and not options.compile:
        peaks = {name: (followed(make, shape),) for name, make in makes.items()}
    more = first if options.compile else peaks
    unit = "s" if options.compile else "MiB"
    show(f"`{case.ours}`, {shape[0]} x {shape[2]}x{shape[3]} | {precision}", times, more, unit)


def arguments() -> argparse.Namespace:
    """What is to be measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("networks", choices=CASES, nargs="*", default=[*CASES])
    precisions = ("float32", "bfloat16")
    parser.add_argument("--precision", choices=precisions, nargs="+", default=precisions)
    parser.add_argument("--format", choices=FORMATS, default="channels_last")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--size", type=int, nargs=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=50)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--backend", default="inductor")
    units = ("elementwise", "module", "block")
    parser.add_argument("--keep", choices=units, nargs="*", default=["elementwise"])
    parser.add_argument("--cpu", action="store_true")
    return parser.parse_args()


Make = Callable[[torch.device], nn.Module]


def rows(case: Case, options: argparse.Namespace) -> Mapping[str, Make]:
    """What is compared, the first with all others."""

    def formed(model: nn.Module) -> nn.Module:
        return model.train().to(memory_format=FORMATS[options.format])

    def ours(device: torch.device, unit: Any = None) -> nn.Module:
        return formed(hg.build_module(case.ours, device=device, checkpoint_activations=unit))

    def theirs(device: torch.device) -> nn.Module:
        with device:
            return formed(timm.create_model(case.timm))

    made: dict[str, Make] = {"timm": theirs} if case.timm else {}
    made["ours"] = ours
    for unit in () if options.compile else options.keep:
        made[f'ours, "{unit}"'] = partial(ours, unit=unit)
    return made


def compiled_rows(case: Case, options: argparse.Namespace) -> Mapping[str, Make]:
    """The same compiled as a whole, and ours by block; the first is ours, as a whole."""

    def by_block(device: torch.device) -> nn.Module:
        model = rows(case, options)["ours"](device)
        assert isinstance(model, Network)
        hg.compile_blocks(model, backend=options.backend)
        return model

    whole = {
        f"{name}, compiled": partial(compiled, make=make, backend=options.backend)
        for name, make in sorted(rows(case, options).items())
    }
    return {**whole, "ours, by block": by_block}


def compiled(device: torch.device, make: Make, backend: str) -> nn.Module:
    """A model compiled as a whole."""
    model = make(device)
    model.compile(dynamic=False, backend=backend)
    return model


class Step:
    """One step of training on the same images."""

    def __init__(self, model: nn.Module, image: Tensor, precision: str) -> None:
        self._model, self._image, self._low = model, image, precision == "bfloat16"
        self._optimiser = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9)

    def __call__(self) -> None:
        with torch.autocast(self._image.device.type, torch.bfloat16, enabled=self._low):
            result = self._model(self._image)
        result.float().square().mean().backward()
        self._optimiser.step()
        self._optimiser.zero_grad()
        wait_for(self._image.device)


def seconds(run: Callable[[], None], clock: Clock) -> float:
    """How long a call takes."""
    start = clock()
    run()
    return clock() - start


def first_step(step: Step) -> tuple[float, float]:
    """Seconds of the clock, and of processors in all processes that compile, of a first step.

    What torch keeps of what it compiled before is not read.
    """
    inductor.force_disable_caches = True
    before = processors()
    took = seconds(step, time.perf_counter)
    return took, processors() - before


def processors() -> float:
    """The seconds that processors have worked for this process and those that it waited for."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def taken(step: Step) -> float:
    """MiB that a step takes of a GPU beside what was there before it."""
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    step()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def followed(make: Make, shape: tuple[int, ...]) -> float:
    """MiB of activations and gradients in float32 at once, followed without computing anything."""
    model = make(torch.device("meta"))
    with Held(model) as held:  # type: ignore[arg-type]  # any module has a state_dict
        model(torch.empty(shape, device="meta")).square().mean().backward()
    return int(held.peak) / 2**20


def show(
    title: str,
    times: Mapping[str, list[float]],
    more: Mapping[str, tuple[float, ...]],
    unit: str,
) -> None:
    """Rows in Markdown; a ratio below 1 is better than the first."""
    base = next(iter(times))
    for name, taken in times.items():
        least, median = min(taken), statistics.median(taken)
        ratio = statistics.median(a / b for a, b in zip(taken, times[base], strict=True))
        beside = " | ".join(f"{value:,.0f} {unit}" for value in more[name])
        print(
            f"| {title} | {name} | {least:.3f} s | {median:.3f} s "
            f"| {least / min(times[base]):.3f} | {ratio:.3f} "
            f"| {beside} | {more[name][-1] / more[base][-1]:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
