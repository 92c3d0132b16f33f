"""The widest, the deepest and the balanced network under limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import hrnet_graph as hg
from hrnet_graph.choices import Dimension
from hrnet_graph.cli.main import cli
from hrnet_graph.search.figures import figures
from hrnet_graph.search.fit import fit, last_good
from hrnet_graph.search.sizes import Size, Sizes, share

NAME = "hrnet_w18_small_v1_cls"


@given(st.lists(st.booleans()), st.integers(0, 30))
def test_the_last_good_one_is_found_whatever_is_passed_over(known: list[bool], good: int) -> None:
    def state(i: int) -> bool | None:
        return (i < good) if known[i] else None

    expected = [i for i in range(len(known)) if state(i)]
    assert last_good(len(known), state) == (expected[-1] if expected else None)


def test_modules_are_shared_in_proportion_and_never_taken_back() -> None:
    rows = [share(n, (1, 4, 3)) for n in range(3, 40)]
    assert rows[0] == (1, 1, 1)
    assert rows[5] == (1, 4, 3)
    assert rows[13] == (2, 8, 6)
    assert [sum(row) for row in rows] == [*range(3, 40)]
    for row, larger in pairwise(rows):
        assert all(a <= b for a, b in zip(row, larger, strict=True))


def test_no_other_size_is_wider_deeper_or_evenly_larger() -> None:
    head = {"kind": "heatmap", "joints": 5}
    spec = hg.load_spec(NAME, {"norm": {"kind": "group", "groups": 4}, "head": head})
    sizes = Sizes.of(spec, VARIED)
    limits = {"macs": 700_000_000, "params": 1_500_000}
    fitting = {}
    for size in map(Size._make, product(sizes.widths, sizes.modules, sizes.blocks)):
        try:
            found = figures(sizes.spec(size))
        except hg.SpecError:
            assert size.width % 4
            continue
        if all(found[name] <= most for name, most in limits.items()):
            fitting[size] = found["layers"]
    assert 20 < len(fitting) < 60
    layers = figures(spec)["layers"]

    def balance(size: Size) -> Sequence[Fraction | int]:
        assert spec.width
        return sorted((Fraction(size.width, spec.width), Fraction(fitting[size], layers)))

    best: dict[str, Callable[[Size], Sequence[Fraction | int]]] = {
        "widest": lambda size: [size.width, fitting[size]],
        "deepest": lambda size: [fitting[size], size.width],
        "balanced": balance,
    }
    found_sizes = {each.kind: each for each in fit(spec, limits, VARIED)}
    for kind, key in best.items():
        fitted = found_sizes[kind]
        assert key(fitted.size) == max(map(list, map(key, fitting))), kind
        report = hg.analyze(hg.build_graph(fitted.spec))
        assert (fitted.figures["macs"], fitted.figures["params"]) == (report.macs, report.params)


VARIED: dict[Dimension, list[int]] = {
    "width": [4, 8, 10, 12, 16, 20, 21, 24, 28],
    "modules": [3, 4, 5, 6, 7],
    "blocks": [3, 1, 2],
}


def run(*arguments: str) -> str:
    """What the command prints."""
    result = CliRunner().invoke(cli, ["fit", NAME, *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_what_does_not_vary_stays_as_it_is() -> None:
    (only,) = json.loads(run("--macs", "2e9", "--vary", "width=4..40", "--json"))["networks"]
    assert (only["network"], only["modules"], only["blocks"]) == ("widest", [1, 1, 1], None)
    wider = hg.load_spec(NAME, {"width": only["width"] + 1})
    assert only["macs"] <= 2e9 < hg.analyze(hg.build_graph(wider)).macs
    (only,) = json.loads(run("--macs", "3e9", "--vary", "modules=3..9", "--json"))["networks"]
    assert (only["network"], only["width"]) == ("deepest", 16)
    assert (
        "memory" in json.loads(run("--memory", "1e8", "--vary", "width", "--json"))["networks"][0]
    )


def test_networks_are_written_as_specs(tmp_path: Path) -> None:
    folder = tmp_path / "fitted"
    varied = ("--vary", "width=4..20", "--vary", "modules=3..6", "-o", str(folder))
    text = run("--macs", "2e9", *varied)
    assert text.splitlines()[1].split() == [
        "network",
        "width",
        "modules",
        "blocks",
        "params",
        "MACs",
        "layers",
    ]
    for kind in ("widest", "deepest", "balanced"):
        spec = hg.load_spec(folder / f"{NAME}_{kind}.yaml")
        assert spec.name == f"{NAME}_{kind}"
        assert f"{hg.analyze(hg.build_graph(spec)).macs:,}" in text
    with pytest.raises(hg.FileError, match="is there already"):
        run("--macs", "2e9", *varied)
    assert "replaced" not in run("--macs", "2e9", *varied, "--force")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected a limit, such as --macs 5e9"),
        (("--macs", "10"), "no network of these sizes fits: the smallest has [0-9,]+ macs"),
        (("--macs", "1e9", "--vary", "depth"), "--vary: expected one of width, .*, got 'depth'"),
        (("--macs", "1e9", "--vary", "width=a"), "width: expected numbers from 1 on, got 'a'"),
        (("--macs", "1e9", "--vary", "width=0"), "width: expected numbers from 1 on, got 0"),
        (("--macs", "1e9", "--vary", "modules=1,2"), "expected at least 3 modules in all"),
        (("--macs", "1e9", "--vary", "width=1", "--vary", "width=2"), "'width' is varied twice"),
        (("--macs", "1e9", "--set", "norm={kind: group, groups: 7}", "--vary", "width=1..6"),
         "none of these sizes makes a network"),
        (("--macs", "1e9", "--vary", "width", "--vary", "width=2"), "'width' is varied twice"),
        (("--macs", "1e9", "-o", "pyproject.toml"), "expected a folder, got the file"),
        (("--macs", "1e9", "-o", "pyproject.toml/new"), "expected a folder, got the file"),
        (("--macs", "1e9", "-o", "-"), "expected a folder for several files, got '-'"),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted_is_told(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(hg.HRNetGraphError, match=message):
        run(*arguments)


@pytest.mark.parametrize("limit", ["x", "-1", "0", "nan", "inf", "1e999", ""])
def test_a_limit_is_a_number(limit: str) -> None:
    result = CliRunner().invoke(cli, ["fit", NAME, "--macs", limit])
    assert result.exit_code == 2
    assert "expected a number such as 5e9" in result.output


def test_a_spec_that_has_no_such_sizes_is_told() -> None:
    channels = {f"stages.{i}.channels": [8] * (i + 1) for i in range(4)}
    spec = hg.load_spec(NAME, {"width": None, **channels})
    with pytest.raises(hg.HRNetGraphError, match="states no width that could vary"):
        fit(spec, {"macs": 10**9}, {"width": [8]})
