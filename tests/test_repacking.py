"""Whatever is done to an optimized network that has run packed, it is its own weights that count."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from inferred import filled, needs_packing, same
from published import fill
from torch import nn

from hrnet_graph.compiler.torch.inference import InferenceNetwork, optimize_for_inference
from hrnet_graph.compiler.torch.network import Network

pytestmark = [pytest.mark.usefixtures("one_thread"), needs_packing]

X = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def network() -> Network:
    return filled()


def packed(network: Network) -> InferenceNetwork:
    """A network that has packed its weights."""
    fast = optimize_for_inference(network)
    fast(X)
    assert fast._packed.programs
    return fast


def other(network: Network) -> Network:
    """The same network with other weights."""
    changed = copy.deepcopy(network)
    fill(changed)
    with torch.no_grad():
        for value in changed.parameters():
            value.mul_(0.9)
    return changed


def by_parent(fast: InferenceNetwork, weights: InferenceNetwork) -> None:
    nn.Sequential(fast).load_state_dict(nn.Sequential(weights).state_dict())


def by_parent_in_place_of(fast: InferenceNetwork, weights: InferenceNetwork) -> None:
    nn.Sequential(fast).load_state_dict(nn.Sequential(weights).state_dict(), assign=True)


def by_parts(fast: InferenceNetwork, weights: InferenceNetwork) -> None:
    for name, part in fast.named_children():
        part.load_state_dict(getattr(weights, name).state_dict())


def by_layers(fast: InferenceNetwork, weights: InferenceNetwork) -> None:
    with torch.no_grad():
        for ours, theirs in zip(fast.modules(), weights.modules(), strict=True):
            if isinstance(ours, nn.Conv2d | nn.Linear) and isinstance(
                theirs, nn.Conv2d | nn.Linear
            ):
                for value, new in zip(ours.parameters(), theirs.parameters(), strict=True):
                    value.copy_(new)


@pytest.mark.parametrize("load", [by_parent, by_parent_in_place_of, by_parts, by_layers])
def test_weights_that_are_loaded_count(
    network: Network, load: Callable[[InferenceNetwork, InferenceNetwork], None]
) -> None:
    weights = optimize_for_inference(other(network))
    fast = packed(network)
    before = fast(X)
    load(fast, weights)
    assert same(fast(X), other(network)(X))
    assert not same(fast(X), before)


def test_looking_at_it_does_nothing(network: Network) -> None:
    fast = packed(network)
    before, state = fast._packed, {key: id(value) for key, value in fast.__dict__.items()}
    for look in (
        repr,
        dir,
        lambda it: it.stage2.state_dict(),
        lambda it: list(it.named_modules()),
        lambda it: [layer.weight for layer in it.modules() if isinstance(layer, nn.Conv2d)],
        lambda it: it.get_parameter("conv1.weight"),
    ):
        look(fast)
    assert {key: id(value) for key, value in fast.__dict__.items()} == state
    fast(X)
    assert fast._packed is before


def test_it_overrides_nothing_by_which_modules_are_looked_at() -> None:
    theirs = ("__getattr__", "__dir__", "named_modules", "named_children", "state_dict", "_apply")
    assert not set(theirs) & vars(InferenceNetwork).keys()


def test_a_part_of_it_can_be_called(network: Network) -> None:
    expected = optimize_for_inference(network).conv1(X)
    assert same(packed(network).conv1(X), expected)


def test_a_network_with_a_new_weight_is_copied(network: Network) -> None:
    fast = packed(network)
    held = fast._modules["conv1"]
    assert isinstance(held, nn.Conv2d)
    held.weight = nn.Parameter(torch.zeros(held.weight.shape), requires_grad=False)
    for twin in (copy.deepcopy(fast), pickle.loads(pickle.dumps(fast))):
        assert same(twin(X), fast(X))


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_a_network_that_has_run_is_traced(network: Network) -> None:
    assert same(torch.jit.trace(packed(network), X)(X), network(X))
    assert same(torch.jit.trace(nn.Sequential(packed(network)), X)(X), network(X))


def test_a_network_that_has_run_is_compiled(network: Network) -> None:
    torch._dynamo.reset()
    model = nn.Sequential(packed(network))
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    assert same(compiled(X), network(X))
    assert same(model(X), network(X))
