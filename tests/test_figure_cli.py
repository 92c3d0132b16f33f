"""`render` and `diff --render` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import run
from drawn import read_svg
from figures import SMALL

from hrnet_graph.cli.commands.render import command
from hrnet_graph.viz import font

BOLD = Path(font.__file__).parent / "fonts" / "Arimo-Bold.ttf"


def test_every_option_of_render(tmp_path: Path) -> None:
    first = (
        *("render", SMALL, "-o", "a.svg", "--view", "module", "--expand", "stage3"),
        *("--expand", "head", "--orientation", "tb", "--theme", "dark", "--colour", "params"),
        *(
            "--no-labels",
            "--font",
            str(BOLD),
            "--scale",
            "0.5",
            "--width",
            "single",
            "--title",
            "--fold",
            "--json",
        ),
    )
    second = (
        *("render", SMALL, "-o", "b.svg", "--only", "stage3.0", "--labels", "numbers"),
        *("--set", "width=24", "--input", "256x192", "--no-title"),
    )
    third = ("render", SMALL, "-o", "c.json", "--format", "model-explorer")
    fourth = ("render", SMALL, "-o", "d.png", "--dpi", "36")
    known = {name for part in command.params for name in part.opts + part.secondary_opts}
    assert {name for name in known if name.startswith("--")} == {
        word if word != "-o" else "--output"
        for word in (*first, *second, *third, *fourth)
        if word.startswith("-")
    }
    result = run(*first, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {"version": 1, "file": "a.svg", "view": "module"}
    svg = (tmp_path / "a.svg").read_bytes()
    figure = read_svg(svg)
    assert "stage3.0.branches.0.0" in figure.parts
    assert figure.size[0] == pytest.approx(72 * 3.5 / 2, abs=1)
    assert b'font-family="Arimo-Bold,Arial,' in svg
    assert "1/4" not in {text for text, *_ in figure.words}
    assert run(*second, cwd=tmp_path).returncode == 0
    said = " ".join(text for text, *_ in read_svg((tmp_path / "b.svg").read_bytes()).words)
    assert "24" in said
    assert "64×48" in said
    assert SMALL not in said
    assert run(*third, cwd=tmp_path).returncode == 0
    assert json.loads((tmp_path / "c.json").read_text())["graphs"]
    assert run(*fourth, cwd=tmp_path).returncode == 0


def test_the_figure_is_the_default(tmp_path: Path) -> None:
    result = run("render", SMALL, cwd=tmp_path)
    assert result.stderr == f"wrote {SMALL}.svg\n"
    figure = read_svg((tmp_path / f"{SMALL}.svg").read_bytes())
    assert "stage4.0.fuse_layers.3" in figure.parts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "stge3.0"), "error: no part 'stge3.0' in 'hrnet_w18_small_v1_cls'; did you mean"),
        (("--expand", "\x1b[31m"), "error: no part '\\x1b[31m' in 'hrnet_w18_small_v1_cls' (known: "),
        (("--scale", "1e9"), "error: expected a scale from 0.1 to 10, got 1000000000.0"),
        (("--scale", "nan"), "error: expected a scale from 0.1 to 10, got nan"),
        (("--view", "paper"), "Usage: "),
        (("--dpi", "5"), "error: expected a dpi from 10 to 2400, got 5.0"),
        (("--dpi", "100"), "error: dpi is for .png alone, got .svg"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_message(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run("render", SMALL, "-o", "a.svg", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith(message)
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_diff_draws_both(tmp_path: Path) -> None:
    result = run(
        "diff", SMALL, "hrnet_w18_small_v2_cls", "--render", "d.svg", "--json", cwd=tmp_path
    )
    assert result.returncode == 1
    assert result.stderr == "wrote d.svg\n"
    json.loads(result.stdout)
    kinds = {kind for kind, _ in read_svg((tmp_path / "d.svg").read_bytes()).parts.values()}
    assert {"fuse added", "branch changed"} <= kinds
    wrong = run("diff", SMALL, SMALL, "--render", "d.bmp", cwd=tmp_path)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: expected a file name that ends in .svg or .png")
