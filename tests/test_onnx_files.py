"""ONNX files: what is saved, what it says of itself, and its weights beside it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from commands import run
from onnx_models import assert_same, dimensions, filled, made, onnx
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.cli.main import cli
from hrnet_graph.compiler.model import about
from hrnet_graph.compiler.onnx.file import write_onnx
from hrnet_graph.compiler.torch.dense import arrays
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.spec.emit import to_yaml
from hrnet_graph.spec.load import check
from hrnet_graph.spec.source import parse


def test_saved_networks_are_folded_unless_asked_otherwise(tmp_path: Path) -> None:
    model = filled(SMALL)
    hg.save(model, tmp_path / "folded.onnx")
    hg.save(model, tmp_path / "published.onnx", as_published=True)
    assert_same(model, tmp_path / "folded.onnx", (2, 64, 32))
    assert_same(model, tmp_path / "published.onnx", (2, 64, 32))
    folded, published = onnx.load(tmp_path / "folded.onnx"), onnx.load(tmp_path / "published.onnx")
    assert "BatchNormalization" not in {node.op_type for node in folded.graph.node}
    assert "BatchNormalization" in {node.op_type for node in published.graph.node}
    keys = {tensor.name for tensor in published.graph.initializer}
    counters = {key for key in model.state_dict() if key.endswith("num_batches_tracked")}
    assert keys >= model.state_dict().keys() - counters
    assert not keys & counters


def test_metadata_builds_the_network_again() -> None:
    graph = hg.build_graph(SMALL, (64, 96))
    model = made(hg.build_module(graph), about=about(graph))
    found = {entry.key: entry.value for entry in model.metadata_props}
    assert found == about(graph)
    assert found["format"] == "hrnet-graph 1"
    assert hg.build_graph(check(parse(found["spec"], "x.yaml"))) == graph
    assert (model.producer_name, model.producer_version) == ("hrnet-graph", hg.__version__)


def test_two_files_of_one_network_are_equal(tmp_path: Path) -> None:
    model = filled(SMALL)
    for name in ("a.onnx", "b.onnx"):
        hg.save(model, tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_weights_beside_the_model(tmp_path: Path) -> None:
    model = filled(SMALL)
    write_onnx(
        model.graph, arrays(model.state_dict(), exact=False), tmp_path / "net.onnx", max_bytes=1000
    )
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data"]
    onnx.checker.check_model(tmp_path / "net.onnx", full_check=True)
    assert_same(model, tmp_path / "net.onnx", (2, 64, 64))
    size = (tmp_path / "net.onnx").stat().st_size
    assert size < (tmp_path / "net.onnx.data").stat().st_size


def test_a_failed_write_leaves_both_files(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_text("precious")
    (tmp_path / "net.onnx.data").mkdir()
    model = hg.build_module(SMALL)
    with pytest.raises(hg.FileError, match="cannot write"):
        write_onnx(
            model.graph,
            arrays(model.state_dict(), exact=False),
            tmp_path / "net.onnx",
            max_bytes=1000,
        )
    assert (tmp_path / "net.onnx").read_text() == "precious"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data"]


def test_options_of_another_kind_of_file_are_refused(tmp_path: Path) -> None:
    model = hg.build_module(SMALL)
    for options in ({"fixed_size": True}, {"as_published": True}, {"batch": 2}):
        with pytest.raises(hg.FileError, match=r"(fixed-size|as-published|batch) is for \.onnx"):
            hg.save(model, tmp_path / "net.pt", **options)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("hrnet_graph.compiler.onnx")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)


@pytest.mark.usefixtures("without_onnx")
def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(HRNetGraphError, match=r"needs onnx\n  pip install 'hrnet-graph\[onnx\]'"):
        hg.save(hg.build_module(SMALL), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_build_writes_onnx(tmp_path: Path) -> None:
    path, weights = tmp_path / "net.onnx", tmp_path / "net.pt"
    spec = ("hrnet_w18_small_v1_cls", "--set", "width=4", "--input", "64x64")
    torch.manual_seed(0)
    model = hg.build_module(hg.build_graph(hg.load_spec(spec[0], {"width": 4}), (64, 64))).eval()
    hg.save(model, weights)
    result = run("build", *spec, "-o", path, "--weights", weights, "--fixed-size", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["weights"]["complete"]
    assert dimensions(onnx.load(path).graph.input[0]) == ["batch", 3, 64, 64]
    assert_same(model, path, (2, 64, 64))


def test_build_says_where_a_file_is_of_one_size_alone(tmp_path: Path) -> None:
    one = hg.load_spec(SMALL, {"head": {"kind": "simcc", "joints": 2}, "stages.2.outputs": 1})
    for spec, says in ((one, True), (hg.load_spec(SMALL), False)):
        path = tmp_path / "net.yaml"
        path.write_text(to_yaml(spec.dump()))
        result = CliRunner().invoke(cli, ["build", str(path), "-o", f"{tmp_path}/{says}.py"])
        assert result.exit_code == 0, result.output
        assert ("size: 64x64 alone" in result.output) == says
