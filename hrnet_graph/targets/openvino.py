"""OpenVINO, on the CPU. Needs the extra `openvino`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from threading import Lock

import openvino as ov
import torch
from torch import Tensor

from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.targets.compiled import Engine, Order, Started
from hrnet_graph.targets.portable import portable
from hrnet_graph.targets.table import Precision

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


def start(order: Order) -> Started:
    """The network on OpenVINO. Raises `HRNetGraphError` if the processor lacks the precision."""
    check_processor(order.precision)
    model = portable(order.network, "openvino")
    run = partial(open_model, order=order)
    if order.precision == "int8":
        from hrnet_graph.targets import int8

        return int8.start(model, order.images, run)
    return Started(run(model))


def check_processor(precision: Precision) -> None:
    """Raises `HRNetGraphError` for a precision that OpenVINO does not have on this processor."""
    found = ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    has = [name for name, capability in CAPABILITIES.items() if capability in found]
    if precision not in has:
        raise HRNetGraphError(f"openvino has no {precision} on this processor: {', '.join(has)}")


def open_model(source: bytes, order: Order) -> Engine:
    """An engine for an ONNX model of ours."""
    core = ov.Core()
    model = core.read_model(source)
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
            results = compiled(tuple(x.shape))(x.cpu().contiguous().numpy())
        return [torch.from_numpy(results[i]) for i in range(len(results))]

    compiled((1, order.network.graph.input.type.channels, *order.input_size))
    return run
