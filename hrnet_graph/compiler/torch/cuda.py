"""A network recorded as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from hrnet_graph.checks import check_kind
from hrnet_graph.compiler.torch.network import Network, Output
from hrnet_graph.errors import HRNetGraphError, InputError

WARM_UP = 3
"""Runs before the recording, in which libraries choose their algorithms and take their memory."""

BOUND = 0.02
"""How far a recording may be from the network, by the largest value, in any precision."""


def cuda_graph(model: Network, image: Tensor) -> Callable[[Tensor], Output]:
    """The network in evaluation, recorded once and then launched as a whole, without Python.

    image: (N, C, H, W), an example on the network's GPU; the recording takes its shape, type and
    memory format alone, and is made under the autocast in force

    Weights changed in place are seen; results are copies of one's own. What was recorded is tried
    on another image first. Raises `HRNetGraphError` without a GPU, and where a layer was not
    recorded, as torchvision's deformable convolution, which keeps to a stream of its own;
    `InputError`, when called, for an image unlike the example.

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
    recording = _Recording(model, image.detach().clone())
    recording.check()
    return recording


class _Recording:
    """A CUDA graph, and what it reads: the image's place, and the network for its weights."""

    def __init__(self, model: Network, held: Tensor) -> None:
        self._model, self._held = model, held
        self._graph = torch.cuda.CUDAGraph()
        with torch.no_grad(), torch.cuda.device(held.device):
            side = torch.cuda.Stream()  # the runs before a recording are to have one of their own
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(WARM_UP):
                    model(held)
            torch.cuda.current_stream().wait_stream(side)
            with torch.cuda.graph(self._graph):
                self._result = model(held)

    def __call__(self, x: Tensor) -> Output:
        held = self._held
        if (x.shape, x.dtype, x.device) != (held.shape, held.dtype, held.device):
            expected, got = (f"{tuple(t.shape)} {t.dtype} {t.device}" for t in (held, x))
            raise InputError(f"recorded for an image {expected}, got {got}")
        with torch.no_grad():
            held.copy_(x)
        self._graph.replay()
        return cast(Output, tree_map(torch.clone, self._result))

    def check(self) -> None:
        """Refuses a recording that gives of an image of waves what the network does not."""
        waves = torch.arange(self._held.numel(), device=self._held.device).sin()
        image = self._held.clone().copy_(waves.reshape(self._held.shape))
        with torch.no_grad():
            pairs = zip(tree_leaves(self(image)), tree_leaves(self._model(image)), strict=True)
            same = all(_alike(recorded.float(), plain.float()) for recorded, plain in pairs)
        if not same:
            name = self._model.graph.name
            raise HRNetGraphError(
                f"a layer of {name} is not recorded: the CUDA graph gives other results",
                "call the network itself",
            )


def _alike(recorded: Tensor, plain: Tensor) -> bool:
    """Whether values are equal within what other algorithms would make, and NaN where NaN."""
    scale = plain[plain.isfinite()].abs().max() if plain.isfinite().any() else 1.0
    return torch.allclose(recorded, plain, rtol=0.0, atol=BOUND * float(scale), equal_nan=True)
