"""Activation checkpointing: the same training in less memory."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from small import SMALL, maps_of
from strategies import specs
from torch import nn
from watch import Watch

import hrnet_graph as hg
from hrnet_graph.compiler.torch.activation_checkpointing import COMPILED_COUNTS_ONCE
from hrnet_graph.compiler.torch.network import Network, Scope

Unit = Literal["module", "block", "elementwise"]
UNITS: dict[Unit, float] = {"module": 0.6, "block": 0.6, "elementwise": 0.75}
"""And how much of the memory is held, at most."""
POSE: dict[str, Any] = {"head": {"kind": "heatmap", "joints": 2}, "stages.2.outputs": 1}
OCR = {"kind": "ocr", "classes": 3, "features": 16, "keys": 8, "dropout": 0.5}


def step(model: Callable[[torch.Tensor], Any], image: torch.Tensor) -> torch.Tensor:
    """A loss, its gradients and statistics of one training step, with fixed random numbers."""
    torch.manual_seed(3)
    loss = torch.stack([x.square().mean() for x in maps_of(model(image))]).sum()
    loss.backward()
    return loss.detach()


def pair(spec: Any, unit: Unit) -> tuple[Network, Network]:
    torch.manual_seed(0)
    plain = hg.build_module(spec)
    saving = hg.build_module(spec, checkpoint_activations=unit)
    saving.load_state_dict(plain.state_dict())
    return plain, saving


def assert_same_training(plain: nn.Module, saving: nn.Module) -> None:
    assert list(plain.state_dict()) == list(saving.state_dict())
    for (key, ours), theirs in zip(plain.named_parameters(), saving.parameters(), strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        torch.testing.assert_close(theirs.grad, ours.grad, msg=key)
    for (key, kept), other in zip(plain.named_buffers(), saving.buffers(), strict=True):
        assert torch.equal(kept, other), key


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("head", [SMALL["head"], OCR], ids=["classification", "ocr"])
def test_gradients_and_statistics_are_the_same(unit: Unit, head: dict[str, object]) -> None:
    plain, saving = pair(hg.load_spec(SMALL, {"head": head}), unit)
    image = torch.randn(2, 3, 64, 64)
    assert torch.equal(step(plain, image), step(saving, image))
    assert_same_training(plain, saving)
    assert int(saving.state_dict()["stage3.0.branches.0.0.bn1.num_batches_tracked"]) == 1


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs(max_stages=3))
def test_gradients_are_the_same_for_random_networks(data: dict[str, Any]) -> None:
    spec = {**data, "input": [data["input"][0], 64, 96]}
    for unit in UNITS:
        plain, saving = pair(spec, unit)
        image = torch.randn(2, *spec["input"])
        step(plain, image)
        step(saving, image)
        assert_same_training(plain, saving)


@pytest.mark.parametrize("unit", UNITS)
def test_each_output_has_a_backward_of_its_own(unit: Unit) -> None:
    plain, saving = pair(hg.load_spec(SMALL, {"head": {**OCR, "dropout": 0.0}}), unit)
    image = torch.randn(2, 3, 64, 64)
    for model in (plain, saving):
        first, second = maps_of(model(image))
        first.square().mean().backward(retain_graph=True)
        second.square().mean().backward()
    assert_same_training(plain, saving)


@pytest.mark.parametrize(
    ("unit", "some", "count"),
    [
        ("module", "stage3.1", 6),
        ("elementwise", "stage3.1", 6),
        ("block", "stage3.1.branches.2.0", 19),
    ],
)
def test_the_outermost_scopes_run_again(unit: Unit, some: str, count: int) -> None:
    model = hg.build_module(hg.load_spec(SMALL, {"head": "features"}), checkpoint_activations=unit)
    again = {
        key for key, part in model.named_modules() if isinstance(part, Scope) and part._recomputed
    }
    assert some in again
    assert len(again) == count
    assert not any(a != b and a.startswith(f"{b}.") for a in again for b in again)


@pytest.mark.parametrize("unit", UNITS)
def test_training_holds_less(unit: Unit) -> None:
    deeper = {"stages.2.modules": 4, "stages.1.blocks": 4, "stages.2.blocks": 4}
    plain, saving = pair(hg.load_spec(SMALL, {**POSE, **deeper}), unit)
    image = torch.randn(2, 3, 128, 128)
    peaks = []
    for model in (plain, saving):
        with Watch(image) as watch:
            step(model, image)
        peaks.append(watch.peak)
    assert peaks[1] < UNITS[unit] * peaks[0]


@pytest.mark.parametrize("unit", UNITS)
def test_evaluation_and_copies_are_the_same(unit: Unit) -> None:
    plain, saving = pair(SMALL, unit)
    image = torch.randn(1, 3, 64, 64)
    expected = plain.eval()(image)
    for twin in (saving.eval(), copy.deepcopy(saving), pickle.loads(pickle.dumps(saving))):
        assert torch.equal(twin(image), expected)


def test_an_activation_never_overwrites_what_runs_again() -> None:
    """A block that starts with an activation would otherwise find it applied already."""
    from hrnet_graph.ir.builder import Builder
    from hrnet_graph.ir.graph import Initialisation
    from hrnet_graph.ir.ops import Activation, BatchNorm

    b = Builder(BatchNorm(), Activation("silu"))
    with b.scope("@stem", kind="stem"):
        x = b.norm("bn1", b.conv("conv1", b.input((3, 8, 8)), 4))
    with b.scope("layer1", 0, kind="block"):
        x = b.conv("conv1", b.activation("act", x), 4, kernel=3)
    graph = b.finish(x, name="early", init=Initialisation(), head_init=Initialisation())
    torch.manual_seed(0)
    image = torch.randn(2, 3, 8, 8)
    for unit in UNITS:
        plain, saving = Network(graph), Network(graph, unit)
        saving.load_state_dict(plain.state_dict())
        step(plain, image)
        step(saving, image)
        assert_same_training(plain, saving)


def test_another_unit_is_refused() -> None:
    with pytest.raises(
        hg.HRNetGraphError,
        match="checkpoint_activations: expected 'module', 'block', 'elementwise' or None, got 'stage'",
    ):
        hg.build_module(SMALL, checkpoint_activations="stage")  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["module", "elementwise"])
def test_compiles_without_a_break(unit: Unit) -> None:
    plain, saving = pair(hg.load_spec(SMALL, {**POSE, "stages.2.modules": 1}), unit)
    image = torch.randn(2, 3, 32, 32)
    step(plain, image)
    step(torch.compile(saving, fullgraph=COMPILED_COUNTS_ONCE, backend="aot_eager"), image)
    assert_same_training(plain, saving)
