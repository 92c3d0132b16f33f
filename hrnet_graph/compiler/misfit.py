"""What is wrong with a spec that makes no network: which key is to blame, and what would help."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hrnet_graph.errors import Fix, Problem, SizeError, SpecError, dotted_key
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.sizes import size_fixes, size_hint
from hrnet_graph.rules.function import MisfitError
from hrnet_graph.spec.layers import blame
from hrnet_graph.spec.load import check, load_spec
from hrnet_graph.spec.problems import problem_at
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.source import Located

Build = Callable[[Spec], Graph]
"""Makes a network of a spec. Raises `MisfitError`, or `SpecError`, where there is none."""


def problem_of(spec: Spec, misfit: MisfitError, build: Build) -> Problem:
    """What does not fit, blamed on the rule, or on `input` where another size would fit."""
    key, error = misfit.key, misfit.error
    message, hint = error.message, error.hint
    fixes: tuple[Fix, ...] = ()
    if isinstance(error, SizeError) and (fitting := _at_some_size(spec, build)) is not None:
        height, width = spec.input[1:]
        key, message = ("input",), f"{height}x{width} does not fit: {message}"
        fuse = dotted_key(misfit.key) if misfit.key[-1] == "fuse" else "fuse"
        fixes = size_fixes(fitting, height, width, fuse)
        fixes = tuple(fix for fix in fixes if _helps(fix, spec, build))
        hint = size_hint(fitting, fixes)
    mark = blame(spec.layers, key, partial(_is_misfit, build=build)) if spec.layers else None
    return problem_at(mark, key, message, hint, fixes)


def _helps(fix: Fix, spec: Spec, build: Build) -> bool:
    """Whether a spec with a change makes a network."""
    try:
        build(load_spec(spec, {fix.key: fix.value}))
    except (SpecError, MisfitError):
        return False
    return True


def _is_misfit(root: Located, build: Build) -> bool:
    """Whether a document makes no network."""
    try:
        build(check(root))
    except MisfitError:
        return True
    except SpecError:
        return False
    return False


def _at_some_size(spec: Spec, build: Build) -> Graph | None:
    """The graph of a spec at an input size that fits, if any does."""
    for side in (2**power for power in range(5, 12)):
        try:
            square = {"input": (spec.input[0], side, side)}
            return build(spec.model_copy(update=square))
        except MisfitError:
            continue
    return None
