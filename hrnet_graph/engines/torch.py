"""torch, run as it is: the module for inference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from hrnet_graph.compiler.torch.inference import InferenceNetwork, optimize_for_inference
from hrnet_graph.compiler.torch.network import Network, Output
from hrnet_graph.engines.compiled import Engine, EngineOptions, StartedEngine
from hrnet_graph.engines.table import Precision

TYPES: Mapping[Precision, torch.dtype] = {
    "f32": torch.float32,
    "bf16": torch.bfloat16,
    "f16": torch.float16,
}


def start(network: Network, order: EngineOptions) -> StartedEngine:
    """The network on torch, folded, fused and packed for the size of the images."""
    return StartedEngine(run_with(for_inference(network, order.precision), order))


def for_inference(network: Network, precision: Precision) -> InferenceNetwork:
    """A network as it runs fastest on torch, in a precision."""
    return optimize_for_inference(network).to(TYPES[precision])


def run_with(module: Callable[[Tensor], Output], order: EngineOptions) -> Engine:
    """An engine that calls a module of torch's, in an order's precision and with its threads."""
    dtype = TYPES[order.precision]

    def run(x: Tensor) -> list[Tensor]:
        with torch.inference_mode(), threads(order.threads):
            output = module(x.to(dtype))
        if isinstance(output, dict):
            output = list(output.values())
        results = output if isinstance(output, list) else [output]
        return [result.float() for result in results]

    return run


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Lets torch's operators use so many threads; as many as before where None."""
    before = torch.get_num_threads()
    if count is None or count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
