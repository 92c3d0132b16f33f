"""What OpenMMLab's heads expect of the backbone in front of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hrnet_graph.spec.importers.config import Config

Stages = Sequence[Mapping[str, Any]]
Norm = Mapping[str, Any] | None
Part = dict[str, Any]

BACKBONE_ONLY = "--backbone-only imports the backbone alone, with the maps of its last stage"


def expect_maps(config: Config, stages: Stages, all_of_them: bool) -> None:
    """That the backbone hands on what the head reads: all branches, or the finest alone."""
    if all_of_them == ("outputs" in stages[-1]):
        key = "model.backbone"
        expected = "all branches" if all_of_them else "the finest branch alone"
        config.refuse(key, f"its head reads {expected}, `multiscale_output` says otherwise")


def expect_widths(config: Config, key: str, *known: Any) -> None:
    """That a head is as wide as the maps it reads, where it says so."""
    if config.has(key):
        config.expect(key, *known)
