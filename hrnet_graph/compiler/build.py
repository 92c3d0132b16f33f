"""Spec to graph. Building is validating: what does not fit is found by the rules and the ops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from hrnet_graph.errors import Key, NormError, RuleError, ShapeError, SizeError, SpecError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.graph import Graph, Initialisation
from hrnet_graph.ir.ops import Activation, BatchNorm, GroupNorm, Op
from hrnet_graph.ir.sizes import size_hint
from hrnet_graph.rules.registry import Role, rules
from hrnet_graph.rules.stage import StageConfig, first_layer, stage
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.problems import problem_at
from hrnet_graph.spec.rule import Rule
from hrnet_graph.spec.schema import LayerInit, Norm, Spec, Stage


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
        height, width = input_size
        spec = load_spec(spec, {"input.1": height, "input.2": width})
    try:
        return _compile(spec)
    except _MisfitError as misfit:
        error = misfit.error
        hint = error.hint
        if isinstance(error, SizeError):
            hint = _remedy(spec)
        raise SpecError([problem_at(spec.origin, misfit.key, error.message, hint)]) from None


class _MisfitError(Exception):
    """A rule or an op that cannot be applied, and the key of the spec that asked for it."""

    def __init__(self, key: Key, error: RuleError | ShapeError) -> None:
        super().__init__(key, error)
        self.key = key
        self.error = error


@contextmanager
def _asked_by(spec: Spec, *key: str | int) -> Iterator[None]:
    """Blames `key` for what goes wrong inside, or `input` where only the sizes do not fit."""
    try:
        yield
    except SizeError as error:
        size = "x".join(str(n) for n in spec.input[1:])
        raise _MisfitError(("input",), SizeError(f"{size} does not fit: {error.message}")) from None
    except NormError as error:
        raise _MisfitError(("norm", "groups"), error) from None
    except (RuleError, ShapeError) as error:
        raise _MisfitError(key, error) from None


def _compile(spec: Spec) -> Graph:
    b = Builder(_norm(spec.norm), Activation(spec.activation))
    image = b.input(spec.input)
    with b.scope(spec.backbone) if spec.backbone else nullcontext():
        maps = _backbone(b, spec, image)
    with _asked_by(spec, "head"), b.scope("@head", kind="head", label=f"{spec.head.kind} head"):
        result = _bound("head", spec.head, "head")(b, maps)
    return b.finish(
        result,
        name=spec.name,
        init=_init(spec.init),
        head_init=_init(spec.init.head or spec.init),
        spec=spec,
    )


def _backbone(b: Builder, spec: Spec, image: Value) -> list[Value]:
    """Stem and stages: the maps of the last stage, finest first."""
    with _asked_by(spec, "stem"), b.scope("@stem", kind="stem", label=f"{spec.stem.kind} stem"):
        maps = [_bound("stem", spec.stem, "stem")(b, image)]
    for index, part in enumerate(spec.stages):
        with _asked_by(spec, "stages", index):
            maps = _stage(b, spec, index, part, maps)
    return maps


def _init(init: LayerInit) -> Initialisation:
    return Initialisation(init.conv, init.std, init.conv_bias)


def _stage(b: Builder, spec: Spec, index: int, part: Stage, maps: list[Value]) -> list[Value]:
    """The transition to a stage, and the stage."""
    plan = StageConfig(
        block=_bound("block", part.block, "stages", index, "block"),
        label=f"{part.block.kind} block",
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


def _stage_rule(role: Role, index: int, own: Rule | None, common: Rule) -> Callable[..., Any]:
    """A rule that a stage may state for itself, or else shares with the others."""
    if own is not None:
        return _bound(role, own, "stages", index, role)
    return _bound(role, common, role)


def _bound(role: Role, rule: Rule, *key: str | int) -> Callable[..., Any]:
    """The rule's function with its options given; `key` is where the spec states the rule."""
    function = partial(rules(role)[rule.kind].function, **rule.options)

    def apply(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except RuleError as error:
            if not error.option:
                raise
            raise _MisfitError((*key, *error.option), error) from None

    return apply


def _norm(norm: Norm) -> Op:
    if norm.kind == "group":
        assert norm.groups is not None
        return GroupNorm(norm.groups, norm.eps)
    momentum = 0.1 if norm.momentum is None else norm.momentum
    return BatchNorm(norm.eps, momentum, synchronised=norm.kind == "sync_batch")


def _remedy(spec: Spec) -> str:
    """What to do about an input size that does not fit: the sizes nearby that do."""
    for side in (2**power for power in range(5, 12)):
        try:
            graph = _compile(spec.model_copy(update={"input": (spec.input[0], side, side)}))
        except _MisfitError:
            continue
        return size_hint(graph, *spec.input[1:])
    return ""
