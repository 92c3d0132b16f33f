"""The module behaves as people expect of a torch module."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from published import relative_error
from small import HEADS, SMALL, maps_of, with_head
from torch import nn
from torch.utils.checkpoint import checkpoint

import hrnet_graph as hg
from hrnet_graph.compiler.torch.network import Network


@pytest.fixture
def small() -> Network:
    torch.manual_seed(0)
    return hg.build_module(SMALL).eval()


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def run(model: nn.Module, image: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        result = model(image)
    assert isinstance(result, torch.Tensor)
    return result


def test_accepts_a_spec_a_name_a_path_and_a_graph(tmp_path: Path) -> None:
    spec = hg.load_spec("hrnet_w18_small_v1_cls")
    path = tmp_path / "mine.yaml"
    path.write_text("extends: hrnet_w18_small_v1_cls\n")
    with torch.device("meta"):
        models = [
            hg.build_module(source)
            for source in ("hrnet_w18_small_v1_cls", spec, path, str(path), hg.build_graph(spec))
        ]
    assert len({tuple(model.state_dict()) for model in models}) == 1


def test_prints_readably(small: Network) -> None:
    text = str(small)
    assert text.startswith("small(\n  (conv1): Conv2d(3, 8,")
    for line in ("(layer1): Stage(", "(0): HighResolutionModule(", "(0): BasicBlock("):
        assert line in text
    assert "_plan" not in text


def test_scopes_are_reached_by_index(small: Network) -> None:
    assert small.stage3[0] is small.get_submodule("stage3.0")
    assert small.stage3[-1] is small.stage3[1]
    assert len(small.stage3) == 2
    assert list(small.stage3) == [small.stage3[0], small.stage3[1]]
    assert small.transition2[2] is small.get_submodule("transition2.2")
    with pytest.raises(IndexError, match="Transition has no submodule 0, only 2"):
        small.transition2[0]


def test_scopes_are_called_as_a_whole(small: Network, image: torch.Tensor) -> None:
    calls: dict[str, tuple[int, int]] = {}
    for key in ("layer1.0", "stage2.0", "stage3.1", "stage3", "stage3.0.fuse_layers.1"):

        def record(
            _: object, inputs: tuple[torch.Tensor, ...], result: object, key: str = key
        ) -> None:
            calls[key] = (len(inputs), len(result) if isinstance(result, tuple) else 1)

        small.get_submodule(key).register_forward_hook(record)
    run(small, image)
    assert calls == {
        "layer1.0": (1, 1),
        "stage2.0": (2, 2),
        "stage3.1": (3, 3),
        "stage3": (3, 3),
        "stage3.0.fuse_layers.1": (3, 1),
    }


def test_branches_come_finest_first(small: Network, image: torch.Tensor) -> None:
    sizes: list[list[int]] = []
    small.stage3[0].register_forward_hook(
        lambda _, inputs, result: sizes.extend(
            [[x.shape[2] for x in inputs], [x.shape[2] for x in result]]
        )
    )
    run(small, image)
    assert sizes == [[16, 8, 4], [16, 8, 4]]


def test_a_scope_says_how_many_tensors_it_takes(small: Network) -> None:
    with pytest.raises(TypeError, match=re.escape("stage3.0 takes 3 tensors, got 1")):
        small.stage3[0](torch.randn(1, 4, 16, 16))


def test_a_module_in_place_of_a_scope_is_used(small: Network, image: torch.Tensor) -> None:
    class Zero(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(x)

    before = run(small, image)
    branches = small.get_submodule("stage2.0.branches")
    branches.add_module("0", Zero())
    assert not torch.equal(run(small, image), before)


def test_checkpointing_a_module_gives_the_same_gradients(
    small: Network, image: torch.Tensor
) -> None:
    class Checkpointed(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, *inputs: torch.Tensor) -> object:
            return checkpoint(self.inner, *inputs, use_reentrant=False)

    plain, saved = small, copy.deepcopy(small)
    saved.stage3.add_module("0", Checkpointed(saved.stage3[0]))
    for model in (plain, saved):
        model(image).square().sum().backward()
    ours = [value.grad for value in saved.parameters()]
    for expected, got in zip(plain.parameters(), ours, strict=True):
        assert expected.grad is not None
        assert got is not None
        torch.testing.assert_close(got, expected.grad)


def test_copies_and_pickles(small: Network, image: torch.Tensor) -> None:
    expected = run(small, image)
    for twin in (copy.deepcopy(small), pickle.loads(pickle.dumps(small))):
        assert torch.equal(run(twin, image), expected)
        assert twin.graph == small.graph


def _in_another_process(model: Network, image: torch.Tensor) -> list[float]:
    return [float(x) for x in run(model, image).flatten()]


def test_crosses_a_process_boundary(small: Network, image: torch.Tensor) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        result = pool.apply(_in_another_process, (small, image))
    assert result == pytest.approx([float(x) for x in run(small, image).flatten()], rel=1e-5)


@pytest.mark.parametrize("size", [(64, 64), (32, 96), (61, 64)])
@pytest.mark.parametrize("batch", [1, 3])
def test_takes_any_legal_batch_and_size(small: Network, batch: int, size: tuple[int, int]) -> None:
    assert run(small, torch.randn(batch, 3, *size)).shape == (batch, 5)


def test_refuses_an_illegal_size_in_one_sentence(small: Network) -> None:
    message = "small: input 70x64 does not fit: stage3.0 fuse 0 adds 20x16 to 18x16"
    with pytest.raises(hg.InputError, match=message) as caught:
        small(torch.randn(1, 3, 70, 64))
    assert "use 64x64, or fuse.upsample: bilinear" in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "got"), [((1, 4, 64, 64), "1x4x64x64"), ((3, 64, 64), "3x64x64"), ((), "a scalar")]
)
def test_refuses_what_is_no_batch_of_images(
    small: Network, shape: tuple[int, ...], got: str
) -> None:
    with pytest.raises(hg.InputError, match=f"takes images of shape N x 3 x H x W, got {got}"):
        small(torch.randn(shape))


def test_works_in_bfloat16_and_under_autocast(small: Network, image: torch.Tensor) -> None:
    expected = run(small, image)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = run(small, image)
    half = run(copy.deepcopy(small).to(torch.bfloat16), image.to(torch.bfloat16))
    assert half.dtype == torch.bfloat16
    for result in (mixed, half):
        assert relative_error(result.float(), expected) < 0.1


def test_works_in_channels_last(small: Network, image: torch.Tensor) -> None:
    expected = run(small, image)
    small.to(memory_format=torch.channels_last)
    result = run(small, image.to(memory_format=torch.channels_last))
    assert relative_error(result, expected) < 1e-5


def test_works_on_the_meta_device() -> None:
    model = hg.build_module("hrnet_w64_cls", device="meta")
    assert all(value.is_meta for value in model.state_dict().values())
    assert model(torch.empty(2, 3, 224, 224, device="meta")).shape == (2, 1000)


def test_compiles_without_a_break(small: Network, image: torch.Tensor) -> None:
    compiled = torch.compile(small, fullgraph=True, backend="eager")
    with torch.no_grad():
        result = compiled(image)
    assert relative_error(result, run(small, image)) < 1e-6


def test_exports_with_a_dynamic_batch(small: Network, image: torch.Tensor) -> None:
    batch = torch.export.Dim("batch", min=1, max=64)
    exported = torch.export.export(small, (image,), dynamic_shapes=({0: batch},))
    other = torch.randn(5, 3, 64, 64)
    assert relative_error(exported.module()(other), run(small, other)) < 1e-5


def test_same_seed_same_weights() -> None:
    models = []
    for _ in range(2):
        torch.manual_seed(7)
        models.append(hg.build_module(SMALL).state_dict())
    assert all(torch.equal(models[0][key], models[1][key]) for key in models[0])


def test_classifier_starts_as_published() -> None:
    torch.manual_seed(0)
    model = hg.build_module("hrnet_w18_small_v1_cls")
    conv = model.get_submodule("stage4.0.branches.3.0.conv1")
    assert isinstance(conv, nn.Conv2d)
    fan_out = conv.out_channels * 9
    assert float(conv.weight.detach().std()) == pytest.approx((2 / fan_out) ** 0.5, rel=0.02)
    final = model.get_submodule("final_layer.0")
    assert isinstance(final, nn.Conv2d)
    assert final.bias is not None
    assert 0 < float(final.bias.detach().abs().max()) <= 1 / final.in_channels**0.5
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert torch.equal(layer.weight, torch.ones_like(layer.weight))
            assert not layer.bias.any()
            assert not layer.running_mean.any()


def test_pose_starts_as_published() -> None:
    torch.manual_seed(0)
    model = hg.build_module("hrnet_w32_pose_256x192")
    conv = model.get_submodule("stage4.0.branches.3.0.conv1")
    final = model.get_submodule("final_layer")
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(final, nn.Conv2d)
    assert float(conv.weight.detach().std()) == pytest.approx(0.001, rel=0.02)
    assert final.bias is not None
    assert not final.bias.any()


def test_features_only_gives_maps_finest_first() -> None:
    model = hg.build_module("hrnet_w18_small_v2_cls", features_only=True).eval()
    with torch.inference_mode():
        maps = model(torch.randn(1, 3, 64, 64))
    assert [tuple(x.shape[1:]) for x in maps] == [(18 * 2**i, 16 >> i, 16 >> i) for i in range(4)]
    assert not any(key.startswith("incre_modules") for key in model.state_dict())
    with pytest.raises(hg.HRNetGraphError, match="features_only needs a spec"):
        hg.build_module(model.graph, features_only=True)


@pytest.mark.parametrize("head", HEADS)
def test_one_step_on_two_images_lowers_the_loss(head: dict[str, Any]) -> None:
    model = with_head(head, **{"stages.2.modules": 2})
    images = torch.randn(2, 3, 64, 64)
    targets: list[torch.Tensor] = []

    def loss() -> torch.Tensor:
        maps = maps_of(model(images))
        if not targets:
            targets.extend(torch.randn_like(x) for x in maps)
        pairs = zip(maps, targets, strict=True)
        return torch.stack([(x - y).square().mean() for x, y in pairs]).sum()

    optimiser = torch.optim.SGD(model.parameters(), lr=1e-4)
    before = loss()
    before.backward()
    assert all(value.grad is not None for value in model.parameters())
    optimiser.step()
    assert float(loss().detach()) < float(before.detach())


def test_a_head_that_reads_every_pixel_is_for_one_size() -> None:
    model = with_head({"kind": "simcc", "joints": 2}).eval()
    sentence = "input 96x64 does not fit: mlp_head_x has weights for 64x64 alone"
    with pytest.raises(hg.InputError) as refused:
        model(torch.randn(1, 3, 96, 64))
    assert sentence in str(refused.value)
    assert "use 64x64" in str(refused.value)
