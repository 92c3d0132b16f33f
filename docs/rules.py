"""The rules of the spec language, each in a small network: how it is written, and its drawing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

import hrnet_graph as hg
from hrnet_graph.ir.graph import Graph
from hrnet_graph.rules.function import ROLES, Role, RuleFunction
from hrnet_graph.rules.registry import rules
from hrnet_graph.viz.look import LookOptions
from hrnet_graph.viz.select import within

FOLDER = Path(__file__).with_name("rules")

FRAME: Mapping[str, Any] = {
    "name": "frame",
    "input": [3, 64, 64],
    "width": 32,
    "stem": {"channels": 16},
    "stages": [
        {"block": "bottleneck", "branches": 1, "blocks": 1, "channels": [4]},
        {"branches": 2, "blocks": 1},
        {"branches": 3, "blocks": 1},
    ],
    "head": "features",
}
"""What a rule is drawn in."""

REQUIRED: Mapping[str, Any] = {
    "joints": 17,
    "classes": 19,
    "points": 98,
    "head_channels": 8,
    "heads": {
        "pose": {"kind": "heatmap", "joints": 17},
        "regions": {"kind": "segmentation", "classes": 19},
    },
}
"""What an example gives for options that have no default."""


def example(rule: RuleFunction) -> dict[str, Any]:
    """A rule as a spec states it, with what has no default."""
    needed = (name for name, option in rule.options.items() if option.default is ...)
    return {"kind": rule.name, **{name: REQUIRED[name] for name in needed}}


def network(rule: RuleFunction) -> Graph:
    """The frame with a rule in it."""
    key = "stages.2.block" if rule.role == "block" else rule.role
    return hg.build_graph(hg.load_spec(FRAME, {key: example(rule)}))


def draw(rule: RuleFunction, path: Path) -> bool:
    """Draws what a rule adds to the frame; returns whether that is anything."""
    graph = network(rule)
    inside = part(graph, rule.role)
    if inside:
        plain: LookOptions = {"orientation": "lr", "labels": "none", "title": False}
        hg.render(graph, path, view="layer", only=inside, **plain)
    return bool(inside)


def part(graph: Graph, role: Role) -> str:
    """Where the frame has what a rule of this role makes; nothing if it makes nothing."""
    framed = {node.path for node in hg.build_graph(FRAME).nodes}
    blocks = (scope.path for scope in graph.scopes if scope.kind == "block")
    scopes: Mapping[Role, str] = {
        "stem": "@stem",
        "block": next(path for path in blocks if within(path, "stage3")),
        "transition": "transition2",
        "fuse": "stage3.0.fuse_layers",
        "neck": next((n.path.partition(".")[0] for n in graph.nodes if n.path not in framed), ""),
        "head": "@head",
    }
    made = [node.path for node in graph.nodes if within(node.path, scopes[role])]
    return scopes[role] if made else ""


def drawn(rule: RuleFunction) -> Iterator[str]:
    """How a rule is written, and what it draws, as Markdown."""
    given = yaml.safe_dump(example(rule), default_flow_style=True, sort_keys=False).strip()
    yield f"```yaml\n{rule.role}: {given if len(example(rule)) > 1 else rule.name}\n```\n"
    if (path := FOLDER / f"{rule.role}_{rule.name}.svg").exists():
        yield f"![{rule.role} {rule.name}](rules/{path.name})\n"


def draw_all(folder: Path = FOLDER) -> None:
    """Draws all rules anew."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for role in ROLES:
        for rule in rules(role).values():
            draw(rule, folder / f"{role}_{rule.name}.svg")
