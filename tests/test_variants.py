"""The variants of `specs/variants/`: each says why, changes a published network, and trains."""

from __future__ import annotations

import pytest
import torch
from torch.utils._pytree import tree_leaves

import hrnet_graph as hg
from hrnet_graph.spec.catalogue import find

SIZES = {"input.1": 64, "input.2": 64}
VARIANTS = [
    name if "_w32_" not in name else pytest.param(name, marks=pytest.mark.slow)
    for name in hg.list_variants()
]
"""All of them; the wider ones in the slow suite."""


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_says_why_and_trains(name: str) -> None:
    why, *lines = find(name).read_text().splitlines()
    assert why.startswith("# ")
    assert why.endswith(".")
    base = lines[0].removeprefix("extends: ")
    assert base in hg.list_specs()
    assert name not in hg.list_specs()
    spec = hg.load_spec(name, SIZES)
    assert spec.published is None
    torch.manual_seed(0)
    model = hg.build_module(spec).train()
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-2)
    answers = tree_leaves(model(torch.randn(2, *spec.input)))
    sum(answer.square().mean() for answer in answers).backward()
    assert [key for key, value in model.named_parameters() if value.grad is None] == []
    optimiser.step()
    assert any(not torch.equal(before[key], value) for key, value in model.named_parameters())


def test_commands_take_a_variant_by_name() -> None:
    assert hg.load_spec("hrnet_w32_se_cls").name == "hrnet_w32_se_cls"
    with pytest.raises(hg.SpecError, match="did you mean 'hrnet_w32_se_cls'"):
        hg.load_spec("hrnet_w32_sex_cls")
