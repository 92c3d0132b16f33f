"""What `--json` prints is what the schemas say, of every command, errors included."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from commands import EVERY, fill, run

from hrnet_graph.cli.documents import DOCUMENTS, schema_of
from hrnet_graph.cli.main import COMMANDS, cli
from hrnet_graph.cli.rows import write_rows
from hrnet_graph.cli.terminal import VERSION, print_json
from hrnet_graph.errors import HRNetGraphError

MORE = """flops small.yaml --by stage
flops small.yaml small.yaml
flops small.yaml --verify
flops small.yaml -o counts.csv
roofline small.yaml --by stage
graph small.yaml -o again.graphml
diff small.yaml hrnet_w18_small_v1_cls
build small.yaml -o again.pt --weights a.pt
build small.yaml -o small.ncnn.param --weights a.pt
sweep small.yaml --vary width=4,8 -o swept.csv
published
import hrnet_w18 -o imported.yaml
predict small.yaml a.png d.png -o . --weights a.pt
"""
UNENDING = {"edit", "lsp", "watch"}
"""What goes on until it is stopped, and has tests of its own; `lsp` prints no JSON of ours."""


def lines() -> list[str]:
    asked = (
        line for line in (EVERY + MORE).splitlines() if not {"--help", "--csv"} & {*line.split()}
    )
    return [line.removesuffix(" --json") for line in asked]


def closed(schema: Any) -> Any:
    """The schema with no key allowed that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    inner = {key: closed(part) for key, part in schema.items()}
    return {**inner, "additionalProperties": False} if "properties" in schema else inner


def test_every_command_has_a_schema() -> None:
    assert set(DOCUMENTS) == set(COMMANDS) - {"lsp"}
    for command in DOCUMENTS:
        jsonschema.Draft202012Validator.check_schema(schema := schema_of(command))
        assert schema["$id"] == f"urn:hrnet-graph:{command}:{VERSION}"
    printed = run("schema", "--of", "flops")
    assert json.loads(printed.stdout) == schema_of("flops")


@pytest.mark.slow
def test_every_document_is_as_its_schema_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    tried = set()
    for line in lines():
        command, *rest = line.split()
        printed = CliRunner().invoke(cli, [command, *rest, "--json"])
        assert printed.exit_code in (0, 1), (line, printed.output)
        document = json.loads(printed.stdout)
        jsonschema.validate(document, closed(schema_of(command)))
        if isinstance(document, dict) and command not in ("show", "schema"):
            assert document["version"] == VERSION, line
        tried.add(command)
    assert tried == set(COMMANDS) - UNENDING


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("flops none.yaml", "no spec file at 'none.yaml'"),
        ("flops hrnet_w18_cls --set widht=3", "widht: unknown key"),
        ("flops hrnet_w18_cls --bye", "No such option '--bye'"),
        ("schema --of flps", "did you mean 'flops'?"),
        ("floops", "No such command 'floops'"),
    ],
)
def test_an_error_is_a_document_too(line: str, error: str, tmp_path: Path) -> None:
    done = run(*line.split(), "--json", cwd=tmp_path)
    assert done.returncode == 2
    document = json.loads(done.stdout)
    jsonschema.validate(document, closed(schema_of("flops")))
    assert error in document["error"]
    assert error in done.stderr


def test_json_has_finite_numbers_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = {"images": [{"scores": [1.0, float("nan")]}]}
    message = r"^images\.0\.scores\.1: expected a finite number, .* got nan\n"
    for tell in (print_json, lambda data: write_rows(tmp_path / "a.jsonl", (), [data])):
        with pytest.raises(HRNetGraphError, match=message):
            tell(rows)
    assert not capsys.readouterr().out
    assert not (tmp_path / "a.jsonl").exists()
