"""GPUs: what can be proved without one is proved everywhere, the rest where there is one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import torch
from published import relative_error
from small import HEADS, SMALL, maps_of, with_head
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import hrnet_graph as hg
from hrnet_graph.compiler.torch.layers import Summed

RECORDED = [head for head in HEADS if head["kind"] != "dekr"]
"""Heads without torchvision's deformable convolution, which no CUDA graph records."""

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU is present")


class OnTheGPUAlone(TorchDispatchMode):
    """Refuses every operation that makes a tensor elsewhere, and notes what types are convolved."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch gives it no types
        self.convolved: set[torch.dtype] = set()

    def __torch_dispatch__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                assert leaf.device.type == "cuda", function
                if function is torch.ops.aten.convolution.default:
                    self.convolved.add(leaf.dtype)
        return result


def move(model: nn.Module) -> None:
    """Gives a network of the meta device weights on a GPU; torch's own way asks for a real one."""
    model._apply(lambda value: torch.empty_like(value, device="cuda"))


@contextmanager
def autocast(dtype: torch.dtype) -> Iterator[None]:
    """`torch.autocast("cuda")`, which torch itself turns off where there is no GPU."""
    torch.set_autocast_dtype("cuda", dtype)
    torch.set_autocast_enabled("cuda", True)
    try:
        yield
    finally:
        torch.set_autocast_enabled("cuda", False)
        torch.clear_autocast_cache()


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head["kind"])
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_no_operation_pins_the_cpu(head: dict[str, Any], training: bool) -> None:
    shapes = [x.shape for x in maps_of(with_head(head).train(training)(torch.randn(2, 3, 64, 64)))]
    model = hg.build_module(with_head(head).graph, device="meta").train(training)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        move(model)
        image = torch.randn(2, 3, 64, 64, device="cuda").to(memory_format=torch.channels_last)
        with OnTheGPUAlone() as full:
            plain = maps_of(model(image))
        with OnTheGPUAlone() as half, autocast(torch.bfloat16):
            mixed = maps_of(model(image))
    assert [x.shape for x in plain] == shapes
    assert (full.convolved, half.convolved) == ({torch.float32}, {torch.bfloat16})
    assert {x.dtype for x in plain} == {torch.float32}
    if head["kind"] != "features":  # their maps are sums, and torch resizes in float32
        assert {x.dtype for x in mixed} == {torch.bfloat16}


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_what_a_gpu_resizes_in_float32_stays_out_of_residual_connections(training: bool) -> None:
    model = hg.build_module(SMALL, device="meta").train(training)
    summed: list[tuple[str, torch.dtype]] = []
    for key, module in model.named_modules():
        if isinstance(module, Summed):
            module.register_forward_hook(partial(note, summed, key))
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        move(model)
        with autocast(torch.bfloat16):
            model(torch.randn(2, 3, 64, 64, device="cuda"))
    within_blocks = {dtype for key, dtype in summed if "fuse" not in key}
    assert within_blocks == {torch.bfloat16}
    assert {dtype for _, dtype in summed} == {torch.bfloat16, torch.float32}


def note(seen: list[Any], key: str, layer: nn.Module, x: Any, result: torch.Tensor) -> None:
    """A hook that keeps the type of a result."""
    seen.append((key, result.dtype))


def test_a_network_that_pins_the_cpu_is_found() -> None:
    model = hg.build_module(SMALL, device="meta")
    model.register_forward_pre_hook(lambda _, inputs: inputs[0] + torch.ones(1))
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        move(model)
        image = torch.randn(2, 3, 64, 64, device="cuda")
        with OnTheGPUAlone(), pytest.raises(AssertionError):
            model(image)


def test_a_cuda_graph_needs_a_gpu() -> None:
    with pytest.raises(hg.HRNetGraphError, match="needs network and image on one GPU, got cpu"):
        hg.cuda_graph(hg.build_module(SMALL).eval(), torch.randn(1, 3, 64, 64))


def recorded(head: dict[str, Any]) -> tuple[hg.Network, Any, torch.Tensor]:
    """A network on the GPU, a recording of it, and two images."""
    model = with_head(head).eval().to("cuda").to(memory_format=torch.channels_last)
    images = torch.randn(2, 2, 3, 64, 64, device="cuda")
    return model, hg.cuda_graph(model, images[0]), images


@needs_gpu
@pytest.mark.parametrize("head", RECORDED, ids=lambda head: head["kind"])
def test_a_cuda_graph_gives_what_the_network_gives(head: dict[str, Any]) -> None:
    model, graph, (first, second) = recorded(head)
    for image in (second, first):
        kept = graph(image)
        graph(torch.zeros_like(image))
        with torch.no_grad():
            for ours, theirs in zip(maps_of(kept), maps_of(model(image)), strict=True):
                assert relative_error(ours, theirs) < 1e-3
    with pytest.raises(hg.InputError, match="recorded for an image"):
        graph(torch.randn(1, 3, 64, 64, device="cuda"))
    with pytest.raises(hg.HRNetGraphError, match="got one in training"):
        hg.cuda_graph(model.train(), first)


@needs_gpu
def test_a_cuda_graph_holds_its_network() -> None:
    model, graph, (image, _) = recorded(HEADS[0])
    with torch.no_grad():
        expected = maps_of(model(image))
    del model
    gc.collect()
    others = [torch.full((1 << size,), torch.nan, device="cuda") for size in range(20)]
    for ours, theirs in zip(maps_of(graph(image)), expected, strict=True):
        assert relative_error(ours, theirs) < 1e-3
    assert others


@needs_gpu
def test_a_layer_that_no_cuda_graph_records_is_refused() -> None:
    with pytest.raises(hg.HRNetGraphError, match="is not recorded"):
        recorded(next(head for head in HEADS if head["kind"] == "dekr"))


@needs_gpu
@pytest.mark.parametrize("unit", ["module", "block", "elementwise"])
def test_keeping_less_changes_no_gradient_on_the_gpu(
    unit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    gradients = []
    for kept in (None, unit):
        torch.manual_seed(0)
        model = hg.build_module(SMALL, device="cuda", checkpoint_activations=kept)
        image = torch.randn(2, 3, 64, 64, device="cuda").to(memory_format=torch.channels_last)
        model.to(memory_format=torch.channels_last)(image).square().mean().backward()
        gradients.append([value.grad for value in model.parameters()])
    for ours, plain in zip(*gradients, strict=True):
        assert ours is not None
        assert plain is not None
        assert relative_error(ours, plain) < 1e-2


@needs_gpu
@pytest.mark.parametrize("head", HEADS, ids=lambda head: head["kind"])
def test_the_gpu_gives_what_the_cpu_gives(head: dict[str, Any]) -> None:
    model, image = with_head(head).eval(), torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = maps_of(model(image))
        model.to("cuda").to(memory_format=torch.channels_last)
        image = image.to("cuda", memory_format=torch.channels_last)
        plain = maps_of(model(image))
        with torch.autocast("cuda", dtype=torch.bfloat16):
            mixed = maps_of(model(image))
    for cpu, gpu, half in zip(expected, plain, mixed, strict=True):
        assert relative_error(gpu.cpu(), cpu) < 1e-2
        assert relative_error(half.float().cpu(), cpu) < 0.1
