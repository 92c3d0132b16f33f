"""Our ncnn files beside pnnx's of the same networks: how fast written, and how fast run by ncnn.

`python benchmarks/ncnn_files.py w18 w32 pose` measures those, or any of the catalogue by name, and
without names all in `NETWORKS`; it prints one Markdown table. Both files run in one process by
turns, with the same options, on `--threads N` (1) in float32, for `--seconds N` (20) a network at
most; times of running are the processor's. `--keep FOLDER` holds what pnnx made, and in how many
seconds, so that a second run need not convert, which takes minutes; without pnnx ours is alone.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import ncnn
import numpy as np
import torch
from torch import Tensor, nn

import hrnet_graph as hg

WRITES, TURNS, LEAST_TURNS = 5, 60, 3
NAME = "pnnx.ncnn.param"

NETWORKS: dict[str, tuple[str, tuple[int, int] | None]] = {
    "small": ("hrnet_w18_small_v1_cls", None),
    "w18": ("hrnet_w18_cls", None),
    "w32": ("hrnet_w32_cls", None),
    "w48": ("hrnet_w48_cls", None),
    "pose": ("hrnet_w32_pose_256x192", None),
    "smallseg": ("hrnetv2_w18_small_v2_seg_cityscapes", (256, 512)),
    "seg": ("hrnetv2_w48_seg_cityscapes", (256, 512)),
    "ddrnet": ("ddrnet23_slim_seg_cityscapes", (256, 512)),
    "lite": ("litehrnet18_coco_256x192", None),
    "higher": ("higherhrnet_w32_512", (256, 256)),
    "hrformer": ("hrformer_tiny_cls", None),
}
"""Spec and size of the image, the spec's own where None."""

COLUMNS = (
    "network", "ours written, s", "processor", "pnnx's, s", "processor", "times as fast",
    "by processor", "ours run, ms", "pnnx's, ms", "ours takes, by least", "by medians",
    "layers", "pnnx's", "difference",
)  # fmt: skip


class Outputs(nn.Module):
    """A network of several outputs that hands them back in a tuple, the one way that pnnx takes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        result = self.network(x)
        return tuple(result.values() if isinstance(result, dict) else result)


class Spent(NamedTuple):
    """Seconds by the clock, and the processor's, of this process and of those that it started."""

    clock: float
    processor: float


def spent(job: Callable[[], object]) -> Spent:
    """What a job takes."""
    children, own, start = sum(os.times()[2:4]), time.process_time(), time.perf_counter()
    job()
    clock, here = time.perf_counter() - start, time.process_time() - own
    return Spent(clock, here + sum(os.times()[2:4]) - children)


def built(spec: str, size: tuple[int, int] | None) -> Any:
    """The network with weights, the same every time, with which no value vanishes on the way."""
    torch.manual_seed(0)
    model = hg.build_module(hg.build_graph(spec, size)).eval()
    for key, value in model.state_dict().items():
        if key.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif value.dim() > 1 and value.is_floating_point():
            value.normal_(0, (0.5 / value[0].numel()) ** 0.5)
    return model


@contextmanager
def silent() -> Iterator[None]:
    """What a process that is started says of its progress goes nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def convert(model: Any, shape: Sequence[int], folder: Path) -> Spent:
    """What pnnx takes for its two files in a folder, now or when they were made.

    Raises `RuntimeError`, with the reason, where there are none and it makes none.
    """
    noted = folder / "seconds.json"
    if noted.exists():
        return Spent(**json.loads(noted.read_text()))
    try:
        pnnx = import_module("pnnx")
    except ImportError:
        raise RuntimeError("pnnx is not installed: pip install pnnx") from None
    folder.mkdir(parents=True, exist_ok=True)
    traced, image = str(folder / "pnnx.pt"), torch.zeros(1, *shape)
    plain = Outputs(model) if len(model.graph.outputs) > 1 else model
    try:
        with silent():
            taken = spent(lambda: pnnx.export(plain, traced, image, fp16=False, check_trace=False))
    except Exception as error:
        raise RuntimeError(f"pnnx fails: {type(error).__name__}: {error}") from None
    for other in (
        each for each in folder.iterdir() if each.is_file() and ".ncnn." not in each.name
    ):
        other.unlink()
    noted.write_text(json.dumps(taken._asdict()))
    return taken


class Runs(NamedTuple):
    """What a file has: layers, the processor's milliseconds of each run, and the outputs."""

    layers: str
    times: list[float]
    results: list[np.ndarray[Any, Any]]

    @property
    def least(self) -> str:
        """The least time."""
        return f"{min(self.times):.1f}"


