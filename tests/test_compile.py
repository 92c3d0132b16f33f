"""torch.compile: no break, and no recompiling when the batch changes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from engines import names, spec_of
from published import relative_error
from small import HEADS as SMALL_HEADS
from small import maps_of, with_head
from strategies import HEADS
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend

import hrnet_graph as hg
from hrnet_graph.ir.sizes import open_types

FAST = ("classification", "segmentation", "ocr", "feature_pyramid")
"""The heads that every run compiles; `-m slow` takes the others."""


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def compiled(model: nn.Module) -> tuple[Any, Any]:
    """The network compiled without code generation, and a counter of compilations."""
    counter = CompileCounterWithBackend("eager")
    return torch.compile(model, fullgraph=True, dynamic=True, backend=counter), counter


def assert_same(model: nn.Module, fast: Any, *shape: int) -> None:
    image = torch.randn(shape)
    with torch.no_grad():
        for ours, theirs in zip(maps_of(fast(image)), maps_of(model(image)), strict=True):
            assert relative_error(ours, theirs) < 1e-5


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(i, marks=() if kind in FAST else pytest.mark.slow)
        for kind, i in {HEADS[i]["kind"]: i for i in range(len(HEADS))}.items()
    ],
    ids=names,
)
def test_no_break_and_no_recompiling_for_another_batch(head: int) -> None:
    """Every head, behind two stages; what another size costs is asked behind three."""
    model = hg.build_module(spec_of(head)).eval()
    fast, counter = compiled(model)
    width = 96 if open_types(model.graph) else 64
    for batch in (2, 3, 5):
        assert_same(model, fast, batch, 3, 64, width)
    assert counter.frame_count == 1


def test_what_another_size_costs() -> None:
    model = with_head(SMALL_HEADS[1]).eval()
    fast, counter = compiled(model)
    counts = []
    for shape in ((2, 64, 96), (4, 96, 64), (3, 128, 128), (2, 64, 160), (1, 64, 96)):
        batch, *size = shape
        assert_same(model, fast, batch, 3, *size)
        counts.append(counter.frame_count)
    # any size is the first compilation's, square or not; a single image is torch's special case
    assert counts == [1, 1, 1, 1, 2]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a C++ compiler")
def test_inductor_gives_what_the_network_gives() -> None:
    model = with_head(SMALL_HEADS[1]).eval()
    assert_same(model, torch.compile(model, fullgraph=True), 2, 3, 32, 32)
