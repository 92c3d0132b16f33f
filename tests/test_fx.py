"""torch.fx traces the module, and torchvision takes feature maps out of it by name."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from small import HEADS, maps_of, with_head
from torch import nn
from torch.fx import symbolic_trace
from torchvision.models.feature_extraction import create_feature_extractor

import hrnet_graph as hg
from hrnet_graph.compiler.torch.network import Scope

NORMS: list[Any] = ["batch", "sync_batch", {"kind": "group", "groups": 2}]
PARTS = ["layer1", "stage2", "stage2.0.fuse_layers.0", "stage3.0.branches.1", "stage3"]


def image(batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def assert_same(first: nn.Module, second: nn.Module, *inputs: torch.Tensor) -> None:
    """Both say the same of the inputs, with the same dropout."""
    results = []
    for module in (first, second):
        torch.manual_seed(2)
        with torch.no_grad():
            results.append(maps_of(module(*inputs)))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("norm", NORMS, ids=str)
@pytest.mark.parametrize("head", HEADS, ids=lambda head: head["kind"])
def test_a_trace_computes_what_the_network_does(head: dict[str, Any], norm: Any) -> None:
    upsample = "bilinear" if norm == "batch" else "nearest"
    model = with_head(head, norm=norm, **{"fuse.upsample": upsample})
    for mode in (True, False):
        traced = symbolic_trace(copy.deepcopy(model).train(mode))
        assert_same(copy.deepcopy(model).train(mode), traced, image())
    assert [node.name for node in traced.graph.nodes if node.op == "placeholder"] == ["x"]
    assert_same(model.eval(), traced, image(batch=1))


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head["kind"])
def test_torchvision_extracts_what_a_hook_sees(head: dict[str, Any]) -> None:
    model = with_head(head).eval()
    extractor = create_feature_extractor(model, PARTS).eval()
    seen: dict[str, torch.Tensor] = {}
    for part in PARTS:

        def keep(_: object, __: object, result: Any, part: str = part) -> None:
            seen[part] = maps_of(result)[-1]  # torchvision takes the last of several

        model.get_submodule(part).register_forward_hook(keep)
    with torch.no_grad():
        model(image())
        found = extractor(image())
    assert set(found) == set(PARTS)
    for part in PARTS:
        assert torch.equal(found[part], seen[part]), part


def test_an_extractor_trains() -> None:
    model = with_head(HEADS[0])
    extractor = create_feature_extractor(model, {"stage3": "maps"})
    extractor.train()(image())["maps"].square().mean().backward()
    trained = {key for key, value in extractor.named_parameters() if value.grad is not None}
    assert "stage3.0.branches.2.0.conv1.weight" in trained
    assert not any(key.startswith("classifier") for key in dict(extractor.named_parameters()))


def test_every_scope_is_traced_by_itself() -> None:
    model = with_head(HEADS[5]).eval()
    calls: list[tuple[Scope, tuple[torch.Tensor, ...]]] = []
    for scope in model.modules():
        if isinstance(scope, Scope):
            scope.register_forward_pre_hook(lambda scope, inputs: calls.append((scope, inputs)))
    with torch.no_grad():
        model(image())
    assert len(calls) > 30
    for scope, _ in calls:
        scope._forward_pre_hooks.clear()
    for scope, inputs in calls:
        assert_same(scope, symbolic_trace(scope), *inputs)


def test_a_scope_of_one_input_takes_it_by_name() -> None:
    block = with_head(HEADS[0]).eval().layer1[0]
    x = torch.randn(1, 8, 16, 16)
    assert torch.equal(block(x=x), block(x))


@pytest.mark.parametrize("unit", ["module", "block"])
def test_what_runs_again_stays_whole_and_runs_again(unit: Any) -> None:
    plain = with_head(HEADS[0])
    model = hg.build_module(plain.graph, checkpoint_activations=unit)
    model.load_state_dict(plain.state_dict())
    traced = symbolic_trace(model)
    again = {key for key, part in model.named_modules() if getattr(part, "_recomputed", False)}
    assert again <= {node.target for node in traced.graph.nodes if node.op == "call_module"}
    extractor = create_feature_extractor(model, ["stage2"])
    runs = 0

    def count(*_: object) -> None:
        nonlocal runs
        runs += 1

    layer = extractor.get_submodule("stage2.0.branches.0.0.conv1")
    layer.register_forward_hook(count)
    expected = create_feature_extractor(plain, ["stage2"])(image())["stage2"]
    found = extractor(image())["stage2"]
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    assert runs == 2


def test_a_network_for_inference_is_traced() -> None:
    model = hg.build_module("hrnet_w18_small_v1_cls", optimize="inference")
    x = image()
    traced = symbolic_trace(model)
    with torch.no_grad():
        torch.testing.assert_close(traced(x), model(x), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", hg.list_specs())
def test_every_network_of_the_catalogue(name: str) -> None:
    model = hg.build_module(name, device="meta").eval()
    x = torch.empty(1, *model.graph.input.type.shape, device="meta")
    traced, direct = (maps_of(run(x)) for run in (symbolic_trace(model), model))
    assert [value.shape for value in traced] == [value.shape for value in direct]
    paths = [scope.path for scope in model.graph.scopes if scope.kind == "module"]
    stage = paths[0].rpartition(".")[0]  # that of two branches, whatever it is called
    if stage not in dict(model.named_modules()):
        return  # its branches stand at the top, as DDRNet's
    last = [path for path in paths if path.startswith(f"{stage}.")][-1]
    maps = create_feature_extractor(model, [stage])(x)
    assert maps[stage].shape[1:] == model.graph[f"{last}.fuse_layers.1.act"].type.shape
