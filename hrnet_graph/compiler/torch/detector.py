"""What makes a detector of another library's out of our network, as far as files know it."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import Tensor, nn

from hrnet_graph.compiler.torch.drawn import Drawn
from hrnet_graph.compiler.torch.network import Network

MAX_NUMBER = 65_536
"""The largest number among a detector's options in a file: pixels, classes or boxes."""


@dataclass(frozen=True)
class Recipe:
    """Which detector a pyramid is the backbone of.

    kind: the function of `hrnet_graph.detection` that makes it
    options: those that were given beside the spec and the number of classes
    """

    kind: str
    num_classes: int
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unwritable(self) -> tuple[str, ...]:
        """The names of the options that are no numbers, so that no file can hold them."""
        return tuple(name for name, value in self.options.items() if not _is_plain(value))

    def __str__(self) -> str:
        return json.dumps(asdict(self))


def read_recipe(text: str) -> Recipe:
    """What a file says of its detector. Raises `ValueError` or `TypeError` if it is no recipe."""
    recipe = Recipe(**json.loads(text))
    options = recipe.options
    counts = type(recipe.num_classes) is int and 1 <= recipe.num_classes <= MAX_NUMBER
    if not (isinstance(recipe.kind, str) and counts and isinstance(options, dict)):
        raise TypeError("expected a detector's kind, number of classes and options")
    if recipe.unwritable:
        raise ValueError(f"the option {recipe.unwritable[0]!r} is no number")
    return recipe


def _is_plain(value: object) -> bool:
    """Whether it is a number, or a list of some, that any detector could have."""
    if isinstance(value, list | tuple):
        return 1 <= len(value) <= 16 and all(
            isinstance(n, int | float) and _is_plain(n) for n in value
        )
    if value is None or isinstance(value, bool):
        return True
    return isinstance(value, int | float) and math.isfinite(value) and abs(value) <= MAX_NUMBER


class PyramidBackbone(nn.Module):
    """A feature pyramid as torchvision's detectors expect it.

    x: (N, 3, H, W) -> level name to (N, out_channels, H / stride, W / stride), finest first

    `recipe` says which detector it is in, and `heads` which of the detector's other weights were
    drawn at random, where `hrnet_graph.detection` made it.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        graph = network.graph
        self.out_channels = graph[graph.outputs[0][1]].type.channels
        self.levels = len(graph.outputs)
        self.recipe: Recipe | None = None
        self.heads = Drawn({})

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        return OrderedDict((str(i), level) for i, level in enumerate(self.network(x)))
