"""torch, run as it is: the module for inference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

import torch
from torch import Tensor

from hrnet_graph.compiler.model import Model
from hrnet_graph.compiler.torch.inference import InferenceNetwork, inference_network
from hrnet_graph.compiler.torch.network import Output
from hrnet_graph.engines.engine import EngineOptions, Images, Run
from hrnet_graph.engines.images import to_tensor
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.ops import DeformConv2d

_COUNTING = Lock()
"""Held while torch's operators use another number of threads, which is one for the process."""


def start(model: Model, options: EngineOptions) -> Run:
    """The network on torch, folded, fused and packed for the size of the images."""
    return run_with(for_inference(model, options), options)


def for_inference(model: Model, options: EngineOptions) -> InferenceNetwork:
    """A network as it runs fastest on torch, in a precision.

    Raises `HRNetGraphError` if it has an operation that torchvision does not compute in that.
    """
    assert model.weights is not None
    deformable = [node.op.label for node in model.graph.nodes if isinstance(node.op, DeformConv2d)]
    if deformable and options.precision == "bfloat16":
        what = f"{model.graph.name} has a {deformable[0]}, which torchvision has no bfloat16 for"
        raise HRNetGraphError(what, "take float32 or float16")
    dtype = getattr(torch, options.precision)
    return inference_network(model.graph, model.weights, dtype=dtype, device=options.device)


def run_with(module: Callable[[Tensor], Output], options: EngineOptions) -> Run:
    """Calls a module of torch's, in a precision and with so many threads."""
    dtype = getattr(torch, options.precision)

    def run(x: Images) -> list[Tensor]:
        with torch.inference_mode(), threads(options.threads):
            output = module(to_tensor(x).to(dtype))
        if isinstance(output, dict):
            output = list(output.values())
        results = output if isinstance(output, list) else [output]
        return [result.float() for result in results]

    return run


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Lets torch's operators use so many threads; as many as before where None.

    Those who state a number run one after another: each finds the process's own, and restores it.
    """
    if count is None:
        yield
        return
    with _COUNTING:
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)
