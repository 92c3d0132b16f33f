"""The architecture graph: a frozen value from which everything else is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from hrnet_graph.errors import ShapeError, UnknownNodeError, nearest, quoted
from hrnet_graph.ir.ops import Input, Op, State
from hrnet_graph.ir.types import TensorType
from hrnet_graph.late import html_of

if TYPE_CHECKING:
    import networkx as nx

ScopeKind = Literal["stem", "stage", "module", "branch", "block", "transition", "fuse", "head"]
ConvInit = Literal["kaiming", "lecun", "normal", "default"]
BiasInit = Literal["default", "zero"]
Returns = Literal["tensor", "dict", "list"]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: `inputs` are the paths of its operands, in order; it has one result.

    A part of the path that starts with `@` is for display alone and is left out of the key; with
    one that starts with `/` the key begins.
    """

    path: str
    op: Op
    inputs: tuple[str, ...]
    type: TensorType

    @property
    def key(self) -> str:
        """The name of the node's layer in the module: the path without its display parts."""
        return key_of(self.path)

    def key_of(self, entry: State) -> str:
        """The key of an entry of its op's state."""
        around = self.key.rpartition(".")[0] if entry.beside else self.key
        return f"{around}.{entry.name}" if around else entry.name


@lru_cache(1 << 14)  # every path is asked for again and again
def key_of(path: str) -> str:
    """`@head.classifier` -> `classifier`, `stage3.0./layer3.conv1` -> `layer3.conv1`."""
    if "/" in path:
        path = path.rpartition("./")[2].removeprefix("/")
    if "@" not in path:
        return path
    return ".".join([part for part in path.split(".") if not part.startswith("@")])


def display_name(path: str) -> str:
    """A path as people say it: `@head.classifier` -> `head.classifier`."""
    return path.replace("@", "").replace("./", ".").removeprefix("/")


def in_order(sources: Mapping[str, Iterable[str]]) -> bool:
    """Whether everything stands after what it reads from."""
    done: set[str] = set()
    for path, read in sources.items():
        if not done.issuperset(read):
            return False
        done.add(path)
    return True


def sort(sources: Mapping[str, Iterable[str]]) -> Iterable[str]:
    """Everything after what it reads from, and else in the order that it has.

    Raises `graphlib.CycleError` if there is none.
    """
    if in_order(sources):
        return sources
    place = {path: i for i, path in enumerate(sources)}
    sorter = TopologicalSorter(sources)
    sorter.prepare()
    ready: list[tuple[int, str]] = []
    order = []
    while sorter.is_active():
        for path in sorter.get_ready():
            heappush(ready, (place[path], path))
        order.append(heappop(ready)[1])
        sorter.done(order[-1])
    return order


@dataclass(frozen=True, slots=True)
class Scope:
    """A named part of the network: what it is, and which branch (0 is the finest) it belongs to."""

    path: str
    kind: ScopeKind
    branch: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Initialisation:
    """How weights start: convolution weights by `conv`, convolution biases by `conv_bias`.

    `kaiming` is He's normal distribution by fan-out for ReLU, `lecun` LeCun's by fan-in; `normal`
    has the deviation `std`; `default` is torch's own. Normalisation starts at scale 1 and shift 0,
    linear layers at torch's own default.
    """

    conv: ConvInit = "kaiming"
    std: float = 0.001
    conv_bias: BiasInit = "default"


