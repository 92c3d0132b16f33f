"""The weights that the module optimized for inference packs: copied, and never stale."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from inferred import filled, needs_packing, same
from small import SMALL
from torch.profiler import ProfilerActivity, profile

import hrnet_graph as hg
from hrnet_graph.compiler.torch import inference, packed
from hrnet_graph.compiler.torch.inference import optimize_for_inference
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.ir.ops.activation import ACTIVATIONS, Packed

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def network() -> Network:
    return filled()


@needs_packing
def test_nothing_is_copied_but_the_image() -> None:
    for kind in ({"kind": "ocr", "classes": 3, "features": 8, "keys": 4}, SMALL["head"]):
        fast = optimize_for_inference(hg.build_module(hg.load_spec(SMALL, {"head": kind})))
        image = torch.randn(1, 3, 64, 64).to(memory_format=torch.channels_last)
        with torch.inference_mode():
            fast(image)
            with profile(activities=[ProfilerActivity.CPU]) as seen:
                fast(image)
        names = {event.key for event in seen.key_averages()}
        assert "mkldnn::_convolution_pointwise" in names
        assert not names & {"aten::clone", "aten::contiguous", "aten::convolution", "aten::relu"}


@needs_packing
def test_maps_stay_in_channels_last() -> None:
    spec = hg.load_spec(SMALL, {"head": {"kind": "segmentation", "classes": 3}})
    result = hg.build_module(spec, optimize="inference")(torch.randn(2, 3, 64, 64))
    assert isinstance(result, torch.Tensor)
    assert result.is_contiguous(memory_format=torch.channels_last)


@needs_packing
def test_packing_is_a_second_copy_and_leaves_the_weights(network: Network) -> None:
    fast = optimize_for_inference(network)
    held = dict(fast.state_dict(keep_vars=True))
    expected = {key: value.clone() for key, value in held.items()}
    x, small = torch.randn(1, 3, 64, 64), torch.randn(1, 3, 32, 32)
    first = fast(x)
    assert same(fast(small), network(small))
    assert all(value is held[key] for key, value in fast.state_dict(keep_vars=True).items())
    assert all(torch.equal(value, expected[key]) for key, value in held.items())
    assert torch.equal(fast(x), first)


@needs_packing
def test_programs_are_kept_for_the_shapes_that_came_last(network: Network) -> None:
    fast = optimize_for_inference(network)
    for size in (64, 32, 64, 96):
        fast(torch.randn(1, 3, size, 64))
    assert [shape[2] for shape in fast._packed.programs] == [64, 96]
    kept = fast._packed.programs
    fast(torch.randn(1, 3, 64, 64))
    assert [shape[2] for shape in fast._packed.programs] == [96, 64]
    assert all(program is kept[shape] for shape, program in fast._packed.programs.items())


@needs_packing
def test_new_weights_are_packed_anew(network: Network) -> None:
    fast = optimize_for_inference(network)
    x = torch.randn(1, 3, 64, 64)
    before = fast(x)
    with torch.no_grad():
        for value in fast.parameters():
            value.mul_(0.5)
    written = fast(x)
    assert not torch.equal(written, before)
    fast.load_state_dict(optimize_for_inference(network).state_dict())
    assert torch.equal(fast(x), before)


@needs_packing
def test_an_interrupted_packing_leaves_the_weights(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = optimize_for_inference(network)
    calls: Iterator[int] = iter(range(1000))

    def interrupted(*arguments: Any) -> torch.Tensor:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return packed.pack(*arguments)

    x = torch.randn(1, 3, 64, 64)
    with monkeypatch.context() as patched:
        patched.setattr(inference, "pack", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fast(x)
    assert same(fast(x), network(x))


@needs_packing
def test_a_failure_after_packing_leaves_the_weights(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = optimize_for_inference(network)
    x = torch.randn(1, 3, 64, 64)
    with monkeypatch.context() as patched:
        patched.setattr(inference, "Program", lambda *_: (_ for _ in ()).throw(MemoryError))
        with pytest.raises(MemoryError):
            fast(x)
    assert same(fast(x), network(x))
    assert not any(value.is_meta for value in fast.parameters())


@needs_packing
def test_weights_asked_for_early_stay_and_count(network: Network) -> None:
    fast = optimize_for_inference(network)
    held = dict(fast.named_parameters())
    x = torch.randn(1, 3, 64, 64)
    before = fast(x)
    assert all(value is held[key] for key, value in fast.named_parameters())
    with torch.no_grad():
        held["conv1.weight"].mul_(0.5)
    assert not torch.equal(fast(x), before)


@needs_packing
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_a_parameter_put_in_the_place_of_another_counts(network: Network, name: str) -> None:
    fast = optimize_for_inference(network)
    x = torch.randn(1, 3, 64, 64)
    fast(x)
    value = torch.randn_like(optimize_for_inference(network).state_dict()[f"conv1.{name}"])
    expected = optimize_for_inference(network)
    expected.load_state_dict({**expected.state_dict(), f"conv1.{name}": value})
    for _ in range(2):
        setattr(fast.conv1, name, torch.nn.Parameter(value.clone(), requires_grad=False))
        assert same(fast(x), expected(x))
        value.mul_(0.5)  # lies where the one before it lay
        expected.load_state_dict({**expected.state_dict(), f"conv1.{name}": value})


@needs_packing
@pytest.mark.parametrize("tied", [True, False])
def test_weights_that_are_lent_are_given_back(network: Network, tied: bool) -> None:
    fast, other = optimize_for_inference(network), optimize_for_inference(network)
    x = torch.randn(1, 3, 64, 64)
    lent = {key: value * 0.5 for key, value in other.named_parameters()}
    before = fast(x)
    result = torch.func.functional_call(fast, lent, (x,), tie_weights=tied)
    other.load_state_dict(lent)
    assert same(result, other(x))
    assert same(fast(x), before)
    assert not any(value.is_meta for value in fast.state_dict().values())


@needs_packing
def test_what_is_done_to_all_layers_counts(network: Network) -> None:
    fast = optimize_for_inference(network)
    x = torch.randn(1, 3, 64, 64)
    before = fast(x)

    def zero(layer: torch.nn.Module) -> None:
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.zeros_(layer.weight)

    fast.apply(zero)
    assert not torch.equal(fast(x), before)
    assert not fast.get_parameter("conv1.weight").any()


@needs_packing
def test_a_shallow_copy_leaves_the_weights(network: Network) -> None:
    fast = optimize_for_inference(network)
    x = torch.randn(1, 3, 64, 64)
    assert same(copy.copy(fast)(x), network(x))
    assert same(fast(x), network(x))


@needs_packing
def test_the_trial_is_made_in_no_context_of_the_caller() -> None:
    for context in (torch.autocast("cpu", torch.bfloat16), torch.device("meta")):
        packed.available.cache_clear()
        with context:
            assert packed.available(torch.float32)


def test_the_operators_are_tried_before_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not packed.available(torch.float64)
    packed.available.cache_clear()
    monkeypatch.setattr(packed, "pack", lambda *_: (_ for _ in ()).throw(AttributeError("gone")))
    assert not packed.available(torch.float32)
    packed.available.cache_clear()
    monkeypatch.undo()
    wrong = replace(ACTIVATIONS["relu6"], packed=Packed("relu"))
    monkeypatch.setattr(packed, "activation_row", {**ACTIVATIONS, "relu6": wrong}.get)
    assert not packed.available(torch.float32, frozenset({"relu6"}))
    packed.available.cache_clear()


@needs_packing
@pytest.mark.filterwarnings("ignore:TF32")
def test_mkldnn_switched_off_is_respected(network: Network) -> None:
    fast = optimize_for_inference(network)
    x = torch.randn(1, 3, 64, 64)
    with torch.backends.mkldnn.flags(enabled=False):
        assert same(fast(x), network(x))
    assert not fast._packed.programs
