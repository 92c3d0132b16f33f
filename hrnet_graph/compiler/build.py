"""Spec to graph. Building is validating: what does not fit is found by the rules and the ops."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from itertools import starmap
from pathlib import Path
from typing import Any, cast

from hrnet_graph.checks import checked_size
from hrnet_graph.compiler.blocks import block_call, blocks_of, check_order, depth_at, dropping
from hrnet_graph.compiler.initialisation import initialisations
from hrnet_graph.compiler.misfit import problem_of
from hrnet_graph.compiler.outputs import output_option
from hrnet_graph.errors import Key, Problem, RuleError, SpecError
from hrnet_graph.ir.builder import MAX_NODES, Builder, Value
from hrnet_graph.ir.copies import CopyError, Known
from hrnet_graph.ir.graph import Graph, Initialisation
from hrnet_graph.ir.keys import rename, reorder
from hrnet_graph.ir.ops import Activation
from hrnet_graph.ir.parts import Placed
from hrnet_graph.rules.effect import Finding, without_effect
from hrnet_graph.rules.function import BoundRule, MisfitError, Role
from hrnet_graph.rules.registry import rule
from hrnet_graph.rules.stage import StageConfig, first_layer, stage
from hrnet_graph.spec.layers import Layer, stated_in
from hrnet_graph.spec.load import check, load_spec, without_keys
from hrnet_graph.spec.problems import problem_at
from hrnet_graph.spec.reading import Unread, reading, reading_part, unread_keys, unread_option
from hrnet_graph.spec.rule import Rule
from hrnet_graph.spec.schema import MAX_EXTENT, Spec
from hrnet_graph.spec.stage import Stage


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
    network = _fitting(spec)
    return replace(network.graph, spec=_of_what_is_read(spec, network.unread()))


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
        network = _Network(spec)
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
    return _of_what_is_read(spec, _fitting(spec).unread())


def reopen(spec: Spec) -> Graph:
    """The graph of a spec that a file holds: what nothing reads was written when it was let pass.

    Raises `SpecError` if it makes no network.
    """
    network = _fitting(spec)
    return replace(network.graph, spec=without_keys(spec, network.unread()))


def build_variant(spec: Spec, known: Known) -> tuple[Graph, tuple[Placed, ...]]:
    """What `build_graph` makes of a spec, copied from others where they are alike, and the copies.

    Raises `SpecError` as that does.
    """
    return _variant(spec, _fitting(spec, known))


def try_variant(spec: Spec, known: Known) -> tuple[Graph, tuple[Placed, ...]] | str:
    """The same, or the words of what is wrong, at once: what would help is not looked for."""
    try:
        return _variant(spec, _network(spec, known))
    except MisfitError as misfit:
        return misfit.error.message
    except SpecError as error:
        return str(error)


def _variant(spec: Spec, network: _Network) -> tuple[Graph, tuple[Placed, ...]]:
    graph = replace(network.graph, spec=_of_what_is_read(spec, network.unread()))
    return graph, () if spec.keys or spec.order else tuple(network.placed)


def _fitting(spec: Spec, known: Known | None = None) -> _Network:
    try:
        return _network(spec, known)
    except MisfitError as misfit:
        raise SpecError([problem_of(spec, misfit, _graph)]) from misfit.__cause__


def _network(spec: Spec, known: Known | None) -> _Network:
    try:
        return _Network(spec, known)
    except CopyError:
        return _Network(spec)


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
        return key in _Network(check(layers[-1].root, layers)).unread()
    except (SpecError, MisfitError):
        return True


def _graph(spec: Spec) -> Graph:
    return _Network(spec).graph


@contextmanager
def _part(*key: str | int) -> Iterator[None]:
    """Blames `key`, or what the error blames there, for what is no single rule's fault."""
    try:
        yield
    except RuleError as error:
        told = error
        raise MisfitError(lambda: (*key, *told.option), told) from None


