"""Networks of written source, held against the modules that they are to be."""

from __future__ import annotations

from typing import Any

import torch
from small import SMALL, maps_of
from strategies import Data

import hrnet_graph as hg
from hrnet_graph.compiler.source.write import to_source

REPEATED: Data = {**SMALL, "stages": [{**stage, "blocks": 2} for stage in SMALL["stages"]]}
"""The small network with two blocks in a row everywhere."""


def load(source: str, **arguments: int) -> torch.nn.Module:
    """The network of a file, as a user makes it."""
    scope: dict[str, Any] = {"__name__": "net"}
    exec(compile(source, "net.py", "exec"), scope)
    network: torch.nn.Module = scope["HRNet"](**arguments)
    return network


def assert_same(
    model: torch.nn.Module, written: torch.nn.Module, image: torch.Tensor, train: bool
) -> None:
    """Both give the same bits, and their statistics are the same afterwards."""
    results = []
    for network in (model, written):
        network.train(train)
        torch.manual_seed(0)
        with torch.no_grad():
            results.append(network(image))
    ours, theirs = results
    assert type(ours) is type(theirs)
    assert not isinstance(ours, dict) or list(ours) == list(theirs)
    for one, other in zip(maps_of(ours), maps_of(theirs), strict=True):
        assert torch.equal(one, other)
    states = [network.state_dict() for network in (model, written)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def check(data: Any, sizes: list[tuple[int, int]], source: str = "") -> None:
    graph = data if isinstance(data, hg.Graph) else hg.build_graph(data)
    torch.manual_seed(0)
    model = hg.build_module(graph)
    written = load(source or to_source(graph))
    state = model.state_dict()
    assert list(written.state_dict()) == list(state)
    written.load_state_dict(state, strict=True)
    channels = graph.input.type.channels
    for height, width in sizes:
        image = torch.randn(2, channels, height, width)
        for train in (False, True):
            assert_same(model, written, image, train)
