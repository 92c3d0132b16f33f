"""torch's compiler by region: blocks of one kind are compiled once, and train as before."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from small import SMALL
from torch._dynamo import register_backend

import hrnet_graph as hg


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch's, of its own looking
def test_blocks_of_one_kind_are_compiled_once() -> None:
    compiled: list[Any] = []

    def counted(module: Any, _inputs: Any) -> Any:
        compiled.append(module)
        return module

    register_backend(counted, name="counted")
    spec = hg.load_spec(SMALL, {"stages.1.blocks": 4, "stages.2.blocks": 3, "head": "features"})
    plain = hg.build_module(spec)
    model = copy.deepcopy(plain)
    kinds = hg.compile_blocks(model, backend="counted")
    image = torch.randn(2, 3, 64, 64)
    outputs = [network(image) for network in (plain, model)]
    for ours, theirs in zip(*outputs, strict=True):
        assert torch.equal(ours, theirs)
    assert 2 <= len(compiled) <= kinds == 6  # blocks of three sizes, and the units of two modules
    assert copy.deepcopy(model).state_dict().keys() == plain.state_dict().keys()


def test_what_cannot_be_compiled_is_refused() -> None:
    network = hg.build_module(SMALL)
    with pytest.raises(hg.HRNetGraphError, match=r"unknown backend 'inducto'.*'inductor'"):
        hg.compile_blocks(network, backend="inducto")
    once = {**SMALL, "stages": SMALL["stages"][:2], "head": {"kind": "heatmap", "joints": 2}}
    with pytest.raises(hg.HRNetGraphError, match="stands more than once"):
        hg.compile_blocks(hg.build_module(once), backend="eager")
    saving = hg.build_module(SMALL, checkpoint_activations="elementwise")
    with pytest.raises(hg.HRNetGraphError, match="torch's compiler would choose as well"):
        hg.compile_blocks(saving)
    with pytest.raises(hg.HRNetGraphError, match="optimized for inference"):
        hg.compile_blocks(hg.build_module(SMALL, optimize="inference"))