@dataclass(frozen=True)
class Graph:
    """A network as a value.

    `nodes` stand in registration order, the order of the published `state_dict`. `outputs` pairs
    each output's name with the path of its node; `returns` says how a call hands them back.
    `init` is for the backbone, `head_init` for the head. `summaries` pairs scopes with a sentence
    on what they compute; `output_option` is the head's option that says how many channels every
    output has, if any. `spec` is what the graph was compiled from, if anything, handed on unread:
    graphs of one network are equal without it.

    Example:
        >>> graph = hg.build_graph("hrnet_w32_cls")
        >>> graph["@head.classifier"].type.shape
        (1000,)
    """

    name: str
    nodes: tuple[Node, ...]
    outputs: tuple[tuple[str, str], ...]
    returns: Returns
    scopes: tuple[Scope, ...]
    init: Initialisation
    head_init: Initialisation
    summaries: tuple[tuple[str, str], ...] = ()
    output_option: str = ""
    spec: object = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.nodes or not isinstance(self.nodes[0].op, Input):
            raise ShapeError(f"{self.name}: the first node of a graph is its input")

    def __reduce__(self) -> tuple[type[Graph], tuple[Any, ...]]:
        return Graph, tuple(getattr(self, each.name) for each in fields(self))

    def __getitem__(self, path: str) -> Node:
        if path not in self.node_at:
            keys = {node.key: at for at, node in self.node_at.items()}
            near = (
                f"; did you mean '{keys[path]}'?" if path in keys else nearest(path, self.node_at)
            )
            raise UnknownNodeError(f"no node {quoted(path)} in {self.name}{near}")
        return self.node_at[path]

    def __repr__(self) -> str:
        shape = "x".join(str(n) for n in self.input.type.shape)
        return f"Graph({self.name}, input {shape}, {len(self.nodes)} nodes)"

    def _repr_html_(self) -> str:
        return html_of(self)

    @cached_property
    def node_at(self) -> Mapping[str, Node]:
        """Path -> node, in registration order."""
        return {node.path: node for node in self.nodes}

    @cached_property
    def scope_at(self) -> Mapping[str, Scope]:
        """Path -> scope, in registration order."""
        return {scope.path: scope for scope in self.scopes}

    @property
    def input(self) -> Node:
        """The node of the input image."""
        return self.nodes[0]

    @cached_property
    def nx(self) -> nx.DiGraph[str]:
        """The frozen `networkx.DiGraph`: `nodes[path]["node"]` is the `Node`.

        An edge goes from operand to reader and holds `operands`, the positions that it fills.
        """
        import networkx as nx  # counting and drawing never need it

        graph: nx.DiGraph[str] = nx.DiGraph(name=self.name)
        graph.add_nodes_from((node.path, {"node": node}) for node in self.nodes)
        for node in self.nodes:
            for operand in dict.fromkeys(node.inputs):
                places = tuple(i for i, path in enumerate(node.inputs) if path == operand)
                graph.add_edge(operand, node.path, operands=places)
        nx.freeze(graph)
        return graph

    @cached_property
    def order(self) -> tuple[Node, ...]:
        """The nodes in execution order: the registration order wherever that can be executed."""
        sources = {node.path: node.inputs for node in self.nodes}
        if in_order(sources):
            return self.nodes
        return tuple(self[path] for path in sort(sources))

    @cached_property
    def scope_of_key(self) -> Mapping[str, Scope]:
        """Key -> scope; of several that have one, that which is not for display alone."""
        shown_last = sorted(
            self.scopes, key=lambda s: not s.path.rpartition(".")[2].startswith("@")
        )
        return {key_of(scope.path): scope for scope in shown_last}

    @cached_property
    def readers(self) -> Mapping[str, tuple[str, ...]]:
        """Path -> the paths of the nodes that read it, each once."""
        readers: dict[str, list[str]] = {node.path: [] for node in self.nodes}
        for node in self.nodes:
            for operand in dict.fromkeys(node.inputs):
                readers[operand].append(node.path)
        return {path: tuple(paths) for path, paths in readers.items()}

    @property
    def operations(self) -> tuple[Node, ...]:
        """The nodes without the input, in registration order."""
        return self.nodes[1:]

    @cached_property
    def held_beside(self) -> tuple[str, ...]:
        """The keys of what scopes hold for operations in them; two may have one."""
        some = (node for node in self.nodes if node.op.constants())
        return tuple(key for node in some for key in self._beside(node))

    @cached_property
    def _held(self) -> Mapping[str, Mapping[str, State]]:
        """Scope, with its dot -> what it holds for operations in it, by key."""
        held: dict[str, dict[str, State]] = {}
        for node in self.nodes:
            for key, entry in self._beside(node).items():
                held.setdefault(key[: key.rfind(".") + 1], {})[key] = entry
        return held

    def _beside(self, node: Node) -> dict[str, State]:
        """What the scope around a node holds for it, by key."""
        entries = node.op.state(self.operands(node)) if node.op.constants() else ()
        return {node.key_of(entry): entry for entry in entries if entry.beside}

    @cached_property
    def output_paths(self) -> tuple[str, ...]:
        """The path of each output's node, in the order of the outputs."""
        return tuple(path for _, path in self.outputs)

    @cached_property
    def backbone_prefix(self) -> str:
        """What stands in front of the keys of stem and stages: `backbone.`, or nothing."""
        stem = next((scope.path for scope in self.scopes if scope.kind == "stem"), "")
        return stem[: stem.rfind(".") + 1]

    def owns_operand(self, node: Node) -> bool:
        """Whether a node alone ever sees its one operand, and what that is a view of."""
        if len(node.inputs) != 1 or node.inputs[0] == self.input.path:
            return False
        (operand,) = node.inputs
        if self.readers[operand] != (node.path,) or operand in self.output_paths:
            return False
        view = self.node_at[operand]
        return not view.op.is_view or self.owns_operand(view)

    def runs_in_place(self, node: Node) -> bool:
        """Whether the module writes a node's result over its operand."""
        return node.op.can_overwrite and self.owns_operand(node)

    def operands(self, node: Node) -> tuple[TensorType, ...]:
        """The types of a node's operands, in order."""
        return tuple(self.node_at[path].type for path in node.inputs)

    def pack(self, results: Sequence[Result]) -> Result | dict[str, Result] | list[Result]:
        """The outputs, in order, as a call of the network hands them back."""
        if self.returns == "list":
            return list(results)
        if self.returns == "dict":
            return dict(zip((name for name, _ in self.outputs), results, strict=True))
        return results[0]

    def state(self) -> dict[str, State]:
        """The `state_dict` of the module: key -> entry, in registration order.

        What a scope holds itself stands before all that is in it.
        """
        return dict(self._state)

    @cached_property
    def _state(self) -> Mapping[str, State]:
        return dict(self._entries())

    def _entries(self) -> Iterator[tuple[str, State]]:
        waiting = dict(self._held)
        for node in self.nodes:
            entries = node.op.state(self.operands(node))
            ends = (at + 1 for at, mark in enumerate(node.key) if mark == ".") if waiting else ()
            for end in (0, *ends) if entries else ():
                yield from waiting.pop(node.key[:end], {}).items()
            for entry in entries:
                if not entry.beside:
                    yield node.key_of(entry), entry
