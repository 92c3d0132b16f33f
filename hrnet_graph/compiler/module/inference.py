"""The network as it runs fastest after training."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor
from torch.jit._trace import is_tracing

from hrnet_graph.compiler.module.kernels import Site, kernel
from hrnet_graph.compiler.module.network import Network
from hrnet_graph.compiler.module.packed import Kernel, usable
from hrnet_graph.compiler.passes.optimise import Optimised, optimise
from hrnet_graph.compiler.weights.moves import apply
from hrnet_graph.errors import HRNetGraphError, did_you_mean, shown
from hrnet_graph.ir.schedule import read, schedule
from hrnet_graph.ir.sizes import infer_types
from hrnet_graph.ir.types import TensorType

Optimisation = Literal["inference"]
OPTIMISATIONS: tuple[Optimisation, ...] = get_args(Optimisation)

PROGRAMS = 2
"""For how many shapes of input packed weights are kept; each takes as much as the weights."""


class InferenceNetwork(Network):
    """A network after training: folded, in channels_last, and on CPU fused and packed.

    x: (N, C, H, W) images, of any size that the topology takes -> what the network that it was
    made from returns, within rounding and without gradients; maps are in channels_last

    Raises `InputError` for an image that it cannot take. Weights are packed for a shape of input
    when it comes first. What is packed calls no submodule, so hooks on those see nothing.
    """

    def __init__(self, optimised: Optimised) -> None:
        super().__init__(optimised.graph)
        self.graph = optimised.before
        self.optimised = optimised.graph
        self._programs: OrderedDict[object, _Program] = OrderedDict()
        self.requires_grad_(False)
        super().train(False)

    def train(self, mode: bool = True) -> InferenceNetwork:
        if mode:
            raise HRNetGraphError(
                f"{self.graph.name} is optimised for inference and cannot be trained",
                "train the network that it was made from",
            )
        return self

    @torch.no_grad()
    def _run(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        (x,) = inputs
        x = x.contiguous(memory_format=torch.channels_last)
        if torch.compiler.is_compiling() or is_tracing() or not usable(x):
            return super()._run(x)
        return self._program(x).run(x)

    def _program(self, x: Tensor) -> _Program:
        """The program for images of this shape and type, new where the weights are."""
        key = (x.shape, x.dtype)
        program = self._programs.get(key)
        if program is None or program.version != _version(program.weights):
            program = self._programs[key] = _Program(self, tuple(x.shape))
        self._programs.move_to_end(key)
        while len(self._programs) > PROGRAMS:
            self._programs.popitem(last=False)
        return program

    def _apply(self, *arguments: Any, **options: Any) -> InferenceNetwork:
        self._programs.clear()
        super()._apply(*arguments, **options)  # type: ignore[no-untyped-call]
        return self

    def load_state_dict(self, *arguments: Any, **options: Any) -> Any:
        self._programs.clear()
        return super().load_state_dict(*arguments, **options)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_programs": OrderedDict()}


class _Step(NamedTuple):
    """One call: the slots of its operands, of its result, and of what nobody reads after it."""

    run: Kernel
    operands: tuple[int, ...]
    result: int
    release: tuple[int, ...]


class _Program:
    """The calls for one shape of input, each node's kernel made for its size."""

    def __init__(self, network: InferenceNetwork, shape: tuple[int, ...]) -> None:
        graph, (batch, *image) = network.optimised, shape
        types = infer_types(graph, TensorType(tuple(image)))
        self.weights = tuple(network.parameters())
        self.version = _version(self.weights)
        slots = {graph.input.path: 0}
        steps = []
        for call in schedule(graph):
            node = call.node
            slots[node.path] = len(slots)
            site = Site(graph, call, network.get_submodule(node.key), types, batch)
            operands = tuple(slots[path] for path in read(node))
            release = tuple(slots[path] for path in call.release)
            steps.append(_Step(kernel(site), operands, slots[node.path], release))
        self._steps = tuple(steps)
        self._outputs = tuple(slots[path] for _, path in graph.outputs)
        self._slots = len(slots)

    def run(self, x: Tensor) -> tuple[Tensor, ...]:
        values: list[Any] = [None] * self._slots
        values[0] = x
        del x
        for run, operands, result, release in self._steps:
            values[result] = run(*[values[slot] for slot in operands])
            for slot in release:
                values[slot] = None
        return tuple(values[slot] for slot in self._outputs)


def _version(weights: tuple[Tensor, ...]) -> int:
    """A number that grows whenever one of the weights is written to."""
    return sum(weight._version for weight in weights)


def optimized(network: Network, optimisation: str = "inference") -> InferenceNetwork:
    """A trained network as it runs fastest: a new module, of the same signature, with its weights.

    Raises `HRNetGraphError` for an optimisation that there is not.
    """
    check_optimisation(optimisation)
    optimised = optimise(network.graph, "torch")
    state = network.state_dict()
    first = next(iter(state.values()))
    with torch.inference_mode(False), torch.device("meta"):
        result = InferenceNetwork(optimised)
        if first.is_meta:
            return result
        result = result.to(first.dtype).to_empty(device=first.device)
    moved = apply(optimised.moves, _arrays(state))
    result.load_state_dict({key: torch.from_numpy(value) for key, value in moved.items()})
    return result.to(memory_format=torch.channels_last)


def check_optimisation(optimisation: str | None) -> None:
    """Raises `HRNetGraphError` for an optimisation that there is not; none is fine."""
    if optimisation is not None and optimisation not in OPTIMISATIONS:
        known = did_you_mean(str(optimisation), OPTIMISATIONS)
        raise HRNetGraphError(f"unknown optimisation {shown(optimisation)}{known}")


def _arrays(state: Mapping[str, Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    """Tensors for numpy, which has no bfloat16."""
    half = (torch.bfloat16, torch.float16)
    return {
        key: (value.float() if value.dtype in half else value).detach().cpu().numpy()
        for key, value in state.items()
    }
