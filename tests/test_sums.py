"""Sums that training writes over what nobody else reads: the same bits, and nobody sees it."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import torch
from rule_specs import random_spec
from small import SMALL, maps_of
from torch import Tensor, nn

import hrnet_graph as hg
from hrnet_graph.compiler.torch import layers
from hrnet_graph.compiler.torch.layers import Summed
from hrnet_graph.compiler.torch.network import Network

SHORTCUT = "stage3.0.branches.0.0"


def trained(model: Network, image: Tensor) -> Iterator[Tensor]:
    """The outputs and gradients of one step."""
    torch.manual_seed(3)
    results = maps_of(model(image))
    torch.stack([result.float().square().mean() for result in results]).sum().backward()
    yield from (result.detach() for result in results)
    yield from (x.grad for x in model.parameters() if x.grad is not None)


def assert_same_apart(model: Network, image: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is the same to the last bit where no sum is written over anything."""
    plain = copy.deepcopy(model)
    ours = [*trained(model, image)]
    with monkeypatch.context() as patch:
        patch.setattr(layers, "_runs_plainly", lambda _x: False)
        theirs = [*trained(plain, image)]
    assert len(ours) == len(theirs) > 2
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("kind", ["basic", "inverted_residual", "transformer"])
def test_a_step_is_the_same_to_the_last_bit(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = random_spec(f"sums of {kind}", block=kind)
    assert data
    model = hg.build_module(data)
    image = torch.randn(2, *model.graph.input.type.shape)
    assert_same_apart(model, image, monkeypatch)


def test_in_bfloat16_and_channels_last_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = hg.build_module(SMALL).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        assert_same_apart(model, torch.randn(2, 3, 64, 64), monkeypatch)


def adds_in_place(model: Network, image: Tensor) -> bool:
    """Whether the step of one shortcut wrote over what its norm gave."""
    apart: list[bool] = []
    layer = model.get_submodule(f"{SHORTCUT}.sum")
    assert isinstance(layer, Summed)
    compute = layer._compute  # a plain sum calls it

    def noted(*x: Tensor) -> Tensor:
        apart.append(True)
        return compute(*x)

    layer._compute = noted
    maps_of(model(image))[0].sum().backward()
    layer._compute = compute
    return not apart


def test_a_shortcut_is_added_in_place_where_nobody_looks() -> None:
    model, image = hg.build_module(SMALL), torch.randn(2, 3, 64, 64)
    assert isinstance(model.get_submodule(f"{SHORTCUT}.sum"), Summed)
    assert adds_in_place(model, image)
    norm = model.get_submodule(f"{SHORTCUT}.bn2")
    assert isinstance(norm, nn.BatchNorm2d)
    seen: list[Tensor] = []
    hook = norm.register_forward_hook(lambda _layer, x, y: seen.extend((x[0], y)))
    assert not adds_in_place(model, image)
    expected = nn.functional.batch_norm(seen[0], None, None, norm.weight, norm.bias, True)
    torch.testing.assert_close(seen[1], expected)
    hook.remove()
    norm.register_full_backward_hook(lambda _layer, _before, _after: None)
    assert not adds_in_place(model, image)


def test_another_layer_in_the_place_of_a_norm_keeps_what_it_gives() -> None:
    """A sigmoid's backward pass reads what it gave."""
    model, image = hg.build_module(SMALL), torch.randn(2, 3, 64, 64)
    model.get_submodule(SHORTCUT).bn2 = nn.Sigmoid()
    assert not adds_in_place(model, image)


def test_under_vmap_what_is_added_may_be_larger() -> None:
    """A network for each of several weights of a shortcut, whose main branch is the same for all."""
    model = hg.build_module(
        hg.load_spec(SMALL, {"stages.0.block": "basic", "stages.0.channels": [16]})
    )
    key = next(key for key in model.state_dict() if key.endswith("downsample.0.weight"))
    several = torch.randn(3, *model.state_dict()[key].shape)
    image = torch.randn(2, 3, 64, 64)
    model.eval()
    call = torch.func.functional_call
    mapped = torch.vmap(lambda weight: call(model, {key: weight}, (image,)))(several)
    for weight, result in zip(several, mapped, strict=True):
        torch.testing.assert_close(result, call(model, {key: weight}, (image,)))
