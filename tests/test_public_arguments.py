"""What public functions are given by mistake is answered in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from small import SMALL

import hrnet_graph as hg

ANY: Any = hg
"""The public functions, as a script that no type checker reads calls them."""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ANY.analyze("hrnet_w18_cls"),
            "analyze: expected a Graph, got str 'hrnet_w18_cls'",
        ),
        (lambda: ANY.analyze(SMALL), "analyze: expected a Graph, got dict"),
        (lambda: ANY.render(SMALL, "net.svg"), "render: expected a Graph, got dict"),
        (lambda: ANY.analyze(hg.build_graph(SMALL)).by("stages"), "by: unknown part 'stages'; did"),
        (lambda: ANY.build_graph(SMALL, 64), r"input_size: expected \(height, width\), got 64"),
        (lambda: ANY.build_graph(SMALL, "64"), r"input_size: expected \(height, width\), got '64'"),
        (lambda: ANY.build_graph(SMALL, (3, 64, 64)), "input_size: expected .* got \\(3, 64, 64"),
        (
            lambda: ANY.build_graph(SMALL, (64, -1)),
            "input_size: expected 1 to 65536 pixels, got -1",
        ),
        (lambda: ANY.load_weights(SMALL, "w.pth"), "load_weights: expected a Network, got dict"),
        (lambda: ANY.compile_blocks(SMALL), "compile_blocks: expected a Network, got dict"),
        (lambda: ANY.cuda_graph(SMALL, torch.zeros(1)), "cuda_graph: expected a Network, got dict"),
    ],
)
def test_a_wrong_argument_is_named(call: Callable[[], object], message: str) -> None:
    with pytest.raises(hg.HRNetGraphError, match=f"^{message}"):
        call()
