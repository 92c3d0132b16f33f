"""A file that holds spec and weights is a SPEC wherever one is taken."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from click.testing import CliRunner
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.benchmark.process import Worker
from hrnet_graph.cli.main import cli
from hrnet_graph.spec.emit import to_yaml
from hrnet_graph.spec.weights_file import read_about

PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
SUFFIXES = (".pt", ".safetensors", ".pt2")


@pytest.fixture(scope="module", params=SUFFIXES)
def mine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a network whose weights are not random any more."""
    path = tmp_path_factory.mktemp("own") / f"mine{request.param}"
    hg.save(trained(), path)
    return path


def trained() -> hg.Network:
    torch.manual_seed(1)
    model = hg.build_module(SMALL)
    with torch.no_grad():
        for value in model.parameters():
            value.mul_(1.5).add_(0.01)
    return model


class Answer(NamedTuple):
    code: int
    stdout: str
    stderr: str


def run(*arguments: object) -> Answer:
    """What the command answers, run within this process."""
    result = CliRunner().invoke(cli, [*map(str, arguments)])
    if isinstance(result.exception, hg.HRNetGraphError):
        return Answer(2, result.stdout, f"error: {result.exception}\n")
    return Answer(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def same(model: hg.Network, other: hg.Network) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[key]) for key, value in model.state_dict().items())


def test_python_takes_it_for_spec_and_weights(mine: Path) -> None:
    model = trained().eval()
    assert hg.load_spec(mine) == hg.load_spec(SMALL)
    assert hg.load_spec(str(mine)).weights_file == mine
    assert same(model, hg.build_module(mine))
    assert same(model, hg.load(mine))
    assert same(model, hg.build_module(hg.build_graph(mine, input_size=(96, 64))))
    assert hg.build_module(mine, device="meta").conv1.weight.is_meta
    x = torch.randn(1, 3, 64, 64)
    engine = hg.compile(mine, "torch")
    with torch.no_grad():
        assert torch.allclose(engine(x), model(x), atol=1e-4)  # type: ignore[arg-type]
    assert engine.random is None
    maps = hg.build_module(mine, features_only=True)
    assert torch.equal(maps.conv1.weight, model.conv1.weight)


def test_commands_take_it(mine: Path, tmp_path: Path) -> None:
    spec = tmp_path / "mine.yaml"
    spec.write_text(to_yaml(hg.load_spec(SMALL).dump()))
    for command in ("flops", "field", "memory", "keys", "show", "roofline"):
        ours, theirs = (run(command, given, "--json").stdout for given in (mine, spec))
        assert ours == theirs != ""
    assert run("diff", mine, spec).stdout == f"{mine} and {spec} are the same network\n"
    assert run("validate", mine).stdout == "1 spec is valid\n"
    assert run("render", mine, "-o", "a.svg").code == 0
    assert run("init", mine, "-o", "b.yaml").code == 0
    assert hg.load_spec(tmp_path / "b.yaml", {"name": "small"}) == hg.load_spec(SMALL)


def test_build_and_predict_take_its_weights(mine: Path, tmp_path: Path) -> None:
    result = run("build", mine, "-o", "net.onnx", "--json")
    assert result.code == 0, result.stderr
    report = json.loads(result.stdout)["weights"]
    assert (report["complete"], report["random"]) == (True, None)
    onnx = hg.load(tmp_path / "net.onnx", target="onnxruntime")
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(onnx(x), trained().eval()(x), atol=1e-3)  # type: ignore[arg-type]
    first, again = (run("predict", mine, PHOTO, "--json") for _ in range(2))
    assert first.code == 0, first.stderr
    assert first.stdout == again.stdout
    found = json.loads(first.stdout)
    assert (found["weights"], found["random"]) == (str(mine), None)
    assert "random" not in first.stderr


