"""int8 by post-training quantisation, and what it costs layer by layer. Needs the extra `int8`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from types import MappingProxyType

import nncf
import numpy as np
import onnx
import rich
from nncf.common.logging import nncf_logger

from hrnet_graph.engines.calibration import Batches
from hrnet_graph.engines.compiled import LayerError
from hrnet_graph.engines.engine import Run
from hrnet_graph.engines.images import to_array
from hrnet_graph.errors import HRNetGraphError, error_line
from hrnet_graph.extras import loading

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""The operators that are reported on."""

COMPARED = 8
"""On how many of the batches the layers are compared."""


@contextmanager
def one_message() -> Iterator[None]:
    """Says in one message that a network cannot be made int8, wherever that shows."""
    try:
        with loading():
            yield
    except HRNetGraphError:
        raise
    except Exception as error:
        raise HRNetGraphError(
            f"the network cannot be made int8: {error_line(error)}",
            "weights and images have to give finite numbers everywhere",
        ) from None


def quantize(
    model: bytes, images: Batches, about: Mapping[str, str] = MappingProxyType({})
) -> bytes:
    """An ONNX model in int8; ranges of weights and results are those that the images show.

    `about` is what it says of itself.
    """
    read = onnx.load_from_string(model)
    name = read.graph.input[0].name
    data = nncf.Dataset(images, lambda image: {name: image})
    with _quiet():
        made = nncf.quantize(read, data, subset_size=len(images))
    onnx.helper.set_model_props(made, {**about, "precision": "int8"})
    return bytes(made.SerializeToString())


def layer_errors(
    model: bytes, quantized: bytes, images: Batches, start: Callable[[bytes], Run]
) -> tuple[LayerError, ...]:
    """How far each layer's results are from those of the model before, over some of the images."""
    layers = _layers(model, quantized)
    before, after = (start(_with_outputs(source, layers)) for source in (model, quantized))
    noise, signal = np.zeros((2, len(layers)))
    for image in islice(images, COMPARED):
        for i, pair in enumerate(zip(before(image), after(image), strict=True)):
            x, y = (to_array(result).astype(np.float64) for result in pair)
            noise[i] += np.square(x - y).sum()
            signal[i] += np.square(x).sum()
    with np.errstate(divide="ignore"):
        ratios = np.sqrt(np.divide(noise, signal, out=np.zeros_like(noise), where=noise > 0))
    return tuple(
        LayerError(name, float(ratio)) for name, ratio in zip(layers.values(), ratios, strict=True)
    )


def _layers(model: bytes, quantized: bytes) -> dict[str, str]:
    """The results of layers that both models have, in order of execution -> the layers' names."""
    kept = {name for node in onnx.load_from_string(quantized).graph.node for name in node.output}
    return {
        node.output[0]: node.name
        for node in onnx.load_from_string(model).graph.node
        if node.op_type in LAYERS and node.output[0] in kept
    }


def _with_outputs(source: bytes, names: Iterable[str]) -> bytes:
    model = onnx.load_from_string(source)
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return bytes(model.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps NNCF's notes and progress bars to itself, and leaves its settings as they were."""
    console = rich.get_console()
    shown, levels = console.quiet, [(it, it.level) for it in (nncf_logger, *nncf_logger.handlers)]
    nncf.set_log_level(logging.ERROR)
    console.quiet = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        console.quiet = shown
        for it, level in levels:
            it.setLevel(level)
