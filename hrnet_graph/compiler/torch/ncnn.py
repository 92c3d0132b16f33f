"""A module as ncnn's files, its weights read once: multiplied, looked at and written by blocks."""

from __future__ import annotations

from pathlib import Path

from hrnet_graph.compiler.checkpoints.unwrap import expect_finite
from hrnet_graph.compiler.model import Model
from hrnet_graph.compiler.ncnn.file import write_ncnn
from hrnet_graph.compiler.ncnn.model import to_ncnn
from hrnet_graph.compiler.torch.dense import arrays
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.compiler.torch.unwrap import FROM_BEFORE, held_state


def write_network(network: Network, path: str | Path, *, half: bool = False) -> None:
    """Writes a network as ncnn's two files, its weights in float16 if `half`.

    Raises `FileError` if one of them cannot be written, and for weights that no file takes, of
    which those that are multiplied for the file are looked at there.
    """
    state, name = held_state(network), network.graph.name
    full = Model(network.graph, arrays(state, exact=False))
    made = to_ncnn(*full.optimized_late("ncnn"), half=half)
    late = made.late
    others = {key: value for key, value in state.items() if key not in late}
    expect_finite(others, name, FROM_BEFORE)
    look = (lambda: expect_finite(state, name, FROM_BEFORE)) if late else None
    write_ncnn(made, path, look)
