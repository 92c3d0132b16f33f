"""Where the weights of a rewritten graph come from, as data: one expression for every entry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from hrnet_graph.compiler.product import EXACT, Product, finite, multiplied

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"
DType: TypeAlias = "np.dtype[Any] | str"
Weights = Mapping[str, Array]


@dataclass(frozen=True)
class WeightExpr(ABC):
    """How one entry of a `state_dict` is made from entries of another."""

    @abstractmethod
    def value(self, weights: Weights, dtype: DType) -> Array:
        """The entry: computed in float64 and rounded once, to `dtype`, or as it is where kept."""

    def late(self, weights: Weights, dtype: DType) -> Array | Product:
        """The same, not yet multiplied where a product of whole weights can wait."""
        return by_rows(self.value(weights, dtype))

    def _parts(self) -> dict[str, WeightExpr]:
        """The expressions that it is made of, by field."""
        return {name: part for name, part in vars(self).items() if isinstance(part, WeightExpr)}

    def reads(self) -> Iterator[str]:
        """The entries that it reads; its result has the precision of the first."""
        for part in self._parts().values():
            yield from part.reads()

    def after(self, earlier: WeightExprs) -> WeightExpr:
        """The same, where the entries that it reads are themselves made by `earlier`."""
        return replace(self, **{name: part.after(earlier) for name, part in self._parts().items()})


WeightExprs = Mapping[str, WeightExpr]
"""Key of the new `state_dict` -> how its value is made; every key is there, in order."""


@dataclass(frozen=True)
class Ref(WeightExpr):
    """An entry as it is, under its own or a new key."""

    key: str

    def value(self, weights: Weights, dtype: DType) -> Array:
        return weights[self.key]

    def reads(self) -> Iterator[str]:
        yield self.key

    def after(self, earlier: WeightExprs) -> WeightExpr:
        return earlier[self.key]


@dataclass(frozen=True)
class Norm(WeightExpr):
    """What a batch normalisation multiplies each channel by after training: (C,)."""

    weight: WeightExpr
    bias: WeightExpr
    mean: WeightExpr
    variance: WeightExpr
    eps: float

    def value(self, weights: Weights, dtype: DType) -> Array:
        import numpy as np  # expressions are made without it

        deviation = np.sqrt(_exact(self.variance, weights) + self.eps)
        return (_exact(self.weight, weights) / deviation).astype(dtype, copy=False)


@dataclass(frozen=True)
class FoldedWeight(WeightExpr):
    """A convolution's weight with a normalisation's factor in it; `axis` is that of its outputs."""

    weight: WeightExpr
    norm: Norm
    axis: int = 0

    def value(self, weights: Weights, dtype: DType) -> Array:
        import numpy as np  # expressions are made without it

        weight = self.weight.value(weights, EXACT)
        shape = [1] * weight.ndim
        shape[self.axis] = -1
        factor = self.norm.value(weights, EXACT).reshape(shape)
        return multiplied(weight, factor, np.empty(weight.shape, dtype))

    def late(self, weights: Weights, dtype: DType) -> Array | Product:
        if self.axis or not isinstance(self.weight, Ref):
            return super().late(weights, dtype)
        import numpy as np

        weight, factor = self.weight.value(weights, EXACT), self.norm.value(weights, EXACT)
        rows = by_rows(weight).reshape(len(factor), -1)
        return Product(self.weight.key, rows, factor, weight.shape, np.dtype(dtype))


@dataclass(frozen=True)
class FoldedBias(WeightExpr):
    """A convolution's bias, or none, with a normalisation in it."""

    bias: WeightExpr | None
    norm: Norm

    def value(self, weights: Weights, dtype: DType) -> Array:
        norm, start = self.norm, _exact(self.bias, weights) if self.bias is not None else 0.0
        centred = start - _exact(norm.mean, weights)
        shift: Array = _exact(norm.bias, weights) + centred * norm.value(weights, EXACT)
        return shift.astype(dtype)


@dataclass(frozen=True)
class Slice(WeightExpr):
    """The part of an entry from `start` to `stop` along an axis."""

    whole: WeightExpr
    axis: int
    start: int
    stop: int

    def value(self, weights: Weights, dtype: DType) -> Array:
        inside = (slice(None),) * self.axis + (slice(self.start, self.stop),)
        return self.whole.value(weights, dtype)[inside]


def apply(expressions: WeightExprs, weights: Weights) -> dict[str, Array]:
    """The weights of a rewritten graph, from those of the graph that it was.

    Sums and products are in float64 and are rounded once, to the precision of the entry they start
    from; an entry that is kept is the array itself. All lie row by row, as engines take them where
    they are.
    """
    made = {}
    for key, expression in expressions.items():
        dtype = _dtype(expression, weights)
        with finite(key, dtype):
            made[key] = by_rows(expression.value(weights, dtype))
    return made


def apply_late(expressions: WeightExprs, weights: Weights) -> dict[str, Array | Product]:
    """The same for who reads each once, while the weights stay as they are: products can wait."""
    made = {}
    for key, expression in expressions.items():
        dtype = _dtype(expression, weights)
        with finite(key, dtype):
            made[key] = expression.late(weights, dtype)
    return made


def _dtype(expression: WeightExpr, weights: Weights) -> DType:
    dtype: DType = weights[next(expression.reads())].dtype
    return dtype


def compose(first: WeightExprs, then: WeightExprs) -> WeightExprs:
    """The weights of two rewrites, one after the other, as those of one."""
    return {key: expression.after(first) for key, expression in then.items()}


def by_rows(values: Array) -> Array:
    """The numbers row by row: the array itself where they lie so."""
    import numpy as np

    return np.asarray(values, order="C")  # which leaves a single number one


def _exact(expression: WeightExpr, weights: Weights) -> Array:
    return expression.value(weights, EXACT).astype(EXACT, copy=False)
