"""A network as it is built of a spec: stem, stages, neck and head by their rules."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from itertools import islice, starmap
from typing import Any, cast

from hrnet_graph.compiler.blocks import block_call, blocks_of, check_order, depth_at, dropping
from hrnet_graph.compiler.initialisation import initialisations
from hrnet_graph.compiler.outputs import output_option
from hrnet_graph.errors import Key, RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.copies import Known, PartBuilder
from hrnet_graph.ir.graph import Graph, Initialisation, Node
from hrnet_graph.ir.keys import rename, reorder
from hrnet_graph.ir.ops import Activation
from hrnet_graph.ir.parts import Placed
from hrnet_graph.rules.effect import Finding, without_effect
from hrnet_graph.rules.function import BoundRule, MisfitError, Role
from hrnet_graph.rules.registry import rule
from hrnet_graph.rules.stage import StageConfig, first_layer, stage
from hrnet_graph.spec.reading import Unread, reading, reading_part, unread_keys, unread_option
from hrnet_graph.spec.rule import Rule
from hrnet_graph.spec.schema import DESCRIPTIONS, Spec
from hrnet_graph.spec.stage import Stage


@contextmanager
def _part(*key: str | int) -> Iterator[None]:
    """Blames `key`, or what the error blames there, for what is no single rule's fault."""
    try:
        yield
    except RuleError as error:
        told = error
        raise MisfitError(lambda: (*key, *told.option), told) from None


@dataclass(frozen=True)
class _Begun:
    """What a network has come to: its maps, all that was written, the keys that were read for that
    and the rules that were bound.
    """

    maps: tuple[Value, ...]
    written: Mapping[str, object]
    taken: frozenset[Key]
    rules: tuple[BoundRule, ...]


def _holds(begun: object) -> bool:
    """Whether the rules that it was made by are those of today."""
    bound = cast(_Begun, begun).rules
    return all(rule(each.rule.role, each.rule.name) is each.rule for each in bound)


_BEHIND = {*DESCRIPTIONS, "stages", "neck", "head", "keys", "order", "init"}
"""What no stage is made of, and the stages, each of which is made of itself and those before it."""


