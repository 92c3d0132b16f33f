"""Random specs that draw from all rules there are, each with random options of its own."""

from __future__ import annotations

import random
import types
from collections.abc import Iterator, Mapping
from typing import (
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pydantic import TypeAdapter, ValidationError

import hrnet_graph as hg
from hrnet_graph.ir.ops.activation import ACTIVATIONS
from hrnet_graph.rules.function import Option, Role
from hrnet_graph.rules.registry import names, rule
from hrnet_graph.spec.norm import Norm

BRANCHES = 3
WIDTH = 8
"""So many that groups, heads and halves divide it."""

NUMBERS: Mapping[type, tuple[Any, ...]] = {
    bool: (False, True),
    int: (1, 2, 3, 4, 8),
    float: (0.25, 0.5, 1.0, 2.0),
    str: (),
}
"""What options of a type are tried with, as far as their bounds let them."""

PARTS: tuple[tuple[tuple[str, ...], Role], ...] = (
    (("stem",), "stem"),
    (("transition",), "transition"),
    (("neck",), "neck"),
    (("fuse",), "fuse"),
    (("head",), "head"),
)
"""The parts of a spec that name rules, beside the blocks."""

TRIES = 60


def draw_value(draw: random.Random, annotation: Any) -> Any:
    """A value that an option of a type takes. Raises `LookupError` if none is known."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return draw.choice(inner)
    if origin in (Union, types.UnionType):
        return draw_value(draw, draw.choice([kind for kind in inner if kind is not type(None)]))
    if is_typeddict(annotation):
        hints = get_type_hints(annotation, include_extras=True)
        return {name: draw_value(draw, kind) for name, kind in hints.items()}
    base = inner[0] if origin is Annotated else annotation
    if get_origin(base) is tuple:
        row = [draw_value(draw, get_args(base)[0]) for _ in range(BRANCHES)]
        return row if _takes(annotation, tuple(row)) else row[:1]
    if origin is Annotated and base not in NUMBERS:
        return draw_value(draw, base)
    return draw.choice([value for value in NUMBERS[base] if _takes(annotation, value)] or [None])


def _takes(annotation: Any, value: Any) -> bool:
    try:
        TypeAdapter(annotation).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def draw_option(draw: random.Random, option: Option) -> Any:
    """A value that an option takes; two rules by name where it holds rules."""
    if option.named is None:
        return draw_value(draw, option.annotation)
    role = option.named.role
    kinds = [kind for kind in names(role) if kind not in option.named.without]
    return {name: draw_rule(draw, role, draw.choice(kinds)) for name in ("one", "other")}


def draw_rule(draw: random.Random, role: Role, kind: str) -> dict[str, Any]:
    """A rule with what has no default, or a large one, and some of its other options."""
    stated: dict[str, Any] = {"kind": kind}
    for name, option in rule(role, kind).options.items():
        is_large = type(option.default) is int and option.default > max(NUMBERS[int])
        if option.default is ... or is_large or draw.random() < 0.4:
            try:
                value = draw_option(draw, option)
            except LookupError:
                continue
            if value is not None and value != option.default:
                stated[name] = value
    return stated


def random_spec(seed: str, **kinds: str) -> dict[str, Any] | None:
    """The data of a spec with the rules of these kinds by role, and others at random; None if those
    do not go together.

    What is refused gives way: an option to another value or to none, and last a rule that was not
    asked for to its usual one. Raises `AssertionError` for what is refused without blame.
    """
    draw = random.Random(seed)
    data = _first(draw, kinds)
    given = set(kinds)
    for _ in range(TRIES):
        try:
            hg.build_graph(data)
            return data
        except hg.SpecError as error:
            problem = error.problems[0]
            assert "\n" not in problem.message
        if not _give_way(draw, data, problem, given):
            return None
    raise AssertionError(f"{data} is refused whatever gives way: {problem}")


def _first(draw: random.Random, kinds: Mapping[str, str]) -> dict[str, Any]:
    """A spec as it is drawn at first."""
    blocks = {BRANCHES: kinds.get("block") or draw.choice(names("block"))}
    if draw.random() < 0.3:
        blocks = {BRANCHES - 1: draw.choice(names("block")), **blocks}
    first = {"block": {"kind": "basic"}, "branches": 1, "blocks": 1, "channels": [WIDTH]}
    stages: list[dict[str, Any]] = [first]
    for branches, kind in blocks.items():
        modules = draw.choice((1, 1, 2))
        block = draw_rule(draw, "block", kind)
        stages.append({"block": block, "branches": branches, "blocks": 1, "modules": modules})
    data: dict[str, Any] = {"name": "random", "width": WIDTH, "stages": stages}
    data["input"] = [draw.choice((1, 3, 4)), *draw.choice(((64, 64), (72, 100), (96, 64)))]
    for role in ("stem", "transition", "fuse", "head"):
        kind = kinds.get(role) or draw.choice(names(role))
        data[role] = draw_rule(draw, role, kind)
    if draw.random() < 0.2:
        data["neck"] = draw_rule(draw, "neck", draw.choice(names("neck")))
    norm = draw.choice(get_args(Norm.model_fields["kind"].annotation))
    data["norm"] = {"kind": norm, **({"groups": 2} if norm == "group" else {})}
    data["activation"] = draw.choice([*ACTIVATIONS])
    return data


def _give_way(draw: random.Random, data: dict[str, Any], problem: Any, given: set[str]) -> bool:
    """Changes what a problem blames; false if that is what was asked for."""
    key = tuple(problem.key.split("."))
    for at, role in _parts(data):
        part = _find(data, at)
        if key[: len(at)] == at and key[len(at) : len(at) + 1] and key[len(at)] != "kind":
            return _change(draw, part, role, key[len(at)])
    if key[0] in ("input", "norm"):
        usual = {"input": [3, 64, 64], "norm": {"kind": "batch"}}[key[0]]
        if data[key[0]] != usual:
            data[key[0]] = usual
            return True
    for role in ("neck", "transition", "stem"):  # those of which there is a usual one
        if role in data and role not in given:
            del data[role]
            return True
    return _simplify(draw, data, key)


def _parts(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Role]]:
    yield from ((at, role) for at, role in PARTS if at[0] in data)
    for index in range(1, len(data["stages"])):
        yield ("stages", str(index), "block"), "block"


def _find(data: Any, at: tuple[str, ...]) -> Any:
    for step in at:
        data = data[int(step) if step.isdigit() else step]
    return data


def _change(draw: random.Random, part: dict[str, Any], role: Role, name: str) -> bool:
    """Another value for an option, or none where it has one and there need not be any."""
    option = rule(role, part["kind"]).options.get(name)
    if option is None:
        return False
    had = part.pop(name, None)
    if option.default is ... or had is None or draw.random() < 0.3:
        part[name] = draw_option(draw, option)
    return True


def _simplify(draw: random.Random, data: dict[str, Any], key: tuple[str, ...]) -> bool:
    """Leaves out one option that need not be there, of the part that is blamed if it has any."""
    loose = [
        (at, name)
        for at, role in _parts(data)
        for name, option in rule(role, _find(data, at)["kind"]).options.items()
        if name in _find(data, at) and option.default is not ...
    ]
    blamed = [each for each in loose if each[0][:1] == key[:1]]
    if loose:
        at, name = draw.choice(blamed or loose)
        del _find(data, at)[name]
    return bool(loose)