def opened(
    path: Path, threads: int, image: np.ndarray[Any, Any]
) -> Callable[[], list[np.ndarray[Any, Any]]]:
    """A network's two files in ncnn, in float32: all outputs for the image, in order.

    Raises `RuntimeError` where ncnn takes them not.
    """
    net = ncnn.Net()
    for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
        setattr(net.opt, name, False)
    net.opt.num_threads = threads
    if net.load_param(str(path)) or net.load_model(str(path.with_suffix(".bin"))):
        raise RuntimeError(f"ncnn cannot open {path.name}")

    def run() -> list[np.ndarray[Any, Any]]:
        extractor = net.create_extractor()
        extractor.input(net.input_names()[0], ncnn.Mat(image).clone())
        return [np.array(extractor.extract(name)[1]) for name in net.output_names()]

    return run


def take_turns(
    paths: Sequence[Path], threads: int, image: np.ndarray[Any, Any], seconds: float
) -> list[Runs]:
    """What each file does, A B B A, so that a drift of the machine meets all alike.

    They are opened twice, the other one first: where weights come to lie in memory matters.
    """
    runs = [Runs(path.read_text().splitlines()[1].split()[0], [], []) for path in paths]
    order = [*range(len(paths))]
    for ordered in (order, order[::-1]):
        files = {i: opened(paths[i], threads, image) for i in ordered}
        for i, file in files.items():
            runs[i].results[:] = file()
        begin = time.monotonic()
        for turn in range(TURNS):
            if turn >= LEAST_TURNS and time.monotonic() - begin > seconds / 2:
                break
            for i in sorted(files, reverse=bool(turn % 2)):
                runs[i].times.append(1000 * spent(files[i]).processor)
    return runs


def measure(key: str, keep: Path, threads: int, seconds: float) -> list[str]:
    """The row of a network, without pnnx's cells where there is none."""
    spec, size = NETWORKS.get(key, (key, None))
    model = built(spec, size)
    shape = model.graph.input.type.shape
    image = np.random.default_rng(0).standard_normal(shape, np.float32)
    with tempfile.TemporaryDirectory() as draft:
        own = Path(draft, "ours.ncnn.param")
        hg.save(model, own)  # what is loaded at first is loaded
        written = [spent(lambda: hg.save(model, own)) for _ in range(WRITES)]
        took = Spent(*map(median, zip(*written, strict=True)))
        cells = [key, *(f"{each:.3f}" for each in took)]
        try:
            converting = convert(model, shape, keep / key)
            ours, theirs = take_turns([own, keep / key / NAME], threads, image, seconds)
        except RuntimeError as error:
            print(f"{key}: {error}", file=sys.stderr)
            (ours,) = take_turns([own], threads, image, seconds)
            return [*cells, "", "", "", "", ours.least, "", "", "", ours.layers, "", ""]
    cells += [f"{each:.1f}" for each in converting]
    cells += [f"{b / a:.0f}" for a, b in zip(took, converting, strict=True)]
    cells += [ours.least, theirs.least, f"{min(ours.times) / min(theirs.times):.3f}"]
    cells += [f"{median(a / b for a, b in zip(ours.times, theirs.times, strict=True)):.3f}"]
    return [*cells, ours.layers, theirs.layers, f"{difference(ours.results, theirs.results):.0e}"]


def difference(
    ours: Sequence[np.ndarray[Any, Any]], theirs: Sequence[np.ndarray[Any, Any]]
) -> float:
    """How far apart results are, over the largest value."""
    pairs = zip(ours, theirs, strict=True)
    return float(max(abs(a.ravel() - b.ravel()).max() / abs(b).max() for a, b in pairs))


def main(arguments: list[str]) -> None:
    """Measures what is named, and prints the table."""
    stated = {"--keep": "", "--threads": "1", "--seconds": "20"}
    for option in (each for each in stated if each in arguments):
        at = arguments.index(option)
        stated[option] = arguments[at + 1]
        del arguments[at : at + 2]
    known = {*NETWORKS, *hg.list_specs()}
    if unknown := [name for name in arguments if name not in known]:
        raise SystemExit(f"unknown: {', '.join(unknown)} (known: {', '.join(NETWORKS)})")
    warnings.simplefilter("ignore")
    threads, seconds = int(stated["--threads"]), float(stated["--seconds"])
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "ncnn"))
    print(f"{packages}, {threads} threads, load {os.getloadavg()[0]:.1f}\n")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    with tempfile.TemporaryDirectory() as folder:
        for key in arguments or NETWORKS:
            cells = measure(key, Path(stated["--keep"] or folder).absolute(), threads, seconds)
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
