"""A network that runs on an engine, called as the module is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, overload

from hrnet_graph.compiler.random_weights import RandomWeights
from hrnet_graph.engines.engine import Array, Images, Run
from hrnet_graph.engines.images import as_images, to_array, to_tensor
from hrnet_graph.engines.plan import PrecisionPlan
from hrnet_graph.errors import HRNetGraphError, InputError
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.sizes import ImageCheck
from hrnet_graph.ir.types import times
from hrnet_graph.precision import Precision

if TYPE_CHECKING:
    from torch import Tensor

    from hrnet_graph.compiler.ncnn.model import NcnnModel
    from hrnet_graph.compiler.torch.network import Output
    from hrnet_graph.engines.choice import Choice

Shape = tuple[int | None, ...]
"""The batches of images that an engine takes: None for an extent that is open."""


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
class Compiled:
    """A network that an engine runs, with the signature of the module, for inference alone.

    x: (N, C, H, W), a tensor or an array of floats -> what the module returns, in kind

    `layer_errors` says what int8 costs at each layer; it is empty otherwise. `random` says which
    weights are random, if any is known to be. `onnx` is the ONNX file of a network in int8, or
    `ncnn` what ncnn's two files are; `save` writes them. `choice` is what was tried for the target
    auto; printed, it says which engine it came to, and why. `plan` says which layers are in int8,
    where `max_difference` chose them.

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
    engine: Run = field(repr=False)
    layer_errors: tuple[LayerError, ...] = field(default=(), repr=False)
    shape: Shape = field(default=(None, None, None, None), repr=False)
    random: RandomWeights | None = None
    onnx: bytes = field(default=b"", repr=False)
    ncnn: NcnnModel | None = field(default=None, repr=False)
    choice: Choice | None = field(default=None, repr=False)
    plan: PrecisionPlan | None = None

    @cached_property
    def _check(self) -> ImageCheck:
        return ImageCheck(self.graph)

    @overload
    def __call__(self, x: Tensor) -> Output: ...

    @overload
    def __call__(self, x: Array) -> Array | dict[str, Array] | list[Array]: ...

    def __call__(
        self, x: Images
    ) -> Images | dict[str, Tensor] | dict[str, Array] | list[Tensor] | list[Array]:
        import numpy as np  # which nobody lacks who has an engine

        images = as_images(x, self.graph.name, self._check)
        got = tuple(images.shape)
        if any(n not in (None, extent) for n, extent in zip(self.shape, got, strict=True)):
            takes = "x".join("any" if n is None else str(n) for n in self.shape)
            raise InputError(
                f"{self.graph.name}: its file is for images of {takes}, got {times(got)}"
            )
        results = self.engine(images)
        self._check_results(results, got[0])
        if isinstance(x, np.ndarray):
            arrays = self.graph.pack([to_array(result) for result in results])
            return arrays  # noqa: RET504 (as one line, mypy takes the union for the type)
        tensors = self.graph.pack([to_tensor(result) for result in results])
        return tensors  # noqa: RET504 (as above)

    def _check_results(self, results: Sequence[Images], batch: int) -> None:
        """Raises `HRNetGraphError` for an answer that cannot be the network's."""
        expected = [(batch, *self.graph[path].type.shape) for path in self.graph.output_paths]
        shapes = [tuple(getattr(result, "shape", ())) for result in results or ()]
        if [(len(shape), shape[:2]) for shape in shapes] != [(len(s), s[:2]) for s in expected]:
            wanted, got = (", ".join(map(times, each)) or "nothing" for each in (expected, shapes))
            raise HRNetGraphError(
                f"the target {self.target} answers {got} where {self.graph.name} gives {wanted}"
            )
