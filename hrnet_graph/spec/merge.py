"""Documents laid over one another: what a change does to what was there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from hrnet_graph.errors import Key, Problem, SpecError, dotted_key
from hrnet_graph.spec.source import Located

ALIKE: Mapping[str, tuple[str, ...]] = {"norm": ("batch", "sync_batch", "frozen_batch")}
"""Last of a key -> the kinds there that take the same options, the first of them where none is
stated: the options of one stay where a spec changes it to another."""

TABLE = ("keys",)
"""The key of what is a table, of which a change may take an entry away."""


def keys(document: Located) -> Collection[str]:
    """The keys of a document; what is no mapping has none."""
    return document.value.keys() if isinstance(document.value, Mapping) else ()


def without(root: Located, *keys: str) -> Located:
    """A mapping without some of its keys."""
    assert isinstance(root.value, Mapping)
    return replace(root, value={k: item for k, item in root.value.items() if k not in keys})


def drop(root: Located, key: Key) -> Located:
    """A document without the value at a key; a list's later items then stand one further ahead."""
    if not isinstance(root.value, tuple | Mapping) or key[0] not in dict(root.children()):
        return root
    inner = drop(root.find(key[:1]), key[1:]) if key[1:] else None
    items = [(part, inner if part == key[0] else item) for part, item in root.children()]
    kept = [(part, item) for part, item in items if item is not None]
    if isinstance(root.value, tuple):
        return replace(root, value=tuple(item for _, item in kept))
    return replace(root, value={str(part): item for part, item in kept})


def merge(base: Located, change: Located, at: tuple[str, ...] = ()) -> Located:
    """`base` with `change` laid over it.

    A mapping changes the keys it states, unless it states another `kind`: then it stands alone,
    since one kind's options mean nothing to another, unless the two are alike (`ALIKE`). A mapping
    with indices for keys changes those items of a list. An entry of the `TABLE` that is changed to
    null is gone. Everything else takes the place of what was there.
    """
    alike = ALIKE.get(at[-1], ()) if at else ()
    if change.value in alike and isinstance(base.value, Mapping):
        change = replace(change, value={"kind": change})
    if not isinstance(change.value, Mapping):
        return change
    if isinstance(base.value, tuple):
        return replace(change, value=_merge_items(base.value, change.value, at))
    if isinstance(base.value, str) and "kind" not in change.value:
        base = replace(base, value={"kind": base})
    if not isinstance(base.value, Mapping) or _other_kind(base.value, change.value, alike):
        return change
    merged = dict(base.value)
    for key, item in change.value.items():
        if at == TABLE and item.value is None and key in merged:
            del merged[key]
            continue
        merged[key] = merge(merged[key], item, (*at, key)) if key in merged else item
    return replace(change, value=merged if merged or not change.value else None)


def _other_kind(
    base: Mapping[str, Located], change: Mapping[str, Located], alike: Sequence[str]
) -> bool:
    """Whether `change` names another kind of rule than `base`."""
    if "kind" not in change:
        return False
    old, new = base["kind"].value if "kind" in base else None, change["kind"].value
    return old != new and not (new in alike and old in (None, *alike))


def _merge_items(
    items: tuple[Located, ...], changes: Mapping[str, Located], at: tuple[str, ...]
) -> tuple[Located, ...]:
    merged = list(items)
    for key, item in changes.items():
        index = int(key) if key.isascii() and key.isdigit() and len(key) < 6 else len(items)
        if index >= len(items):
            expected = f"an index from 0 to {len(items) - 1}, or a whole list"
            place = item.key_mark or item.mark
            raise SpecError([Problem(place, dotted_key((*at, key)), f"expected {expected}")])
        merged[index] = merge(merged[index], item, (*at, key))
    return tuple(merged)
