"""The passes that pay for a target, one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, reduce

from hrnet_graph.choices import PassTarget
from hrnet_graph.compiler.passes.early_pointwise import Rates, early_pointwise
from hrnet_graph.compiler.passes.fuse import fold_norm, fuse_activation, fuse_sum
from hrnet_graph.compiler.passes.remove import drop_training, remove_dead
from hrnet_graph.compiler.passes.rewrite import Rewrite
from hrnet_graph.compiler.passes.weights import WeightExprs, compose
from hrnet_graph.ir.graph import Graph

RATES: Mapping[PassTarget, Rates] = {
    "torch": Rates(macs=65_000, moved=6_000, resized=900, call=5),
    "onnxruntime": Rates(macs=65_000, moved=10_000, resized=600, call=5),
    "openvino": Rates(macs=65_000, moved=10_000, resized=3_000, call=5),
    "ncnn": Rates(macs=65_000, moved=10_000, resized=3_000, call=5),
}
"""Of one core with AVX-512, fitted to networks with the pass and without: docs/adr/0022."""


@dataclass(frozen=True)
class Optimized:
    """A graph after all passes, and what each of them did, in order, by name."""

    before: Graph
    steps: tuple[tuple[str, Rewrite], ...]

    @property
    def graph(self) -> Graph:
        """The graph after the last pass."""
        return self.steps[-1][1].graph

    @property
    def weights(self) -> WeightExprs:
        """Where each entry of the graph's `state_dict` comes from, in terms of the one before."""
        changes = [step.weights for _, step in self.steps if step.done]
        return reduce(compose, changes) if changes else self.steps[0][1].weights


def optimize(graph: Graph, target: PassTarget = "torch") -> Optimized:
    """The graph as it runs fastest on a target after training."""
    passes: dict[str, Callable[[Graph], Rewrite]] = {
        "remove what reaches no output": remove_dead,
        "drop what training alone needs": drop_training,
        "fold batch norm into convolution": fold_norm,
        "move 1x1 convolution before upsampling": partial(early_pointwise, rates=RATES[target]),
    }
    if target == "torch":  # the engines beside it do these by themselves
        passes["add within convolution"] = fuse_sum
        passes["activate within convolution"] = fuse_activation
    before, steps = graph, []
    for name, run in passes.items():
        step = run(graph)
        steps.append((name, step))
        graph = step.graph
    return Optimized(before, tuple(steps))
