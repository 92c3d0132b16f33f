"""Every message about a spec, once: the place, the expectation, what came, the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from broken_specs import EDITS, GOOD

import hrnet_graph as hg
from hrnet_graph.spec.load import load_with, read_override


def complaint(folder: Path, text: str | bytes) -> str:
    """What is said about a spec file, without the folder's name."""
    path = folder / "my.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(hg.SpecError) as caught:
        hg.build_graph(path)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(("old", "new", "message"), EDITS)
def test_message(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    assert complaint(tmp_path, GOOD.replace(old, new)) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "my.yaml:1:1: expected a spec, got an empty file"),
        ("# nothing\n", "my.yaml:1:1: expected a spec, got an empty file"),
        ("- a\n", "my.yaml:1:1: expected a mapping of spec keys, got a list"),
        ("hello", "my.yaml:1:1: expected a mapping of spec keys, got a single value"),
        (b"a: \xff\n", "my.yaml: expected UTF-8 text, got another byte at 3"),
        ("a: \x07\n", "my.yaml: expected plain text, got the character '\\x07'"),
        ("x: " + "[" * 30 + "]" * 30, "my.yaml:1:28: nested more than 24 levels deep"),
        ("x" * 70_000, "my.yaml: expected a spec of at most 65536 bytes, got a larger file"),
    ],
)
def test_what_is_no_spec_at_all(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert complaint(tmp_path, text) == message


def test_a_file_name_cannot_break_the_line(tmp_path: Path) -> None:
    path = tmp_path / "my\n\u202espec.yaml"
    path.write_text("width: x\n")
    with pytest.raises(hg.SpecError) as caught:
        hg.load_spec(path)
    assert "\n" not in caught.value.problems[0].place
    assert caught.value.problems[-1].place.endswith("my\\n\\u202espec.yaml:1:8")
    for unreadable in (b"\xff", b"x" * 70_000):
        path.write_bytes(unreadable)
        with pytest.raises(hg.SpecError) as caught:
            hg.load_spec(path)
        assert caught.value.problems[0].place.endswith("my\\n\\u202espec.yaml")


def test_aliases_that_explode(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    message = complaint(tmp_path, bomb)
    assert message == "my.yaml:5:5: expected at most 20000 values, got more (aliases written out)"


def test_all_problems_are_reported_at_once_in_reading_order(tmp_path: Path) -> None:
    text = GOOD.replace("width: 4", "width: x").replace("block: basic", "block: basik")
    lines = complaint(tmp_path, text.replace("classes: 5", "classes: -1")).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["width", "stages.1.block", "head.classes"]


def test_a_problem_in_an_extended_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(GOOD.replace("width: 4", "width: -4"))
    assert complaint(tmp_path, "extends: base.yaml\n") == (
        "base.yaml:2:8: width: expected at least 1, got -4"
    )


def test_extends_takes_specs_alone_and_quotes_no_other_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret of another\n")
    assert complaint(tmp_path, f"extends: {secret}\n") == (
        f"my.yaml:1:10: extends: expected a spec that ends in .yaml or .yml, got '{secret}'"
    ).replace(f"{tmp_path}/", "")
    (tmp_path / "link.yaml").symlink_to(secret)
    assert complaint(tmp_path, "extends: link.yaml\n") == (
        "link.yaml:1:1: expected a mapping of spec keys, got a single value"
    )


def test_kinds_that_are_alike_for_norm_mean_nothing_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(f"{GOOD}preprocess: {{resize: crop}}\n")
    text = "extends: base.yaml\npreprocess: batch\n"
    assert complaint(tmp_path, text) == "my.yaml:2:13: preprocess: expected a mapping, got 'batch'"
    (tmp_path / "my.yaml").write_text("extends: base.yaml\nnorm: sync_batch\n")
    (tmp_path / "base.yaml").write_text(f"{GOOD}norm: {{momentum: 0.2}}\n")
    norm = hg.load_spec(tmp_path / "my.yaml").norm
    assert (norm.kind, norm.momentum) == ("sync_batch", 0.2)


def test_extends_goes_only_so_deep(tmp_path: Path) -> None:
    for i in range(9):
        (tmp_path / f"b{i}.yaml").write_text(f"extends: b{i + 1}.yaml\n")
    (tmp_path / "b9.yaml").write_text(GOOD)
    assert (
        complaint(tmp_path, "extends: b1.yaml\n")
        == "b7.yaml:1:10: extends: expected at most 8 specs that extend one another"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "backbone=classifier",
            "--set backbone=classifier: backbone: 'classifier' names an operation and a part",
        ),
        ("width", "--set width: expected KEY=VALUE, such as width=48"),
        ("width=x", "--set width=x: width: expected an integer, got 'x'"),
        ("=4", "--set =4: expected a dotted key such as stages.2.modules, got ''"),
        ("a..b=4", "--set a..b=4: expected a dotted key such as stages.2.modules, got 'a..b'"),
        (
            "width=[4",
            "--set width=[4: width: not YAML: expected ',' or ']', but got '<stream end>'",
        ),
        (
            "stages.9.modules=2",
            "--set stages.9.modules=2: stages.9: expected an index from 0 to 1, or a whole list",
        ),
        (
            "stages.x.modules=2",
            "--set stages.x.modules=2: stages.x: expected an index from 0 to 1, or a whole list",
        ),
        ("widht=4", "--set widht=4: widht: unknown key; did you mean 'width'? (known: extends,"),
    ],
)
def test_overrides(tmp_path: Path, change: str, message: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(GOOD)
    with pytest.raises(hg.SpecError) as caught:
        hg.build_graph(load_with(path, [read_override(change)]))
    assert str(caught.value).startswith(message)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(hg.SpecError, match="no spec named 'hrnet_w33_cls' in the catalogue; did"):
        hg.load_spec("hrnet_w33_cls")
    with pytest.raises(hg.SpecError, match=r"no spec file at 'gone\.yaml'"):
        hg.load_spec("gone.yaml")
    with pytest.raises(hg.SpecError, match="no spec file at"):
        hg.load_spec("a\0b.yaml")
