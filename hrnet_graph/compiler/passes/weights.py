"""Where the weights of a rewritten graph come from, as data: one expression for every entry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
DType = np.dtype[Any]
Weights = Mapping[str, Array]

EXACT = np.dtype(np.float64)
"""In what sums and products are computed."""


class WeightExpr(ABC):
    """How one entry of a `state_dict` is made from entries of another."""

    @abstractmethod
    def value(self, weights: Weights, dtype: DType) -> Array:
        """The entry: computed in float64 and rounded once, to `dtype`, or as it is where kept."""

    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """The entries that it reads; its result has the precision of the first."""

    @abstractmethod
    def after(self, earlier: WeightExprs) -> WeightExpr:
        """The same, where the entries that it reads are themselves made by `earlier`."""


WeightExprs = Mapping[str, WeightExpr]
"""Key of the new `state_dict` -> how its value is made; every key is there, in order."""


@dataclass(frozen=True)
class Ref(WeightExpr):
    """An entry as it is, under its own or a new key."""

    key: str

    def value(self, weights: Weights, dtype: DType) -> Array:
        return weights[self.key]

    def reads(self) -> tuple[str, ...]:
        return (self.key,)

    def after(self, earlier: WeightExprs) -> WeightExpr:
        return earlier[self.key]


@dataclass(frozen=True)
class Norm:
    """The entries of a batch normalisation as it is after training, and its epsilon."""

    weight: WeightExpr
    bias: WeightExpr
    mean: WeightExpr
    variance: WeightExpr
    eps: float

    @property
    def parts(self) -> tuple[WeightExpr, ...]:
        """The moves that make its entries."""
        return (self.weight, self.bias, self.mean, self.variance)

    def factor(self, weights: Weights) -> Array:
        """What it multiplies each channel by. -> (C,)"""
        variance = _exact(self.variance, weights)
        factor: Array = _exact(self.weight, weights) / np.sqrt(variance + self.eps)
        return factor

    def shift(self, weights: Weights, bias: WeightExpr | None) -> Array:
        """What it makes of a bias, or of none. -> (C,)"""
        start = _exact(bias, weights) if bias is not None else 0.0
        centred = start - _exact(self.mean, weights)
        shift: Array = _exact(self.bias, weights) + centred * self.factor(weights)
        return shift

    def after(self, earlier: WeightExprs) -> Norm:
        """The same, where its entries are made by `earlier`."""
        weight, bias, mean, variance = (part.after(earlier) for part in self.parts)
        return Norm(weight, bias, mean, variance, self.eps)

    def reads(self) -> tuple[str, ...]:
        """The entries that it reads."""
        return tuple(key for part in self.parts for key in part.reads())


@dataclass(frozen=True)
class FoldedWeight(WeightExpr):
    """A convolution's weight with a normalisation's factor in it; `axis` is that of its outputs."""

    weight: WeightExpr
    norm: Norm
    axis: int = 0

    def value(self, weights: Weights, dtype: DType) -> Array:
        weight = self.weight.value(weights, EXACT)
        shape = [1] * weight.ndim
        shape[self.axis] = -1
        factor = self.norm.factor(weights).reshape(shape)
        folded = np.empty(weight.shape, dtype)
        # numpy converts some thousand numbers at a time: no copy in float64 comes about
        return np.multiply(weight, factor, out=folded, dtype=EXACT, casting="same_kind")

    def reads(self) -> tuple[str, ...]:
        return (*self.weight.reads(), *self.norm.reads())

    def after(self, earlier: WeightExprs) -> WeightExpr:
        return replace(self, weight=self.weight.after(earlier), norm=self.norm.after(earlier))


@dataclass(frozen=True)
class FoldedBias(WeightExpr):
    """A convolution's bias, or none, with a normalisation in it."""

    bias: WeightExpr | None
    norm: Norm

    def value(self, weights: Weights, dtype: DType) -> Array:
        return self.norm.shift(weights, self.bias).astype(dtype)

    def reads(self) -> tuple[str, ...]:
        return (*(self.bias.reads() if self.bias is not None else ()), *self.norm.reads())

    def after(self, earlier: WeightExprs) -> WeightExpr:
        bias = self.bias.after(earlier) if self.bias is not None else None
        return FoldedBias(bias, self.norm.after(earlier))


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

    def reads(self) -> tuple[str, ...]:
        return self.whole.reads()

    def after(self, earlier: WeightExprs) -> WeightExpr:
        return replace(self, whole=self.whole.after(earlier))


def apply(moves: WeightExprs, weights: Weights) -> dict[str, Array]:
    """The weights of a rewritten graph, from those of the graph that it was.

    Sums and products are in float64 and are rounded once, to the precision of the entry they start
    from; an entry that is kept is the array itself.
    """
    return {key: move.value(weights, weights[move.reads()[0]].dtype) for key, move in moves.items()}


def compose(first: WeightExprs, then: WeightExprs) -> dict[str, WeightExpr]:
    """The moves of two rewrites as one."""
    return {key: move.after(first) for key, move in then.items()}


def _exact(move: WeightExpr, weights: Weights) -> Array:
    return move.value(weights, EXACT).astype(EXACT, copy=False)
