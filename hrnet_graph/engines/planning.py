"""Which layers int8 computes, so that results stay as near to float32 as a caller says."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import accumulate, islice
from typing import TypeVar

from hrnet_graph.choices import PassTarget
from hrnet_graph.compiler.model import Model
from hrnet_graph.engines.calibration import Batches
from hrnet_graph.engines.contributions import contributions
from hrnet_graph.engines.engine import OWN, Array, EngineOptions, Run
from hrnet_graph.engines.images import difference, to_array
from hrnet_graph.engines.plan import PrecisionPlan
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.hierarchy import boxes_at, outermost

KEPT = 8
"""Of how many batches torch's results are kept from one trial to the next."""

COARSE = 8
"""Into how many parts the number of layers is cut, of which the ends are tried first."""

WHOLE_BLOCKS: tuple[PassTarget, ...] = ("onnxruntime",)
"""The targets on which a layer alone in int8 saves less than its conversions cost."""

File = TypeVar("File")

Make = Callable[[AbstractSet[str]], tuple[Run, File]]
"""The network with these layers in int8, ready to run, and the file that it is."""


class Reference:
    """What torch answers to the batches in float32."""

    def __init__(self, model: Model, options: EngineOptions, batches: Batches) -> None:
        self._run = OWN["torch"].start(model, replace(options, precision="float32"))
        self._batches = batches
        self._kept = [self._results(batch) for batch in islice(batches, KEPT)]

    def _results(self, batch: Array) -> list[Array]:
        return [to_array(result) for result in self._run(batch)]

    def difference(self, run: Run, bound: float) -> float:
        """The largest difference of a network's results from it, or the first beyond the bound.

        Raises `HRNetGraphError` where that is no number.
        """
        largest = 0.0
        for i, batch in enumerate(self._batches):
            wanted = self._kept[i] if i < len(self._kept) else self._results(batch)
            largest = max(largest, difference([*map(to_array, run(batch))], wanted))
            if not math.isfinite(largest):
                raise HRNetGraphError(
                    "the network cannot be made int8: its results are not finite",
                    "weights and images have to give finite numbers everywhere",
                )
            if largest > bound:
                break
        return largest


def choose_layers(
    model: Model,
    target: PassTarget,
    options: EngineOptions,
    batches: Batches,
    layers: Sequence[str],
    make: Make[File],
) -> tuple[Run, File, PrecisionPlan | None]:
    """The network with all the layers in int8, or with those that fit `max_difference`, if stated.

    All are tried first. Otherwise those that add least to the error for their MACs come first, and
    how many of them fit is found by trials, each of the network itself on all the images: a tighter
    bound never has more of them than a looser one.

    Raises `HRNetGraphError`, with the least difference that was met, if not one fits.
    """
    bound = options.max_difference
    if bound is None:
        return *make(frozenset(layers)), None
    reference = Reference(model, options, batches)
    macs, steps = _steps(model.optimized(target), target, batches, layers)
    differences, made = dict[int, float](), dict[int, tuple[Run, File]]()

    def fits(index: int) -> bool:
        run, file = make(frozenset(steps[index]))
        differences[index] = reference.difference(run, bound)
        if differences[index] <= bound:
            made.clear()
            made[index] = run, file
        return index in made

    best = _largest(len(steps), fits)
    if best is None:
        raise HRNetGraphError(
            f"no layer in int8 leaves the results within {bound:g}: the least difference that was "
            f"met is {min(differences.values()):.2g}",
            "give a larger max_difference, or take float32",
        )
    names = tuple(name for name in layers if name in steps[best])
    share = sum(macs.get(name, 0) for name in names) / sum(macs.values())
    return *made[best], PrecisionPlan(names, len(layers), share, differences[best], bound)


def _largest(count: int, fits: Callable[[int], bool]) -> int | None:
    """The largest index that is found to fit: the first of some from the top, and up from there.

    More may fit than fewer do, since errors cancel out: from the middle, that would be missed. What
    fits less often is found to fit no further up.
    """
    beyond, fit = count, None
    for index in sorted({count - 1, *(count * i // COARSE for i in range(COARSE))}, reverse=True):
        if fits(index):
            fit = index
            break
        beyond = index
    while fit is not None and beyond - fit > 1:
        middle = (fit + beyond) // 2
        fit, beyond = (middle, beyond) if fits(middle) else (fit, middle)
    return fit


def _steps(
    optimized: Model, target: PassTarget, batches: Batches, layers: Sequence[str]
) -> tuple[dict[str, int], list[tuple[str, ...]]]:
    """The MACs of the layers that may be chosen, and from the first to all of those, in order.

    Layers that are parts of one operation, as of attention, are in int8 where all are, or not.
    """
    graph, energy = optimized.graph, contributions(optimized, batches)
    boxes = boxes_at(graph, "block" if target in WHOLE_BLOCKS else "op")
    macs, units = dict[str, int](), dict[str, list[str]]()
    for node in graph.operations:
        if node.key in energy and node.key in layers:
            macs[node.key] = node.op.macs(graph.operands(node), node.type)
            units.setdefault(outermost(node.path, boxes), []).append(node.key)

    def cost(unit: list[str]) -> float:
        return sum(energy[key] for key in unit) / sum(macs[key] for key in unit)

    steps = [*accumulate(map(tuple, sorted(units.values(), key=cost)))]
    return macs, steps if len(macs) == len(layers) else [*steps, tuple(layers)]
