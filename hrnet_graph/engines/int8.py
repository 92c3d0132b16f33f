"""int8 by post-training quantisation, and what it costs layer by layer. Needs the extra `int8`."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import nncf
import onnx
import torch

from hrnet_graph.engines.calibration import Images
from hrnet_graph.engines.compiled import Engine, LayerError, StartedEngine
from hrnet_graph.errors import HRNetGraphError, error_line

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""The operators that are reported on."""

COMPARED = 8
"""On how many of the batches the layers are compared."""


def start(model: bytes, images: Images, run: Callable[[bytes], Engine]) -> StartedEngine:
    """An engine for an ONNX model in int8, and what that costs, both by `run`.

    Ranges of weights and activations are those that the images show. Raises `HRNetGraphError` if
    they are none that eight bits could stand for.
    """
    try:
        quantised = _quantize(model, images)
        return StartedEngine(run(quantised), _drops(model, quantised, images, run))
    except HRNetGraphError:
        raise
    except Exception as error:
        raise HRNetGraphError(
            f"the network cannot be made int8: {error_line(error)}",
            "weights and images have to give finite numbers everywhere",
        ) from None


def _quantize(model: bytes, images: Images) -> bytes:
    read = onnx.load_from_string(model)
    name = read.graph.input[0].name
    data = nncf.Dataset(images, lambda image: {name: image.numpy()})
    with _quiet():
        made = nncf.quantize(read, data, subset_size=len(images))
    return bytes(made.SerializeToString())


def _drops(
    model: bytes, quantised: bytes, images: Images, run: Callable[[bytes], Engine]
) -> tuple[LayerError, ...]:
    """How far each layer's results are from those of the model before, over some of the images."""
    layers = _layers(model, quantised)
    before, after = (run(_with_outputs(source, layers)) for source in (model, quantised))
    noise, signal = torch.zeros(2, len(layers), dtype=torch.float64)
    for image in islice(images, COMPARED):
        for i, (x, y) in enumerate(zip(before(image), after(image), strict=True)):
            noise[i] += (x - y).square().sum()
            signal[i] += x.square().sum()
    ratios = torch.where(noise > 0, noise / signal, 0.0).sqrt().tolist()
    return tuple(
        LayerError(name, ratio) for name, ratio in zip(layers.values(), ratios, strict=True)
    )


def _layers(model: bytes, quantised: bytes) -> dict[str, str]:
    """The results of layers that both models have, in order of execution -> the layers' names."""
    kept = {name for node in onnx.load_from_string(quantised).graph.node for name in node.output}
    return {
        node.output[0]: node.name
        for node in onnx.load_from_string(model).graph.node
        if node.op_type in LAYERS and node.output[0] in kept
    }


def _with_outputs(source: bytes, names: Iterable[str]) -> bytes:
    """The model with these values for outputs."""
    model = onnx.load_from_string(source)
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return bytes(model.SerializeToString())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps NNCF's notes and progress bars to itself."""
    nncf.set_log_level(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
