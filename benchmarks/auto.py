"""`target="auto"` beside other engines on other people's files, by turns, quiet and crowded.

`python benchmarks/auto.py w18 w32 w48 pose seg` measures those networks, all where none is
named, and prints one Markdown table; `--beside N` (2) processes are busy in its second half.
`--keep FOLDER` holds the converted files, weights and compiled code, so that a second run need
not make them. The peers run timm's network, or ours plain where timm has none, with its weights.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

TURNS, LEAST_TURNS, SECONDS = 12, 4, 60.0
SLOW = 1.0
"""A run of so many seconds counts without one before that does not."""


class Network(NamedTuple):
    """What is measured: a spec, its size, and timm's name of it."""

    spec: str
    size: tuple[int, int]
    timm: str = ""


NETWORKS = {
    "small": Network("hrnet_w18_small_v1_cls", (224, 224), "hrnet_w18_small"),
    "w18": Network("hrnet_w18_cls", (224, 224), "hrnet_w18"),
    "w32": Network("hrnet_w32_cls", (224, 224), "hrnet_w32"),
    "w48": Network("hrnet_w48_cls", (224, 224), "hrnet_w48"),
    "pose": Network("hrnet_w32_pose_256x192", (256, 192)),
    "seg": Network("hrnetv2_w48_seg_cityscapes", (512, 1024)),
}

Run = Callable[[Any], Any]
Make = Callable[[Network, Path, int], Run]


def plain(network: Network, folder: Path) -> Any:
    """The network of timm, or ours plain, in evaluation, with the weights that all have."""
    import torch

    import hrnet_graph as hg

    file = folder / "weights.pt"
    graph = hg.build_graph(network.spec, network.size)
    if not file.exists():
        torch.manual_seed(0)
        hg.save(hg.build_module(graph), file)
    ours = hg.build_module(graph, weights=file).eval()
    if not network.timm:
        return ours
    import timm

    theirs = timm.create_model(network.timm).eval()
    theirs.load_state_dict(ours.state_dict())
    return theirs


def image(network: Network) -> np.ndarray[Any, Any]:
    """One image of noise."""
    return np.random.default_rng(0).standard_normal((1, 3, *network.size), np.float32)


def with_auto(network: Network, folder: Path, beside: int) -> Run:
    """The engine that is best here, as kept or measured now."""
    import hrnet_graph as hg

    graph = hg.build_graph(network.spec, network.size)
    run = hg.compile(graph, "auto", weights=folder / "weights.pt", beside=beside)
    print(run.choice, file=sys.stderr)
    return run


def with_eager(network: Network, folder: Path, beside: int) -> Run:
    """The network on torch as it is."""
    return in_inference(plain(network, folder))


def with_torch_compile(network: Network, folder: Path, beside: int) -> Run:
    """The network by torch's compiler, with its default settings."""
    import torch

    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "inductor")
    return in_inference(torch.compile(plain(network, folder)))


def in_inference(model: Any) -> Run:
    """A module of torch, called with an array."""
    import torch

    def run(x: np.ndarray[Any, Any]) -> Any:
        with torch.inference_mode():
            return model(torch.from_numpy(x))

    return run


def with_openvino_ours(network: Network, folder: Path, beside: int) -> Run:
    """OpenVINO with the file that we write."""
    import hrnet_graph as hg

    file = folder / "ours.onnx"
    if not file.exists():
        graph = hg.build_graph(network.spec, network.size)
        hg.save(hg.build_module(graph, weights=folder / "weights.pt"), file)
    return openvino(file, network)


def with_openvino_theirs(network: Network, folder: Path, beside: int) -> Run:
    """OpenVINO with what torch exports."""
    return openvino(exported(network, folder), network)


def openvino(file: Path, network: Network) -> Run:
    """A file in OpenVINO, for one image at a time."""
    import openvino as ov

    model = ov.Core().read_model(file)
    model.reshape([1, 3, *network.size])
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = ov.Core().compile_model(model, "CPU", hints)
    return lambda x: compiled(x)[0]


def with_onnxruntime_theirs(network: Network, folder: Path, beside: int) -> Run:
    """ONNX Runtime with what torch exports."""
    import onnxruntime

    file = str(exported(network, folder))
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return lambda x: session.run(None, {given.name: x})[0]


def exported(network: Network, folder: Path) -> Path:
    """What `torch.onnx.export` makes of the network."""
    import torch

    file = folder / "theirs.onnx"
    if not file.exists():
        model, x = plain(network, folder), torch.from_numpy(image(network))
        torch.onnx.export(model, (x,), folder / "draft.onnx", dynamo=False)
        (folder / "draft.onnx").rename(file)
    return file


def with_ncnn_by_pnnx(network: Network, folder: Path, beside: int) -> Run:
    """Ncnn with what pnnx makes of the network, in float32."""
    import ncnn

    file = folder / "pnnx.ncnn.param"
    if not file.exists():
        convert(network, folder / "pnnx.pt")
    net = ncnn.Net()
    for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
        setattr(net.opt, name, False)
    net.load_param(str(file))
    net.load_model(str(file.with_suffix(".bin")))

    def run(x: np.ndarray[Any, Any]) -> Any:
        extractor = net.create_extractor()
        extractor.input(net.input_names()[0], ncnn.Mat(x[0]).clone())
        return np.array(extractor.extract(net.output_names()[0])[1])[None]

    return run


