"""What is wrapped, compiled or changed is saved as the network that it is, or refused in a sentence."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from engines import engine, image
from small import SMALL
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch.optim.swa_utils import AveragedModel

import hrnet_graph as hg
from hrnet_graph.compiler.torch.drawn import random_among


class Trainer(nn.Module):
    """What people write around a network."""

    def __init__(self, network: Any, beside: nn.Module | None = None) -> None:
        super().__init__()
        self.network, self.beside = network, beside


def network() -> hg.Network:
    torch.manual_seed(0)
    return hg.build_module(SMALL)


WRAPPED: dict[str, Callable[[Any], Any]] = {
    "compiled": torch.compile,
    "compiled within": lambda model: [model, model.compile()][0],
    "data parallel": nn.DataParallel,
    "averaged": AveragedModel,
    "a trainer": Trainer,
    "several": lambda model: nn.DataParallel(Trainer(torch.compile(model))),
    "frozen": lambda model: model.requires_grad_(False),
    "a copy": copy.deepcopy,
}


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".onnx"])
@pytest.mark.parametrize("how", WRAPPED)
def test_what_is_wrapped_is_saved(tmp_path: Path, how: str, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    hg.save(WRAPPED[how](network()), path)
    model = network()
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        if suffix == ".onnx":
            agrees = hg.load(path, target="onnxruntime")(x)
            assert torch.allclose(agrees, model.eval()(x), atol=1e-3)  # type: ignore[arg-type]
        else:
            assert torch.equal(hg.load(path).eval()(x), model.eval()(x))


@pytest.mark.filterwarnings("ignore")  # torch's, about one process alone
def test_ddp_is_saved(tmp_path: Path) -> None:
    place = f"file://{tmp_path / 'store'}"
    torch.distributed.init_process_group("gloo", init_method=place, rank=0, world_size=1)
    try:
        model = network()
        hg.save(nn.parallel.DistributedDataParallel(model), tmp_path / "net.pt")
        mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (1,))
        sharded: Any = torch.distributed.fsdp.fully_shard(copy.deepcopy(model), mesh=mesh)
        with pytest.raises(hg.FileError, match="spread over processes"):
            hg.save(sharded, tmp_path / "sharded.pt")
        older = torch.distributed.fsdp.FullyShardedDataParallel(
            copy.deepcopy(model), device_id=torch.device("cpu")
        )
        with pytest.raises(hg.FileError, match="spread over processes"):
            hg.save(older, tmp_path / "sharded.pt")
    finally:
        torch.distributed.destroy_process_group()
    assert not (tmp_path / "sharded.pt").exists()
    assert torch.equal(hg.load(tmp_path / "net.pt").conv1.weight, model.conv1.weight)


def another_head(model: hg.Network) -> nn.Module:
    model.classifier = nn.Linear(32, 2)
    return model


def pruned(model: hg.Network) -> nn.Module:
    prune.random_unstructured(model.classifier, "weight", 0.5)
    return model


def parametrized(model: hg.Network) -> nn.Module:
    parametrizations.weight_norm(model.classifier)
    return model


def quantized(model: hg.Network) -> nn.Module:
    made: nn.Module = torch.ao.quantization.quantize_dynamic(model, {nn.Linear})
    return made


def diverged(model: hg.Network) -> Any:
    with torch.no_grad():
        model.get_parameter("classifier.weight")[0, :3] = torch.nan
    return model


REFUSED: dict[str, tuple[Callable[[hg.Network], Any], str]] = {
    "another head": (another_head, r"classifier.weight: expected \(5, 32\), got \(2, 32\)"),
    "pruned": (pruned, r"classifier.weight: expected \(5, 32\), got none"),
    "parametrized": (parametrized, "classifier.weight: expected .*, got none"),
    "quantized": (quantized, "classifier.weight: expected .*, got none"),
    "beside": (lambda net: Trainer(net, nn.Linear(2, 2)), "weights beside its network, as beside."),
    "two": (lambda net: Trainer(net, network()), "several networks"),
    "none": (lambda net: nn.Linear(2, 2), "expected a network of ours, got 'Linear'"),
    "traced": (
        lambda net: torch.jit.trace(net.eval(), torch.zeros(1, 3, 64, 64)),
        "expected a network of ours, got 'TopLevelTracedModule'",
    ),
    "frozen by torch.jit": (
        lambda net: torch.jit.freeze(torch.jit.trace(net.eval(), torch.zeros(1, 3, 64, 64))),
        "expected a network of ours",
    ),
    "exported": (
        lambda net: torch.export.export(net.eval(), (torch.zeros(1, 3, 64, 64),)),
        "expected a network of ours, got 'ExportedProgram'",
    ),
    "packed": (
        lambda net: torch.compile(hg.build_module(net.graph, optimize="inference")),
        "is optimized for inference, and its weights are folded",
    ),
    "diverged": (diverged, "finite numbers for 'classifier.weight', 3 of 160 are NaN or infinite"),
    "on an engine": (lambda net: hg.compile(net, "torch"), "which no file keeps"),
}


@pytest.mark.filterwarnings("ignore")  # torch's, about its older ways
@pytest.mark.parametrize("suffix", [".pt", ".onnx", ".pt2"])
@pytest.mark.parametrize("how", REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence(tmp_path: Path, how: str, suffix: str) -> None:
    change, message = REFUSED[how]
    made = change(network())
    with pytest.raises(hg.HRNetGraphError, match=message) as caught:
        hg.save(made, tmp_path / f"net{suffix}")
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


def test_source_is_of_what_is_wrapped_too(tmp_path: Path) -> None:
    hg.save(network(), tmp_path / "a.py")
    hg.save(nn.DataParallel(network()), tmp_path / "b.py")
    assert (tmp_path / "a.py").read_bytes() == (tmp_path / "b.py").read_bytes()


@pytest.mark.parametrize("target", ["onnxruntime", "openvino"])
def test_int8_is_saved_as_the_onnx_file_that_it_is(tmp_path: Path, target: str) -> None:
    pytest.importorskip("nncf")
    engine(target)
    ours = hg.compile(network().eval(), target, "int8", calibration=[image(1, 3, 64, 64)])
    with pytest.raises(hg.FileError, match=r"in int8 is an .onnx file as it is, got \.pt"):
        hg.save(ours, tmp_path / "net.pt")
    with pytest.raises(hg.FileError, match=r"as it is, got \.onnx fixed_size"):
        hg.save(ours, tmp_path / "net.onnx", fixed_size=True)
    assert not list(tmp_path.iterdir())
    hg.save(ours, tmp_path / "net.onnx")
    again = hg.load(tmp_path / "net.onnx", target=target)
    assert again.precision == "int8"
    assert again.graph == ours.graph
    assert str(again.random) == "random (seed 0)"
    x = image(2, 3, 64, 96)
    assert torch.equal(again(x), ours(x))  # type: ignore[arg-type]


def test_engines_take_what_is_wrapped() -> None:
    model = network().eval()
    x = image(1, 3, 64, 64)
    with torch.no_grad():
        wrapped: Any = torch.compile(model)
        ours = hg.compile(nn.DataParallel(wrapped), "torch")(x)
        assert torch.allclose(ours, model(x), atol=1e-5)  # type: ignore[arg-type]


BARE = {"name": "bare", "input": [3, 64, 64], "width": 8, "stages": [{"branches": 2, "blocks": 1}]}
REGIONS = {"kind": "segmentation", "classes": 2}
LIKE_OTHERS: list[dict[str, Any]] = [
    {**BARE, "backbone": "backbone", "neck": {"kind": "dappm", "channels": 8}, "head": REGIONS},
    {**BARE, "backbone": "last_layer", "head": REGIONS},
    {**BARE, "backbone": "model", "head": {"kind": "dekr", "joints": 2, "joint_channels": 2}},
    {
        **BARE,
        "stages": [
            {"block": {"kind": "convnext", "layer_scale": None}, "branches": 2, "blocks": 1}
        ],
        "head": {"kind": "heatmap", "joints": 1},
    },
]
"""Networks whose keys look like those of another repository, or of none."""


@pytest.mark.parametrize("spec", LIKE_OTHERS, ids=["neck", "head", "dekr", "null"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_of_ones_own_is_read_by_its_own_keys(
    spec: dict[str, Any], suffix: str, tmp_path: Path
) -> None:
    model = hg.build_module(spec)
    hg.save(model, tmp_path / f"net{suffix}")
    loaded = hg.load(tmp_path / f"net{suffix}")
    assert isinstance(loaded, hg.Network)
    assert loaded.graph.spec == model.graph.spec
    state = loaded.state_dict()
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
    random = random_among(state, loaded.drawn)
    assert random is not None
    assert random.keys == ()  # all of them, whatever a network holds that nobody draws
