"""Whom to run against: timm's counterpart, or a callable; anything else is one clear message."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

import hrnet_graph as hg
from hrnet_graph.benchmark.candidates import Candidate, candidates, read_peer
from hrnet_graph.benchmark.measure import Settings, measure
from hrnet_graph.cli.main import cli

NAME = "hrnet_w18_small_v1_cls"
EXPECTED = "expected module:callable, which is called without arguments for a torch module"


@pytest.mark.parametrize("text", ["timm", "timm:hrnet_w18_small"])
def test_timm_may_be_named_in_full(text: str) -> None:
    pytest.importorskip("timm")
    assert read_peer(text, hg.load_spec(NAME)) == Candidate(peer="timm:hrnet_w18_small")


@pytest.mark.parametrize("text", ["timm:resnet18", "timm:hrnet_w18", "timm:create_model"])
def test_another_name_of_timm_is_refused(text: str) -> None:
    pytest.importorskip("timm")
    error = CliRunner().invoke(cli, ["bench", NAME, "--against", text]).exception
    assert isinstance(error, hg.HRNetGraphError)
    assert error.message == f"timm's network like {NAME} is hrnet_w18_small, got {text!r}"
    assert error.hint == "say timm alone; for others give module:callable"


def test_a_name_of_timm_does_not_hide_that_there_is_no_counterpart() -> None:
    pytest.importorskip("timm")
    spec = hg.load_spec(NAME, {"width": 20})
    with pytest.raises(hg.HRNetGraphError, match="timm has no network like") as caught:
        read_peer("timm:hrnet_w18_small", spec)
    assert caught.value.hint.endswith("; for others give module:callable")


@pytest.mark.parametrize("text", ["", "x", ":", "timm:", "x:", ":y", "a" * 1000])
def test_what_is_no_peer_is_refused_before_anything_runs(text: str) -> None:
    with pytest.raises(hg.HRNetGraphError, match="expected timm or module:callable") as caught:
        candidates(hg.load_spec(NAME), "torch", text)
    assert len(caught.value.message) < 150


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nowhere_at_all:f", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("os:nothing", "AttributeError: module 'os' has no attribute 'nothing'"),
        ("os:sep", "TypeError: 'str' object is not callable"),
    ],
)
def test_a_bad_callable_says_what_is_expected(text: str, reason: str) -> None:
    spec = hg.load_spec(NAME, {"input": [3, 32, 32]})
    with pytest.raises(hg.HRNetGraphError) as caught:
        measure(spec, [read_peer(text, spec)], Settings(runs=1))
    assert caught.value.message == f"{text} cannot be run: {reason}"
    assert caught.value.hint == EXPECTED
