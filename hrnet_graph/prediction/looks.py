"""How often a network looks at one image, and what it says of persons is weighed by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hrnet_graph.errors import HRNetGraphError, quoted

MAX_SCALE = 4.0


@dataclass(frozen=True)
class Looks:
    """At these scales, and flipped, too; `rescore` is the file of a network that rescores poses.

    Raises `HRNetGraphError` for scales that are no different numbers, 1 among them.
    """

    flip: bool = False
    scales: Sequence[float] = (1.0,)
    rescore: str | Path | None = None

    def __post_init__(self) -> None:
        scales = self.scales if isinstance(self.scales, list | tuple) else ()
        fit = all(map(_is_scale, scales)) and len({*scales}) == len(scales)
        if not fit or 1 not in scales:
            expected = f"expected different numbers up to {MAX_SCALE:g}, 1 among them"
            raise HRNetGraphError(f"scales: {expected}, got {quoted(self.scales)}")

    @property
    def stated(self) -> str:
        """What is asked for beside one plain look; empty if nothing is."""
        return " and ".join(filter(None, ("flip" if self.flip else "", self.beside_flip)))

    @property
    def beside_flip(self) -> str:
        """The same, but for the flipped image."""
        several = len(self.scales) > 1
        asked = {"scales": several, "rescore": self.rescore is not None}
        return " and ".join(name for name, is_asked in asked.items() if is_asked)


def _is_scale(scale: object) -> bool:
    if isinstance(scale, bool) or not isinstance(scale, int | float):
        return False
    return 0 < scale <= MAX_SCALE


ONE_LOOK = Looks()
"""One plain look."""