class Network:
    """A spec as a graph, and what was read of the spec for it. Raises `MisfitError`."""

    def __init__(self, spec: Spec, known: Known | None = None) -> None:
        self._taken: set[Key] = set()
        self._rules: list[BoundRule] = []
        self._idle: dict[Key, str] = {}
        self._source, self._spec = spec, reading(spec, self._taken)
        self._remembered: Mapping[str, Value] = {}
        self._known, self._context = known, (repr(spec.norm), spec.activation)
        self._written = self._builder(self._spec)
        if known is not None:
            self._written = known.builder(self._written, self._context)
        try:
            self.graph = self._build(self._written)
        except MisfitError as misfit:
            misfit.builder = self._written
            raise

    @property
    def items(self) -> Sequence[Node | Placed]:
        """The nodes, in registration order; what was copied as the parts that it was copied as."""
        builder, is_renamed = self._written, self._source.keys or self._source.order
        if isinstance(builder, PartBuilder) and not is_renamed:
            return builder.items
        return self.graph.nodes

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
        return self._known.answer((what, self._place), find)

    @cached_property
    def _place(self) -> object:
        """One object for all networks of an image and of maps of which the same may be told."""
        assert self._known is not None
        maps = tuple([(n, x.type, x.far, x.pending) for n, x in self._remembered.items()])
        return self._known.answer((self._context, self._source.input, maps), object)

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
        self.graph = self._called(graph)
        init, head_init = initialisations(self.items, spec.init)
        option = output_option(self.graph, spec.head)
        return replace(self.graph, init=init, head_init=head_init, output_option=option)

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
        begun = self._begun()
        maps = self._resumed(begun[-1]) if begun else [self._stem(b, image)]
        for index, part in islice(enumerate(self._spec.stages), len(begun), None):
            with _part("stages", index):
                maps = self._stage(b, index, part, maps)
                for branch, x in enumerate(maps):
                    b.remember(f"stage{index + 1}.{branch}", x)
            self._note(index, maps)
        if self._spec.neck is not None:
            maps = self._bind("neck", self._spec.neck, "neck")(b, maps)
        return maps

    def _stem(self, b: Builder, image: Value) -> Value:
        stem = self._spec.stem
        with _part("stem"), b.scope("@stem", kind="stem", label=f"{stem.kind} stem"):
            found: Value = self._bind("stem", stem, "stem")(b, image)
        return found

    def _begun(self) -> list[_Begun]:
        """What the network before came to behind each stage up to which it is this one."""
        if self._known is None or self._known.trail is None:
            return []
        return cast("list[_Begun]", self._known.trail.follow(self._said, _holds))

    def _resumed(self, begun: _Begun) -> list[Value]:
        """The maps of a stage up to which this network is another that has come there."""
        assert isinstance(self._written, PartBuilder)
        self._written.resume(begun.written)
        self._taken |= begun.taken
        self._rules += begun.rules
        return [*begun.maps]

    def _note(self, index: int, maps: Sequence[Value]) -> None:
        """Keeps what the network has come to, for the next one."""
        if self._known and self._known.trail and index < len(self._said):
            assert isinstance(self._written, PartBuilder)
            taken, rules = frozenset(self._taken), tuple(self._rules)
            begun = _Begun(tuple(maps), self._written.state, taken, rules)
            self._known.trail.add(self._said[index], begun)

    @cached_property
    def _said(self) -> Sequence[Hashable]:
        """What the spec says of each stage but the last, and of what is in front of all."""
        spec = self._source
        names = type(spec).model_fields.keys() - _BEHIND
        front = repr([(name, getattr(spec, name)) for name in sorted(names)])
        stages = [repr(vars(part)) for part in spec.stages[:-1]]
        return [(front, dropping(spec.stages), *stages[:1]), *stages[1:]] if stages else []

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
            what=self._module(index, source, blocks),
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

    def _module(self, index: int, part: Stage, blocks: Sequence[BoundRule]) -> Hashable:
        """All that a spec says of the modules of a stage."""
        fuse = part.fuse or self._source.fuse
        rules = [rule("fuse", fuse.kind), *(block.what for block in blocks)]
        return _what(index, part.module, fuse, self._source.channels(part), rules=rules)

    def _stage_rule(self, role: Role, index: int, part: Stage) -> BoundRule:
        """The rule that a stage states for itself, or else shares with the others."""
        own: Rule | None = getattr(part, role)
        if own is not None:
            return self._bind(role, own, "stages", index, role)
        return self._bind(role, getattr(self._spec, role), role)

    def _bind(self, role: Role, named: Rule, *key: str | int, is_inner: bool = False) -> BoundRule:
        """The rule that a spec names, its options given; `key` is where the spec states it."""
        function, options = rule(role, named.kind), named.options
        rules: list[Hashable] = [function]
        for name, option in function.options.items():
            if option.named:
                options[name] = {
                    each: self._bind(option.named.role, inner, *key, name, each, is_inner=True)
                    for each, inner in options[name].items()
                }
                rules += (inner.what for inner in options[name].values())
        norm = None
        if named.norm is not None:
            part = reading_part(named.norm, self._taken, (*key, "norm"))
            norm = cache(lambda: part.op())
        what = _what(role, named, key, rules=rules)
        bound = BoundRule(function, options, key, is_inner=is_inner, norm=norm, what=what)
        self._rules.append(bound)
        return bound


def _what(*parts: object, rules: Sequence[Hashable]) -> Hashable:
    """All that a spec says of something, and the rules that it names, unless a part of it has a
    normalisation of its own: whether that is read, each network has to find out.
    """
    said = repr(parts)
    return None if "norm=Norm(" in said else (said, *rules)
