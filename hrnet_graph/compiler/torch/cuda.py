"""A network recorded as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from hrnet_graph.checks import check_kind
from hrnet_graph.compiler.torch.network import Network, Output
from hrnet_graph.errors import HRNetGraphError, InputError

WARM_UP = 3
"""Runs before the recording, in which libraries choose their algorithms and take their memory."""


def cuda_graph(model: Network, image: Tensor) -> Callable[[Tensor], Output]:
    """The network in evaluation, recorded once and then launched as a whole, without Python.

    image: (N, C, H, W), an example on the network's GPU; the recording takes its shape, type and
    memory format alone, and is made under the autocast in force

    Weights changed in place are seen; results are copies of one's own. Raises `HRNetGraphError`
    without a GPU, and `InputError`, when called, for an image unlike the example.

    Example:
        >>> model = hg.build_module("hrnet_w18_small_v1_cls", device="cuda").eval()
        >>> image = torch.zeros(1, 3, 64, 64, device="cuda")
        >>> hg.cuda_graph(model, image)(image).shape
        torch.Size([1, 1000])
    """
    check_kind("cuda_graph", model, Network, "hg.build_module makes one of a spec")
    weights = {value.device for value in model.parameters()}
    if image.device.type != "cuda" or weights != {image.device}:
        places = ", ".join(sorted(str(device) for device in weights | {image.device}))
        raise HRNetGraphError(
            f"a CUDA graph needs network and image on one GPU, got {places}",
            'build_module(spec, device="cuda"), image.to("cuda")',
        )
    if model.training:
        raise HRNetGraphError(
            "a CUDA graph is recorded of a network in evaluation, got one in training",
            "call .eval() first; for training there is torch.cuda.make_graphed_callables",
        )
    held = image.detach().clone()
    graph = torch.cuda.CUDAGraph()
    with torch.no_grad(), torch.cuda.device(image.device):
        side = torch.cuda.Stream()  # a recording asks that the runs before it have one of their own
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                model(held)
        torch.cuda.current_stream().wait_stream(side)
        with torch.cuda.graph(graph):
            result = model(held)

    def replay(x: Tensor) -> Output:
        if (x.shape, x.dtype, x.device) != (held.shape, held.dtype, held.device):
            expected, got = (f"{tuple(t.shape)} {t.dtype} {t.device}" for t in (held, x))
            raise InputError(f"recorded for an image {expected}, got {got}")
        with torch.no_grad():
            held.copy_(x)
        graph.replay()
        return cast(Output, tree_map(torch.clone, result))

    return replay
