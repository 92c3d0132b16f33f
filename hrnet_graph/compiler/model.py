"""A network as one value, which every writer and every engine takes, and its way into files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hrnet_graph.choices import PassTarget
from hrnet_graph.compiler.build import reopen
from hrnet_graph.compiler.passes.optimize import optimize
from hrnet_graph.compiler.passes.weights import Array, Weights, apply, apply_late
from hrnet_graph.compiler.product import Product
from hrnet_graph.compiler.random_weights import RandomWeights
from hrnet_graph.errors import FileError, HRNetGraphError, SpecError, quoted
from hrnet_graph.files import FORMAT
from hrnet_graph.ir.graph import Graph
from hrnet_graph.spec.emit import to_yaml
from hrnet_graph.spec.load import check
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.source import parse
from hrnet_graph.spec.weights_file import spec_in


@dataclass(frozen=True)
class Model:
    """A graph and its weights: arrays by key of the `state_dict`, or None where none are given.

    `random` says which of the weights are random, if any is known to be.
    """

    graph: Graph
    weights: Weights | None = None
    random: RandomWeights | None = None

    def optimized(self, target: PassTarget) -> Model:
        """The same after the passes that pay for a target; the weights have to be given."""
        assert self.weights is not None
        done = optimize(self.graph, target)
        return Model(done.graph, apply(done.weights, self.weights), self.random)

    def optimized_late(self, target: PassTarget) -> tuple[Graph, dict[str, Array | Product]]:
        """The same for who reads each weight once, while these stay as they are."""
        assert self.weights is not None
        done = optimize(self.graph, target)
        return done.graph, apply_late(done.weights, self.weights)


def spec_of(graph: Graph) -> Spec:
    """What a graph was compiled from. Raises `HRNetGraphError` if that was no spec."""
    if not isinstance(graph.spec, Spec):
        raise HRNetGraphError(
            f"{graph.name} was compiled from no spec, so that no file of it could be opened again",
            "write a spec, and a rule for what it lacks; or keep the weights alone by torch.save",
        )
    return graph.spec


def weights_of(graph: Graph) -> Path | None:
    """The file of weights that a graph's spec was read from, if it was."""
    return graph.spec.weights_file if isinstance(graph.spec, Spec) else None


def about(graph: Graph, random: RandomWeights | None = None) -> dict[str, str]:
    """What a file of ours says of itself, and that weights in it are random, if any are.

    Raises `HRNetGraphError` for a graph without a spec.
    """
    said = {"format": FORMAT, "spec": to_yaml(spec_of(graph).dump())}
    return said if random is None else {**said, "weights": str(random)}


def graph_of_file(said: Mapping[str, object], path: str | Path, hint: str) -> Graph:
    """The graph of the spec in a file, by what the file says of itself.

    Raises `FileError`, with the hint, if it holds none of ours, and if it holds a wrong one.
    """
    with told_of_file(path):
        return reopen(check(parse(spec_in(said, path, hint), str(path))))


@contextmanager
def told_of_file(path: str | Path) -> Iterator[None]:
    """Raises `FileError`, naming the file that holds the spec, for what is wrong with that."""
    try:
        yield
    except SpecError as error:
        where = quoted(str(path), 200)
        raise FileError(f"{where} holds a spec that is wrong: {error}") from None
