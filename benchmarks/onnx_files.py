"""Our ONNX files beside torch's exports of the same networks: how fast written, and how fast run.

`python benchmarks/onnx_files.py [RUNS [NAME ...]]`. Engines run on one thread in float32 and the
processor's time is measured, which other work on the machine disturbs least.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import onnxruntime
import openvino
import torch
from torch import Tensor, nn

import hrnet_graph as hg

NETWORKS = (
    ("hrnet_w18_cls", (224, 224)),
    ("hrnet_w48_cls", (224, 224)),
    ("hrnetv2_w18_small_v2_seg_cityscapes", (512, 1024)),
    ("hrnetv2_w48_seg_cityscapes", (512, 1024)),
)


class Plain(nn.Module):
    """A network under a name that the exporter does not use for its own."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.network(x)
        return result


def main(runs: int, names: list[str]) -> None:
    """Prints, for each network, times and their ratio to torch's export of the same kind."""
    warnings.simplefilter("ignore")
    for name, size in NETWORKS:
        if names and name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            compare(name, size, Path(folder), runs)


def compare(name: str, size: tuple[int, int], folder: Path, runs: int) -> None:
    """One network: every file written, then every engine on every file, in turn."""
    model = hg.build_module(hg.build_graph(name, size)).eval()
    spread(model)
    image = torch.randn(1, 3, *size)
    paths = {kind: folder / f"{kind}.onnx" for kind in ("any", "fixed", "torch", "torch-any")}
    export: Callable[..., object] = partial(
        torch.onnx.export,
        Plain(model).eval(),
        (image,),
        dynamo=False,
        input_names=["input"],
        opset_version=18,
    )
    axes = {"input": {0: "batch", 2: "height", 3: "width"}}
    print(f"\n{name} {size[0]}x{size[1]}")
    write: dict[str, Callable[[], object]] = {
        "any": lambda: hg.save(model, paths["any"]),
        "fixed": lambda: hg.save(model, paths["fixed"], fixed_size=True, batch=1),
        "torch": lambda: export(paths["torch"]),
        "torch-any": lambda: export(paths["torch-any"], dynamic_axes=axes),
    }
    if find_spec("onnxscript"):  # torch's newer exporter; its file is not run
        new = partial(torch.onnx.export, Plain(model).eval(), (image,), folder / "new.onnx")
        write["torch-new"] = partial(new, dynamo=True, verbose=False)
    seconds = {kind: spent(job) for kind, job in write.items()}
    for kind, taken in seconds.items():
        print(f"  write {kind:12}{taken:8.2f} s{seconds['torch'] / taken:8.1f} x", flush=True)
    jobs = {
        f"{engine} {kind}": start(path, image)
        for engine, start in (("onnxruntime", in_onnxruntime), ("openvino", in_openvino))
        for kind, path in paths.items()
    }
    jobs["openvino any, pinned"] = in_openvino(paths["any"], image, pinned=True)
    table(jobs, runs)


def spread(model: nn.Module) -> None:
    """Statistics and weights with which no value vanishes on the way."""
    for key, value in model.state_dict().items():
        if key.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif value.dim() > 1:
            value.normal_(0, (0.5 / value[0].numel()) ** 0.5)


def in_onnxruntime(path: Path, image: Tensor) -> Callable[[], object]:
    """A file in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    return lambda: session.run(None, {"input": image.numpy()})


def in_openvino(path: Path, image: Tensor, pinned: bool = False) -> Callable[[], object]:
    """A file in OpenVINO, pinned to the shape of the image as `hg.compile` does, or as it is."""
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    model = openvino.Core().read_model(path)
    if pinned:
        model.reshape(list(image.shape))
    request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()
    return lambda: request.infer([image.numpy()])


def table(jobs: Mapping[str, Callable[[], object]], runs: int) -> None:
    """The median of each job, and of its ratios to the same engine on torch's file."""
    times: dict[str, list[float]] = {what: [] for what in jobs}
    for run in range(runs + 1):
        for what, job in jobs.items():
            taken = spent(job)
            if run:
                times[what].append(taken)
    for what, taken_all in times.items():
        peers = times[f"{what.split()[0]} torch"]
        ratio = median(ours / theirs for ours, theirs in zip(taken_all, peers, strict=True))
        ms = 1000 * median(taken_all)
        print(f"  {what:24}{ms:9.1f} ms{ratio:8.3f}", flush=True)


def spent(job: Callable[[], object]) -> float:
    """The processor's seconds that a job takes, of all its threads."""
    start = time.process_time()
    job()
    return time.process_time() - start


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15, sys.argv[2:])
