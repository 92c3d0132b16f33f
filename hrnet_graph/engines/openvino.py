"""OpenVINO, on the CPU. Needs the extra `openvino`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from threading import Lock

import numpy as np
import openvino as ov
from openvino import opset8
from openvino.frontend.onnx import ConversionExtension

from hrnet_graph.compiler.onnx.wire import OnnxModel
from hrnet_graph.engines.engine import Array, EngineOptions, Images, Run
from hrnet_graph.engines.images import to_array
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.precision import Precision

CAPABILITIES: Mapping[Precision, str] = {
    "float32": "FP32",
    "bfloat16": "BF16",
    "float16": "FP16",
    "int8": "INT8",
}
"""Precision -> what OpenVINO calls it where the processor has it."""

HINTS: Mapping[Precision, ov.Type] = {"bfloat16": ov.Type.bf16, "float16": ov.Type.f16}
"""What is computed in, where that is not float32; int8 is in the model itself."""

SHAPES = 4
"""For how many shapes of input the compiled network is kept."""

SHARED = 1024
"""From how many bytes on a weight is handed over where it lies; small ones may be shapes."""


def open_model(source: OnnxModel | bytes | str, options: EngineOptions) -> Run:
    """An ONNX model of ours, compiled anew for each shape of input.

    Raises `HRNetGraphError` if the processor lacks the precision.
    """
    core = ov.Core()
    core.add_extension(ConversionExtension("DeformConv", _deform_conv))
    _check(core, options.precision)
    model = _read(core, source) if isinstance(source, OnnxModel) else core.read_model(source)
    dtype = model.input(0).element_type.to_dtype()
    settings: dict[str, object] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": HINTS.get(options.precision, ov.Type.f32),
    }
    if options.threads is not None:
        settings["INFERENCE_NUM_THREADS"] = options.threads

    @lru_cache(SHAPES)
    def compiled(shape: tuple[int, ...]) -> ov.CompiledModel:
        model.reshape(ov.PartialShape(list(shape)))
        return core.compile_model(model, "CPU", settings)

    lock = Lock()

    def run(x: Images) -> list[Array]:
        image = to_array(x).astype(dtype, copy=False)
        with lock:
            results = compiled(image.shape)(image)
        return [results[i].astype(np.float32, copy=False) for i in range(len(results))]

    batch, channels, *_ = model.input(0).partial_shape
    count = batch.get_length() if batch.is_static else 1
    compiled((count, channels.get_length(), *options.input_size))
    return run


def _read(core: ov.Core, source: OnnxModel) -> ov.Model:
    """The model with the weights where they lie: as bytes they would be copied twice.

    They come as inputs, whose place constants then take, on the same memory.
    """
    shared = {name: array for name, array in source.tensors.items() if array.nbytes >= SHARED}
    model = core.read_model(bytes(source.with_inputs(shared)))
    for parameter in model.get_parameters():
        array = shared.get(parameter.get_friendly_name())
        if array is not None:
            constant = ov.op.Constant(array, shared_memory=True)
            parameter.output(0).replace(constant.output(0))
            model.remove_parameter(parameter)
    return model


def _deform_conv(node: ov.frontend.NodeContext) -> list[ov.Output]:
    """What OpenVINO computes for an operator that it can run, and its reader of ONNX lacks."""
    x, weight, offsets = map(node.get_input, range(3))
    pads, ones = node.get_attribute("pads"), [1, 1]
    made = opset8.deformable_convolution(
        x, offsets, weight, ones, pads[:2], pads[2:], ones, bilinear_interpolation_pad=True
    )
    return list(made.outputs())


def _check(core: ov.Core, precision: Precision) -> None:
    found = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    has = [name for name, capability in CAPABILITIES.items() if capability in found]
    if precision not in has:
        raise HRNetGraphError(f"openvino has no {precision} on this processor: {', '.join(has)}")
