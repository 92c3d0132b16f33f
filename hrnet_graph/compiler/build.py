"""Spec to graph. Building is validating: what does not fit is found by the rules and the ops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hrnet_graph.checks import checked_size
from hrnet_graph.compiler.misfit import problem_of
from hrnet_graph.compiler.network import Network
from hrnet_graph.errors import Key, Problem, SpecError
from hrnet_graph.ir.builder import MAX_NODES
from hrnet_graph.ir.copies import CopyError, Known
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.parts import Placed
from hrnet_graph.rules.function import MisfitError
from hrnet_graph.spec.layers import Layer, stated_in
from hrnet_graph.spec.load import check, load_spec, without_keys
from hrnet_graph.spec.problems import problem_at
from hrnet_graph.spec.reading import Unread
from hrnet_graph.spec.schema import MAX_EXTENT, Spec


def build_graph(
    spec: str | Path | Mapping[str, Any] | Spec, input_size: tuple[int, int] | None = None
) -> Graph:
    """The architecture graph of a spec (or of a catalogue name or a path).

    `input_size` is (height, width) in pixels, the spec's own where unstated. Raises `SpecError`,
    with the place in the spec, if the spec is wrong or makes no network.

    Example:
        >>> hg.build_graph("hrnet_w32_cls", input_size=(256, 192))
        Graph(hrnet_w32_cls, input 3x256x192, 1110 nodes)
    """
    spec = load_spec(spec)
    if input_size is not None:
        height, width = checked_size("input_size", input_size, MAX_EXTENT)
        spec = load_spec(spec, {"input.1": height, "input.2": width})
    network = _fitting(spec, _KNOWN)
    return replace(network.graph, spec=_of_what_is_read(spec, network.unread()))


_KNOWN = Known()
"""What the networks built in this process were made of."""


@dataclass(frozen=True)
class Attempt:
    """What came of a spec: its graph, or what could be built of it and the scope where that stops,
    and what is wrong. A whole graph can have something wrong, a key that nothing reads; one of too
    many operations is none.
    """

    graph: Graph | None
    stopped: str = ""
    problems: tuple[Problem, ...] = ()


def attempt(spec: Spec) -> Attempt:
    """What `build_graph` makes of a spec, and what could be built where it raises."""
    try:
        network = _network_or_misfit(spec, _KNOWN)
    except MisfitError as misfit:
        problems = (problem_of(spec, misfit, _graph),)
        builder = misfit.builder
        assert builder is not None
        part = builder.part(spec.name) if len(builder) < MAX_NODES else None
        return Attempt(part, builder.stopped, problems)
    try:
        return Attempt(replace(network.graph, spec=_of_what_is_read(spec, network.unread())))
    except SpecError as error:
        return Attempt(replace(network.graph, spec=spec), problems=error.problems)


def prove(spec: Spec) -> Spec:
    """The spec as `build_graph` keeps it: without what a base states and nothing reads any more.

    Raises `SpecError` if it makes no network, or states what nothing reads.
    """
    return _of_what_is_read(spec, _fitting(spec, _KNOWN).unread())


def reopen(spec: Spec) -> Graph:
    """The graph of a spec that a file holds: what nothing reads was written when it was let pass.

    Raises `SpecError` if it makes no network.
    """
    network = _fitting(spec, _KNOWN)
    return replace(network.graph, spec=without_keys(spec, network.unread()))


Variant = tuple[Graph, Sequence[Node | Placed]]
"""A network, and the same as the parts that were copied and the nodes between them."""


def build_variant(spec: Spec, known: Known | None) -> Variant:
    """What `build_graph` makes of a spec, copied from others where they are alike; with None it is
    built by itself.

    Raises `SpecError` as that does.
    """
    return _variant(spec, _fitting(spec, known))


def try_variant(spec: Spec, known: Known) -> Variant | str:
    """The same, or the words of what is wrong, at once: what would help is not looked for."""
    try:
        return _variant(spec, _network(spec, known))
    except MisfitError as misfit:
        return misfit.error.message
    except SpecError as error:
        return str(error)


def _variant(spec: Spec, network: Network) -> Variant:
    graph = replace(network.graph, spec=_of_what_is_read(spec, network.unread()))
    return graph, network.items


def _fitting(spec: Spec, known: Known | None) -> Network:
    try:
        return _network_or_misfit(spec, known)
    except MisfitError as misfit:
        raise SpecError([problem_of(spec, misfit, _graph)]) from misfit.__cause__


def _network_or_misfit(spec: Spec, known: Known | None) -> Network:
    try:
        return _network(spec, known)
    except MisfitError:
        return Network(spec)  # which tells it as if nothing had been known


def _network(spec: Spec, known: Known | None) -> Network:
    try:
        return Network(spec, known)
    except CopyError:
        return Network(spec)


def _of_what_is_read(spec: Spec, unread: Mapping[Key, Unread]) -> Spec:
    """The spec without what nothing reads since a later document changed what did.

    Raises `SpecError` for what nothing read in the first place.
    """
    problems = []
    for key, why in unread.items():
        if any(other[: len(key)] == key != other for other in unread):
            continue  # which is told of its parts
        mark = None
        if spec.layers:
            index = stated_in(spec.layers, key)
            if spec.layers[index].weights is not None:
                continue  # it was written when that was let pass
            if index < len(spec.layers) - 1 and not _is_unread(spec.layers[: index + 1], key):
                continue
            mark = spec.layers[-1].root.find(key).mark
        problems.append(problem_at(mark, key, why.message, why.hint, why.fixes))
    if problems:
        raise SpecError(problems)
    return without_keys(spec, unread)


def _is_unread(layers: Sequence[Layer], key: Key) -> bool:
    """Whether nothing reads a value in the network of these documents, or they make none."""
    try:
        return key in Network(check(layers[-1].root, layers)).unread()
    except (SpecError, MisfitError):
        return True


def _graph(spec: Spec) -> Graph:
    return Network(spec).graph
