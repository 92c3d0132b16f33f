"""What is elementwise runs again in the backward pass: bit for bit the same, and nothing unseen."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
from small import SMALL
from torch import Tensor

import hrnet_graph as hg
from hrnet_graph.compiler.torch import elementwise
from hrnet_graph.compiler.torch.network import Network


def pair(changes: dict[str, object]) -> tuple[Network, Network]:
    torch.manual_seed(0)
    spec = hg.load_spec(SMALL, changes)
    plain = hg.build_module(spec)
    saving = hg.build_module(spec, checkpoint_activations="elementwise")
    saving.load_state_dict(plain.state_dict())
    return plain, saving


def gradients(model: Network, image: Tensor, times: int = 1) -> list[Tensor]:
    loss = model(image).square().mean()
    for last in reversed(range(times)):
        loss.backward(retain_graph=bool(last))
    return [value.grad for value in model.parameters() if value.grad is not None]


def assert_same(pairs: tuple[Network, Network], image: Tensor, times: int = 1) -> None:
    ours, theirs = (gradients(model, image, times) for model in pairs)
    assert len(ours) == len(theirs) == len([*pairs[0].parameters()])
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": "silu"},
        {"norm": {"kind": "group", "groups": 2}},
        {"norm": "sync_batch"},
        {"activation": "gelu"},
    ],
    ids=str,
)
def test_gradients_are_equal_to_the_bit(changes: dict[str, object]) -> None:
    assert_same(pair(changes), torch.randn(2, 3, 64, 96))


def test_they_are_in_channels_last_under_autocast_and_a_second_time() -> None:
    form: Any = {"memory_format": torch.channels_last}
    plain, saving = (model.to(**form) for model in pair({}))
    with torch.autocast("cpu", torch.bfloat16):
        losses = [m(torch.ones(2, 3, 64, 64).to(**form)).square().mean() for m in (plain, saving)]
    for loss in losses:
        loss.backward(retain_graph=True)
        loss.backward()
    for ours, theirs in zip(plain.parameters(), saving.parameters(), strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        assert torch.equal(ours.grad, theirs.grad)


@pytest.mark.parametrize("depth", [2, 3])
def test_a_long_chain_is_kept_in_between(monkeypatch: pytest.MonkeyPatch, depth: int) -> None:
    """Also where what is kept would next be overwritten, which ReLU alone can do twice."""
    monkeypatch.setattr(elementwise, "DEPTH", depth)
    changes: dict[str, object] = {"stages.2.blocks": 6, "activation": "silu"}
    assert_same(pair(changes), torch.randn(2, 3, 64, 64), times=2)


def test_what_a_hook_changes_is_kept() -> None:
    pairs = pair({})
    for model in pairs:
        model.get_submodule("stage3.0.branches.0.0.bn1").register_forward_hook(
            lambda _layer, _x, y: 2 * y
        )
        model.get_submodule("stage3.0.branches.0.0.act1").register_forward_hook(
            lambda _layer, _x, y: y.tanh()
        )
    assert_same(pairs, torch.randn(2, 3, 64, 64))


def test_a_weight_written_to_before_the_backward_pass_is_refused() -> None:
    _, saving = pair({})
    loss = saving(torch.randn(2, 3, 64, 64)).square().mean()
    with torch.no_grad():
        saving.get_parameter("stage3.0.branches.0.0.conv2.weight").mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_nothing_outlives_its_graph() -> None:
    """What autograd keeps of a result must not hold that result's own history."""
    _, saving = pair({})
    seen: list[weakref.ref[Tensor]] = []
    saving.get_submodule("stage3.0").register_forward_hook(
        lambda _layer, _x, y: seen.extend(weakref.ref(value) for value in y)
    )
    gc.disable()
    try:
        saving(torch.randn(2, 3, 64, 64))
        assert seen
        assert not [kept for kept in seen if kept() is not None]
    finally:
        gc.enable()
