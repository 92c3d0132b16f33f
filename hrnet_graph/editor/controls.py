"""The numbers of a spec that people try, as sliders, steppers and choices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args, get_origin

from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.ops.activation import activation_names
from hrnet_graph.rules.function import Role
from hrnet_graph.rules.registry import names, rule
from hrnet_graph.spec.rule import Rule
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.stage import Stage

Kind = Literal["slider", "stepper", "choice"]


@dataclass(frozen=True)
class Control:
    """One value of the spec that can be changed by hand.

    group: what it belongs to: the network, `stage 2`, the head
    min, max, step: of a number, as far as people try; the spec takes more
    choices: of a word
    """

    key: str
    label: str
    value: int | str
    kind: Kind
    group: str = ""
    min: int = 1
    max: int = 0
    step: int = 1
    choices: tuple[str, ...] = ()
    meaning: str = ""


def controls(spec: Spec) -> list[dict[str, object]]:
    """The controls of a spec, for JSON."""
    return [asdict(control) for control in (*_network(spec), *_stages(spec), *_rules(spec))]


def _number(key: str, label: str, value: int, most: int, **more: Any) -> Control:
    """A number on a slider that reaches as far as the number is now."""
    return Control(key, label, value, more.pop("kind", "slider"), max=max(most, value), **more)


def _network(spec: Spec) -> Iterator[Control]:
    if spec.width is not None:
        meaning = "branch i has width * 2^i channels"
        yield _number("width", "width", spec.width, 96, min=2, step=2, meaning=meaning)
    for place, name in ((1, "height"), (2, "width")):
        meaning = f"of the image, in pixels: the input's {name}"
        value = spec.input[place]
        yield _number(
            f"input.{place}", f"input {name}", value, 1024, min=32, step=32, meaning=meaning
        )


def _stages(spec: Spec) -> Iterator[Control]:
    for index, stage in enumerate(spec.stages):
        group, at = f"stage {index + 1}", f"stages.{index}"
        if stage.branch_count > 1:
            yield _stepper(f"{at}.modules", "modules", stage.modules, group)
        yield from _rows(stage, at, group)
        kinds, listed = names("block"), isinstance(stage.block, tuple)
        for branch, block in enumerate(stage.block_rules if listed else stage.block_rules[:1]):
            key, label = (f".{branch}", f", branch {branch}") if listed else ("", "")
            key, label = f"{at}.block{key}", f"block{label}"
            yield Control(key, label, block.kind, "choice", group, choices=kinds)


def _rows(stage: Stage, at: str, group: str) -> Iterator[Control]:
    """What may be stated for each branch: blocks and channels."""
    if isinstance(stage.blocks, int):
        yield _stepper(f"{at}.blocks", "blocks", stage.blocks, group)
    else:
        for branch, count in enumerate(stage.blocks):
            yield _stepper(f"{at}.blocks.{branch}", f"blocks, branch {branch}", count, group)
    many = stage.branch_count > 1
    for branch, channels in enumerate(stage.channels or ()):
        label = f"channels, branch {branch}" if many else "channels"
        yield _number(f"{at}.channels.{branch}", label, channels, 512, group=group, min=4, step=4)


def _stepper(key: str, label: str, value: int, group: str) -> Control:
    return Control(key, label, value, "stepper", group, max=1000)


def _rules(spec: Spec) -> Iterator[Control]:
    """The options of stem, fuse unit and head that are numbers or words, as their rules say."""
    named: tuple[tuple[Role, Rule], ...] = (
        ("stem", spec.stem),
        ("fuse", spec.fuse),
        ("head", spec.head),
    )
    for role, each in named:
        yield from _options(role, each)
    known = activation_names()
    yield Control("activation", "activation", spec.activation, "choice", "layers", choices=known)


def _options(role: Role, named: Rule) -> Iterator[Control]:
    try:
        options = rule(role, named.kind).options
    except HRNetGraphError:
        return
    for name, value in named.pairs:
        annotation, meaning = options[name].annotation, options[name].meaning
        key, label = f"{role}.{name}", name.replace("_", " ")
        if get_origin(annotation) is Literal and isinstance(value, str):
            words = tuple(map(str, get_args(annotation)))
            yield Control(key, label, value, "choice", role, choices=words, meaning=meaning)
        elif type(value) is int and name in _STEPS:
            step, most = _STEPS[name]
            yield _number(key, label, value, most, group=role, step=step, meaning=meaning)
        elif type(value) is int and get_origin(annotation) is not Literal:
            yield Control(
                key, label, value, "stepper", role, max=max(value, 65_536), meaning=meaning
            )


_STEPS = {"channels": (8, 256), "classes": (1, 1000), "joints": (1, 150), "points": (1, 150)}
"""Options of rules that are tried on a slider -> its step, and how far it reaches."""
