"""torch.export and .pt2: any batch, any size that the network takes, and nothing trusted."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from published import relative_error
from small import HEADS, SMALL, maps_of, with_head

import hrnet_graph as hg
from hrnet_graph.cli.main import cli
from hrnet_graph.compiler.torch.export import _legal, export
from hrnet_graph.ir.sizes import open_types

FAST = 6
"""So many heads every run exports; `-m slow` takes the others."""


@pytest.mark.parametrize(
    ("head", "upsample"),
    [
        pytest.param(
            head,
            ("nearest", "bilinear")[i % 2],
            id=head["kind"],
            marks=() if i < FAST else pytest.mark.slow,
        )
        for i, head in enumerate(HEADS)
    ],
)
def test_one_program_takes_any_batch_and_size(head: dict[str, Any], upsample: str) -> None:
    """Also where the spec's own size leaves maps of one pixel."""
    small = {"input": [3, 2, 2]} if upsample == "bilinear" else {}
    model = with_head(head, **{"fuse.upsample": upsample}, **small)
    program = export(model).module()
    assert model.training
    model.eval()
    odd = (1, 83, 57) if upsample == "bilinear" else (1, 80, 48)
    sizes = ((2, 64, 64), (5, 96, 128), odd)
    for batch, height, width in sizes if open_types(model.graph) else ((2, 64, 64), (5, 64, 64)):
        image = torch.randn(batch, 3, height, width)
        with torch.no_grad():
            ours, theirs = model(image), program(image)
        assert type(ours) is type(theirs)
        for expected, got in zip(maps_of(ours), maps_of(theirs), strict=True):
            assert relative_error(got, expected) < 1e-5


def test_sizes_are_multiples_where_nearest_upsampling_asks_for_them() -> None:
    graph = with_head(HEADS[0]).graph
    assert _legal(graph, open_types(graph) or {}, 0) == (32, 16)
    program = export(with_head(HEADS[0]).eval()).module()
    with pytest.raises(AssertionError, match="Guard failed"):
        program(torch.randn(1, 3, 72, 64))
    free = with_head(HEADS[0], **{"fuse.upsample": "bilinear"}).graph
    assert _legal(free, open_types(free) or {}, 1).step == 1


def test_saves_and_loads(tmp_path: Path) -> None:
    model = with_head(HEADS[3]).eval()
    path = tmp_path / "net.pt2"
    hg.save(model, path)
    loaded = hg.load(path)
    assert loaded.graph == model.graph
    assert all(torch.equal(loaded.state_dict()[k], v) for k, v in model.state_dict().items())
    image = torch.randn(3, 3, 96, 64)
    with torch.no_grad():
        assert torch.equal(loaded.eval()(image), model(image))
        program = torch.export.load(path).module()
        assert relative_error(program(image), model(image)) < 1e-5


def test_build_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    spec = tmp_path / "small.yaml"
    spec.write_text(json.dumps({**SMALL, "head": {"kind": "heatmap", "joints": 2}}))
    changed = ["--set", "stages.2.outputs=1", "--set", "stages.2.modules=1"]
    result = CliRunner().invoke(cli, ["build", str(spec), "-o", str(path), *changed])
    assert result.exit_code == 0, result.output
    assert hg.load(path).graph.name == "small, stages.2.outputs 1, stages.2.modules 1"


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("sprung"),)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "net.pt2"
    hg.save(with_head(HEADS[1]), path)
    return path


@pytest.fixture
def archive(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(written, tmp_path))


def rewrite(path: Path, change: dict[str, bytes | None], compress: bool = False) -> None:
    """The archive again, entries whose names end in the keys of `change` changed or left out."""
    with zipfile.ZipFile(path) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as new:
        for name, content in entries.items():
            end = next((end for end in change if name.endswith(end)), None)
            changed = content if end is None else change[end]
            if changed is not None:
                new.writestr(name, changed)


