"""What every command does before it works: its help, its files, its refusals without torch."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from absent import OPTIONAL, distributions
from click.testing import CliRunner, Result
from commands import fill, run

import hrnet_graph as hg
from hrnet_graph.artefacts import ARTEFACTS
from hrnet_graph.cli.files import KEPT, Read, Written, figures, graphs, networks
from hrnet_graph.cli.main import cli
from hrnet_graph.extras import EXTRAS

NAME = "hrnet_w18_small_v1_cls"


def walk(group: click.Group, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with its words, groups included."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from walk(command, *words, name)


COMMANDS = dict(walk(cli))
LEAVES = {words: c for words, c in COMMANDS.items() if not isinstance(c, click.Group)}


def examples(words: tuple[str, ...]) -> list[list[str]]:
    """The arguments of the examples in a command's help."""
    text = CliRunner().invoke(cli, [*words, "--help"]).output.partition("Examples:\n")[2]
    lines = [shlex.split(line.partition(" > ")[0]) for line in text.strip().splitlines()]
    assert all(line[0] == "hrnet-graph" for line in lines)
    return [line[1:] for line in lines]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples read."""
    fill(tmp_path)
    (tmp_path / "a.pt").unlink()
    (tmp_path / "a.png").rename(tmp_path / "photo.jpg")
    (tmp_path / "mine.yaml").write_text(f"extends: {NAME}\nwidth: 8\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("words", [(), *COMMANDS], ids=" ".join)
def test_every_help_has_examples_that_parse(words: tuple[str, ...], folder: Path) -> None:
    (folder / "mine.yaml").unlink()  # which one of them writes
    found = examples(words)
    assert found
    for arguments in found:
        known = [key for key in LEAVES if tuple(arguments[: len(key)]) == key]
        assert known, arguments
        (key,) = known
        assert key[: len(words)] == words
        with LEAVES[key].make_context("", arguments[len(key) :]):
            pass


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_option_says_what_it_takes(words: tuple[str, ...]) -> None:
    for param in LEAVES[words].params:
        if not isinstance(param, click.Option):
            continue
        text = param.help or ""
        assert text.endswith((".", "'")), (words, param.name)
        if param.metavar == "PART":
            assert "stage3.1" in text
        if "--device" in param.opts:
            assert re.search(r"\bcuda\b|\ba100\b", text)
        if param.metavar == "DIALECT":
            assert "mmpose" in text


SCRIPT = """
import json, sys
import click
from hrnet_graph.cli.main import cli
from hrnet_graph.errors import HRNetGraphError
cases, lacking = json.load(sys.stdin)
for package in lacking:
    sys.modules[package] = None
said = []
for arguments in cases:
    try:
        cli.main(arguments, standalone_mode=False)
        said.append("nothing")
    except (HRNetGraphError, click.ClickException) as error:
        said.append(str(error) or type(error).__name__)
    except SystemExit as end:
        said.append(f"exit {end.code}")
    if sys.modules.get("torch"):
        sys.exit(f"torch was loaded for {arguments}")
print(json.dumps(said))
"""


def said_of(cases: list[list[str]], folder: Path, lacking: tuple[str, ...] = ()) -> list[str]:
    """The refusal of each, in one process that torch is never loaded in."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=json.dumps([cases, lacking]), text=True,
        capture_output=True, cwd=folder, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == len(cases)
    return [str(text) for text in found]


def bad_values(param: click.Parameter) -> list[tuple[str, str]]:
    """What a parameter refuses, and what is said of it."""
    if isinstance(param.type, Read):
        return [("gone", f"no {param.type.what} at 'gone'")]
    if isinstance(param.type, Written):
        suffix = next(iter(param.type.kinds()))
        return [
            ("a.nope", "expected a file name that ends in"),
            (f"nowhere/a{suffix}", "no such folder"),
        ]
    if isinstance(param.type, click.Choice):
        return [("nonsense", "'nonsense' is not ")]
    if isinstance(param.type, click.IntRange | click.FloatRange):
        return [("nonsense", "is not a valid")]
    if param.name == "device":
        return [("abacus", "no device 'abacus'"), ("cuda:x", "no device 'cuda:x'")]
    if param.name == "spec":
        return [("gone.yaml", "no spec file at 'gone.yaml'"), ("hrnet_w33_cls", "no spec named")]
    return []


