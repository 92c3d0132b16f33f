"""Weights drawn at random, remembered by their first values, so that files can say who they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hrnet_graph.compiler.random_weights import RandomWeights

FIRST = 4
"""Of how many channels out and in one value each tells whether a weight has changed: the middle of
its kernel, which every map has gradients for, however small."""


@dataclass(frozen=True)
class Drawn:
    """The first values of weights as they were drawn, by key, and the seed where it is known.

    fixed: the keys of what is the same in every network of a graph, and never drawn
    """

    first: Mapping[str, Tensor]
    seed: int | None = None
    fixed: frozenset[str] = frozenset()

    def left_in(self, state: Mapping[str, Tensor]) -> list[str]:
        """The keys of those that still have these values, in whatever precision and place."""
        return [
            key
            for key, value in self.first.items()
            if key in state and torch.equal(_first(state[key]), value.to(state[key].dtype))
        ]

    def behind(self, prefix: str) -> Drawn:
        """The same in a module that holds the network under a prefix."""
        first = {prefix + key: value for key, value in self.first.items()}
        return replace(self, first=first, fixed=frozenset(prefix + key for key in self.fixed))

    def but_for(self, keys: Iterable[str]) -> Drawn:
        """The same where others have been put in the place of some."""
        kept = self.first.keys() - set(keys)
        return replace(self, first={key: self.first[key] for key in self.first if key in kept})

    def and_also(self, other: Drawn) -> Drawn:
        """Both; of two seeds none is told."""
        seeds = {drawn.seed for drawn in (self, other) if drawn.first}
        seed = seeds.pop() if len(seeds) == 1 else None
        return Drawn({**self.first, **other.first}, seed, self.fixed | other.fixed)


def remembered(state: Mapping[str, Tensor], seed: int | None) -> Drawn:
    """Weights as they are drawn: kernels and matrices, with which their biases go.

    A bias before a norm has no gradient, and would be called random after any training.
    """
    return Drawn({key: _first(value) for key, value in state.items() if value.dim() > 1}, seed)


def _first(value: Tensor) -> Tensor:
    few = value.detach()
    for axis, extent in enumerate(value.shape):
        few = few.narrow(axis, *((0, min(FIRST, extent)) if axis < 2 else (extent // 2, 1)))
    return few.clone().cpu()


def random_among(state: Mapping[str, Tensor], drawn: Drawn) -> RandomWeights | None:
    """Which weights of a `state_dict` are as they were drawn, if any are."""
    keys = drawn.left_in(state)
    if not keys:
        return None
    known = {*keys, *drawn.fixed}
    whole = all(key in known for key, value in state.items() if value.dim() > 1)
    return RandomWeights(() if whole else tuple(keys), drawn.seed)


def seed_of_next(device: torch.device) -> int | None:
    """The seed from which the next random numbers come, if none was drawn with it yet."""
    if device.type == "cpu":
        seed, state = torch.initial_seed(), torch.get_rng_state()
    elif device.type == "cuda":
        with torch.cuda.device(device):
            seed, state = torch.cuda.initial_seed(), torch.cuda.get_rng_state()
    else:
        return None
    unused = torch.Generator(device).manual_seed(seed).get_state()
    return seed if torch.equal(state, unused) else None
