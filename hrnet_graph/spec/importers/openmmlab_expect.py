"""What OpenMMLab's heads expect of the backbone in front of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hrnet_graph.errors import quoted
from hrnet_graph.spec.importers.config import Config
from hrnet_graph.spec.importers.norm import read_norm

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


def expect_no_other_norm(config: Config, key: str, norm: Norm) -> None:
    """That a head's normalisation is the backbone's, since a spec has one for all."""
    theirs = read_norm(config, key) or {}
    ours = dict(norm or {})
    alike = ("batch", "sync_batch")
    kinds = [each.get("kind", "batch") for each in (theirs, ours)]
    if kinds[0] != kinds[1] and not all(kind in alike for kind in kinds):
        config.refuse(key, f"expected {kinds[1]} normalisation, as in the backbone, got {kinds[0]}")
    for name in ("eps", "groups"):
        if theirs.get(name) != ours.get(name):
            config.refuse(key, f"expected the backbone's {name}, got {quoted(theirs.get(name))}")


def expect_batch_norm(config: Config, key: str, norm: Norm) -> None:
    """That the backbone's normalisation is torch's own batch norm, which the head has."""
    if norm and norm.get("kind") == "group":
        config.refuse(key, "its layers have batch normalisation, the backbone has group", "")
    if norm and "eps" in norm:
        config.refuse(key, f"its layers have an eps of 1e-05, the backbone of {norm['eps']:g}", "")
