"""Weights multiplied by factors, now or when they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from hrnet_graph.errors import HRNetGraphError, quoted

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"

EXACT = "float64"
"""In what sums and products are computed."""

AT_ONCE = 512
"""How many numbers numpy converts at a time: three such pieces in float64 stay in the fastest
memory of a processor, those of numpy's own choice do not."""

FEW = 8192
"""Of how many numbers a product is as fast in pieces of numpy's own choice."""


@dataclass(frozen=True, eq=False, slots=True)
class Product:
    """An entry that is not yet multiplied: `rows` (C, numbers), each by one of `factors` (C,).

    It has the shape and type that `array` gives it; the rows are all that is under `key`.
    """

    key: str
    rows: Array
    factors: Array
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.rows.size

    def array(self) -> Array:
        """All of it, in memory of its own."""
        import numpy as np  # products are made without it

        made = np.empty(self.rows.shape, self.dtype)
        with finite(self.key, self.dtype):
            return multiplied(self.rows, self.factors[:, None], made).reshape(self.shape)

    def fill(self, start: int, room: Array) -> None:
        """Puts as many numbers as there is room for, (numbers,), there: those from `start` on."""
        with finite(self.key, self.dtype):
            self._fill(start, room)

    def _fill(self, start: int, room: Array) -> None:
        first, skip = divmod(start, self.rows.shape[1])
        if skip:
            first, room = first + 1, self._fill_from(first, skip, room)
        whole, rest = divmod(room.size, self.rows.shape[1])
        if whole:
            inside = slice(first, first + whole)
            made = room[: room.size - rest].reshape(whole, -1)
            multiplied(self.rows[inside], self.factors[inside, None], made)
        if rest:
            self._fill_from(first + whole, 0, room[room.size - rest :])

    def _fill_from(self, row: int, skip: int, room: Array) -> Array:
        """Puts numbers of one row there, and gives the room that is left."""
        numbers = self.rows[row, skip : skip + room.size]
        multiplied(numbers, self.factors[row : row + 1], room[: numbers.size])
        return room[numbers.size :]


@contextmanager
def finite(key: str, dtype: np.dtype[Any] | str) -> Iterator[None]:
    """Within it, numbers that a norm makes too large for a type raise `HRNetGraphError`, and so do
    those that a negative variance makes none; what was no finite number before is left as it is.
    """
    import numpy as np

    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            yield
    except FloatingPointError as error:
        raise HRNetGraphError(
            f"{quoted(key, 200)} times its batch norm is no finite {np.dtype(dtype)}",
            "mend the norm behind it: its running_var is negative or its weight too large",
        ) from error


def multiplied(weight: Array, factor: Array, made: Array) -> Array:
    """`made`, filled with products in float64 that are rounded once, without a copy in float64."""
    import numpy as np

    before = np.setbufsize(AT_ONCE) if weight.size > FEW else None
    try:
        return np.multiply(weight, factor, out=made, dtype=EXACT, casting="same_kind")
    finally:
        if before is not None:
            np.setbufsize(before)
