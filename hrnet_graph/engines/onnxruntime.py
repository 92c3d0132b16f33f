"""ONNX Runtime, on the CPU. Needs the extra `onnxruntime`."""

from __future__ import annotations

import numpy as np
from onnxruntime import InferenceSession, SessionOptions

from hrnet_graph.compiler.onnx.wire import OnnxModel
from hrnet_graph.engines.engine import Array, EngineOptions, Images, Run
from hrnet_graph.engines.images import to_array

QUIET = 4
"""The severity from which on it logs: its errors are ours to tell."""

TYPES = {"tensor(float16)": np.float16, "tensor(double)": np.float64}
"""What a model may take where it does not take float32."""


def open_model(source: OnnxModel | bytes | str, options: EngineOptions) -> Run:
    """An ONNX model of ours in a session of ONNX Runtime."""
    settings = SessionOptions()
    settings.log_severity_level = QUIET
    settings.intra_op_num_threads = options.threads or 0
    if options.waiting is not None:
        spins = "1" if options.waiting == "active" else "0"
        settings.add_session_config_entry("session.intra_op.allow_spinning", spins)
    model = bytes(source) if isinstance(source, OnnxModel) else source
    session = InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    dtype = TYPES.get(given.type, np.float32)

    def run(x: Images) -> list[Array]:
        image = to_array(x).astype(dtype, copy=False)
        return [
            result.astype(np.float32, copy=False)
            for result in session.run(None, {given.name: image})
        ]

    return run
