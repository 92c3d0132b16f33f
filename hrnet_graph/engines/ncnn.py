"""ncnn, on the CPU. Needs the extra `ncnn`."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import ncnn
import numpy as np

from hrnet_graph.compiler.model import Model
from hrnet_graph.compiler.ncnn.model import NcnnModel, to_ncnn
from hrnet_graph.engines.engine import Array, EngineOptions, Images, Run
from hrnet_graph.engines.images import to_array
from hrnet_graph.errors import HRNetGraphError

FLOAT16 = ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic")
BFLOAT16 = ("use_bf16_packed", "use_bf16_storage")
"""The options of ncnn that hold numbers in half as many bits."""


def start(model: Model, options: EngineOptions) -> Run:
    """The network in ncnn, one image after another."""
    optimized = model.optimized("ncnn")
    assert optimized.weights is not None
    made = to_ncnn(optimized.graph, optimized.weights, half=options.precision == "float16")
    net = _load(made, options)
    (given,) = net.input_names()
    names = [name for name, _ in model.graph.outputs]

    def run(x: Images) -> list[Array]:
        each = [_run(net, given, names, image) for image in to_array(x)]
        return [np.stack(results) for results in zip(*each, strict=True)]

    return run


def _run(net: ncnn.Net, given: str, names: list[str], image: Array) -> list[Array]:
    extractor = net.create_extractor()
    extractor.input(given, ncnn.Mat(image).clone())
    return [_extract(extractor, name) for name in names]


def _extract(extractor: ncnn.Extractor, name: str) -> Array:
    """An output, copied. Raises `HRNetGraphError` where ncnn says that it has none."""
    code, result = extractor.extract(name)
    if code:
        raise HRNetGraphError(f"ncnn fails to compute {name}, with code {code}")
    return np.array(result, np.float32)


def _load(model: NcnnModel, options: EngineOptions) -> ncnn.Net:
    net = ncnn.Net()
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