def test_refusals_load_no_torch(folder: Path) -> None:
    cases, expected = [], []
    for words, command in LEAVES.items():
        start = examples(words)[0]
        (folder / "mine.yaml").unlink(missing_ok=True)
        with command.make_context("", start[len(words) :]) as ctx:
            params = ctx.params.items()
            given = {k: str(v[0] if isinstance(v, tuple) and v else v) for k, v in params}
        for param in command.params:
            for value, message in bad_values(param):
                if isinstance(param, click.Option):
                    cases.append([*start, param.opts[-1], value])
                else:
                    cases.append([value if x == given[param.name or ""] else x for x in start])
                expected.append(message)
        cases.append([*start, "--nonsense"])
        expected.append("No such option")
    assert len(cases) > 70
    for arguments, text, message in zip(cases, said_of(cases, folder), expected, strict=True):
        assert message in text, (arguments, text)


LACKING = {
    "onnx": [["build", NAME, "-o", "a.onnx"]],
    "plot": [
        ["flops", NAME, "--plot", "a.svg"],
        ["sweep", NAME, "--vary", "width=4", "-o", "a.png"],
        ["bench", NAME, "-o", "a.svg"],
    ],
    "edit": [["edit", "mine.yaml"], ["watch", "mine.yaml", "-o", "a.svg"]],
    "lsp": [["lsp"]],
    "search": [["search", NAME, "--vary", "width=4", "--storage", "s.db"]],
    "detection": [["predict", "hrnetv2p_w18", "photo.jpg"]],
    "onnxruntime": [["bench", NAME, "--targets", "onnxruntime"]],
    "ncnn": [["bench", NAME, "--targets", "ncnn"]],
    "openvino": [["bench", NAME, "--targets", "openvino"]],
    "int8": [["bench", NAME, "--targets", "openvino:int8", "--calibration", "."]],
}


@pytest.mark.parametrize("extra", LACKING)
def test_a_missing_extra_is_refused_without_torch(extra: str, folder: Path) -> None:
    package = EXTRAS[extra][0]
    for text in said_of(LACKING[extra], folder, (package,)):
        assert f"needs {package}" in text
        assert text.endswith(f"\n  pip install 'hrnet-graph[{extra}]'")


def test_extras_are_those_that_can_be_installed() -> None:
    assert EXTRAS.keys() == OPTIONAL.keys() - {"test"}
    for extra, packages in EXTRAS.items():
        brought = distributions(extra)
        assert {"pillow" if name == "PIL" else name for name in packages} <= brought
        assert brought - {*packages} <= {"fvcore", "numpy", "pillow"}  # which not all of it needs


def test_suffixes_are_those_of_artefacts() -> None:
    for kind, kinds in (("network", networks), ("graph", graphs), ("figure", figures)):
        assert list(kinds()) == [row.suffix for row in ARTEFACTS if row.kind == kind]


def invoke(line: str, input: str = "") -> Result:
    result = CliRunner().invoke(cli, shlex.split(line), input=input)
    assert result.exception is None or isinstance(
        result.exception, hg.HRNetGraphError | SystemExit
    ), result.exception
    return result


WRITING = """init hrnet_w18_cls -o a.yaml
import hrnet_w18 -o b.yaml
build small.yaml -o a.py
build small.yaml -o a.pt
weights convert w.pth --to openmmlab -o b.pth
graph small.yaml -o a.json
render small.yaml -o a.svg
diff small.yaml mine.yaml --render d.svg
flops small.yaml -o a.csv
flops small.yaml mine.yaml -o a.tex
sweep small.yaml --vary width=4 -o s.md
flops small.yaml --plot p.svg
predict small.yaml photo.jpg --seed 0 -o p.png
"""


def test_every_command_that_writes_is_played() -> None:
    writing = {w for w, c in LEAVES.items() if any(isinstance(p.type, Written) for p in c.params)}
    played = {words for words in writing for line in WRITING.splitlines()
              if tuple(line.split()[: len(words)]) == words}  # fmt: skip
    longer = {("bench",), ("edit",), ("watch",)}  # which write as sweep, init and others do
    assert writing - played == longer


