"""Configs that people have, each with the network that it means or what its refusal must name.

`tests/data/import/expected.json` says for every file beside it what must come.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import hrnet_graph as hg
from hrnet_graph.cli.main import cli
from hrnet_graph.spec.importers.read import import_config

FOLDER = Path(__file__).parent / "data" / "import"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text())


def plain(spec: hg.Spec) -> dict[str, Any]:
    """A spec as JSON has it, without its name."""
    data: dict[str, Any] = json.loads(json.dumps(spec.model_dump(mode="json")))
    return {key: value for key, value in data.items() if key != "name"}


def value_at(data: Any, key: str) -> Any:
    for part in key.split("."):
        data = data[int(part) if isinstance(data, list) else part]
    return data


@pytest.mark.parametrize("name", EXPECTED)
def test_a_config_gives_its_network_or_a_refusal_that_names_why(name: str) -> None:
    expected = EXPECTED[name]
    try:
        spec, _ = import_config(FOLDER / name)
    except hg.FileError as refusal:
        assert "refused" in expected["outcome"], refusal
        assert f"{name}:" in str(refusal)
        assert all(word in str(refusal) for word in expected["names"])
        return
    assert "spec" in expected["outcome"]
    graph = hg.build_graph(spec)
    for key, value in expected.get("values", {}).items():
        assert value_at(plain(spec), key) == value
    if "params" in expected:
        assert hg.analyze(graph).params == expected["params"]
    if "same_as" in expected:
        assert plain(import_config(FOLDER / expected["same_as"])[0]) == plain(spec)
    if "same_network_as" in expected:
        assert hg.build_graph(expected["same_network_as"]).state() == graph.state()


def test_every_file_has_an_outcome() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*EXPECTED, "expected.json"}


@pytest.mark.parametrize("command", [["flops"], ["validate"], ["render"], ["build"], ["show"]])
@pytest.mark.parametrize("name", ["pose_stage1.yaml", "mm_ok.py", "paddle.yml", "mm.yaml"])
def test_another_tool_s_config_in_place_of_a_spec_is_told_with_the_command_that_reads_it(
    tmp_path: Path, command: list[str], name: str
) -> None:
    texts = {
        "paddle.yml": "Arch: {name: HRNet_W18_C, class_num: 1000}\n",
        "mm.yaml": "model: {backbone: {type: HRNet}}\n",
    }
    path = tmp_path / name
    path.write_text(texts[name] if name in texts else (FOLDER / name).read_text())
    result = CliRunner().invoke(cli, [*command, str(path)])
    message = result.output or str(result.exception)
    assert "expected a spec" in message
    assert f"hrnet-graph import {path} -o mine.yaml" in message
    assert len(message.splitlines()) == 2
