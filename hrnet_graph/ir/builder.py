"""How rules write a graph: scopes give names, ops give shapes, and nothing is ever taken back."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from hrnet_graph.errors import Key, RuleError, ShapeError, did_you_mean, quoted
from hrnet_graph.ir.graph import Graph, Initialisation, Node, Returns, Scope, ScopeKind, key_of
from hrnet_graph.ir.hierarchy import place, prefixes
from hrnet_graph.ir.keys import check_names, problem_of_name, register, together
from hrnet_graph.ir.ops import Concat, Conv2d, Input, Op, Sum
from hrnet_graph.ir.types import FAR, TensorType
from hrnet_graph.ir.value import Inference, Operand
from hrnet_graph.ir.value import Value as Value

Written = TypeVar("Written")

MAX_NODES = 100_000
"""More operations than this make no network that anybody runs, but would fill the memory."""


class Builder:
    """Collects nodes. `norm` and `activation` are the spec's choice, used by every rule.

    Each may be a function, which is asked when a rule wants it.

    Write a rule in the order in which the published constructor registers its layers, and the
    keys, shapes and order of the published `state_dict` come out. `calls` has the rules that were
    called, each with its operands.
    """

    def __init__(
        self, norm: Op | Callable[[], Op | None] | None, activation: Op | Callable[[], Op]
    ) -> None:
        self._norm = norm
        self._activation = activation
        self._prefix = ""
        self._nodes: dict[str, Node] = {}
        self._keys: set[str] = set()
        self._scopes: dict[str, Scope] = {}
        self._summaries: dict[str, str] = {}
        self._reserved: list[tuple[str, ...]] = []
        self._remembered: dict[str, Value] = {}
        self._given: Mapping[str, Value] = {}
        self._stopped = ""
        self._depth = 1.0
        self.calls: list[tuple[object, tuple[object, ...]]] = []
        self._image: Value | None = None
        self._inference = Inference()

    @property
    def written(self) -> tuple[object, ...]:
        """All that rules wrote, to be compared."""
        return (
            *self._nodes.values(), *self._scopes.values(), *self._reserved,
            *self._remembered.items(),
        )  # fmt: skip

    def __len__(self) -> int:
        """The number of operations so far."""
        return len(self._nodes)

    @property
    def stopped(self) -> str:
        """The innermost scope that an error has left since the last operation, else that one."""
        return self._stopped or next(reversed(self._nodes), "")

    def take(self, values: Iterable[Value]) -> None:
        """Makes operands of another builder ones of this one; nothing but their type is known."""
        image = Input((1, 1, 1))
        for value in values:
            self._nodes[value.path] = Node(value.path, image, (), value.type)
            if value.path == "input":
                self._image = value

    def remember(self, name: str, value: Value) -> Value:
        """Keeps a result for later rules, which `recall` it by this name; gives it back.

        A stem's map is called by its stride (`stride2`), what a stage hands on by stage and branch
        (`stage3.0`). Raises `RuleError` for a name that is taken.
        """
        self._shapes([value])
        if name in self._remembered:
            raise RuleError(f"two results are remembered as {quoted(name)}")
        self._remembered[name] = value
        return value

    def recall(self, name: str, option: Key = ()) -> Value:
        """What was remembered by a name. Raises `RuleError`, which blames `option`, if nothing."""
        known = self.remembered
        if name not in known:
            what = did_you_mean(name, [*known])
            raise RuleError(f"no earlier map is called {quoted(name)}{what}", option=option)
        return known[name]

    @property
    def remembered(self) -> Mapping[str, Value]:
        """Name -> result, of all that is remembered so far."""
        return {**self._given, **self._remembered}

    def give(self, remembered: Mapping[str, Value]) -> None:
        """Lets rules recall what another builder remembers; nothing but its type is known."""
        self._given = remembered
        self.take(remembered.values())

    def once(self, what: Hashable, write: Callable[..., Written], *operands: object) -> Written:
        """What a function writes here of its operands.

        `what` says which function that is: two that have it equal write the same of operands of
        equal types, so that a builder which remembers networks need not ask the second one; None
        says that none is equal.
        """
        return write(self, *operands)

    def reserve(self, *names: str) -> None:
        """Registers what will stand under these names here and in this order, whenever it is added.

        For constructors that register layers in another order than they call them.
        """
        self._reserved.append(tuple(key_of(self._prefix + name) for name in names))

    @contextmanager
    def scope(
        self,
        *parts: str | int,
        kind: ScopeKind | None = None,
        branch: int | None = None,
        label: str = "",
        summary: str = "",
    ) -> Iterator[None]:
        """Names what is added inside: `scope("stage2", 0)` puts `stage2.0.` in front.

        `kind` declares the scope as a part that reports and figures know; `summary` says in a
        sentence what it computes, for written source.
        """
        outside = self._prefix
        name = ".".join(str(part) for part in parts)
        if problem := problem_of_name(name):
            raise RuleError(problem)
        path = outside + name
        self._stopped = ""
        if kind is not None:
            self._scopes[path] = Scope(path, kind, branch, label)
        if summary:
            self._summaries[path] = summary
        self._prefix = f"{path}."
        try:
            yield
        except BaseException:
            self._stopped = self._stopped or path
            raise
        finally:
            self._prefix = outside

    def add(self, name: str, op: Op, *operands: Value) -> Value:
        """Adds one operation. Raises `ShapeError`, naming the place, if the operands do not fit."""
        if problem := problem_of_name(name):
            raise RuleError(problem)
        family = op.family
        if family in _READERS and True in [operand.pending for operand in operands]:
            operands = tuple(self.ready(f"{name}_act{i or ''}", x) for i, x in enumerate(operands))
        path = self._prefix + name
        key = key_of(path)
        if key in self._keys:
            raise RuleError(f"two operations are named '{key}'")
        if len(self._nodes) >= MAX_NODES:
            raise RuleError(f"the network has more than {MAX_NODES} operations")
        try:
            op, result, far = self._inference.of(op, self._shapes(operands))
        except ShapeError as error:
            where = place(path, self._scopes)
            raise type(error)(f"{where} {error.message}", error.hint) from None
        self._stopped = ""
        self._keys.add(key)
        self._nodes[path] = Node(path, op, tuple([operand.path for operand in operands]), result)
        pending = family in _CARRIERS and any(
            operand.pending for i, operand in enumerate(operands) if not i or i != op.lender
        )
        return Value(path, result, far, pending)

    def has_part(self, name: str) -> bool:
        """Whether the network has an operation or a part of this name at its top."""
        return any(key.partition(".")[0] == name for key in self._keys)

    def input(self, shape: tuple[int, int, int]) -> Value:
        """The image, of shape (C, H, W)."""
        image = self.add("input", Input(shape))
        self._image = replace(image, far=TensorType((shape[0], FAR, FAR)))
        return self._image

    @property
    def image(self) -> Value:
        """What `input` gave. Raises `KeyError` before that."""
        if self._image is None:
            raise KeyError("input")
        return self._image

    def ready(self, name: str, x: Value) -> Value:
        """A value as it is to be read: activated, under that name, if it is still pending."""
        return self.activation(name, x) if x.pending else x

    @property
    def depth(self) -> float:
        """How far into the network its blocks have come: 0 the first of them, 1 the last."""
        return self._depth

    @contextmanager
    def at_depth(self, depth: float) -> Iterator[None]:
        """Says how deep what is added inside stands."""
        outside, self._depth = self._depth, depth
        try:
            yield
        finally:
            self._depth = outside

    def conv(
        self,
        name: str,
        x: Value,
        out: int,
        kernel: int = 1,
        stride: int = 1,
        bias: bool = False,
        groups: int = 1,
        dilation: int = 1,
    ) -> Value:
        """A convolution. x: (C, H, W) -> (out, ceil(H / stride), ceil(W / stride))"""
        step = dilation if kernel > 1 else 1  # from a single pixel there is none
        return self.add(name, Conv2d(out, kernel, stride, groups, bias, step), x)

    @contextmanager
    def normalised_by(self, norm: Callable[[], Op | None] | None) -> Iterator[None]:
        """Has a part its own normalisation; with None it has that of what is around it."""
        outside = self._norm
        self._norm = self._norm if norm is None else norm
        try:
            yield
        finally:
            self._norm = outside

    def norm(self, name: str, x: Value) -> Value:
        """The spec's normalisation; where that is none, a bias of the convolution that gave `x`.

        x: (C, H, W) -> (C, H, W)
        """
        norm = self._norm() if callable(self._norm) else self._norm
        return self._biased(x) if norm is None else self.add(name, norm, x)

    def _biased(self, x: Value) -> Value:
        """The same, a convolution's with its bias: nothing behind it shifts it."""
        node = self._nodes[x.path]
        if node.op.family == "conv" and getattr(node.op, "bias", True) is False:
            biased = replace(node.op, bias=True)  # type: ignore[call-arg]  # anybody's convolution
            self._nodes[x.path] = replace(node, op=biased)
        return x

    def activation(self, name: str, x: Value) -> Value:
        """The spec's activation. x: (...) -> (...)"""
        act = self._activation() if callable(self._activation) else self._activation
        return self.add(name, act, x)

    def concat(self, name: str, *maps: Value) -> Value:
        """The maps' channels, one after another; a single map is itself."""
        return self.add(name, Concat(), *maps) if len(maps) > 1 else maps[0]

    def sum(self, name: str, *terms: Value) -> Value:
        """The terms added from left to right; a single term is itself."""
        return self.add(name, Sum(), *terms) if len(terms) > 1 else terms[0]

    def finish(
        self,
        result: Value | Mapping[str, Value] | Sequence[Value],
        *,
        name: str,
        init: Initialisation,
        head_init: Initialisation,
    ) -> Graph:
        """The graph with `result` as outputs: one value, several by name, or maps, finest first."""
        returns: Returns
        if isinstance(result, Value):
            returns, named = "tensor", {"out": result}
        elif isinstance(result, Mapping):
            returns, named = "dict", dict(result)
        else:
            returns, named = "list", {f"out{i}": value for i, value in enumerate(result)}
        self._shapes(named.values())
        outputs = tuple((output, value.path) for output, value in named.items())
        parts = self._parts()
        if twice := sorted(parts & self._keys):
            raise RuleError(f"'{twice[0]}' names an operation and a part of the network")
        nodes, scopes = self._registered(), tuple(self._scopes.values())
        summaries = tuple(self._summaries.items())
        graph = Graph(name, nodes, outputs, returns, scopes, init, head_init, summaries)
        if self._holds_constants() and graph.held_beside:
            check_names(graph)
        return self._together(graph)

    def _parts(self) -> set[str]:
        """The names of parts at the top."""
        return {key.partition(".")[0] for key in self._keys if "." in key}

    def _holds_constants(self) -> bool:
        """Whether an operation has something that stands beside it."""
        return any(node.op.constants() for node in self._nodes.values())

    def _together(self, graph: Graph) -> Graph:
        """The graph in the order that modules have."""
        return together(graph)

    def part(self, name: str) -> Graph:
        """What there is so far of a network that could not be built, as one that hands it all on.

        Its outputs are the results that nothing reads; a scope in which nothing stands is left out.
        """
        nodes = self._registered()
        read = {path for node in nodes for path in node.inputs}
        ends = [node.path for node in nodes if node.path not in read]
        outputs = tuple((f"out{i}", path) for i, path in enumerate(ends))
        there = {prefix for node in nodes for prefix in prefixes(node.path)}
        scopes = tuple(scope for scope in self._scopes.values() if scope.path in there)
        start = Initialisation()
        return Graph(name, nodes, outputs, "list", scopes, start, start)

    def _registered(self) -> tuple[Node, ...]:
        """The nodes in registration order."""
        return register([*self._nodes.values()], self._reserved)

    def _shapes(self, values: Iterable[Value]) -> list[Operand]:
        """Their shapes. Raises `RuleError` for a value that none of the operations here gave."""
        nodes = self._nodes
        try:
            return [
                (nodes[x.path].type.shape, None if x.far is None else x.far.shape) for x in values
            ]
        except KeyError as error:
            raise RuleError(f"no operation of this network is named {error}") from None


_READERS = ("conv", "linear")
"""The families of ops that read what is activated."""

_CARRIERS = ("pointwise", "resample")
"""The families of ops whose result is as pending as what they read."""
