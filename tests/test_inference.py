"""The module that is optimized for inference gives what the network gives."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from inferred import filled, same
from published import fill, relative_error
from small import SMALL
from strategies import specs

import hrnet_graph as hg
from hrnet_graph.compiler.torch import inference, packed
from hrnet_graph.compiler.torch.export import export
from hrnet_graph.compiler.torch.inference import InferenceNetwork, optimize_for_inference
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.ir.sizes import fits

pytestmark = pytest.mark.usefixtures("one_thread")

run = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))

CATALOGUE = {
    "hrnet_w18_small_v1_cls": (64, 96),
    "hrnet_w32_pose_256x192": (64, 32),
    "hrnetv2_w18_small_v2_seg_cityscapes": (65, 90),
    "hrnetv2_w48_ocr_pascal_context59": (64, 32),
    "hrnetv2_w18_landmark_wflw": (64, 64),
    "hrnetv2p_w18": (64, 64),
    "higherhrnet_w32_512": (32, 64),
}
"""One network a kind of head, run at width 8, and an image size that it takes."""


@pytest.fixture(params=["packed", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways in which an optimized network runs."""
    if request.param == "plain":
        monkeypatch.setattr(inference, "usable", lambda x, *_: False)
    elif not packed.available(torch.float32):
        pytest.skip("this torch or machine packs no convolutions")
    return str(request.param)


@pytest.fixture
def network() -> Network:
    return filled()


def compare(model: Network, *shapes: tuple[int, ...], within: float = 1e-5) -> InferenceNetwork:
    """Holds an optimized network against the one that it was made from."""
    fast = optimize_for_inference(model)
    draw = torch.Generator().manual_seed(1)
    for shape in shapes:
        x = torch.randn(shape, generator=draw)
        before = x.clone()
        with torch.inference_mode():
            assert same(fast(x), model(x), within)
        assert torch.equal(x, before)
    return fast


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_gives_the_same(name: str, way: str) -> None:
    graph = hg.build_graph(hg.load_spec(name, {"width": 8}), CATALOGUE[name])
    model = hg.build_module(graph).eval()
    fill(model)
    fast = compare(model, (2, *graph.input.type.shape))
    assert bool(fast._packed.programs) is (way == "packed")


@run
@given(specs())
def test_random_networks_give_the_same(data: dict[str, Any]) -> None:
    try:
        graph = hg.build_graph(data)
    except hg.SpecError:
        graph = hg.build_graph(data, (64, 64))
    model = hg.build_module(graph).eval()
    fill(model)
    of_image = data["norm"]["kind"] in ("group", "layer", "instance")
    within = 1e-4 if of_image else 1e-5  # they round more in channels_last
    compare(model, (1, *graph.input.type.shape), (2, *graph.input.type.shape), within=within)


def test_takes_any_legal_batch_and_size_in_turn(network: Network, way: str) -> None:
    shapes = [(1, 3, 64, 64), (3, 3, 32, 96), (1, 3, 61, 64), (1, 3, 64, 64)]
    fast = compare(network, *shapes)
    assert len(fast._packed.programs) == (inference.PROGRAMS if way == "packed" else 0)


def test_refuses_with_the_same_sentences(network: Network) -> None:
    fast = optimize_for_inference(network)
    for shape in [(1, 3, 70, 64), (1, 4, 64, 64), (3, 64, 64)]:
        with pytest.raises(hg.InputError) as theirs:
            network(torch.randn(shape))
        with pytest.raises(hg.InputError) as ours:
            fast(torch.randn(shape))
        assert str(ours.value) == str(theirs.value)


@run
@given(specs())
def test_what_fits_the_graph_fits_the_optimised_one(data: dict[str, Any]) -> None:
    graph = hg.build_graph(data, (64, 64))
    fast = optimize_for_inference(hg.build_module(graph))
    for height, width in ((64, 64), (33, 65), (70, 64), (1, 1), (5, 90), (96, 160)):
        assert fits(graph, height, width) <= fits(fast.optimized, height, width)


def test_has_no_gradient_and_cannot_be_trained(network: Network, way: str) -> None:
    fast = optimize_for_inference(network)
    result = fast(torch.randn(1, 3, 64, 64, requires_grad=True))
    assert isinstance(result, torch.Tensor)
    assert not result.requires_grad
    assert not any(value.requires_grad for value in fast.parameters())
    assert not fast.training
    assert fast.eval() is fast
    with pytest.raises(hg.HRNetGraphError, match="small is optimized for inference and cannot"):
        fast.train()


