"""What a spec inherits while it is typed: the network that its `extends` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.language.outline import Node, Steps
from hrnet_graph.spec.catalogue import find
from hrnet_graph.spec.load import layers_of
from hrnet_graph.spec.merge import ALIKE
from hrnet_graph.spec.source import Located

_OWN = ("name", "published")
"""What no spec inherits."""


@dataclass(frozen=True)
class Base:
    """What a spec extends: a document with what it inherits itself laid under it, and its file."""

    root: Located
    file: Path

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.root.find(("name",)).value)

    def find(self, steps: Steps, own: object) -> Located | None:
        """The value there, unless `own`, which is laid over it, names another kind before."""
        found = self.root
        for number, step in enumerate(steps):
            children = {str(key): inner for key, inner in found.children()}
            if str(step) not in children or (number == 0 and step in _OWN):
                return None
            if number and is_other(found.plain(), own) and step != "kind":
                return None
            found, own = children[str(step)], _step(own, step)
        return found


def base_of(root: Node, path: Path | None) -> Base | None:
    """The network that a text extends, where it names one that can be read."""
    entry = root.get("extends")
    if entry is None or entry.value is None or not isinstance(entry.value.scalar, str):
        return None
    return _named(entry.value.scalar, path.parent if path else Path())


def _named(name: str, beside: Path) -> Base | None:
    try:
        file = find(name, beside=beside)
        return Base(layers_of(file)[-1].root, file)
    except (HRNetGraphError, OSError, ValueError):  # a name may be anything, half of one as well
        return None


def whole(root: Node, base: Base | None, but: Steps = ()) -> object:
    """What a text states, `but` for one value, laid over what it inherits, as plain data."""
    own = _without(root.plain(), but) if but else root.plain()
    if base is None:
        return own
    inherited = base.root.plain()
    return _laid({key: inherited[key] for key in inherited if key not in _OWN}, own)


def _without(data: object, steps: Steps) -> object:
    """Data with nothing in place of the value at some steps."""
    if not steps:
        return None
    step, *others = steps
    if isinstance(data, Mapping):
        inner = {key: _without(data[key], tuple(others)) for key in data if key == str(step)}
        return {**data, **inner}
    if isinstance(data, tuple):
        items = enumerate(data)
        return tuple(_without(x, tuple(others)) if i == step else x for i, x in items)
    return data


def _laid(base: object, own: object) -> object:
    if own is None:
        return base
    if isinstance(own, Mapping) and isinstance(base, str) and "kind" not in own:
        base = {"kind": base}
    if isinstance(own, Mapping) and isinstance(base, Sequence) and not isinstance(base, str):
        return tuple(_laid(item, own.get(str(index))) for index, item in enumerate(base))
    if not isinstance(own, Mapping) or not isinstance(base, Mapping) or is_other(base, own):
        return own
    return {**base, **{key: _laid(base.get(key), inner) for key, inner in own.items()}}


def is_other(base: object, own: object) -> bool:
    """Whether a value names another kind than the one that it is laid over."""
    kind = own.get("kind") if isinstance(own, Mapping) else own
    below = base.get("kind") if isinstance(base, Mapping) else base
    if not isinstance(kind, str) or not isinstance(below, str) or kind == below:
        return False
    return not any({kind, below} <= {*kinds} for kinds in ALIKE.values())


def _step(data: object, step: str | int) -> object:
    return data.get(str(step)) if isinstance(data, Mapping) else None
