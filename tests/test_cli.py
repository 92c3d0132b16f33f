"""The commands, as a person and as a script use them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import networkx as nx
import pytest
import yaml
from click.testing import CliRunner
from commands import run

import hrnet_graph as hg
from hrnet_graph.cli import main
from hrnet_graph.cli.families import fold_names
from hrnet_graph.cli.main import COMMANDS, cli
from hrnet_graph.spec.catalogue import folder

PIPE = subprocess.PIPE


def test_help_names_every_command() -> None:
    text = run("--help").stdout
    listed = text.partition("Commands:\n")[2].partition("\n\n")[0]
    named = [line.split()[0] for line in listed.splitlines()]
    assert named == list(COMMANDS)
    modules = Path(main.__file__).with_name("commands").glob("[!_]*.py")
    assert sorted(COMMANDS) == sorted(path.stem for path in modules)


def test_help_imports_little() -> None:
    """What it offers is known without the libraries that do the work."""
    code = """
import sys
from click.testing import CliRunner
from hrnet_graph.cli.main import COMMANDS, cli
for arguments in (["--help"], *([name, "--help"] for name in COMMANDS)):
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0 and result.output.startswith("Usage: "), arguments
heavy = "torch numpy networkx pydantic yaml onnx onnxruntime openvino matplotlib optuna rich"
print({*heavy.split(), "hrnet_graph.ir.graph"} & sys.modules.keys())
"""
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


def test_list() -> None:
    lines = {
        line.split()[0]: line.split() for line in run("list").stdout.splitlines() if line.strip()
    }
    assert lines["hrnet_w48_cls"][1:6] == ["classification", "3x224x224", "77.47", "M", "17.28"]
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert list(rows) == list(hg.list_specs())
    assert rows["hrnet_w48_cls"]["params"] == 77_469_864
    assert rows["hrnet_w48_cls"]["accuracy"][0]["value"] == 20.7
    assert rows["hrnet_w32_pose_mpii"]["task"] == "pose"


def test_list_of_a_task_and_of_names() -> None:
    names = [row["name"] for row in json.loads(run("list", "pose", "hrnetv2p_w4", "--json").stdout)]
    assert {"hrnet_w32_pose_mpii", "higherhrnet_w32_512"} <= {*names}
    assert "hrnet_w32_cls" not in names
    assert "hrnetv2p_w18" not in names
    assert "hrnetv2p_w48" in names
    refused = run("list", "poze")
    assert refused.returncode == 2
    assert "'poze'; did you mean 'pose'?\n  the tasks are " in refused.stderr


def test_list_folds_families_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hrnet_graph.cli.commands.list.is_watched", lambda: True)
    lines = CliRunner().invoke(cli, ["list"]).stdout.splitlines()
    assert len(lines) < 50
    assert any("hrnet_w{18,30,32,40,44,48,64}_cls" in line for line in lines)
    line = next(line for line in lines if "hrnetv2_w{18,32,40,48}" in line)
    assert line.split()[2:5] == ["9.56–65.33", "M", "3.28–16.22"]
    folded = fold_names(hg.list_specs())
    assert sorted(name for family in folded for name in family.members) == [*hg.list_specs()]


def test_list_is_in_natural_order() -> None:
    names = hg.list_specs()
    assert (
        names.index("hrnet_w18_cls") < names.index("hrnet_w32_cls") < names.index("hrnet_w64_cls")
    )


def test_show_gives_a_spec_that_loads_as_the_same(tmp_path: Path) -> None:
    path = tmp_path / "shown.yaml"
    path.write_text(run("show", "hrnet_w48_pose_384x288").stdout)
    assert hg.load_spec(path) == hg.load_spec("hrnet_w48_pose_384x288")
    shown = json.loads(run("show", "hrnet_w32_cls", "--set", "width=18", "--json").stdout)
    assert shown["width"] == 18
    assert "published" not in shown


def test_init_gives_a_spec_to_edit_and_its_schema(tmp_path: Path) -> None:
    assert run("init", "hrnet_w48_cls", cwd=tmp_path).returncode == 0
    path = tmp_path / "hrnet_w48_cls.yaml"
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=hrnet-graph.schema.json\n")
    assert "width: 48  # Branch i has width * 2^i channels\n" in text
    assert hg.build_graph(path).nodes == hg.build_graph("hrnet_w48_cls").nodes
    schema = json.loads((tmp_path / "hrnet-graph.schema.json").read_text())
    jsonschema.validate(yaml.safe_load(text), schema)
    again = run("init", "hrnet_w48_cls", cwd=tmp_path)
    assert again.returncode == 2
    assert (
        "'hrnet_w48_cls.yaml' is there already\n  give another name, or --force to replace it\n"
        in again.stderr
    )
    assert run("init", "hrnet_w48_cls", "--force", cwd=tmp_path).returncode == 0
    assert "ends in .yaml or .yml" in run("init", "hrnet_w48_cls", "-o", tmp_path / "a.txt").stderr


def test_schema_takes_the_catalogue_and_refuses_the_rest() -> None:
    schema = json.loads(run("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in folder().glob("*.yaml"):
        data = json.loads(json.dumps(yaml.safe_load(path.read_text())))
        assert not list(validator.iter_errors(data)), path
    assert list(validator.iter_errors({"extends": "hrnet_w32_cls", "widht": 3}))
    assert list(validator.iter_errors({"width": 3}))
    assert list(validator.iter_errors({"extends": "hrnet_w32_cls", "head": "nothing"}))


def test_validate() -> None:
    result = run("validate", *hg.list_specs())
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{len(hg.list_specs())} specs are valid\n"


def test_validate_reports_all_errors_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: hrnet_w32_cls\nwidth: x\nheda: 1\n")
    (tmp_path / "b.yaml").write_text("extends: hrnet_w32_cls\ninput: [3, 250, 192]\n")
    result = run("validate", "a.yaml", "b.yaml", "hrnet_w18_cls", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith(
        "a.yaml:2:8: width: expected an integer, got 'x'\na.yaml:3:1: heda"
    )
    assert (
        "b.yaml:2:8: input: 250x192 does not fit: stage2.0 fuse 0 adds 64x48 to 63x48"
        in result.stderr
    )
    data = json.loads(run("validate", "a.yaml", "--json", cwd=tmp_path).stdout)
    assert [problem["key"] for problem in data["errors"]] == ["width", "heda"]


def test_validate_warns_of_what_reaches_no_output() -> None:
    head = "head={kind: heatmap, joints: 17}"
    result = run("validate", "hrnet_w32_cls", "--set", head)
    assert result.returncode == 0
    assert "warning: " in result.stderr
    assert "stages.3: stage4.2 fuse 1, 2, 3 reaches no output: " in result.stderr
    assert "params and 88.9 MMACs for nothing\n  set stages.3.outputs: 1" in result.stderr
    better = run("validate", "hrnet_w32_cls", "--set", head, "--set", "stages.3.outputs=1")
    assert better.stderr == ""


def test_keys() -> None:
    result = run("keys", "hrnet_w32_pose_256x192")
    assert result.stdout.splitlines()[-1] == "1754 keys"
    rows = json.loads(run("keys", "hrnet_w32_pose_256x192", "--json").stdout)
    assert rows[0] == {"key": "conv1.weight", "shape": [64, 3, 3, 3], "trainable": True}
    assert rows[-1] == {"key": "final_layer.bias", "shape": [17], "trainable": True}


def test_flops() -> None:
    data = json.loads(run("flops", "hrnet_w48_cls", "--json").stdout)
    assert (data["params"], data["macs"]) == (77_469_864, 17_277_996_032)
    assert data["flops"] == 2 * data["macs"]
    by = json.loads(run("flops", "hrnet_w48_cls", "--by", "stage", "--json").stdout)
    assert [part["stage"] for part in by["parts"]][:3] == ["stem", "layer1", "transition1"]
    assert sum(part["macs"] for part in by["parts"]) == data["macs"]
    text = run("flops", "hrnet_w48_cls", "--by", "module", "--input", "64x64").stdout
    assert "hrnet_w48_cls at 3x64x64" in text
    assert "stage4.2" in text


@pytest.mark.parametrize("suffix", ["graphml", "json", "dot"])
def test_graph(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net.{suffix}"
    result = run("graph", "hrnet_w18_small_v1_cls", "-o", path, "--json")
    assert json.loads(result.stdout) == {
        "version": 1,
        "file": str(path),
        "nodes": 306,
        "edges": 351,
    }
    if suffix == "dot":
        assert path.read_text().startswith("digraph hrnet_w18_small_v1_cls {")
        return
    read = (
        nx.read_graphml(path)
        if suffix == "graphml"
        else nx.node_link_graph(json.loads(path.read_text()), edges="links")
    )
    assert read.number_of_nodes() == 306
    assert read.nodes["@stem.conv1"]["shape"] == "64x112x112"


@pytest.mark.parametrize("view", ["stage", "module", "block"])
@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot"])
def test_render(tmp_path: Path, view: str, suffix: str) -> None:
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}
    path = tmp_path / f"net.{suffix}"
    result = run("render", "hrnet_w18_small_v1_cls", "--view", view, "-o", path)
    assert result.returncode == 0, result.stderr
    assert path.read_bytes().startswith(starts[suffix])


def test_render_needs_no_program_of_the_machine(tmp_path: Path) -> None:
    result = run("render", "hrnet_w32_cls", cwd=tmp_path, env={"PATH": ""})
    assert result.returncode == 0, result.stderr
    assert result.stderr == "wrote hrnet_w32_cls.svg\n"
    assert "stage4.2" in (tmp_path / "hrnet_w32_cls.svg").read_text()


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_build_gives_a_file_that_loads(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net.{suffix}"
    result = run("build", "hrnet_w18_small_v1_cls", "--set", "width=4", "-o", path, "--json")
    said = json.loads(result.stdout)
    assert said["file"] == str(path)
    assert re.fullmatch(r"random \(seed \d+\)", said["weights"])
    assert result.stderr == f"weights: {said['weights']}\n"
    model = hg.load(path)
    assert model.graph == hg.build_graph(hg.load_spec("hrnet_w18_small_v1_cls", {"width": 4}))
    copy = tmp_path / "copy.pt"
    again = run(
        "build", "hrnet_w18_small_v1_cls", "--set", "width=4", "--weights", path, "-o", copy
    )
    assert again.returncode == 0, again.stderr
    ours, theirs = model.state_dict(), hg.load(copy).state_dict()
    assert all(ours[key].equal(theirs[key]) for key in ours)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("flops", "hrnet_w33_cls"), "error: no spec named 'hrnet_w33_cls' in the catalogue; did you"),
        (("flops", "gone.yaml"), "error: no spec file at 'gone.yaml'"),
        (("flops", "hrnet_w32_cls", "--set", "width=-1"), "--set width=-1: width: expected at least 1"),
        (("flops", "hrnet_w32_cls", "--input", "big"), "Usage: "),
        (("flops", "hrnet_w32_cls", "--input", "225x224"), "--input 225x224: input: 225x224 does not fit"),
        (("flops", "hrnet_w32_cls", "--input", "0x224"), "--input 0x224: input.1: expected at least 1"),
        (("render", "hrnet_w32_cls", "-o", "a.bmp"), "error: expected a file name that ends in .svg"),
        (("graph", "hrnet_w32_cls", "-o", "a.bmp"), "error: expected a file name that ends in "),
        (("build", "hrnet_w32_cls", "-o", "a.bmp"), "error: expected a file name that ends in .pt or"),
        (("render", "hrnet_w32_cls", "-o", "no/such/folder/a.svg"), "error: cannot write 'no/such/folder"),
        (("render", "hrnet_w32_cls", "-o", "/proc/a.svg"), "error: cannot write '/proc/a.svg': "),
        (("build", "hrnet_w18_small_v1_cls", "--weights", "gone.pt"), "error: no weights file at 'gone.pt'"),
        (("build", "hrnet_w18_small_v1_cls", "--device", "abacus"), "error: no device 'abacus'"),
        (("build", "hrnet_w32_cls", "--set", "width=60000"), "error: hrnet_w32_cls, width 60000 needs "),
        (("frobnicate",), "Usage: "),
        (("validate",), "Usage: "),
    ],
)  # fmt: skip
def test_bad_input_is_one_message_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith(message), result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_shell_completion_knows_commands_and_specs() -> None:
    def complete(words: str, index: int) -> str:
        code = "from hrnet_graph.cli.main import cli; cli(prog_name='hrnet-graph')"
        env = {
            **os.environ,
            "_HRNET_GRAPH_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(index),
        }
        return subprocess.run(
            [sys.executable, "-c", code], env=env, stdout=PIPE, text=True, check=False
        ).stdout

    assert "plain,render" in complete("hrnet-graph re", 1)
    assert "plain,hrnet_w48_cls" in complete("hrnet-graph render hrnet_w48", 2)