def test_other_weights_win_and_it_is_said(mine: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pt"
    hg.save(hg.build_module(SMALL), other)
    assert same(hg.load(other), hg.build_module(mine, weights=other))
    for words in (("build", mine), ("predict", mine, PHOTO)):
        result = run(*words, "--weights", other)
        assert result.code == 0
        assert result.stderr.startswith(f"weights: of {other}, not those in {mine}\n")


def test_a_change_that_keeps_the_weights_fitting(mine: Path) -> None:
    spec = hg.load_spec(mine, {"preprocess.resize": "crop", "input.1": 96})
    assert same(trained(), hg.build_module(spec))


def test_a_change_that_does_not_is_never_filled_at_random(mine: Path, tmp_path: Path) -> None:
    words = (mine, PHOTO, "--set", "head.classes=7")
    strict = run("predict", *words)
    assert strict.code == 2
    assert "does not fit small" in strict.stderr
    assert "--partial" in strict.stderr
    assert not list(tmp_path.iterdir())
    partial = run("predict", *words, "--partial", "--json")
    assert partial.code == 0, partial.stderr
    assert "classifier.weight: expected (7, 32), got (5, 32)" in partial.stderr
    random = json.loads(partial.stdout)["random"]
    assert random.endswith(": classifier.weight")
    with pytest.raises(hg.FileError, match="does not fit"):
        hg.build_module(hg.load_spec(mine, {"stages.2.modules": 1}), features_only=True)


def test_partial_is_about_weights(tmp_path: Path) -> None:
    result = run("predict", "hrnet_w18_small_v1_cls", PHOTO, "--partial")
    assert result.code == 2
    assert "has none" in result.stderr
    assert not list(tmp_path.iterdir())


def test_counting_it_needs_no_torch(mine: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; import hrnet_graph as hg;"
        f"print(hg.analyze(hg.build_graph({str(mine)!r})).params)"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(result.stdout) == hg.analyze(hg.build_graph(SMALL)).params


def test_a_bench_of_it_runs_its_weights(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def ask(worker: Worker, order: str = "") -> None:
        asked.extend([json.loads(order)] if order.startswith("{") else [])
        worker.answers.append({"seconds": 1.0})

    monkeypatch.setattr(Worker, "ask", ask)
    result = run("bench", mine, "--targets", "torch", "--runs", "1", "--json")
    assert json.loads(result.stdout)["weights"] == str(mine)
    assert [job["weights"] for job in asked] == [str(mine)]


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_a_file_without_a_spec_is_one_message(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"plain{suffix}"
    if suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file({"a": torch.zeros(1)}, path)
    else:
        torch.save({"model": hg.build_module(SMALL).state_dict()}, path)
    result = run("flops", path)
    assert result.code == 2
    assert result.stderr == (
        f"error: {str(path)!r} holds no spec of ours\n"
        "  build the network from a spec and give the file as weights instead\n"
    )


def test_an_onnx_file_says_what_to_give(tmp_path: Path) -> None:
    result = run("flops", tmp_path / "a.onnx")
    assert result.code == 2
    assert "is made for an engine" in result.stderr


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch sprung",)


@pytest.mark.parametrize("kind", ["trap", "text", "cut", "compressed", "header", "long", "spec"])
def test_forged_files_run_nothing_and_are_one_message(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "net.pt"
    hg.save(trained(), path)
    if kind == "trap":
        entries = {"net/data.pkl": pickle.dumps({"format": Trap(), "spec": Trap()})}
        rewrite(path, entries, zipfile.ZIP_STORED)
    elif kind == "compressed":
        rewrite(path, {"net/data.pkl": b"."}, zipfile.ZIP_DEFLATED)
    elif kind == "text":
        path.write_text("name: a")
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:-3000])
    elif kind == "spec":
        torch.save({"format": "hrnet-graph 1", "spec": "a: [", "state_dict": {}}, path)
    else:
        path = tmp_path / "net.safetensors"
        path.write_bytes(b"\xff" * 8 + b"{}" if kind == "long" else b"\x05" + b"\0" * 7 + b"[1, 2")
    with pytest.raises(hg.SpecError, match=r"net\.") as caught:
        hg.load_spec(path)
    assert len(caught.value.problems) == 1
    assert not (tmp_path / "sprung").exists()


def rewrite(path: Path, entries: dict[str, bytes], compression: int) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def test_what_is_read_is_what_was_written(mine: Path) -> None:
    said = read_about(mine)
    assert said["format"] == "hrnet-graph 1"
    assert said["spec"] == to_yaml(hg.load_spec(SMALL).dump())
    assert "weights" not in said