def test_threads_may_call_it_at_once(network: Network, way: str) -> None:
    images = [torch.randn(1, 3, 64 + 16 * i, 64) for i in range(4)]
    expected = [network(image) for image in images]
    for _ in range(4):
        fast = optimize_for_inference(network)
        start = threading.Barrier(4)

        def work(i: int, fast: Network = fast, start: threading.Barrier = start) -> list[bool]:
            start.wait()
            turns = [(i + k) % 4 for k in range(6)]
            return [same(fast(images[k]), expected[k]) for k in turns]

        with ThreadPoolExecutor(4) as pool:
            assert all(all(found) for found in pool.map(work, range(4)))


def test_autocast_is_heeded(way: str) -> None:
    network = hg.build_module(
        hg.load_spec(SMALL, {"head": {"kind": "segmentation", "classes": 3}})
    ).eval()
    fast = optimize_for_inference(network)
    x = torch.randn(1, 3, 64, 64)
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16):
            result = fast(x)
        assert isinstance(result, torch.Tensor)
        assert result.dtype == torch.bfloat16
        assert same(fast(x), network(x))


@pytest.mark.parametrize("packs", [True, False])
def test_a_compiler_meets_no_lock(network: Network, packs: bool) -> None:
    fast = optimize_for_inference(network)
    x = torch.randn(1, 3, 64, 64)
    if packs:
        fast(x)
        fast.state_dict()
    assert same(torch.compile(fast, backend="eager", fullgraph=True)(x), network(x))
    assert same(fast(x), network(x))


def test_what_is_optimised_already_is_refused(network: Network, tmp_path: Path) -> None:
    fast = optimize_for_inference(network)
    hg.save(network, tmp_path / "net.pt")
    refused: list[Callable[[], object]] = [
        lambda: optimize_for_inference(fast),
        lambda: export(fast),
        lambda: hg.load_weights(fast, tmp_path / "net.pt"),
    ]
    for call in refused:
        with pytest.raises(hg.HRNetGraphError, match="small is optimized for inference, and its"):
            call()


def test_a_network_without_values_keeps_its_type() -> None:
    half = hg.build_module(SMALL, device="meta").half()
    assert {value.dtype for value in optimize_for_inference(half).state_dict().values()} == {
        torch.float16
    }


@pytest.mark.parametrize("device", [3.5, []])
def test_what_is_no_device_is_named(device: Any) -> None:
    with pytest.raises(hg.HRNetGraphError, match="no device "):
        hg.build_module(SMALL, device=device)


def test_copies_and_pickles(network: Network, way: str) -> None:
    fast = optimize_for_inference(network)
    x = torch.randn(1, 3, 64, 64)
    expected = fast(x)
    for twin in (copy.deepcopy(fast), pickle.loads(pickle.dumps(fast))):
        assert torch.equal(twin(x), expected)
    assert torch.equal(fast(x), expected)


def test_other_precisions(network: Network) -> None:
    x = torch.randn(1, 3, 64, 64)
    expected = network(x)
    double = optimize_for_inference(copy.deepcopy(network).double())
    half = optimize_for_inference(copy.deepcopy(network).bfloat16())
    assert isinstance(expected, torch.Tensor)
    for model, dtype, error in ((double, torch.float64, 1e-5), (half, torch.bfloat16, 0.1)):
        result = model(x.to(dtype))
        assert isinstance(result, torch.Tensor)
        assert result.dtype == dtype
        assert relative_error(result.to(torch.float32), expected) < error


def test_an_image_of_another_type_is_refused_as_by_torch(network: Network) -> None:
    fast = optimize_for_inference(network)
    fast(torch.randn(1, 3, 64, 64))
    with pytest.raises(RuntimeError):
        fast(torch.randn(1, 3, 64, 64).bfloat16())
    assert same(fast(torch.ones(1, 3, 64, 64)), network(torch.ones(1, 3, 64, 64)))


def test_build_module_and_load_optimize(network: Network, tmp_path: Path) -> None:
    torch.manual_seed(0)
    plain = hg.build_module(SMALL).eval()
    torch.manual_seed(0)
    fast = hg.build_module(SMALL, optimize="inference")
    x = torch.randn(1, 3, 64, 64)
    assert same(fast(x), plain(x))
    assert fast.graph == plain.graph
    path = tmp_path / "small.pt"
    hg.save(network, path)
    assert same(hg.load(path, optimize="inference")(x), network(x))
    with pytest.raises(hg.FileError, match="small is optimized for inference, and its weights"):
        hg.save(fast, path)
    with torch.device("meta"):
        assert hg.build_module(SMALL, optimize="inference")(x.to("meta")).shape == (1, 5)


def test_an_unknown_optimisation_is_named() -> None:
    with pytest.raises(hg.HRNetGraphError, match="unknown optimization 'speed'"):
        hg.build_module(SMALL, optimize="speed")  # type: ignore[arg-type]
    with pytest.raises(hg.HRNetGraphError, match="did you mean 'inference'"):
        hg.load("nowhere.pt", optimize="inferense")  # type: ignore[call-overload]
