"""Weights that one repository holds as one and another as many: which rows are whose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BLOCKS = 2
"""How many adaptive blocks a joint's branch has where a dialect has them as one."""

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class Rows:
    """Rows of a published weight within one of a dialect: there, each is `factor` of it plus shift.

    key: the published weight's; start, stop: its rows; all of them, evenly shared, where there is
    no stop; shift: a number a row
    """

    key: str
    start: int = 0
    stop: int | None = None
    factor: float = 1.0
    shift: tuple[float, ...] = ()


Table = Mapping[str, tuple[Rows, ...]]
"""A dialect's key -> the rows that it holds, one below another; a scalar is that of all of them."""


@dataclass(frozen=True)
class Grouped:
    """How a dialect holds the branches of DEKR's joints: as one, of grouped convolutions.

    Its matrices are those of a map that is not taken from the pixel's place, so that the identity
    is in their biases; `sign` is that of its offsets against the published ones.

    layers: what stands before its numbers of layers; centre: the weights of the heatmaps, if those
    of the centres come first; versions: part -> the version of it that a file has to state, since
    weights without one are taken for older ones and turned around
    Source: mmpose 1.3, models/heads/hybrid_heads/dekr_head.py; 0.x, heads/deconv_head.py and
    dekr_head.py.
    """

    layers: str
    sign: float
    centre: str = ""
    versions: Mapping[str, int] = field(default_factory=dict)

    @property
    def last(self) -> str:
        """The key of the bias by which joints are counted: two rows a joint."""
        return f"{self.layers}{BLOCKS + 1}.bias"

    @property
    def grids(self) -> tuple[str, ...]:
        """The keys of constant matrices, which have a row of ones below the published two."""
        return tuple(f"{self.layers}{k + 1}.regular_matrix" for k in range(BLOCKS))

    def table(self, joints: int) -> Table:
        """Which rows of which published weights each weight of the dialect holds."""
        found: dict[str, tuple[Rows, ...]] = {}
        for k in range(BLOCKS):
            theirs = f"{self.layers}{k + 1}"
            ours = [f"offset_feature_layers.{j}.{k}" for j in range(joints)]
            for kind, down in (("weight", ()), ("bias", (-1.0, 0.0))):
                found[f"{theirs}.transform_matrix_conv.{kind}"] = tuple(
                    rows for branch in ours for rows in _affine(branch, kind, down)
                )
            found[f"{theirs}.adapt_conv.weight"] = _all(ours, "adapt_conv.weight")
            found |= {f"{theirs}.norm.{kind}": _all(ours, f"bn.{kind}") for kind in NORM}
            found[f"{theirs}.regular_matrix"] = _all(ours, "regular_matrix")
        ends = [f"offset_final_layer.{j}" for j in range(joints)]
        for kind in ("weight", "bias"):
            found[f"{self.layers}{BLOCKS + 1}.{kind}"] = _all(ends, kind, self.sign)
            if self.centre:
                key = f"head_heatmap.1.{kind}"
                first = Rows(key, joints, joints + 1)
                found[f"{self.centre}{kind}"] = (first, Rows(key, 0, joints))
        return found


def _affine(branch: str, kind: str, down: tuple[float, ...]) -> tuple[Rows, ...]:
    """The matrix and the shift of one joint, as a matrix of two rows and three columns."""
    matrix = f"{branch}.transform_matrix_conv.{kind}"
    shift = f"{branch}.translation_conv.{kind}"
    return (
        Rows(matrix, 0, 2, shift=down),
        Rows(shift, 0, 1),
        Rows(matrix, 2, 4, shift=down[::-1]),
        Rows(shift, 1, 2),
    )


def _all(branches: list[str], name: str, factor: float = 1.0) -> tuple[Rows, ...]:
    return tuple(Rows(f"{branch}.{name}", factor=factor) for branch in branches)
