"""A network as one value, which every writer and every engine takes, and its way into files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hrnet_graph.choices import PassTarget
from hrnet_graph.compiler.build import reopen
from hrnet_graph.compiler.passes.optimize import optimize
from hrnet_graph.compiler.passes.weights import Weights, apply
from hrnet_graph.errors import FileError, HRNetGraphError, SpecError, quoted
from hrnet_graph.files import FORMAT
from hrnet_graph.ir.graph import Graph
from hrnet_graph.spec.emit import to_yaml
from hrnet_graph.spec.load import check
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.source import parse


@dataclass(frozen=True)
class Model:
    """A graph and its weights: arrays by key of the `state_dict`, or None where none are given."""

    graph: Graph
    weights: Weights | None = None

    def optimized(self, target: PassTarget) -> Model:
        """The same after the passes that pay for a target; the weights have to be given."""
        assert self.weights is not None
        done = optimize(self.graph, target)
        return Model(done.graph, apply(done.weights, self.weights))


def spec_of(graph: Graph) -> Spec:
    """What a graph was compiled from. Raises `HRNetGraphError` if that was no spec."""
    if not isinstance(graph.spec, Spec):
        raise HRNetGraphError(
            f"{graph.name} was compiled from no spec, so that no file of it could be opened again",
            "write a spec, and a rule for what it lacks; or keep the weights alone by torch.save",
        )
    return graph.spec


def about(graph: Graph) -> dict[str, str]:
    """What a file of ours says of itself. Raises `HRNetGraphError` for a graph without a spec."""
    return {"format": FORMAT, "spec": to_yaml(spec_of(graph).dump())}


def graph_of_file(found: Mapping[str, object], path: str | Path, hint: str) -> Graph:
    """The graph of the spec in a file, by what the file says of itself.

    Raises `FileError`, with the hint, if it holds none of ours, and if it holds a wrong one.
    """
    where, source = quoted(str(path), 200), found.get("spec")
    if found.get("format") != FORMAT or not isinstance(source, str):
        raise FileError(f"{where} holds no spec of ours", hint)
    try:
        return reopen(check(parse(source, str(path))))
    except SpecError as error:
        raise FileError(f"{where} holds a spec that is wrong: {error}") from None
