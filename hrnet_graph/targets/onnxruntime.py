"""ONNX Runtime, on the CPU. Needs the extra `onnxruntime`."""

from __future__ import annotations

from functools import partial

import torch
from onnxruntime import InferenceSession, SessionOptions
from torch import Tensor

from hrnet_graph.targets.compiled import Engine, Order, Started
from hrnet_graph.targets.portable import portable

QUIET = 3
"""The severity from which on it logs: errors."""


def start(order: Order) -> Started:
    """The network in a session of ONNX Runtime."""
    model = portable(order.network, "onnxruntime")
    run = partial(open_model, threads=order.threads)
    if order.precision == "int8":
        from hrnet_graph.targets import int8

        return int8.start(model, order.images, run)
    return Started(run(model))


def open_model(model: bytes, threads: int | None) -> Engine:
    """An engine for an ONNX model of ours."""
    options = SessionOptions()
    options.log_severity_level = QUIET
    options.intra_op_num_threads = threads or 0
    session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (name,) = (given.name for given in session.get_inputs())

    def run(x: Tensor) -> list[Tensor]:
        results = session.run(None, {name: x.cpu().contiguous().numpy()})
        return [torch.from_numpy(result) for result in results]

    return run
