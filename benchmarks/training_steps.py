"""A step of training beside timm's: time by turns, peak memory, and seconds that compiling takes.

    python benchmarks/training_steps.py w18|w32|w48|seg [--precision float32|bfloat16]
        [--format channels_last|channels_first] [--batch N] [--runs N] [--threads N]
        [--compile] [--keep elementwise ...] [--cpu]

timm has no segmentation network: there ours without any setting stands in its place. A step is
forward, loss and backward pass, and SGD's. `--compile` compares whole and by block, `--cpu` takes
the processor's time on one thread, which other work on the machine hardly disturbs.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import timm
import torch
from checkpointing import Held
from torch import Tensor, nn

import hrnet_graph as hg


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
    """Prints the table of one network."""
    options = arguments()
    if options.threads or options.cpu:
        torch.set_num_threads(1 if options.cpu else options.threads)
    case = CASES[options.network]
    shape = (options.batch or case.batch, 3, *case.size)
    where = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    print(f"{where}, timm {timm.__version__}; {options.runs} runs by turns, {options.precision}")
    clock = time.process_time if options.cpu else time.perf_counter
    candidates = {name: make(torch.device("cpu")) for name, make in rows(case, options).items()}
    image = torch.randn(shape).to(memory_format=FORMATS[options.format])
    steps = {name: Step(model, image, options.precision) for name, model in candidates.items()}
    first = {name: seconds(step, clock) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(options.runs):
        for name, step in steps.items():
            times[name].append(seconds(step, clock))
    peaks = {name: peak(make, shape) for name, make in rows(case, options).items()}
    title = f"{case.ours}, batch {shape[0]}, {shape[2]}x{shape[3]}, {options.format}"
    show(title, first, times, peaks)


def arguments() -> argparse.Namespace:
    """What is to be measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("network", choices=CASES)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--format", choices=FORMATS, default="channels_last")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--runs", type=int, default=8)
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

    def whole(make: Make) -> Make:
        return lambda device: compiled(make(device), device, options.backend)

    def by_block(device: torch.device) -> nn.Module:
        model = hg.build_module(case.ours, device=device)
        if device.type != "meta":
            hg.compile_blocks(model, backend=options.backend)
        return formed(model)

    made: dict[str, Make] = {"timm": theirs} if case.timm else {}
    made["ours"] = ours
    if options.compile:
        made |= {"timm, compiled": whole(theirs)} if case.timm else {}
        made |= {"ours, compiled": whole(ours), "ours, by block": by_block}
    for unit in options.keep:
        made[f'ours, "{unit}"'] = partial(ours, unit=unit)
    return made


def compiled(model: nn.Module, device: torch.device, backend: str) -> nn.Module:
    """A model compiled as a whole, but where nothing is computed."""
    if device.type != "meta":
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


def seconds(run: Callable[[], None], clock: Clock) -> float:
    """How long a call takes."""
    start = clock()
    run()
    return clock() - start


def peak(make: Make, shape: tuple[int, ...]) -> float:
    """MiB of activations and gradients in float32 at once, followed without computing anything."""
    model = make(torch.device("meta"))
    with Held(model) as held:  # type: ignore[arg-type]  # any module has a state_dict
        model(torch.empty(shape, device="meta")).square().mean().backward()
    return int(held.peak) / 2**20


def show(
    title: str, first: Mapping[str, float], times: Mapping[str, list[float]], peaks: Any
) -> None:
    """A table in Markdown; a ratio below 1 is better than the first row."""
    base = next(iter(times))
    print(f"\n{title}; ratios to {base}\n")
    print("| | first step | least | median | of least | by turns | peak, eager | of peaks |")
    print("|---|---|---|---|---|---|---|---|")
    for name, taken in times.items():
        least, median = min(taken), statistics.median(taken)
        ratio = statistics.median(a / b for a, b in zip(taken, times[base], strict=True))
        print(
            f"| {name} | {first[name]:.1f} s | {least:.3f} s | {median:.3f} s "
            f"| {least / min(times[base]):.3f} | {ratio:.3f} "
            f"| {peaks[name]:.0f} MiB | {peaks[name] / peaks[base]:.2f} |"
        )


if __name__ == "__main__":
    main()
