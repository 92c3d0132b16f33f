"""Weights of many branches that a dialect holds as one, taken apart and put together."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from hrnet_graph.compiler.weights.dialects import Dialect
from hrnet_graph.compiler.weights.rows import Grouped, Rows
from hrnet_graph.errors import FileError

OFFSETS = ("offset_feature_layers.", "offset_final_layer.", "head_heatmap.0.")
"""How published keys begin of which a dialect has so many alone as its branches have layers."""


def taken_apart(weights: Mapping[str, Tensor], dialect: Dialect) -> dict[str, Tensor]:
    """Weights of a dialect, those of grouped branches under published keys, the others as they are.

    Raises `FileError` if a constant matrix is no regular grid.
    """
    grouped = dialect.grouped
    if grouped is None or grouped.last not in weights:
        return dict(weights)
    left, parts = dict(weights), dict[str, dict[int, Tensor]]()
    for key, rows in grouped.table(len(weights[grouped.last]) // 2).items():
        if key in left:
            for each, value in _rows(_published(key, left.pop(key), grouped), rows):
                parts.setdefault(each.key, {})[each.start] = value
    apart = {key: [by[start] for start in sorted(by)] for key, by in parts.items()}
    return {**left, **{k: torch.cat(v) if len(v) > 1 else v[0] for k, v in apart.items()}}


def _published(key: str, value: Tensor, grouped: Grouped) -> Tensor:
    """A weight of a dialect, without what is below a constant matrix."""
    if key not in grouped.grids:
        return value
    if value.dim() != 2 or len(value) != 3 or not bool((value[2] == 1).all()):
        raise FileError(f"{key}: expected the rows, the columns and a row of ones of a grid")
    return value[:2]


def _rows(value: Tensor, rows: tuple[Rows, ...]) -> list[tuple[Rows, Tensor]]:
    """What each published weight has of one of a dialect."""
    if value.dim() == 0 or rows[0].key.endswith("regular_matrix"):
        return [(each, value.clone()) for each in rows]
    at, found, share = 0, [], len(value) // len(rows)
    for each in rows:
        count = share if each.stop is None else each.stop - each.start
        part = value[at : at + count]
        found.append((each, (part - _shift(each, part)) / each.factor if _changes(each) else part))
        at += count
    return found


def put_together(published: Mapping[str, Tensor], dialect: Dialect) -> dict[str, Tensor]:
    """Published weights with those of branches that a dialect holds as one under its own keys.

    Raises `FileError` if it has no place for some.
    """
    grouped = dialect.grouped
    if grouped is None:
        return dict(published)
    joints = sum(key.startswith(OFFSETS[1]) and key.endswith("bias") for key in published)
    left, made = dict(published), dict[str, Tensor]()
    for key, rows in grouped.table(joints).items():
        if not all(each.key in published for each in rows):
            raise FileError(f"the dialect {dialect.name} needs {rows[0].key}, which there is not")
        value = torch.cat([_part(published[each.key], each) for each in rows])
        if published[rows[0].key].dim() == 0:
            value = value.amax()
        if key in grouped.grids:
            first = published[rows[0].key]
            value = torch.cat([first, torch.ones_like(first[:1])])
        made[key] = value
        for each in rows:
            left.pop(each.key, None)
    for key in left:
        if key.startswith(OFFSETS) and dialect.from_published(key) == key:
            raise FileError(f"the dialect {dialect.name} has no place for {key}")
    return {**left, **made}


def _part(value: Tensor, rows: Rows) -> Tensor:
    if value.dim() == 0:
        return value[None]
    part = value[rows.start : rows.stop]
    return part * rows.factor + _shift(rows, part) if _changes(rows) else part


def _changes(rows: Rows) -> bool:
    return rows.factor != 1 or any(rows.shift)


def _shift(rows: Rows, like: Tensor) -> Tensor:
    """What is added to each row."""
    if len(rows.shift) != len(like):
        return like.new_zeros(())
    return like.new_tensor(rows.shift).view(-1, *[1] * (like.dim() - 1))
