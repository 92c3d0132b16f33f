"""Frozen parts of a network stay as they are, whatever training does."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from small import HEADS, SMALL, maps_of, with_head
from torch import nn

import hrnet_graph as hg

X = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
STEM = ("conv1.", "bn1.", "conv2.", "bn2.")
UPTO_STAGE2 = (*STEM, "layer1.", "transition1.", "stage2.")


def train_a_step(model: nn.Module, image: torch.Tensor = X) -> set[str]:
    """The entries of the `state_dict` that a step of training changes."""
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.train()
    trained = [value for value in model.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    torch.stack([x.square().mean() for x in maps_of(model(image))]).sum().backward()
    optimiser.step()
    assert all(value.grad is not None for value in trained)
    return {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head["kind"])
@pytest.mark.parametrize("norm", ["batch", "sync_batch"])
def test_training_leaves_it_and_trains_the_rest(head: dict[str, Any], norm: str) -> None:
    model = with_head(head, norm=norm)
    parts = hg.freeze(model, upto="stage2")
    assert parts == ("stem", "layer1", "transition1", "stage2")
    changed = train_a_step(model)
    assert not {key for key in changed if key.startswith(UPTO_STAGE2)}
    others = {key for key, value in model.named_parameters() if not key.startswith(UPTO_STAGE2)}
    biases = {key for key in others if key.endswith("bias")}  # of convolutions in front of a norm
    assert others - biases <= changed
    assert any(key.startswith("stage3.") and key.endswith("running_mean") for key in changed)


def test_frozen_norms_stay_in_evaluation() -> None:
    model = with_head(HEADS[0]).eval()
    hg.freeze(model, upto="stem")
    assert not model.training
    wrapped = nn.Sequential(model)
    for network in (
        wrapped.train(),
        copy.deepcopy(wrapped).train(),
        pickle.loads(pickle.dumps(wrapped)).train(),
    ):
        inner: Any = network[0]
        assert inner.training
        assert not inner.bn1.training
        assert not inner.bn2.training
        assert inner.layer1[0].bn1.training


def test_the_last_call_counts() -> None:
    model = with_head(HEADS[0])
    everything = {key for key, _ in model.named_parameters()}
    own = model.stage3[0].get_submodule("branches.0.0.conv1")
    own.requires_grad_(False)
    assert hg.freeze(model, upto="head")[-1] == "head"
    assert not any(value.requires_grad for value in model.parameters())
    own_key = "stage3.0.branches.0.0.conv1.weight"
    hg.freeze(model, upto=None)
    hg.freeze(model, upto="stage1")
    frozen = {key for key, value in model.named_parameters() if not value.requires_grad}
    assert frozen == {key for key in everything if key.startswith((*STEM, "layer1."))}
    assert own_key not in frozen
    assert all(layer.training for layer in model.stage2.modules())
    assert hg.freeze(model, upto=None) == ()
    assert all(value.requires_grad for value in model.parameters())
    assert all(layer.training for layer in model.modules())


@pytest.mark.parametrize(
    ("upto", "nearest"), [("stage33", "stage3"), ("steem", "stem"), ("transition 2", "transition2")]
)
def test_a_wrong_name_is_answered_with_the_right_one(upto: str, nearest: str) -> None:
    model = with_head(HEADS[0])
    with pytest.raises(hg.HRNetGraphError) as refused:
        hg.freeze(model, upto=upto)
    said = f"no part '{upto}' in {model.graph.name}; did you mean '{nearest}'? (known: stem, "
    assert said in str(refused.value)
    assert all(value.requires_grad for value in model.parameters())


def test_an_optimized_network_is_refused() -> None:
    model = hg.build_module("hrnet_w18_small_v1_cls", optimize="inference")
    with pytest.raises(hg.HRNetGraphError, match="is optimized for inference"):
        hg.freeze(model, upto="stem")


@pytest.mark.parametrize(
    "unit", [None, *(pytest.param(unit, marks=pytest.mark.slow) for unit in ("module", "block"))]
)
def test_it_goes_with_checkpointing_and_compilation(unit: Any) -> None:
    torch.manual_seed(0)
    spec = hg.load_spec(SMALL, {"stages.2.modules": 1})
    model = hg.build_module(spec, checkpoint_activations=unit)
    hg.freeze(model, upto="stage2")
    compiled: Any = torch.compile(copy.deepcopy(model), backend="aot_eager", fullgraph=True)
    changed = train_a_step(model)
    assert not {key for key in changed if key.startswith(UPTO_STAGE2)}
    compiled.train()(X).square().mean().backward()
    assert {key for key, value in compiled._orig_mod.named_parameters() if value.grad is None} == {
        key for key, _ in model.named_parameters() if key.startswith(UPTO_STAGE2)
    }


@pytest.mark.parametrize(
    "name", ["hrnetv2_w18_landmark_wflw", "higherhrnet_w32_512", "hrnetv2p_w18"]
)
def test_published_networks_have_their_stages(name: str) -> None:
    model = hg.build_module(name, device="meta")
    assert hg.freeze(model, upto="stage4")[-1] == "stage4"
    trained = [key for key, value in model.named_parameters() if value.requires_grad]
    assert trained
    assert not any("stage" in key or "layer1" in key for key in trained)
