"""What runs at every push, every night and at every tag is what a person runs by hand."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hrnet_graph.spec.source import parse

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def read(path: Path) -> Any:
    """YAML as GitHub reads it, where `on` is text."""
    return json.loads(json.dumps(parse(path.read_text(), path.name).plain()))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_make_targets_alone(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    ran = 0
    for job in read(path)["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        assert job["timeout-minutes"] <= 180
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            assert "@" in step.get("uses", "@")
            for command in expand(step.get("run", ""), matrix):
                words = command.removeprefix("sudo ").split()
                assert words[0] == "make"
                assert words[1:]
                assert set(words[1:]) <= targets
                ran += 1
    assert ran


def expand(command: str, matrix: dict[str, list[str]]) -> list[str]:
    """The command for every value of the matrix that it names."""
    name = re.search(r"\$\{\{ matrix\.(\w+) \}\}", command)
    if name is None:
        return [command] if command else []
    return [command.replace(name[0], value) for value in matrix[name[1]]]


def test_every_python_that_is_promised_is_tested() -> None:
    promised = [
        line.rpartition(" ")[2]
        for line in PROJECT["project"]["classifiers"]
        if re.search(r"Python :: 3\.\d+$", line)
    ]
    (job,) = read(ROOT / ".github" / "workflows" / "test.yml")["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == promised
    assert PROJECT["project"]["requires-python"] == f">={promised[0]}"


def test_a_tag_publishes_without_a_token() -> None:
    release = read(ROOT / ".github" / "workflows" / "release.yml")
    assert release["on"] == {"push": {"tags": ["v*"]}}
    publish = release["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["needs"] == "build"
    assert "secrets." not in str(release)


def test_slow_tests_and_the_newest_torch_run_at_night() -> None:
    nightly = read(ROOT / ".github" / "workflows" / "nightly.yml")
    assert nightly["on"]["schedule"]
    assert nightly["jobs"]["nightly"]["strategy"]["matrix"] == {"target": ["slow", "latest"]}


def test_the_oldest_of_everything_is_tried_at_night() -> None:
    steps = read(ROOT / ".github" / "workflows" / "nightly.yml")["jobs"]["oldest"]["steps"]
    promised = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert {"python-version": promised} in [step.get("with") for step in steps]
    assert steps[-1] == {"run": "make oldest"}
    extras = PROJECT["project"]["optional-dependencies"]
    needs = PROJECT["project"]["dependencies"]
    tried = {line.partition(";")[0] for line in (*needs, *extras["torch"], *extras["test"])}
    assert {line.partition(";")[0] for lines in extras.values() for line in lines} <= tried


@pytest.mark.parametrize("tool", ["basedpyright", "mypy", "pytest", "pytest-xdist", "ruff"])
def test_tools_are_pinned(tool: str) -> None:
    (line,) = (
        line
        for line in PROJECT["project"]["optional-dependencies"]["test"]
        if re.fullmatch(rf"{tool}\b(?!-).*", line)
    )
    assert re.fullmatch(rf"{tool}==[0-9.]+", line)


def test_pre_commit_runs_the_pinned_tools() -> None:
    (repository,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert {hook["entry"].split()[0] for hook in repository["hooks"]} == {
        ".venv/bin/ruff",
        ".venv/bin/mypy",
    }


@pytest.mark.parametrize("script", ["run", "system"])
def test_scripts_of_ci_are_bash(script: str) -> None:
    subprocess.run(["bash", "-n", str(ROOT / ".ci" / script)], check=True)


def test_ci_lets_nothing_be_skipped() -> None:
    command = ["make", "--dry-run", "--always-make", "test"]
    for flag, stated in (([], False), (["CI=true"], True)):
        said = subprocess.run(
            [*command, *(flag or ["CI="])], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert ("--no-skips" in said.stdout) is stated
    assert "make test CI=true" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("form", ["bug", "feature"])
def test_issue_forms_ask_something(form: str) -> None:
    asked = read(ROOT / ".github" / "ISSUE_TEMPLATE" / f"{form}.yml")
    assert {"name", "description", "body"} <= asked.keys()
    assert len({part["id"] for part in asked["body"]}) == len(asked["body"])
