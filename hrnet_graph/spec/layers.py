"""The documents that a spec was read from, in layers, and which of them is to blame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

from hrnet_graph.errors import Key, Mark
from hrnet_graph.spec.merge import merge
from hrnet_graph.spec.source import Located


@dataclass(frozen=True)
class Layer:
    """A file, or the overrides of one call: what it states, and what stands with all below it.

    weights: the file, where that is one of weights which holds its network's spec
    """

    root: Located
    changes: tuple[Located, ...]
    weights: Path | None = None


def lay(below: Located, *changes: Located) -> Layer:
    """Changes laid over a document, in order."""
    return Layer(reduce(merge, changes, below), changes)


def stated_in(layers: Sequence[Layer], key: Key) -> int:
    """The index of the layer that states the value at `key`, as it stands in the end."""
    value = layers[-1].root.find(key)
    index = len(layers) - 1
    while index > 0 and layers[index - 1].root.find(key) is value:
        index -= 1
    return index


def blame(layers: Sequence[Layer], key: Key, is_wrong: Callable[[Located], bool]) -> Mark:
    """Where the person wrote what makes the value at `key` wrong: there, or where it was changed.

    `is_wrong` says whether a document has the same fault. A value that was right before a later
    layer changed others is that layer's fault, and of what it states the one change without which
    all is right.
    """
    for index in range(len(layers) - 1, stated_in(layers, key), -1):
        below, layer = layers[index - 1].root, layers[index]
        if is_wrong(below):
            continue
        pieces = [piece for change in layer.changes for piece in _pieces(change)]
        for number, piece in enumerate(pieces):
            if not is_wrong(lay(below, *pieces[:number], *pieces[number + 1 :]).root):
                return _innermost(piece).mark
        return _innermost(pieces[0]).mark
    return layers[-1].root.find(key).mark


def _pieces(change: Located) -> Iterator[Located]:
    """A document's keys, each as a change of its own."""
    assert isinstance(change.value, Mapping)
    for key, item in change.value.items():
        yield replace(change, value={key: item})


def _innermost(piece: Located) -> Located:
    """What a change is about in the end: `{stages: {2: {modules: 2}}}` -> the 2."""
    while isinstance(piece.value, Mapping) and len(piece.value) == 1:
        (piece,) = piece.value.values()
    return piece
