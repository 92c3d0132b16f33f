"""`norm: sync_batch` is batch normalisation, over all processes."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from processes import in_two_processes
from small import SMALL
from torch import distributed, nn

import hrnet_graph as hg
from hrnet_graph.analysis.receptive_field import receptive_fields
from hrnet_graph.benchmark.verify import verify
from hrnet_graph.compiler.torch.sync_norm import SyncBatchNorm


def specs() -> tuple[hg.Spec, hg.Spec]:
    momentum = {"norm.momentum": 0.01}
    plain = hg.load_spec(SMALL, {"norm": "batch", **momentum})
    return plain, hg.load_spec(SMALL, {"name": plain.name, "norm": "sync_batch", **momentum})


def test_it_counts_and_looks_as_batch_norm(tmp_path: Path) -> None:
    plain, shared = (hg.build_graph(spec) for spec in specs())
    assert shared.state() == plain.state()
    reports = [hg.analyze(graph) for graph in (plain, shared)]
    assert reports[0].macs == reports[1].macs
    assert reports[0].by("op") == reports[1].by("op")
    assert receptive_fields(shared) == receptive_fields(plain)
    assert all(check.agrees for check in verify(shared))
    pictures = [tmp_path / name for name in ("a.dot", "b.dot")]
    for graph, path in zip((plain, shared), pictures, strict=True):
        hg.render(graph, path)
    assert pictures[0].read_text() == pictures[1].read_text()


@pytest.mark.parametrize("change", [{"norm": "sync_batch"}, {"norm.kind": "sync_batch"}])
def test_inherited_momentum_stays(change: dict[str, str]) -> None:
    spec = hg.load_spec("hrnetv2_w48_seg_cityscapes", change)
    assert (spec.norm.kind, spec.norm.momentum) == ("sync_batch", 0.01)
    grouped = hg.load_spec(spec, {"norm": {"kind": "group", "groups": 2}})
    assert grouped.norm.momentum is None


def test_one_process_trains_as_batch_norm() -> None:
    plain, shared = (hg.build_module(spec) for spec in specs())
    assert list(shared.state_dict()) == list(plain.state_dict())
    shared.load_state_dict(plain.state_dict())
    kinds = {type(layer).__name__ for layer in shared.modules() if hasattr(layer, "running_mean")}
    assert kinds == {"SyncBatchNorm"}
    assert all(
        layer.momentum == 0.01 for layer in shared.modules() if isinstance(layer, nn.SyncBatchNorm)
    )
    image = torch.randn(2, 3, 64, 64)
    assert torch.equal(shared(image), plain(image))
    assert torch.equal(shared.eval()(image), plain.eval()(image))


def test_a_group_of_one_trains_as_batch_norm(tmp_path: Path) -> None:
    plain, shared = (hg.build_module(spec) for spec in specs())
    shared.load_state_dict(plain.state_dict())
    image = torch.randn(2, 3, 64, 64)
    meeting = (tmp_path / "meeting").as_uri()
    distributed.init_process_group("gloo", init_method=meeting, rank=0, world_size=1)
    try:
        assert torch.equal(shared(image), plain(image))
    finally:
        distributed.destroy_process_group()
    assert torch.equal(shared.eval()(image), plain.eval()(image))


def test_double_precision_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SyncBatchNorm, "_total", lambda self, values: values)
    image = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    shared = SyncBatchNorm(3, dtype=torch.float64)._over_all_processes(image)
    assert shared.dtype == torch.float64
    plain = nn.BatchNorm2d(3, dtype=torch.float64)(image)
    torch.testing.assert_close(shared, plain, rtol=1e-12, atol=1e-12)


def _train(models: list[hg.Network], images: torch.Tensor) -> list[dict[str, torch.Tensor]]:
    """Of each network, half of the batch in each process: summed gradients, running statistics."""
    found = []
    for model in copy.deepcopy(models):  # processes share what they are given
        rank = distributed.get_rank()
        model(images[2 * rank : 2 * rank + 2]).square().sum().backward()
        results = dict(model.named_buffers())
        for key, value in model.named_parameters():
            assert value.grad is not None
            distributed.all_reduce(value.grad)
            results[key] = value.grad
        found.append(results)
    return found


@pytest.mark.slow
def test_two_processes_get_the_gradients_of_one() -> None:
    plain, shared = specs()
    torch.manual_seed(0)
    alone = hg.build_module(plain)
    together = [hg.build_module(shared), hg.build_module(shared, checkpoint_activations="module")]
    for model in together:
        model.load_state_dict(alone.state_dict())
    images = torch.randn(4, 3, 64, 64)
    found = in_two_processes(_train, together, images)
    alone(images).square().sum().backward()
    gradients = {k: v.grad for k, v in alone.named_parameters() if v.grad is not None}
    # a bias in front of a norm has no gradient but noise
    noise = 1e-4 * max(float(value.abs().max()) for value in gradients.values())
    for results in (results for process in found for results in process):
        for key, value in gradients.items():
            error = (results[key] - value).abs().max() / value.abs().max().clamp_min(noise)
            assert error < 1e-3, key
        for key, value in alone.named_buffers():
            torch.testing.assert_close(results[key], value, rtol=1e-4, atol=1e-6, msg=key)
