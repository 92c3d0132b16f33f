"""ONNX Runtime, on the CPU. Needs the extra `onnxruntime`."""

from __future__ import annotations

import numpy as np
import torch
from onnxruntime import InferenceSession, SessionOptions
from torch import Tensor

from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.engines import portable
from hrnet_graph.engines.compiled import Engine, EngineOptions, StartedEngine

QUIET = 4
"""The severity from which on it logs: its errors are ours to tell."""

TYPES = {"tensor(float16)": np.float16, "tensor(double)": np.float64}
"""What a model may take where it does not take float32."""


def start(network: Network, order: EngineOptions) -> StartedEngine:
    """The network in a session of ONNX Runtime."""
    return portable.start(network, order, "onnxruntime", open_model)


def open_model(source: portable.Source, order: EngineOptions) -> Engine:
    """An engine for an ONNX model of ours."""
    options = SessionOptions()
    options.log_severity_level = QUIET
    options.intra_op_num_threads = order.threads or 0
    session = InferenceSession(source, options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    dtype = TYPES.get(given.type, np.float32)

    def run(x: Tensor) -> list[Tensor]:
        image = np.ascontiguousarray(x.cpu().numpy(), dtype)
        return [
            torch.from_numpy(result).float() for result in session.run(None, {given.name: image})
        ]

    return run
