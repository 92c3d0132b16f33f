"""Options that would be left undone, and values that no one can mean, end in one message."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import refused

import hrnet_graph as hg
from hrnet_graph.analysis.receptive_field import SIDE, receptive_fields
from hrnet_graph.files import check_writable
from hrnet_graph.ir.reserved import RESERVED
from hrnet_graph.search.study import search

SMALL = "hrnet_w18_small_v1_cls"
LONG = "a" * 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", SMALL, "--passes", "-o", "a.pt"], "--passes writes nothing"),
        (["build", SMALL, "--target", "torch"], "--target is for --passes"),
        (["build", SMALL, "--partial"], "--partial, --dialect and --prefix are about --weights"),
        (["build", SMALL, "-o", "a.py", "--fixed-size"], "--fixed-size: source holds no weights"),
        (["build", SMALL, "-o", "a.pt", "--fixed-size"], "fixed-size is for .onnx alone"),
        (["build", SMALL, "-o", "a.pt", "--batch", "2"], "batch is for .onnx alone"),
        (["build", SMALL, "-o", f"{LONG}.pt"], "File name too long"),
        (["build", SMALL, "-o", "nowhere/a.pt"], "no such folder"),
        (
            ["build", SMALL, "--set", "backbone=training"],
            "backbone: every torch module has 'training'",
        ),
        (["build", SMALL, "--set", "backbone=classifier"], "'classifier' names an operation and"),
        (["flops", SMALL, "--verify", "--csv"], "--verify stands alone, got it beside --csv"),
        (["flops", SMALL, "--plot", "a.svg", "--by", "stage"], "--plot stands alone"),
        (["flops", SMALL, "--sort", "macs"], "--sort orders the parts of --by"),
        (["flops", SMALL, "--plot", f"{LONG}.svg"], "File name too long"),
        (["sweep", SMALL, "--vary", "width=4", "-o", "nowhere/a.csv"], "no such folder"),
        (
            ["roofline", SMALL, "--peak", "nan", "--bandwidth", "1"],
            "expected a finite number, got nan",
        ),
        (["roofline", SMALL, "--peak", "inf", "--bandwidth", "1"], "not in the range"),
        (["bench", SMALL, "-o", "nowhere/a.json"], "no such folder"),
        (["bench", SMALL, "-o", "a.gif"], "expected a file name that ends in"),
        (["bench", SMALL, "--weights", "none.pt"], "no weights file at 'none.pt'"),
        (["bench", SMALL, "--calibration", "none"], "no folder of images at 'none'"),
        (
            ["search", SMALL, "--vary", "width=4", "--storage", "s.db", "--direction", "minimize"],
            "params and macs: expected 2 directions, got 1",
        ),
        (
            ["search", SMALL, "--vary", "width=4", "--storage", "a?b.db"],
            "expected a storage file without '?' and '#'",
        ),
    ],
)
def test_one_message(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert message in refused(arguments, tmp_path, monkeypatch)


@pytest.mark.parametrize("found", [math.nan, math.inf, (1.0, 2.0), "many"])
def test_an_objective_gives_finite_numbers(tmp_path: Path, found: Any) -> None:
    with pytest.raises(hg.HRNetGraphError, match="expected a finite number of the objective"):
        search(
            hg.load_spec(SMALL),
            {"width": [4, 8]},
            trials=1,
            storage=str(tmp_path / "s.db"),
            directions=("minimize",),
            objective=lambda spec: found,
        )


def test_reserved_names_are_those_of_modules() -> None:
    model = hg.build_module(SMALL, device="meta")
    names = {n for n in {*dir(model), *vars(model)} if re.fullmatch(r"[a-z][a-z0-9_]*", n)}
    assert names - set(model._modules) <= RESERVED


def test_a_field_larger_than_the_first_image_is_still_exact() -> None:
    few, many = (
        receptive_fields(
            hg.build_graph(hg.load_spec("hrnet_w18_cls", {"stages.3.modules": modules}))
        )
        for modules in (2, 30)
    )
    largest = [max(field.size or 0 for field in found.values()) for found in (few, many)]
    one = hg.build_graph(hg.load_spec("hrnet_w18_cls", {"stages.3.modules": 3}))
    step = max(field.size or 0 for field in receptive_fields(one).values()) - largest[0]
    assert largest[1] == largest[0] + 28 * step > SIDE


def test_what_is_for_engines_is_refused_for_modules(tmp_path: Path) -> None:
    with pytest.raises(hg.HRNetGraphError, match="precision and threads are for engines"):
        hg.load(tmp_path / "a.pt", threads=2)


def test_arrays_of_any_stride_are_taken_and_other_things_named() -> None:
    run = hg.compile(SMALL, input_size=(64, 64))
    image = np.random.default_rng(0).standard_normal((1, 3, 64, 64)).astype(np.float32)
    flipped = image[:, ::-1]
    np.testing.assert_array_equal(run(flipped), run(np.ascontiguousarray(flipped)))
    with pytest.raises(hg.InputError, match="takes a tensor or an array, got \\[1, 2\\]"):
        run([1, 2])  # type: ignore[call-overload]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(hg.FileError, match="it is a folder"):
        check_writable(tmp_path)