class _Network:
    """A spec as a graph, and what was read of the spec for it. Raises `MisfitError`."""

    def __init__(self, spec: Spec, known: Known | None = None) -> None:
        self._taken: set[Key] = set()
        self._rules: list[BoundRule] = []
        self._idle: dict[Key, str] = {}
        self._source, self._spec = spec, reading(spec, self._taken)
        self._remembered: Mapping[str, Value] = {}
        self._known, self._context = known, (repr(spec.norm), spec.activation)
        self._written = self._builder(self._spec)
        self.placed: Sequence[Placed] = ()
        if known is not None:
            self._written = known.builder(self._written, self._context)
            self.placed = self._written.placed
        try:
            self.graph = self._build(self._written)
        except MisfitError as misfit:
            misfit.builder = self._written
            raise

    def unread(self) -> dict[Key, Unread]:
        """The keys of what is stated and read by nothing, and why."""
        place = {bound.key: i for i, bound in reversed([*enumerate(self._rules)])}
        calls = cast("list[tuple[BoundRule, tuple[Any, ...]]]", self._written.calls)
        calls = sorted(calls, key=lambda call: place[call[0].key])
        options = without_effect(calls, self._with_image, self._keep)
        idle = (Unread(key, message=why) for key, why in self._idle.items())
        found = [*unread_keys(self._source, self._taken), *starmap(unread_option, options), *idle]
        return {each.key: each for each in found}

    def _keep(self, what: Hashable, find: Callable[[], list[Finding]]) -> list[Finding]:
        """What is found of a rule where nothing but this network's image and maps is known."""
        if self._known is None or what is None:
            return find()
        return self._known.answer((what, self._context, self._source.input, self._maps), find)

    @cached_property
    def _maps(self) -> Hashable:
        """What may be told of the maps that were remembered, by name."""
        return tuple([(n, x.type, x.far, x.pending) for n, x in self._remembered.items()])

    def _with_image(self) -> Builder:
        """An empty builder that has the image alone, and what the network's rules remembered."""
        builder = self._builder(self._source)
        builder.input(self._source.input)
        builder.give(self._remembered)
        return builder

    @staticmethod
    def _builder(spec: Spec) -> Builder:
        activation = cache(lambda: Activation(spec.activation))
        return Builder(cache(lambda: spec.norm.op()), activation)

    def _build(self, b: Builder) -> Graph:
        spec = self._spec
        image = b.input(spec.input)
        with b.scope(spec.backbone) if spec.backbone else nullcontext():
            maps = self._backbone(b, image)
        kind = spec.head.kind
        summary = rule("head", kind).summary
        scope = b.scope("@head", kind="head", label=f"{kind} head", summary=summary)
        with _part("head"), scope:
            self._remembered = b.remembered
            result = self._bind("head", spec.head, "head")(b, maps)
        with _part("backbone" if spec.backbone else "head"):
            graph = b.finish(
                result, name=spec.name, init=Initialisation(), head_init=Initialisation()
            )
        graph = self._called(graph)
        init, head_init = initialisations(graph, spec.init)
        option = output_option(graph, spec.head)
        return replace(graph, init=init, head_init=head_init, output_option=option)

    def _called(self, graph: Graph) -> Graph:
        """The graph with its parts called, and in the order, that the spec says."""
        spec = self._spec
        if spec.keys is not None:
            with _part("keys"):
                graph, idle = rename(graph, spec.keys)
                self._idle |= {("keys", *key): why for key, why in idle.items()}
        if spec.order is not None:
            with _part("order"):
                graph, idle = reorder(graph, spec.order)
                self._idle |= {("order", *key): why for key, why in idle.items()}
        return graph

    def _backbone(self, b: Builder, image: Value) -> list[Value]:
        """Stem and stages: the maps of the last stage, finest first."""
        stem = self._spec.stem
        with _part("stem"), b.scope("@stem", kind="stem", label=f"{stem.kind} stem"):
            maps = [self._bind("stem", stem, "stem")(b, image)]
        for index, part in enumerate(self._spec.stages):
            with _part("stages", index):
                maps = self._stage(b, index, part, maps)
                for branch, x in enumerate(maps):
                    b.remember(f"stage{index + 1}.{branch}", x)
        if self._spec.neck is not None:
            maps = self._bind("neck", self._spec.neck, "neck")(b, maps)
        return maps

    def _stage(self, b: Builder, index: int, part: Stage, maps: list[Value]) -> list[Value]:
        """The transition to a stage, and the stage."""
        branches = part.branch_count
        blocks, source = blocks_of(part, index, self._bind), self._source.stages[index]
        fuse = cache(partial(self._stage_rule, "fuse", index, part))
        rules = [block.rule for block in blocks]
        plan = StageConfig(
            block=tuple(map(block_call, blocks)),
            joint=blocks[0] if rules[0].is_joint else None,
            labels=tuple(f"{rule.name} block" for rule in rules),
            summaries=tuple(rule.summary for rule in rules),
            modules=part.modules,
            blocks=part.block_counts,
            channels=self._spec.channels(part),
            strides=part.strides or (1,) * branches,
            pending=part.preactivated,
            outputs=part.outputs or branches,
            fuse=lambda *operands: fuse()(*operands),
            depth_at=partial(depth_at, dropping(self._source.stages), index),
            what=_what(index, source.module, self._source.fuse, self._source.channels(source)),
        )
        if index == 0 and branches == 1:
            return [first_layer(b, maps[0], plan)]
        widths = [
            block.options.get("expansion", 1) * channels
            for block, channels in zip(blocks, plan.channels, strict=True)
        ]
        with b.scope(f"transition{index}", kind="transition"):
            maps = self._stage_rule("transition", index, part)(b, maps, widths)
        if branches > 1:
            fuse()  # which every module asks for
        maps = stage(b, f"stage{index + 1}", maps, plan)
        check_order(maps, index)
        return maps

    def _stage_rule(self, role: Role, index: int, part: Stage) -> BoundRule:
        """The rule that a stage states for itself, or else shares with the others."""
        own: Rule | None = getattr(part, role)
        if own is not None:
            return self._bind(role, own, "stages", index, role)
        return self._bind(role, getattr(self._spec, role), role)

    def _bind(self, role: Role, named: Rule, *key: str | int, is_inner: bool = False) -> BoundRule:
        """The rule that a spec names, its options given; `key` is where the spec states it."""
        function, options = rule(role, named.kind), named.options
        for name, option in function.options.items():
            if option.named:
                options[name] = {
                    each: self._bind(option.named.role, inner, *key, name, each, is_inner=True)
                    for each, inner in options[name].items()
                }
        norm = None
        if named.norm is not None:
            part = reading_part(named.norm, self._taken, (*key, "norm"))
            norm = cache(lambda: part.op())
        what = _what(role, named, key)
        bound = BoundRule(function, options, key, is_inner=is_inner, norm=norm, what=what)
        self._rules.append(bound)
        return bound


def _what(*parts: object) -> Hashable:
    """All that a spec says of something, unless that is a normalisation of a part's own: whether
    that is read, each network has to find out.
    """
    said = repr(parts)
    return None if "norm=Norm(" in said else said
