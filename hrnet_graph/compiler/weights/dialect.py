"""What a dialect is: how one repository names the weights of one kind of network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hrnet_graph.compiler.weights.norms import BATCH, of_batch, of_kind
from hrnet_graph.compiler.weights.rows import Grouped

Renames = tuple[tuple[str, str], ...]
"""(prefix in the dialect, prefix in the published repository), for keys outside the backbone."""

Table = tuple[Callable[[], Mapping[str, str]], Callable[[], Mapping[str, str]]]
"""What gives every key of a dialect with its published name, and the other way round."""


@dataclass(frozen=True)
class Dialect:
    """The names that one repository gives the weights of one kind of network.

    The published names are the common tongue; backbone keys stand bare there (`stage2.0...`).
    `backbone` is what the dialect puts in front of them. `first` is the key of the first
    convolution, `stage` where the first block of the first several branches stands, and `block` a
    key in it; `known_by` has the keys by which a network is known that has no such stages. `inside`
    are renames anywhere in a key, and `stacked` pairs the end of a key with the ends of those that
    it holds, row upon row; `grouped` says how it holds the branches of many joints as one. `folded`
    pairs each convolution bias that the dialect does not have with the norm that takes it up
    instead, both in published names. `inplace_norm` marks norms whose effective scale is
    |weight| + 1e-5 (InPlaceABN of torch 0.4.1). `table` is a dialect's every key with its published
    name where no prefix tells it, of which those that end in `transposed` are linear layers there,
    (in, out). `unbiased` pairs biases that the dialect's networks do without, under published
    names, with the norms behind them. `by_kind` is whether norms are called by their kind there.
    """

    name: str
    head: str
    backbone: str = ""
    renames: Renames = ()
    folded: tuple[tuple[str, str], ...] = ()
    inplace_norm: bool = False
    block: str = "conv1.weight"
    inside: Renames = ()
    stacked: tuple[tuple[str, tuple[str, ...]], ...] = ()
    table: Table | None = None
    transposed: tuple[str, ...] = ()
    unbiased: Renames = ()
    grouped: Grouped | None = None
    first: str = "conv1.weight"
    stage: str = "stage2.0.branches.0.0."
    known_by: tuple[str, ...] = ()
    by_kind: bool = False

    @property
    def kind(self) -> tuple[object, ...]:
        """What networks the names are for; of one kind there are several dialects."""
        return self.head, self.block, self.stage, self.known_by

    def to_published(self, key: str) -> str:
        """A key of the dialect in published names, the backbone bare."""
        if self.by_kind:
            key = of_batch(key)
        if self.table is not None:
            return self.table[0]().get(key, key)
        for theirs, published in self.inside:
            key = key.replace(theirs, published)
        return renamed(key, self.renames) or key.removeprefix(self.backbone)

    def from_published(self, key: str, norm: str = BATCH) -> str:
        """A published key, the backbone bare, as the dialect writes it where norms are called so.

        norm: an abbreviation of `hrnet_graph.compiler.weights.norms`
        """
        found = self._from_published(key)
        return of_kind(found, norm) if self.by_kind else found

    def _from_published(self, key: str) -> str:
        if self.table is not None:
            return self.table[1]().get(key, key)
        for theirs, published in self.inside:
            key = key.replace(published, theirs)
        bare = self.backbone + key if key.startswith(BACKBONE) else key
        return renamed(key, [(published, theirs) for theirs, published in self.renames]) or bare

    @property
    def absent(self) -> Renames:
        """The published biases that the dialect does not have, and the norms behind them."""
        return (*self.folded, *self.unbiased)

    def lacks(self, published: str) -> bool:
        """Whether it has no name for a published key."""
        if self.table is None or published in self.table[1]():
            return False
        return all(published != bias for bias, _ in self.absent)

    def is_transposed(self, published: str) -> bool:
        """Whether it holds the weight of a published key as (in, out)."""
        return bool(self.transposed) and published.endswith(self.transposed)

    def parts(self, key: str) -> tuple[str, ...]:
        """The keys of the weights that one under this key of the dialect holds, row upon row."""
        for end, ends in self.stacked:
            if key.endswith(end):
                return tuple(key.removesuffix(end) + part for part in ends)
        return (key,)


def renamed(key: str, renames: Iterable[tuple[str, str]]) -> str | None:
    """A key with the first prefix that it has replaced by the other one, or None."""
    fitting = (new + key[len(old) :] for old, new in renames if key.startswith(old))
    return next(fitting, None)


_STEMS = ("conv1.", "conv2.", "bn1.", "bn2.", "layer1.", "stem.")
BACKBONE = (*_STEMS, "transition", "stage", "head_layer.")
"""How the keys of stem, stages and neck begin."""
