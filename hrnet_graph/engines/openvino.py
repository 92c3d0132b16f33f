"""OpenVINO, on the CPU. Needs the extra `openvino`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from threading import Lock

import numpy as np
import openvino as ov
import torch
from torch import Tensor

from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.engines import portable
from hrnet_graph.engines.compiled import Engine, EngineOptions, StartedEngine
from hrnet_graph.engines.table import Precision
from hrnet_graph.errors import HRNetGraphError

CAPABILITIES: Mapping[Precision, str] = {
    "f32": "FP32",
    "bf16": "BF16",
    "f16": "FP16",
    "int8": "INT8",
}
"""Precision -> what OpenVINO calls it where the processor has it."""

HINTS: Mapping[Precision, ov.Type] = {"bf16": ov.Type.bf16, "f16": ov.Type.f16}
"""What is computed in, where that is not float32; int8 is in the model itself."""

SHAPES = 4
"""For how many shapes of input the compiled network is kept."""


def start(network: Network, order: EngineOptions) -> StartedEngine:
    """The network on OpenVINO. Raises `HRNetGraphError` if the processor lacks the precision."""
    return portable.start(network, order, "openvino", open_model)


def open_model(source: portable.Source, order: EngineOptions) -> Engine:
    """An engine for an ONNX model of ours, compiled anew for each shape of input."""
    core = ov.Core()
    _check(core, order.precision)
    model = core.read_model(source)
    dtype = model.input(0).element_type.to_dtype()
    options: dict[str, object] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": HINTS.get(order.precision, ov.Type.f32),
    }
    if order.threads is not None:
        options["INFERENCE_NUM_THREADS"] = order.threads

    @lru_cache(SHAPES)
    def compiled(shape: tuple[int, ...]) -> ov.CompiledModel:
        model.reshape(ov.PartialShape(list(shape)))
        return core.compile_model(model, "CPU", options)

    lock = Lock()

    def run(x: Tensor) -> list[Tensor]:
        with lock:
            results = compiled(tuple(x.shape))(np.ascontiguousarray(x.cpu().numpy(), dtype))
        return [torch.from_numpy(results[i]).float() for i in range(len(results))]

    batch = model.input(0).partial_shape[0]
    count = batch.get_length() if batch.is_static else 1
    compiled((count, order.graph.input.type.channels, *order.input_size))
    return run


def _check(core: ov.Core, precision: Precision) -> None:
    """Raises `HRNetGraphError` for a precision that OpenVINO does not have on this processor."""
    found = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    has = [name for name, capability in CAPABILITIES.items() if capability in found]
    if precision not in has:
        raise HRNetGraphError(f"openvino has no {precision} on this processor: {', '.join(has)}")
