"""Stems of every stride, and the maps that a network hands out besides its last ones."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small import SMALL, with_head

import hrnet_graph as hg
from hrnet_graph.ir.builder import Builder
from hrnet_graph.ir.ops import Activation, BatchNorm


def refusal(changes: dict[str, Any]) -> hg.Problem:
    with pytest.raises(hg.SpecError) as caught:
        hg.build_graph(hg.load_spec(SMALL, changes))
    (problem,) = caught.value.problems
    return problem


def test_a_head_hands_out_maps_from_before_the_last_stage() -> None:
    model = with_head({"kind": "features", "earlier": ["stride2", "stage2.1"]}, input=[3, 61, 93])
    seen: dict[str, torch.Tensor] = {}
    names = model.feature_info.module_name()
    for name in names:
        model.get_submodule(name).register_forward_hook(
            lambda _, __, result, name=name: seen.setdefault(name, result)
        )
    with torch.no_grad():
        maps = model.eval()(torch.randn(1, 3, 61, 93))
    assert names[:2] == ["act1", "stage2.0.fuse_layers.1"]
    assert all(torch.equal(seen[name], x) for name, x in zip(names, maps, strict=True))
    assert model.feature_info.reduction() == [2, 8, 4, 8, 16]
    assert model.feature_info.channels() == [x.shape[1] for x in maps] == [8, 8, 4, 8, 16]
    assert model.feature_info.out_indices == (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["stride3"], "no earlier map is called 'stride3'; did you mean 'stride2'? (known: stri"),
        (["stride2", "stride2"], "'stride2' is given already"),
        (["stage3.0"], "'stage3.0' is given already"),
    ],
)
def test_a_map_that_there_is_not_is_told_with_those_that_there_are(
    names: list[str], told: str
) -> None:
    problem = refusal({"head": {"kind": "features", "earlier": names}})
    assert problem.message.startswith(told)
    assert problem.key == f"head.earlier.{len(names) - 1}"


def test_a_name_is_given_once() -> None:
    b = Builder(BatchNorm(), Activation("relu"))
    x = b.input((3, 8, 8))
    assert b.remember("x", x) == b.recall("x") == x
    with pytest.raises(hg.HRNetGraphError, match="two results are remembered as 'x'"):
        b.remember("x", x)
