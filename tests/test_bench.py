"""Candidates measured side by side: rows, comparisons, files and failures."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner
from small import SMALL
from torch import nn

import hrnet_graph as hg
from hrnet_graph.benchmark import measure as measuring
from hrnet_graph.benchmark import process
from hrnet_graph.benchmark.candidates import Candidate, candidates, missing, read_targets
from hrnet_graph.benchmark.measure import Row, Settings, measure
from hrnet_graph.cli.commands.bench import command as bench
from hrnet_graph.processes import command_of

TWICE = Settings(runs=2, threads=1)
PEER = f"{__name__}:peer"


def peer() -> nn.Module:
    return nn.Conv2d(3, 4, 3)


def raising() -> nn.Module:
    raise ValueError("out of\norder")


def killed() -> nn.Module:
    os.kill(os.getpid(), 9)
    raise AssertionError


def number() -> int:
    return 3


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(bench, list(arguments), catch_exceptions=True)


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    return str(path)


@pytest.mark.slow
def test_a_run_from_the_command_line(small: str) -> None:
    arguments = ["bench", small, "--targets", "torch,torch:bf16", "--against", PEER]
    options = ["--runs", "3", "--threads", "1", "--batch", "2", "--input", "32x64", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "hrnet_graph", *arguments, *options],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    report = json.loads(done.stdout)
    assert report["input"] == [3, 32, 64]
    assert (report["batch"], report["threads"], report["runs"]) == (2, 1, 3)
    assert report["versions"]["torch"]
    rows = {row["name"]: row for row in report["candidates"]}
    assert list(rows) == [PEER, "torch", "torch:bfloat16"]
    for row in rows.values():
        assert not row["error"]
        assert len(row["seconds"]) == 3
        assert 0 < row["min"] <= row["p10"] <= row["median"] <= row["p90"] <= row["max"]
        assert row["cold"] > row["median"]
        assert row["peak"] > 20_000_000
        assert row["running"] > 20_000_000
    assert rows[PEER]["speed"] == 1
    assert rows[PEER]["difference"] is None
    assert rows["torch"]["difference"] == 0
    assert 0 < rows["torch:bfloat16"]["difference"] < 0.05


@pytest.mark.slow
def test_timm_gets_our_weights_and_agrees() -> None:
    spec = hg.load_spec("hrnet_w18_small_v1_cls", {"input": [3, 32, 32]})
    chosen = candidates(spec, "torch", "timm")
    assert [candidate.name for candidate in chosen] == ["timm:hrnet_w18_small", "torch"]
    theirs, ours = measure(spec, chosen, Settings(runs=1, threads=2))
    assert theirs.difference == 0
    assert ours.difference is not None
    assert 0 < ours.difference < 1e-5


def test_a_candidate_that_fails_is_a_row_that_says_so() -> None:
    settings = Settings(runs=1, weights=Path("nowhere.pt"))
    (row,) = measure(hg.load_spec(SMALL), [Candidate("torch")], settings)
    assert row == Row("torch", error="no weights file at 'nowhere.pt'")


def test_a_process_that_dies_is_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "command_of", lambda _: command_of("nowhere.worker"))
    (row,) = measure(hg.load_spec(SMALL), [Candidate("torch")], TWICE)
    assert row.error.startswith("the process ended with code 1: ")
    assert "No module named" in row.error
    assert row.seconds == ()


def test_files_of_the_command_line_reach_the_candidates(small: str, tmp_path: Path) -> None:
    hg.save(hg.build_module(SMALL), tmp_path / "random.pt")
    files = ("--weights", str(tmp_path / "random.pt"))
    result = invoke(small, "--targets", "torch", "--runs", "1", *files, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["weights"].startswith(files[1])


def test_an_answer_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    model = hg.build_module(SMALL)
    with torch.no_grad():
        model.classifier.bias.fill_(torch.finfo(torch.float32).max)
        model.classifier.weight.fill_(torch.finfo(torch.float32).max)
    hg.save(model, tmp_path / "nan.pt")
    settings = Settings(runs=1, weights=tmp_path / "nan.pt")
    (row,) = measure(hg.load_spec(SMALL), [Candidate("torch")], settings)
    assert row.error == "it answers what is no number"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("raising", "ValueError: out of order"),
        ("killed", "the process was killed, perhaps for want of memory"),
        ("number", "TypeError: expected a torch module, got int"),
    ],
)
def test_a_peer_that_cannot_be_run_is_one_message(name: str, reason: str) -> None:
    chosen = [Candidate(peer=f"{__name__}:{name}")]
    with pytest.raises(hg.HRNetGraphError) as caught:
        measure(hg.load_spec(SMALL), chosen, TWICE)
    assert caught.value.message == f"{__name__}:{name} cannot be run: {reason}"


ROWS = [
    Row("torch", (0.2, 0.4, 0.3), 2.0, 2**30, 2**29, 0.0),
    Row("openvino", (0.1, 0.1, 0.1), 1.0, 2**28, None, 1e-6),
    Row("onnxruntime", error="out of order"),
]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def pretend(spec: hg.Spec, chosen: Sequence[Candidate], settings: Settings) -> list[Row]:
        return ROWS

    monkeypatch.setattr(measuring, "measure", pretend)


def test_ratios_are_medians_of_pairs() -> None:
    assert ROWS[1].speed(ROWS[0]) == pytest.approx(3)
    assert ROWS[0].speed(ROWS[0]) == 1
    assert ROWS[2].speed(ROWS[0]) is None
    assert ROWS[0].spread["median"] == 0.3
    assert ROWS[0].spread["p10"] == pytest.approx(0.22)


@pytest.mark.usefixtures("measured")
def test_the_table(small: str) -> None:
    result = invoke(small, "--targets", "torch", "--batch", "2", "--threads", "4")
    assert result.exit_code == 1  # a row failed
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["small", "at", "2x3x64x64,", "4", "threads,", "10", "rounds"]
    assert ["openvino", "100.00", "100.00", "100.00", "3.00", "1.00", "256", "1.0e-06"] in lines
    assert ["onnxruntime", "out", "of", "order"] in lines


@pytest.mark.usefixtures("measured")
def test_csv_and_json(small: str, tmp_path: Path) -> None:
    result = invoke(small, "--targets", "torch", "-o", str(tmp_path / "a.csv"), "--json")
    assert json.loads(result.stdout)["candidates"] == 3
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == ["torch", "openvino", "onnxruntime"]
    assert float(rows[1]["speed"]) == pytest.approx(3)
    assert rows[2]["median"] == ""
    assert rows[2]["error"] == "out of order"
    invoke(small, "--targets", "torch", "-o", str(tmp_path / "a.json"))
    assert len(json.loads((tmp_path / "a.json").read_text())["candidates"]) == 3


@pytest.mark.usefixtures("measured")
def test_plots(small: str, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg", "a.png"):
        invoke(small, "--targets", "torch", "-o", str(tmp_path / name))
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "<!-- openvino -->" in (tmp_path / "a.svg").read_text()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("json_too", [False, True])
def test_no_plot_of_nothing(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, json_too: bool
) -> None:
    monkeypatch.setattr(measuring, "measure", lambda *_: ROWS[2:])
    path = tmp_path / "a.svg"
    more = ["--json"] if json_too else []
    result = invoke(small, "--targets", "torch", "-o", str(path), *more)
    assert result.exit_code == 1
    assert not path.exists()
    said = [f"wrote no {path}: nothing was measured", "onnxruntime: out of order"]
    assert result.stderr.splitlines() == said
    assert not json_too or json.loads(result.stdout) == {
        "version": 1,
        "file": None,
        "candidates": 1,
    }


def test_what_cannot_be_run_or_written_is_refused_before_it_is_measured(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments, message in (
        (("--targets", "torhc"), "unknown target 'torhc'; did you mean 'torch'?"),
        (
            ("--targets", "torch:int8"),
            "the target torch has no int8, only float32, bfloat16, float16",
        ),
        (("--targets", "torch:float23"), "unknown precision 'float23'; did you mean 'float32'?"),
        (("--against", "x"), "expected timm or module:callable to run against, got 'x'"),
        (("--against", "timm"), "timm has no network like small"),
        (("-o", "a.txt"), "expected a file name that ends in .csv or .json or .md or .tex"),
        (
            ("--targets", "torch", "--max-difference", "0.1"),
            "--max-difference is for int8, got torch",
        ),
        (
            ("--targets", "torch", "--calibration", str(tmp_path)),
            "--calibration is for int8, got torch",
        ),
        (("--targets", "torch:"), "unknown precision ''"),
        (("-o", str(tmp_path / "no" / "a.csv")), "no such folder"),
    ):
        error = invoke(small, *arguments).exception
        assert isinstance(error, hg.HRNetGraphError)
        assert message in error.message
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    error = invoke(small, "-o", str(tmp_path / "a.svg")).exception
    assert str(error) == "writing .svg needs matplotlib\n  pip install 'hrnet-graph[plot]'"


def test_int8_asks_for_images(small: str) -> None:
    for package in ("nncf", "onnx", "onnxruntime"):
        pytest.importorskip(package)
    error = invoke(small, "--targets", "onnxruntime:int8").exception
    assert str(error) == "int8 needs images to be calibrated on\n  give --calibration FOLDER"
    for bad in ("nan", "inf", "-1", "0", "1"):
        error = invoke(small, "--targets", "onnxruntime:int8", "--max-difference", bad).exception
        assert "max_difference: expected a number over 0 and under 1, got " in str(error)
    assert invoke(small, "--max-difference", "much").exit_code == 2


def test_targets_that_are_missing_are_named_with_their_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert missing()["openvino"] == "pip install 'hrnet-graph[openvino]'"
    spec = hg.load_spec(SMALL)
    assert "openvino" not in [candidate.name for candidate in candidates(spec, None, None)]
    with pytest.raises(hg.HRNetGraphError, match=r"needs openvino\n  pip install 'hrnet-graph"):
        read_targets("openvino")
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(hg.HRNetGraphError, match="pip install timm"):
        candidates(hg.load_spec("hrnet_w18_cls"), "torch", "timm")


def test_no_engine_is_imported_to_read_the_command_line() -> None:
    script = (
        "import sys; from hrnet_graph.cli.commands.bench import command;"
        "from hrnet_graph.benchmark import measure, report, candidates;"
        "candidates.read_targets('torch:bf16');"
        "print({'torch', 'timm', 'onnxruntime', 'openvino'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "set()\n"


def test_a_worker_imports_nothing_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')")
    (tmp_path / "mine.py").write_text("from torch import nn\n\ndef net():\n    return nn.ReLU()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    monkeypatch.syspath_prepend(str(tmp_path))
    chosen = [Candidate(peer="mine:net"), Candidate("torch")]
    rows = measure(hg.load_spec(SMALL), chosen, Settings(runs=1))
    assert [row.error for row in rows] == ["", ""]
