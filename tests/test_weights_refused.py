"""Weights files that hold something else than plain numbers, or that torch advises to run."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from dialects import of_dialect
from small import SMALL
from torch import Tensor

import hrnet_graph as hg
from hrnet_graph.compiler.checkpoints.convert import convert
from hrnet_graph.compiler.weights.ddrnet import DDRNET
from hrnet_graph.compiler.weights.descendants import LITE
from hrnet_graph.compiler.weights.dialect import Dialect
from hrnet_graph.compiler.weights.dialects import DIALECTS

MM = next(d for d in DIALECTS if (d.name, d.head) == ("mmsegmentation", "segmentation"))


def quantised(value: Tensor) -> Tensor:
    return torch.quantize_per_tensor(value, 0.1, 0, torch.qint8)


def nested(value: Tensor) -> Tensor:
    return torch.nested.nested_tensor([value, value], layout=torch.jagged)


KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "meta": lambda value: value.to("meta"),
    "nested": nested,
    "quantised": quantised,
    "sparse": lambda value: value.to_sparse(),
    "complex": lambda value: value.to(torch.complex64),
}


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_plain_numbers(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    model = hg.build_module(SMALL)
    hg.save(model, path.with_suffix(".pt"))
    content: dict[str, Any] = torch.load(path.with_suffix(".pt"), weights_only=True)
    state = content["state_dict"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, about such tensors
        state["conv1.weight"] = KINDS[kind](state["conv1.weight"])
        torch.save(content, path)
    tasks: list[Callable[[], object]] = [
        lambda: hg.load(path),
        lambda: hg.build_module(SMALL, weights=path),
        lambda: hg.load_weights(model, path, partial=True),
        lambda: convert(path, "timm", tmp_path / "out.pth"),
    ]
    for task in tasks:
        with pytest.raises(
            hg.FileError,
            match=rf"net\.pth': expected plain numbers for 'conv1\.weight', got a {kind} tensor\n",
        ):
            task()
    assert not (tmp_path / "out.pth").exists()


def test_no_one_is_told_to_load_a_file_unsafely(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(bytes(range(255, 0, -1)) * 20)
    with pytest.raises(hg.FileError, match=r"cannot be loaded safely: Unsupported operand 255$"):
        hg.load(path)
    path.write_bytes(pickle.dumps({"a": print}, protocol=2))
    found = "cannot be loaded safely: Unsupported global: GLOBAL .*print was not an allowed global"
    with pytest.raises(hg.FileError, match=f"{found} by default$"):
        hg.load(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".pdparams", ".pt2"])
def test_what_is_no_weights_file_is_told_by_what_it_is(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"net{suffix}"
    tasks: list[Callable[[], object]] = [
        lambda: hg.load(path),
        lambda: hg.build_module(SMALL, weights=path),
    ]
    for content, what in (("", "is empty"), ("hello\n", "is a text file that begins with 'hello'")):
        path.write_text(content)
        for task in tasks:
            with pytest.raises(hg.FileError, match=f"{what}; expected a file of weights$"):
                task()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda value: value.to(torch.int8),
            r"expected real numbers for '{}', got int8\n.*quantised",
        ),
        (lambda value: value.fill_(torch.nan), r"finite numbers for '{}', 216 of 216 are NaN"),
        (
            lambda value: value.half().clamp(max=0).log(),
            r"finite numbers for '{}', \d+ of 216",
        ),
    ],
)
def test_weights_that_compute_nothing_are_refused(
    change: Callable[[Tensor], Tensor], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "net.pth"
    state = hg.build_module(SMALL).state_dict()
    state["conv1.weight"] = change(state["conv1.weight"])
    torch.save(state, path)
    tasks: list[Callable[[], object]] = [
        lambda: hg.build_module(SMALL, weights=path),
        lambda: convert(path, "timm", tmp_path / "out.pth"),
    ]
    for task in tasks:
        with pytest.raises(hg.FileError, match=message.format(r"conv1\.weight")):
            task()


@pytest.mark.parametrize(
    ("dialect", "lacking", "count"),
    [
        (LITE[0], "backbone.stem.conv1.conv.weight", 1),
        (LITE[0], "keypoint_head.final_layer.weight", 1),
        (MM, "decode_head.convs.0.conv.weight", 1),
        (DDRNET[1], "backbone.spp.", 55),
    ],
)
def test_a_lacking_key_is_missing_whichever_it_is(
    dialect: Dialect, lacking: str, count: int, tmp_path: Path
) -> None:
    model, path = of_dialect(dialect), tmp_path / "net.pth"
    torch.save(model.state_dict(), tmp_path / "ours.pth")
    convert(tmp_path / "ours.pth", dialect.name, path)
    state = torch.load(path, weights_only=True)["state_dict"]
    torch.save({k: v for k, v in state.items() if not k.startswith(lacking)}, path)
    for name in (None, dialect.name):
        with pytest.raises(hg.FileError, match=rf"(?s) {count} missing .*--partial") as refused:
            hg.load_weights(model, path, dialect=name)
        assert "unexpected" not in refused.value.message
        assert f"{dialect.name} {dialect.head}" in refused.value.message
        report = hg.load_weights(model, path, partial=True, dialect=name)
        assert len(report.missing) == count
        assert not report.unexpected


@pytest.mark.parametrize(("entry", "value"), [("weight", 1e30), ("running_var", -1.0)])
@pytest.mark.parametrize("name", ["net.onnx", "net.ncnn.param"])
def test_a_norm_that_cannot_be_multiplied_in_is_refused(
    entry: str, value: float, name: str, tmp_path: Path
) -> None:
    model = hg.build_module(SMALL)
    with torch.no_grad():
        model.conv1.weight.fill_(1e20)
        getattr(model.bn1, entry).fill_(value)
    with pytest.raises(hg.HRNetGraphError, match=r"'conv1\.weight' times its batch norm is no fin"):
        hg.save(model, tmp_path / name)
    assert not [*tmp_path.iterdir()]