def convert(network: Network, file: Path) -> None:
    """What pnnx makes of the network, in minutes."""
    try:
        pnnx = import_module("pnnx")
    except ImportError:
        raise SystemExit("pnnx is not installed: pip install pnnx") from None
    import torch

    model, x = plain(network, file.parent), torch.from_numpy(image(network))
    draft = file.with_name("draft.pt")
    pnnx.export(model, str(draft), x, fp16=False, check_trace=False)
    draft.with_name("draft.ncnn.bin").rename(file.with_name("pnnx.ncnn.bin"))
    draft.with_name("draft.ncnn.param").rename(file.with_name("pnnx.ncnn.param"))


CANDIDATES: dict[str, Make] = {
    "ours, auto": with_auto,
    "ours, auto, crowded": with_auto,
    "OpenVINO, our file": with_openvino_ours,
    "OpenVINO, theirs exported": with_openvino_theirs,
    "ONNX Runtime, theirs exported": with_onnxruntime_theirs,
    "ncnn, theirs by pnnx": with_ncnn_by_pnnx,
    "torch.compile": with_torch_compile,
    "eager": with_eager,
}
QUIET, CROWDED = [name for name, make in CANDIDATES.items() if make is with_auto]


def serve(candidate: str, key: str, folder: str, beside: str) -> None:
    """Runs a candidate once a line of standard input, and says how long that took."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what engines print is no answer
    network = NETWORKS[key]
    crowd = int(beside) if candidate == CROWDED else 0
    run, x = CANDIDATES[candidate](network, Path(folder), crowd), image(network)
    result = run(x)
    np.save(Path(folder, f"{candidate}.npy"), np.asarray(result))
    print(json.dumps("ready"), file=out, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        run(x)
        print(json.dumps(time.perf_counter() - start), file=out, flush=True)


class Peer:
    """A process that serves a candidate."""

    def __init__(self, candidate: str, key: str, folder: Path, beside: int) -> None:
        arguments = [candidate, key, str(folder), str(beside)]
        self._errors = (folder / f"{candidate}.txt").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        assert self._process.stdout is not None
        self.failed = not self._process.stdout.readline()

    def run(self) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def said(self) -> str:
        """The last line of its errors, its own reason or a traceback's."""
        self._errors.flush()
        self._errors.seek(0)
        return (self._errors.read().strip().splitlines() or ["nothing"])[-1]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def take_turns(peers: dict[str, Peer]) -> dict[str, list[float]]:
    """The seconds of each, by turns in any order: one run that does not count before one that does.

    Some engines' threads spin for a while after a run, which is not to be the same other's loss.
    """
    times: dict[str, list[float]] = {name: [] for name in peers}
    begin = time.monotonic()
    for turn in range(TURNS):
        if turn >= LEAST_TURNS and time.monotonic() - begin > SECONDS:
            break
        for name in random.Random(turn).sample([*peers], len(peers)):
            first = peers[name].run()
            times[name].append(first if first > SLOW else peers[name].run())
    return times


def measure(key: str, keep: Path, beside: int) -> None:
    """The rows of a network, quiet and crowded."""
    from hrnet_graph.benchmark.busy import busy

    folder = keep / key
    folder.mkdir(parents=True, exist_ok=True)
    plain(NETWORKS[key], folder)  # writes the weights that all read
    started = {name: Peer(name, key, folder, beside) for name in CANDIDATES}
    try:
        peers = {name: peer for name, peer in started.items() if not peer.failed}
        for name in (name for name, peer in started.items() if peer.failed):
            print(f"{key}: {name} is left out: {started[name].said()}", file=sys.stderr)
        for name in (QUIET, CROWDED):
            print(f"{key}: {name}: {started[name].said()}", file=sys.stderr)
        for count, ours, other in ((0, QUIET, CROWDED), (beside, CROWDED, QUIET)):
            with busy(count):
                times = take_turns({n: peer for n, peer in peers.items() if n != other})
            report(key, count, ours, times, folder)
    finally:
        for peer in started.values():
            peer.close()


def report(key: str, beside: int, ours: str, times: dict[str, list[float]], folder: Path) -> None:
    """A row a candidate; a ratio says how many times as fast ours is."""
    expected = np.load(folder / "eager.npy") if "eager" in times else None
    for name, own in times.items():
        ratio = statistics.median(a / b for a, b in zip(own, times[ours], strict=True))
        least, median = 1000 * min(own), 1000 * statistics.median(own)
        found = np.load(folder / f"{name}.npy")
        off = "" if expected is None else f"{abs(found - expected).max() / abs(expected).max():.0e}"
        shown = f"{ratio:.2f} | {min(own) / min(times[ours]):.2f} | {off}"
        print(f"| {key} | {beside} | {name} | {least:.1f} | {median:.1f} | {shown} |", flush=True)


def main(arguments: list[str]) -> None:
    """Measures what is named, and prints the table."""
    stated = {"--beside": "2", "--keep": ""}
    for option in stated:
        if option in arguments:
            at = arguments.index(option)
            stated[option] = arguments[at + 1]
            del arguments[at : at + 2]
    unknown = [name for name in arguments if name not in NETWORKS]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)} (known: {', '.join(NETWORKS)})")
    packages = ("torch", "timm", "onnxruntime", "openvino", "ncnn")
    print(", ".join(f"{name} {version(name)}" for name in packages) + "\n")
    print("| network | busy beside | what | least ms | median ms | ours is times as fast, "
          "by medians | by least | difference |\n|---|---|---|---|---|---|---|---|")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for key in arguments or NETWORKS:
            measure(key, Path(stated["--keep"] or folder).absolute(), int(stated["--beside"]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main(sys.argv[1:])
