"""Our counts held against the field's own counters, operator by operator."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from hrnet_graph.analysis.dead import dead_nodes
from hrnet_graph.compiler.torch.build import build_module
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.graph import Graph

MAX_PIXELS = 16_000_000
"""The largest image that is run for the sake of counting."""


@dataclass(frozen=True)
class Check:
    """One operator of one counter; where it is not `counted`, `theirs` is how often it was met."""

    counter: str
    operator: str
    theirs: int
    ours: int
    counted: bool = True

    @property
    def agrees(self) -> bool:
        """Whether the counts are equal; what nobody counts cannot differ."""
        return not self.counted or self.theirs == self.ours

    def as_dict(self) -> dict[str, Any]:
        """The check as plain data for JSON."""
        return {**asdict(self), "agrees": self.agrees}


def verify(graph: Graph) -> list[Check]:
    """Every operator that fvcore or torch counts, beside ours, and what they leave uncounted."""
    height, width = graph.input.type.size
    if height * width > MAX_PIXELS:
        raise HRNetGraphError(
            f"{graph.name}: expected an input of at most {MAX_PIXELS} pixels to run,"
            f" got {height}x{width}",
            "verify at a smaller --input: every count grows with the area",
        )
    model = build_module(graph).eval()
    image = torch.zeros(1, *graph.input.type.shape)
    return [*_against_fvcore(model, image), *_against_torch(model, image)]


def _against_fvcore(model: Network, image: torch.Tensor) -> list[Check]:
    with torch.no_grad(), warnings.catch_warnings(), _quiet("fvcore.nn.jit_analysis"):
        warnings.simplefilter("ignore")  # torch's, of the tracer that fvcore uses
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(model, image)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        analysis.tracer_warnings("none")
        theirs = {name: int(count) for name, count in analysis.by_operator().items() if count}
        uncounted = dict(analysis.unsupported_ops())
    ours, untraced = Counter[str](), set(dead_nodes(model.graph))
    for node in model.graph.operations:
        if node in untraced:
            continue
        for counters, count in node.op.counted(model.graph.operands(node), node.type):
            if counters.fvcore:
                ours[counters.fvcore] += count
    return _compare("fvcore", theirs, ours, uncounted)


@contextmanager
def _quiet(logger: str) -> Iterator[None]:
    """Lets a logger say errors alone, and leaves it as it was."""
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _against_torch(model: Network, image: torch.Tensor) -> list[Check]:
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(image)
    theirs, ours, left = Counter[str](), Counter[str](), Counter[str]()
    for node in model.graph.operations:
        operands = model.graph.operands(node)
        for counters, count in node.op.counted(operands, node.type):
            if counters.torch:
                ours[counters.torch] += 2 * count
            elif node.op.operations(operands, node.type):
                left[node.op.label] += 1
    for op, count in counter.get_flop_counts()["Global"].items():
        name = str(op).rpartition(".")[2]
        # a linear layer with a bias is `mm` where its operand does not lie in one piece
        theirs["addmm" if name == "mm" and not ours["mm"] else name] += int(count)
    return _compare("torch", theirs, ours, left)


def _compare(
    counter: str, theirs: Mapping[str, int], ours: Mapping[str, int], left: Mapping[str, int]
) -> list[Check]:
    """Every operator that either counts, and how often those were met that are left uncounted."""
    names = dict.fromkeys((*theirs, *ours))
    return [
        *(Check(counter, name, theirs.get(name, 0), ours.get(name, 0)) for name in names),
        *(Check(counter, name, times, 0, counted=False) for name, times in left.items()),
    ]
