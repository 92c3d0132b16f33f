"""What the authors of a network printed about it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hrnet_graph.spec.part import Model


class Figure(Model):
    """One figure that the authors printed."""

    metric: str = Field(min_length=1, max_length=60)
    """What was measured: params, cost, top-1 error, AP, mIoU, ..."""
    value: Annotated[float, Field(allow_inf_nan=False)]
    """The figure as printed."""
    unit: str = Field(max_length=60)
    """Its unit, convention included: `M`, `MACs / 2^30`, `%`."""
    data: str | None = Field(default=None, max_length=120)
    """The data it was measured on."""
    note: str | None = Field(default=None, max_length=200)
    """Why it cannot be reproduced, where it cannot."""

    @property
    def is_cost(self) -> bool:
        """Whether it says what the network takes, and not how good it is."""
        return self.metric.endswith(("params", "cost"))


class Published(Model):
    """What the authors printed about this network."""

    source: str = Field(min_length=1, max_length=200)
    """Paper section or repository and file."""
    figures: tuple[Figure, ...] = ()
    """The figures, cost first."""
