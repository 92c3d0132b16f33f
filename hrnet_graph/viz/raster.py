"""Outlines as pixels: how much of every pixel an outline covers, to the last part of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hrnet_graph.viz.drawing import Point
from hrnet_graph.viz.shape import Path

Array = npt.NDArray[np.float64]

_AT_ONCE = 1 << 22
"""How many pixels are worked on at once at most."""


_UNSEEN = 1 / 512
"""A share of a pixel that changes none of its bytes."""


class Canvas:
    """A picture of 3 bytes a pixel that is painted on, one outline after the other."""

    def __init__(self, width: int, height: int, paper: str) -> None:
        self.pixels = np.empty((height, width, 3), np.uint8)
        self.pixels[:] = _bytes(paper)

    def fill(self, contours: Sequence[Array], colour: str) -> None:
        """Paints what contours enclose; one within another that runs the other way is a hole."""
        if not contours:
            return
        high, wide, _ = self.pixels.shape
        points = np.concatenate(contours)
        left, top = np.maximum(np.floor(points.min(0)).astype(int), 0)
        right, bottom = np.minimum(np.ceil(points.max(0)).astype(int), (wide, high))
        if right <= left or bottom <= top:
            return
        rows = max(1, _AT_ONCE // int(right - left))
        for start in range(int(top), int(bottom), rows):
            stop = min(start + rows, int(bottom))
            share = _coverage([c - (left, start) for c in contours], stop - start, right - left)
            under, whole = self.pixels[start:stop, left:right], share > 1 - _UNSEEN
            under[whole] = _bytes(colour)
            edge = (share > _UNSEEN) & ~whole
            mixed = under[edge] + (_bytes(colour) - under[edge]) * share[edge][:, None]
            under[edge] = np.floor(mixed + 0.5)


def _bytes(colour: str) -> Array:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float64)


def _coverage(contours: Sequence[Array], height: int, width: int) -> Array:
    """What share of every pixel lies inside.

    Every edge is cut where it passes from pixel to pixel. A piece takes from what lies right of it:
    a part of its own pixel, and all pixels after that in its row.
    """
    starts = np.concatenate(contours)
    stops = np.concatenate([np.roll(contour, -1, axis=0) for contour in contours])
    edge, at = _cuts(starts, stops)
    same = edge[1:] == edge[:-1]
    edge, before, after = edge[:-1][same], at[:-1][same], at[1:][same]
    way = (stops - starts)[edge]
    rise = way[:, 1] * (after - before)
    middle = starts[edge] + way * ((before + after) / 2)[:, None]
    row, x = np.floor(middle[:, 1]).astype(int), np.clip(middle[:, 0], 0, width)
    held = (row >= 0) & (row < height) & (rise != 0)
    row, x, rise = row[held], x[held], rise[held]
    column = np.floor(x).astype(int)
    place, beyond = row * (width + 2) + column, x - column
    size = height * (width + 2)
    steps = np.bincount(place, rise * (1 - beyond), size)
    steps += np.bincount(place + 1, rise * beyond, size)
    inside = np.cumsum(steps.reshape(height, width + 2), axis=1)[:, :width]
    return np.minimum(np.abs(inside), 1.0)


def _cuts(starts: Array, stops: Array) -> tuple[npt.NDArray[np.int64], Array]:
    """Where edges begin, end and pass from pixel to pixel: (edge, share of its way), in order."""
    edges, shares = [], []
    for axis in (0, 1):
        a, b = starts[:, axis], stops[:, axis]
        first = np.floor(np.minimum(a, b)).astype(np.int64) + 1
        count = np.maximum(np.ceil(np.maximum(a, b)).astype(np.int64) - first, 0)
        edge = np.repeat(np.arange(len(a)), count)
        nth = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
        edges.append(edge)
        shares.append((first[edge] + nth - a[edge]) / (b - a)[edge])
    for end in (0.0, 1.0):
        edges.append(np.arange(len(starts)))
        shares.append(np.full(len(starts), end))
    edge, share = np.concatenate(edges), np.concatenate(shares)
    order = np.lexsort((share, edge))
    return edge[order], share[order]


def band(points: Array, weight: float, closed: bool) -> list[Array]:
    """The outline of a line of some weight along points, its corners mitred."""
    if closed:
        points = np.concatenate((points, points[:1]))
    points = points[np.concatenate(([True], np.any(np.diff(points, axis=0), axis=1)))]
    if len(points) < 2:
        return []
    way = np.diff(points, axis=0)
    way /= np.sqrt((way * way).sum(axis=1))[:, None]
    normal = np.stack((-way[:, 1], way[:, 0]), axis=1)
    around = normal[-1:], normal[:1]
    before = np.concatenate((around[0] if closed else normal[:1], normal))
    after = np.concatenate((normal, around[1] if closed else normal[-1:]))
    cosine = (before * after).sum(axis=1)
    out = (before + after) / np.maximum(1 + cosine, 0.2)[:, None] * (weight / 2)
    left, right = points + out, (points - out)[::-1]
    return [left[:-1], right[:-1]] if closed else [np.concatenate((left, right))]


def dashes(points: Array, lengths: Sequence[float]) -> Iterator[Array]:
    """A line cut into dashes: the first length is drawn, the second is not, and so on."""
    way = np.sqrt((np.diff(points, axis=0) ** 2).sum(axis=1))
    at = np.concatenate(([0.0], np.cumsum(way)))
    start, nth = 0.0, 0
    while start < at[-1]:
        stop = min(start + lengths[nth % len(lengths)], at[-1])
        if nth % 2 == 0:
            inner = at[(at > start) & (at < stop)]
            along = np.concatenate(([start], inner, [stop]))
            yield np.stack([np.interp(along, at, points[:, axis]) for axis in (0, 1)], axis=1)
        start, nth = stop, nth + 1


def flatten(path: Path) -> Iterator[tuple[Array, bool]]:
    """The contours of a path as points, and whether each is closed; curves in straight pieces."""
    points: list[Point] = []
    for name, ends in path:
        if name == "C":
            points += _bend(points[-1], *ends)
        elif name != "Z":
            points += ends
        if name == "M" and len(points) > 1:
            yield np.array(points[:-1]), False
            points = points[-1:]
        elif name == "Z":
            yield np.array(points), True
            points = []
    if points:
        yield np.array(points), False


def _bend(a: Point, b: Point, c: Point, d: Point) -> Iterator[Point]:
    """A Bézier curve in straight pieces, more of them where it is longer."""
    length = sum(abs(q[0] - p[0]) + abs(q[1] - p[1]) for p, q in ((a, b), (b, c), (c, d)))
    steps = min(4 + int(2 * length**0.5), 64)
    for step in range(1, steps + 1):
        t = step / steps
        s = 1 - t
        i, j, k, m = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
        yield i * a[0] + j * b[0] + k * c[0] + m * d[0], i * a[1] + j * b[1] + k * c[1] + m * d[1]
