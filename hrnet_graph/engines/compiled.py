"""A network that runs on an engine, called as the module is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from hrnet_graph.compiler.torch.network import Output, pack
from hrnet_graph.engines.calibration import Images
from hrnet_graph.engines.images import as_images
from hrnet_graph.engines.table import Precision
from hrnet_graph.errors import InputError
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.sizes import ImageCheck
from hrnet_graph.ir.types import times

Engine = Callable[[Tensor], Sequence[Tensor]]
"""Runs a batch, (N, C, H, W) in float32; answers the network's outputs, in order, in float32."""


Shape = tuple[int | None, ...]
"""The batches of images that an engine takes: None for an extent that is open."""


@dataclass(frozen=True)
class EngineOptions:
    """How an engine is to run a network of this graph.

    It is made ready for images of `input_size`. `threads` is the engine's own choice where None.
    `images` calibrate int8, and are empty otherwise.
    """

    graph: Graph
    precision: Precision
    input_size: tuple[int, int]
    threads: int | None = None
    images: Images = ()


@dataclass(frozen=True)
class LayerError:
    """What int8 costs at one layer: the error of its results over their size, both as norms."""

    layer: str
    error: float

    @property
    def sqnr_db(self) -> float:
        """The ratio of signal to noise."""
        return -20 * math.log10(self.error) if self.error else math.inf


@dataclass(frozen=True)
class StartedEngine:
    """An engine that is ready, and what int8 costs in it, layer by layer."""

    run: Engine
    layer_errors: tuple[LayerError, ...] = ()


@dataclass(frozen=True)
class Compiled:
    """A network that an engine runs, with the signature of the module, for inference alone.

    x: (N, C, H, W), a tensor or an array of floats -> what the module returns, in kind

    `layer_errors` says what int8 costs at each layer; it is empty otherwise.

    Raises `InputError` for an image that the network cannot take.

    Example:
        >>> import numpy as np
        >>> engine = hg.compile("hrnet_w18_small_v1_cls", input_size=(64, 64))
        >>> type(engine(np.zeros((1, 3, 64, 64), np.float32))).__name__
        'ndarray'
    """

    graph: Graph
    target: str
    precision: Precision
    engine: Engine = field(repr=False)
    layer_errors: tuple[LayerError, ...] = field(default=(), repr=False)
    shape: Shape = field(default=(None, None, None, None), repr=False)

    @cached_property
    def _check(self) -> ImageCheck:
        return ImageCheck(self.graph)

    def __call__(self, x: Tensor | np.ndarray[Any, Any]) -> Any:
        images = as_images(x, self.graph.name, self._check)
        got = tuple(images.shape)
        if any(n not in (None, extent) for n, extent in zip(self.shape, got, strict=True)):
            takes = "x".join("any" if n is None else str(n) for n in self.shape)
            raise InputError(
                f"{self.graph.name}: its file is for images of {takes}, got {times(got)}"
            )
        output = pack(self.graph, self.engine(images))
        return _arrays(output) if isinstance(x, np.ndarray) else output


def _arrays(output: Output) -> Any:
    """Arrays in the place of tensors."""
    if isinstance(output, dict):
        return {name: value.numpy() for name, value in output.items()}
    if isinstance(output, list):
        return [value.numpy() for value in output]
    return output.numpy()