@pytest.mark.parametrize("line", WRITING.splitlines())
def test_one_policy_for_what_is_there(line: str, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    name = re.search(r"\b\w\.\w+$", line)
    assert name is not None
    path = folder / name[0]
    first = invoke(line)
    assert f"wrote {path.name}" in first.stderr
    before = path.read_bytes()
    path.write_bytes(b"precious")
    again = invoke(line)
    if path.suffix in KEPT:
        assert str(again.exception) == (
            f"'{path.name}' is there already\n  give another name, or --force to replace it"
        )
        assert path.read_bytes() == b"precious"
        again = invoke(f"{line} --force")
    assert f"replaced {path.name}" in again.stderr
    assert len(path.read_bytes()) > len(before) / 2


def test_default_names_are_kept_too(folder: Path) -> None:
    (folder / "small.pt").write_text("trained for days")
    assert "'small.pt' is there already" in str(invoke("build small.yaml").exception)
    assert (folder / "small.pt").read_text() == "trained for days"


def test_what_is_read_is_never_written_over(folder: Path) -> None:
    photo = (folder / "photo.jpg").read_bytes()
    (folder / "link.png").symlink_to("photo.jpg")
    for name in ("photo.jpg", "./photo.jpg", "link.png"):
        error = invoke(f"predict small.yaml photo.jpg -o {name}").exception
        assert "is read, and cannot be written too" in str(error)
    assert (folder / "photo.jpg").read_bytes() == photo


@pytest.mark.parametrize(
    ("line", "starts"),
    [
        ("render small.yaml -o -", b"<?xml"),
        ("render small.yaml -o -.pdf", b"%PDF"),
        ("graph small.yaml -o -.json", b"{"),
        ("build small.yaml -o -.py", b'"""'),
        ("build small.yaml -o -", b"PK"),
        ("init hrnet_w18_cls -o -", b"# yaml-language-server"),
        ("import hrnet_w18 -o -", b"name: "),
        ("flops small.yaml -o -", b"part,params"),
        ("flops small.yaml mine.yaml -o -.tex", b"% needs"),
        ("sweep small.yaml --vary width=4 -o -.json", b"["),
        ("weights convert w.pth --to openmmlab -o -.safetensors", b""),
        ("predict small.yaml photo.jpg --seed 0 -o -", b"\x89PNG"),
        ("diff small.yaml mine.yaml --render -", b"<?xml"),
    ],
)
def test_a_dash_is_standard_output(line: str, starts: bytes, folder: Path) -> None:
    before = sorted(folder.iterdir())
    result = invoke(line)
    assert result.stdout_bytes.startswith(starts)
    assert len(result.stdout_bytes) > 60
    assert "wrote" not in result.stderr
    assert sorted(folder.iterdir()) == before


def test_standard_output_takes_one_thing(folder: Path) -> None:
    error = invoke("render small.yaml -o -.bmp").exception
    assert str(error).endswith("got '-.bmp'")
    error = invoke("render small.yaml -o - --json").exception
    assert str(error) == "--json and a file on standard output: expected one of them"


def test_a_full_disk_behind_a_dash_is_one_message(folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("a file that is full is Linux's")
    command = f"{sys.executable} -m hrnet_graph render small.yaml -o - > /dev/full"
    done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True, check=False)
    message = "error: cannot write to standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, message)


SPEC = f"extends: {NAME}\nwidth: 8\n"


@pytest.mark.parametrize(
    "line", ["flops -", "show -", "keys -", "memory -", "field -", "validate -", "diff - mine.yaml",
             "render - -o -", "graph - -o -", "roofline -"]
)  # fmt: skip
def test_a_dash_is_standard_input(line: str, folder: Path) -> None:
    result = invoke(line, input=SPEC)
    assert result.exit_code == (1 if line == "diff - x" else 0), result.output
    same = invoke(line.replace(" -", " mine.yaml", 1), input="")
    assert len(same.stdout) - len(result.stdout) < 2000


def test_an_error_in_standard_input_has_its_place(folder: Path) -> None:
    error = invoke("flops -", input=f"extends: {NAME}\nwidht: 8\n").exception
    assert str(error).startswith("-:2:1: widht: unknown key")
    done = subprocess.run(
        f"{sys.executable} -m hrnet_graph flops - <&-", shell=True, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_init_says_that_it_writes_the_schema(folder: Path) -> None:
    assert run("init", "hrnet_w18_cls", "-o", "a.yaml", cwd=folder).stderr == (
        "wrote a.yaml, hrnet-graph.schema.json\n"
    )
