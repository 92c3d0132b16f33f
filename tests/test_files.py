"""Saved networks come back as they were, and bad files end in one message."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from small import SMALL

import hrnet_graph as hg


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_round_trip(tmp_path: Path, suffix: str) -> None:
    model = hg.build_module(SMALL)
    path = tmp_path / f"net{suffix}"
    hg.save(model, path)
    loaded = hg.load(path)
    assert loaded.graph == model.graph
    ours, theirs = model.state_dict(), loaded.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_saved_file_is_safe_to_load(tmp_path: Path) -> None:
    hg.save(hg.build_module(SMALL), tmp_path / "net.pt")
    content = torch.load(tmp_path / "net.pt", weights_only=True)
    assert content["format"] == "hrnet-graph 1"
    assert content["spec"].startswith("name: small\n")


def test_features_network_comes_back_as_one(tmp_path: Path) -> None:
    hg.save(hg.build_module(SMALL, features_only=True), tmp_path / "net.pt")
    assert hg.load(tmp_path / "net.pt").graph.returns == "list"


def test_channels_last_weights_are_saved(tmp_path: Path) -> None:
    model = hg.build_module(SMALL)
    model.to(memory_format=torch.channels_last)
    hg.save(model, tmp_path / "net.safetensors")
    loaded = hg.load(tmp_path / "net.safetensors").state_dict()
    assert all(torch.equal(value, loaded[key]) for key, value in model.state_dict().items())


def test_weights_go_into_another_module(tmp_path: Path) -> None:
    model = hg.build_module(SMALL)
    torch.save(model.state_dict(), tmp_path / "plain.pth")
    other = hg.build_module(SMALL, weights=tmp_path / "plain.pth")
    assert torch.equal(other.state_dict()["conv1.weight"], model.state_dict()["conv1.weight"])


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    model = hg.build_module(SMALL)
    hg.save(model, tmp_path / "net.pt")
    wider = hg.load_spec(SMALL, {"width": 5})
    with pytest.raises(
        hg.FileError,
        match=r"reshaped .*transition1\.0\.0\.weight: expected \(5, 16, 3, 3\), got \(4, 16, 3, 3\)",
    ):
        hg.build_module(wider, weights=tmp_path / "net.pt")
    with pytest.raises(
        hg.FileError,
        match=r"does not fit small, stages.2.modules 1\n(.*\n)*.* unexpected +stage3\.1\.",
    ):
        hg.build_module(hg.load_spec(SMALL, {"stages.2.modules": 1}), weights=tmp_path / "net.pt")


def test_plain_weights_are_no_network(tmp_path: Path) -> None:
    torch.save(hg.build_module(SMALL).state_dict(), tmp_path / "plain.pt")
    with pytest.raises(
        hg.FileError, match="holds no spec of ours\n  build the network from a spec"
    ):
        hg.load(tmp_path / "plain.pt")


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch hacked",)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "hostile", "not weights"])
def test_bad_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"net{suffix}"
    if kind == "truncated":
        whole = tmp_path / ("whole.safetensors" if suffix == ".safetensors" else "whole.pt")
        hg.save(hg.build_module(SMALL), whole)
        path.write_bytes(whole.read_bytes()[:-5000])
    elif kind == "hostile":
        path.write_bytes(pickle.dumps({"state_dict": Hostile()}))
    elif kind == "not weights":
        torch.save({"state_dict": {"a": 1}}, path)
    else:
        path.write_bytes(b"" if kind == "empty" else b"hello, world" * 9)
    with pytest.raises(hg.FileError) as caught:
        hg.load(path)
    assert "\n" not in caught.value.message
    assert path.name in caught.value.message
    assert not (tmp_path / "hacked").exists()


def test_a_wrong_spec_inside_is_named(tmp_path: Path) -> None:
    content = {"format": "hrnet-graph 1", "spec": "width: [", "state_dict": {}}
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(hg.FileError, match="holds a spec that is wrong"):
        hg.load(tmp_path / "net.pt")


def test_a_network_without_values_replaces_no_file(tmp_path: Path) -> None:
    target = tmp_path / "net.pt"
    target.write_text("precious")
    model = hg.build_module(SMALL, device="meta")
    with pytest.raises(hg.FileError, match="no values"):
        hg.save(model, target)
    assert target.read_text() == "precious"
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.pt"]


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    (tmp_path / "net.pt").mkdir()
    with pytest.raises(hg.FileError, match="it is a folder"):
        hg.save(hg.build_module(SMALL), tmp_path / "net.pt")
