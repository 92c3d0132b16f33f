"""The words that options take, stated once: for annotations, checks and the command line.

Nothing else is imported, so that a help text costs nothing.
"""

from __future__ import annotations

from typing import Literal, get_args

Level = Literal["stage", "module", "block", "op"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""How much of a graph is one box, from the coarsest to the finest."""

ViewName = Literal["figure", "fuse", "stage", "module", "block", "layer", "op"]
VIEWS: tuple[ViewName, ...] = get_args(ViewName)
"""How a network is drawn: as the papers do, one fuse unit, or collapsed to a level; `layer` is each
convolution with what follows it alone."""

Grouping = Literal["stage", "branch", "module", "block", "op", "kind", "node"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
"""By what costs are broken down."""

Count = Literal["params", "macs", "flops", "operations", "activations", "layers"]
COUNTS: tuple[Count, ...] = get_args(Count)
"""What is counted of a network, in the order of tables."""

SPECS = (".yaml", ".yml")
DRAWN = (".svg", ".png", ".pdf", ".dot")
FIGURES = (*DRAWN, ".html", ".mmd", ".json")
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
CHECKPOINTS = (".pth", ".pt", ".safetensors", ".pdparams")
"""How the names of files end: of specs; of figures, and what Graphviz draws from; of all that shows
a network; of what shows a prediction; of converted weights."""

FONT = "Arimo"
"""The font in the package: free, and of Helvetica's and Arial's widths."""

PassTarget = Literal["torch", "onnxruntime", "openvino", "ncnn"]
PASS_TARGETS: tuple[PassTarget, ...] = get_args(PassTarget)
"""The engines that passes optimize for."""

Direction = Literal["minimize", "maximize"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
"""Which way a search goes."""

Dimension = Literal["width", "modules", "blocks"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
"""In what networks grow under limits."""

TORCH_DEVICES = ("cpu", "cuda", "mps", "xpu", "hpu", "npu", "mtia", "meta")
"""The kinds of devices that torch runs on, so that others are refused before it is loaded."""

Waiting = Literal["active", "passive"]
WAITINGS: tuple[Waiting, ...] = get_args(Waiting)
"""How threads of an engine wait for work: awake, at the cost of whoever else runs, or asleep."""