def test_loading_runs_nothing_of_the_file(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(archive.parent)
    trap = pickle.dumps(Trap())
    code = b"{\"expr_str\": \"__import__('pathlib').Path('sprung').touch()\"}"
    rewrite(archive, {"sample_inputs/model.pt": trap, "models/model.json": code})
    hg.load(archive)
    assert not (archive.parent / "sprung").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hrnet_graph.json": None}, "is no archive that hrnet-graph wrote"),
        ({"hrnet_graph.json": b"[]"}, "holds no spec of ours"),
        ({"hrnet_graph.json": b"{"}, "is damaged or no weights file"),
        ({"model_weights_config.json": b"{}"}, "is no archive that hrnet-graph wrote"),
        ({"weight_0": b"123"}, "is damaged or no weights file"),
        ({"weight_1": None}, "is no archive that hrnet-graph wrote"),
    ],
)
def test_a_damaged_archive_is_refused(
    archive: Path, change: dict[str, bytes | None], message: str
) -> None:
    rewrite(archive, change)
    with pytest.raises(hg.FileError, match=message):
        hg.load(archive)


def index(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith("model_weights_config.json"))
        found: dict[str, Any] = json.loads(archive.read(name))
    return found


def test_a_part_of_the_file_is_one_weight(archive: Path) -> None:
    entries = index(archive)
    first = next(iter(entries["config"].values()))
    entries["config"]["other"] = first
    rewrite(archive, {"model_weights_config.json": json.dumps(entries).encode()})
    with pytest.raises(hg.FileError, match="two weights are the same part of the file"):
        hg.load(archive)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([7], r"a weight of shape \[7\] takes 28 bytes, got 864$"),
        ([-1, -216], r"\[-1, -216\] is no shape of a weight of 864 bytes$"),
        (["8", 3, 3, 3], r"\['8', 3, 3, 3\] is no shape of a weight of 864 bytes$"),
        (["8", 10**12], r"\['8', 1000000000000\] is no shape of a weight of 864 bytes$"),
        ([8.0, 27], r"\[8\.0, 27\] is no shape of a weight of 864 bytes$"),
        ([True, 216], r"\[True, 216\] is no shape of a weight of 864 bytes$"),
        ([2] * 9, r"\[2, 2, 2, 2, 2, 2, \.\.\.\] is no shape of a weight of 864 bytes$"),
    ],
)
def test_a_weight_takes_what_its_shape_says(
    archive: Path, sizes: list[object], message: str
) -> None:
    entries = index(archive)
    meta = entries["config"]["conv1.weight"]["tensor_meta"]
    meta["sizes"] = [{"as_int": extent} for extent in sizes]
    rewrite(archive, {"model_weights_config.json": json.dumps(entries).encode()})
    with pytest.raises(hg.FileError, match=message):
        hg.load(archive)


def test_a_network_without_values_is_not_saved(tmp_path: Path) -> None:
    model = hg.build_module(with_head(HEADS[1]).graph, device="meta")
    with pytest.raises(hg.FileError, match="is on the meta device and has no values"):
        hg.save(model, tmp_path / "net.pt2")
    assert not list(tmp_path.iterdir())


def test_what_is_no_archive_is_refused(archive: Path) -> None:
    rewrite(archive, {}, compress=True)
    with pytest.raises(hg.FileError, match="not compressed"):
        hg.load(archive)
    archive.write_bytes(b"nothing")
    with pytest.raises(hg.FileError, match="is a text file that begins with 'nothing'"):
        hg.load(archive)
    archive.unlink()
    with pytest.raises(hg.FileError, match="no weights file at"):
        hg.load(archive)


def test_a_network_without_a_rule_for_its_sizes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hrnet_graph.compiler.torch.export.MAX_STEP", 8)
    with pytest.raises(hg.HRNetGraphError, match=r"small, .*: no rule found for the sizes"):
        export(with_head(HEADS[1]))
