"""The small network, and what the module optimized for inference is held against."""

from __future__ import annotations

import pytest
import torch
from published import fill, relative_error
from small import SMALL, maps_of

import hrnet_graph as hg
from hrnet_graph.compiler.torch import packed
from hrnet_graph.compiler.torch.network import Network, Output

needs_packing = pytest.mark.skipif(
    not packed.available(torch.float32), reason="this torch or machine packs no convolutions"
)


def filled() -> Network:
    model = hg.build_module(SMALL).eval()
    fill(model)
    return model


def same(ours: Output, theirs: Output, within: float = 1e-5) -> bool:
    assert type(ours) is type(theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        assert list(ours) == list(theirs)
    return all(
        relative_error(a, b) < within for a, b in zip(maps_of(ours), maps_of(theirs), strict=True)
    )
