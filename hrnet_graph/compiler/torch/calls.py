"""The calls of a scope as one Python function, as they would be written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from hrnet_graph.compiler.torch.elementwise import values_now
from hrnet_graph.compiler.torch.layers import Summed
from hrnet_graph.ir.scope_program import ScopeProgram, Step

Modules = Mapping[str, nn.Module | None]
"""The submodules of a scope by name, as torch keeps them."""

Run = Callable[..., tuple[Tensor, ...]]
"""The submodules, who calls them, and the inputs -> the outputs."""


class Calls:
    """A scope's program, ready to run: (submodules, x0, x1, ...) -> outputs."""

    def __init__(self, program: ScopeProgram) -> None:
        self.program = program
        self._run = _function(program.arity, program.steps, program.outputs)

    def __call__(self, modules: Modules, *inputs: Tensor) -> tuple[Tensor, ...]:
        values = values_now()
        if values is None:
            return self._run(modules, _call_beside, *inputs)
        program = self.program
        run = _function(program.arity, program.steps, program.outputs, watched=True)
        return run(modules, values.call, *inputs)

    def __reduce__(self) -> tuple[type[Calls], tuple[ScopeProgram]]:
        return Calls, (self.program,)


@lru_cache(2**12)
def _function(
    arity: int, steps: tuple[Step, ...], outputs: tuple[int, ...], *, watched: bool = False
) -> Run:
    """One function for all scopes that call alike, by which compilers know them."""
    inputs = "".join(f", v{i}" for i in range(arity))
    results = "".join(f"v{i}, " for i in outputs)
    lines = [line for step in steps for line in _lines(step, watched)]
    body = "".join(f"    {line}\n" for line in [*lines, f"return ({results})"])
    made: dict[str, Run] = {}
    exec(compile(f"def run(m, call{inputs}):\n{body}", "<calls of a scope>", "exec"), made)
    return made["run"]


def _lines(step: Step, watched: bool) -> Iterator[str]:
    """The statements of a step; submodules stand in them as literals, values as numbers.

    A layer of several operands is called by the name that it has beside others.
    """
    *around, name = step.parts
    beside = "m" + "".join(f"[{part!r}]._modules" for part in around)
    operands = ", ".join(f"v{i}" for i in step.operands)
    if watched:
        call = f"call({beside}[{name!r}], {operands})"
    elif len(step.operands) > 1:
        call = f"call({beside}, {name!r}, {operands})"
    else:
        call = f"{beside}[{name!r}]({operands})"
    if len(step.results) == 1:
        yield f"v{step.results[0]} = {call}"
    else:
        yield f"r = {call}"
        yield from (f"v{slot} = r[{i}]" for i, slot in enumerate(step.results))
        yield "del r"
    if step.release:
        yield f"del {', '.join(f'v{slot}' for slot in step.release)}"


def _call_beside(modules: Modules, name: str, *x: Tensor) -> Any:
    """Calls a layer of several operands; a sum may write over the first of them."""
    layer: Any = modules[name]
    overwrites = (
        isinstance(layer, Summed)
        and not torch.compiler.is_compiling()
        and layer.may_overwrite(modules)
    )
    return layer(*x, over=True) if overwrites else layer(*x)
