"""ncnn, on the CPU. Needs the extra `ncnn`."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from itertools import islice

import ncnn
import numpy as np

from hrnet_graph.compiler.model import Model
from hrnet_graph.compiler.ncnn import int8
from hrnet_graph.compiler.ncnn.layers import Layer
from hrnet_graph.compiler.ncnn.model import NcnnModel, to_ncnn
from hrnet_graph.engines.calibration import Batches
from hrnet_graph.engines.engine import Array, EngineOptions, Images, Quantized, Run
from hrnet_graph.engines.images import to_array
from hrnet_graph.engines.planning import choose_layers
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.graph import Graph

FLOAT16 = ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic")
BFLOAT16 = ("use_bf16_packed", "use_bf16_storage")
"""The options of ncnn that hold numbers in half as many bits."""

COMPARED = 8
"""On how many of the images the layers are compared in int8."""


def start(model: Model, options: EngineOptions) -> Run:
    """The network in ncnn, one image after another."""
    return _runner(_made(model, options.precision == "float16"), model.graph, options)


def quantize(model: Model, options: EngineOptions, images: Batches) -> Quantized:
    """The network in int8; ranges of what layers read are those that the images show.

    Raises `HRNetGraphError` where they are not finite.
    """
    plain = _made(model, half=False)
    ranges = _ranges(plain, options, images)
    layers = [layer.name for layer in plain.layers if int8.is_quantized(layer)]

    def make(names: AbstractSet[str]) -> tuple[Run, NcnnModel]:
        made = int8.quantize(plain, {name: ranges[name] for name in names})
        return _runner(made, model.graph, options), made

    run, made, told = choose_layers(model, "ncnn", options, images, layers, make)
    return Quantized(run, _layer_errors(plain, made, options, images), made, told)


def _made(model: Model, half: bool) -> NcnnModel:
    optimized = model.optimized("ncnn")
    assert optimized.weights is not None
    return to_ncnn(optimized.graph, optimized.weights, half=half)


def _runner(model: NcnnModel, graph: Graph, options: EngineOptions) -> Run:
    net = _load(model, options)
    names = [name for name, _ in graph.outputs]

    def run(x: Images) -> list[Array]:
        images = to_array(x)
        shown = images if len(images) else np.zeros((1, *images.shape[1:]), np.float32)
        each = [[*_results(net, image, names)] for image in shown]
        return [np.stack(results)[: len(images)] for results in zip(*each, strict=True)]

    return run


def _ranges(model: NcnnModel, options: EngineOptions, images: Iterable[Array]) -> dict[str, float]:
    """The largest value of what each layer reads that int8 computes, by the layer's name."""
    net = _load(model, options, keeps=True)
    layers = [layer for layer in model.layers if int8.is_quantized(layer)]
    found = dict.fromkeys((layer.name for layer in layers), 0.0)
    for image in (image for batch in images for image in batch):
        for layer, value in zip(layers, _results(net, image, _first_of(layers)), strict=True):
            largest = float(int8.finite(layer, np.abs(value)).max())
            found[layer.name] = max(found[layer.name], largest)
    return found


def _first_of(layers: Iterable[Layer]) -> list[str]:
    return [layer.inputs[0] for layer in layers]


def _layer_errors(
    plain: NcnnModel, made: NcnnModel, options: EngineOptions, images: Iterable[Array]
) -> dict[str, float]:
    """How far each layer's results are from those in float32, over some of the images."""
    nets = [_load(model, options, keeps=True) for model in (plain, made)]
    layers = [layer for layer in made.layers if int8.is_quantized(layer)]
    names = [layer.outputs[0] for layer in layers]
    noise, signal = np.zeros((2, len(layers)))
    for image in islice((image for batch in images for image in batch), COMPARED):
        pairs = zip(*(_results(net, image, names) for net in nets), strict=True)
        for i, (x, y) in enumerate((x.astype(np.float64), y) for x, y in pairs):
            noise[i] += np.square(x - y).sum()
            signal[i] += np.square(x).sum()
    with np.errstate(divide="ignore"):
        ratios = np.sqrt(np.divide(noise, signal, out=np.zeros_like(noise), where=noise > 0))
    keys = (layer.name for layer in layers)
    return dict(zip(keys, map(float, ratios), strict=True))


def _results(net: ncnn.Net, image: Array, names: Iterable[str]) -> Iterator[Array]:
    """Values of the network for an image, by name, copied.

    Raises `HRNetGraphError` where ncnn says that it has none.
    """
    extractor = net.create_extractor()
    extractor.input(net.input_names()[0], ncnn.Mat(image).clone())
    for name in names:
        code, result = extractor.extract(name)
        if code:
            raise HRNetGraphError(f"ncnn fails to compute {name}, with code {code}")
        yield np.array(result, np.float32)


def _load(model: NcnnModel, options: EngineOptions, keeps: bool = False) -> ncnn.Net:
    """The network as ncnn reads it, which `keeps` all values that it computes, or none."""
    net = ncnn.Net()
    net.opt.lightmode = not keeps
    for switch in FLOAT16:
        setattr(net.opt, switch, options.precision == "float16")
    for switch in BFLOAT16:
        setattr(net.opt, switch, options.precision == "bfloat16")
    if options.threads is not None:
        net.opt.num_threads = options.threads
    weights = _Weights(model.chunks())
    if net.load_param_mem(model.text) or net.load_model(weights) or weights.rest():
        raise HRNetGraphError("ncnn cannot read the network", "another version of it may")
    return net


class _Weights(ncnn.DataReader):  # type: ignore[misc]  # ncnn states no types
    """Hands ncnn the weights where they lie: no file, and no copy but its own."""

    def __init__(self, chunks: Iterator[bytes | memoryview]) -> None:
        super().__init__()
        self._chunks = chunks
        self._left: memoryview = memoryview(b"")

    def read(self, buffer: object, size: int) -> int:
        """Fills a buffer of ncnn's with the next bytes, and says how many there were."""
        address = _address(buffer, None)
        done = 0
        while done < size and (part := self._next(size - done)):
            ctypes.memmove(address + done, np.frombuffer(part, np.uint8).ctypes.data, len(part))
            done += len(part)
        return done

    def rest(self) -> bool:
        """Whether anything is left that ncnn did not read."""
        return bool(self._next(1))

    def _next(self, size: int) -> memoryview:
        """The next bytes, at most so many; none at the end."""
        while not self._left and (chunk := next(self._chunks, None)) is not None:
            self._left = memoryview(chunk)
        part, self._left = self._left[:size], self._left[size:]
        return part


_address = ctypes.pythonapi.PyCapsule_GetPointer
_address.restype = ctypes.c_void_p
_address.argtypes = [ctypes.py_object, ctypes.c_char_p]
