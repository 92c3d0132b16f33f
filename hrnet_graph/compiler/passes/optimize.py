"""The passes that pay for a target, one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from hrnet_graph.choices import PassTarget
from hrnet_graph.compiler.passes.cost import Rates
from hrnet_graph.compiler.passes.drop_training import drop_training
from hrnet_graph.compiler.passes.early_pointwise import early_pointwise
from hrnet_graph.compiler.passes.fold_norm import fold_norm
from hrnet_graph.compiler.passes.fuse_activation import fuse_activation
from hrnet_graph.compiler.passes.fuse_sum import fuse_sum
from hrnet_graph.compiler.passes.remove_dead import remove_dead
from hrnet_graph.compiler.passes.rewrite import Rewrite, unchanged
from hrnet_graph.compiler.passes.weights import WeightExprs
from hrnet_graph.ir.graph import Graph

Pass = Callable[[Graph], Rewrite]

FUSING: Mapping[str, Pass] = {
    "add within convolution": fuse_sum,
    "activate within convolution": fuse_activation,
}
"""What the engines beside torch do by themselves."""

RATES: Mapping[PassTarget, Rates] = {
    "torch": Rates(macs=65_000, moved=6_000, resized=900, call=5),
    "onnxruntime": Rates(macs=65_000, moved=10_000, resized=600, call=5),
    "openvino": Rates(macs=65_000, moved=10_000, resized=3_000, call=5),
}
"""Of one core with AVX-512, fitted to networks with the pass and without: docs/adr/0022."""


@dataclass(frozen=True)
class Optimized:
    """A graph after all passes, and what each of them did, in order, by name."""

    before: Graph
    steps: tuple[tuple[str, Rewrite], ...]

    @property
    def rewrite(self) -> Rewrite:
        """All steps as one rewrite: the last graph, and where its weights come from."""
        whole = unchanged(self.before)
        for _, step in self.steps:
            whole = whole.then(step)
        return whole

    @property
    def graph(self) -> Graph:
        """The graph after the last pass."""
        return self.steps[-1][1].graph

    @property
    def moves(self) -> WeightExprs:
        """Where each entry of the graph's `state_dict` comes from, in terms of the one before."""
        return self.rewrite.moves


def passes(target: PassTarget) -> dict[str, Pass]:
    """The passes of a target by name, in the order in which they run."""
    common: dict[str, Pass] = {
        "remove what reaches no output": remove_dead,
        "drop what training alone needs": drop_training,
        "fold batch norm into convolution": fold_norm,
        "move 1x1 convolution before upsampling": partial(early_pointwise, rates=RATES[target]),
    }
    return {**common, **FUSING} if target == "torch" else common


def optimize(graph: Graph, target: PassTarget = "torch") -> Optimized:
    """The graph as it runs fastest on a target after training."""
    before, steps = graph, []
    for name, run in passes(target).items():
        step = run(graph)
        steps.append((name, step))
        graph = step.graph
    return Optimized(before, tuple(steps))
