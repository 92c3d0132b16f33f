"""Spec to graph. Building is validating: what does not fit is found by the rules and the ops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from hrnet_graph.checks import checked_size
from hrnet_graph.errors import NormError, Problem, RuleError, SizeError, SpecError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.ops import Activation, BatchNorm, GroupNorm, Op
from hrnet_graph.ir.sizes import size_hint
from hrnet_graph.rules.function import BoundRule, MisfitError, Role
from hrnet_graph.rules.registry import rule
from hrnet_graph.rules.stage import StageConfig, first_layer, stage
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.problems import problem_at
from hrnet_graph.spec.rule import Rule
from hrnet_graph.spec.schema import MAX_EXTENT, Norm, Spec, Stage


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
        height, width = checked_size(input_size, MAX_EXTENT)
        spec = load_spec(spec, {"input.1": height, "input.2": width})
    try:
        return _compile(spec)
    except MisfitError as misfit:
        raise SpecError([_problem(spec, misfit)]) from misfit.__cause__


def _problem(spec: Spec, misfit: MisfitError) -> Problem:
    """What does not fit, blamed on the rule, or on `input` where another size would fit."""
    key, error = misfit.key, misfit.error
    message, hint = error.message, error.hint
    if isinstance(error, NormError):
        key = ("norm", "groups")
    elif isinstance(error, SizeError) and (fitting := _at_some_size(spec)) is not None:
        height, width = spec.input[1:]
        key, message = ("input",), f"{height}x{width} does not fit: {message}"
        hint = size_hint(fitting, height, width)
    return problem_at(spec.origin, key, message, hint)


def _at_some_size(spec: Spec) -> Graph | None:
    """The graph of a spec at an input size that fits, if any does."""
    for side in (2**power for power in range(5, 12)):
        try:
            return _compile(spec.model_copy(update={"input": (spec.input[0], side, side)}))
        except MisfitError:
            continue
    return None


@contextmanager
def _part(*key: str | int) -> Iterator[None]:
    """Blames `key` for what goes wrong inside and is no single rule's fault."""
    try:
        yield
    except RuleError as error:
        raise MisfitError(key, error) from None


def _compile(spec: Spec) -> Graph:
    b = Builder(_norm(spec.norm), Activation(spec.activation))
    image = b.input(spec.input)
    with b.scope(spec.backbone) if spec.backbone else nullcontext():
        maps = _backbone(b, spec, image)
    kind = spec.head.kind
    summary = rule("head", kind).summary
    scope = b.scope("@head", kind="head", label=f"{kind} head", summary=summary)
    with _part("head"), scope:
        result = _bind("head", spec.head, "head")(b, maps)
    with _part("backbone" if spec.backbone else "head"):
        graph = b.finish(
            result,
            name=spec.name,
            init=spec.init.initialisation,
            head_init=(spec.init.head or spec.init).initialisation,
            spec=spec,
        )
    return replace(graph, output_option=_output_option(graph, spec.head))


def _output_option(graph: Graph, head: Rule) -> str:
    """The head's option that says how many channels every output has; empty if none does.

    Where several have that value, it is one that a spec has to state.
    """
    counts = {graph[path].type.channels for path in graph.output_paths}
    options = rule("head", head.kind).options
    names = [name for name, n in head.pairs if type(n) is int and counts == {n}]
    return min(names, key=lambda name: options[name].default is not ..., default="")


def _backbone(b: Builder, spec: Spec, image: Value) -> list[Value]:
    """Stem and stages: the maps of the last stage, finest first."""
    with _part("stem"), b.scope("@stem", kind="stem", label=f"{spec.stem.kind} stem"):
        maps = [_bind("stem", spec.stem, "stem")(b, image)]
    for index, part in enumerate(spec.stages):
        with _part("stages", index):
            maps = _stage(b, spec, index, part, maps)
    return maps


def _stage(b: Builder, spec: Spec, index: int, part: Stage, maps: list[Value]) -> list[Value]:
    """The transition to a stage, and the stage."""
    plan = StageConfig(
        block=_bind("block", part.block, "stages", index, "block"),
        label=f"{part.block.kind} block",
        summary=rule("block", part.block.kind).summary,
        modules=part.modules,
        blocks=part.block_counts,
        channels=spec.channels(part),
        outputs=part.outputs or part.branch_count,
        fuse=_stage_rule("fuse", index, part.fuse, spec.fuse),
    )
    if index == 0 and part.branch_count == 1:
        return [first_layer(b, maps[0], plan)]
    transition = _stage_rule("transition", index, part.transition, spec.transition)
    expansion = part.block.options.get("expansion", 1)
    with b.scope(f"transition{index}", kind="transition"):
        maps = transition(b, maps, [expansion * channels for channels in plan.channels])
    return stage(b, f"stage{index + 1}", maps, plan)


def _stage_rule(role: Role, index: int, own: Rule | None, common: Rule) -> BoundRule:
    """A rule that a stage may state for itself, or else shares with the others."""
    if own is not None:
        return _bind(role, own, "stages", index, role)
    return _bind(role, common, role)


def _bind(role: Role, named: Rule, *key: str | int) -> BoundRule:
    """The rule that a spec names, its options given; `key` is where the spec states it."""
    return BoundRule(rule(role, named.kind), named.options, key)


def _norm(norm: Norm) -> Op:
    if norm.kind == "group":
        assert norm.groups is not None
        return GroupNorm(norm.groups, norm.eps)
    momentum = 0.1 if norm.momentum is None else norm.momentum
    return BatchNorm(norm.eps, momentum, synchronised=norm.kind == "sync_batch")
