"""The network as it runs fastest after training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, cast, get_args

import torch
from torch import Tensor
from torch.jit._trace import is_tracing

from hrnet_graph.compiler.passes.optimize import Optimized, optimize
from hrnet_graph.compiler.passes.weights import Weights, apply
from hrnet_graph.compiler.torch.dense import arrays
from hrnet_graph.compiler.torch.drawn import random_among, remembered
from hrnet_graph.compiler.torch.network import Network, layer_at
from hrnet_graph.compiler.torch.packed import pack, usable
from hrnet_graph.compiler.torch.program import Program
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.ops import Conv2d, FusedConv2d
from hrnet_graph.ir.sizes import infer_types
from hrnet_graph.ir.types import TensorType

Optimization = Literal["inference"]

PROGRAMS = 2
"""For how many shapes of input packed weights are kept, each as large as the weights."""

Version = tuple[Tensor, int]
"""A weight as it was packed, and how often it had been written to by then."""


@dataclass(frozen=True)
class _Packed:
    """What was packed of weights as they were: a program a shape of input, the latest last."""

    weights: tuple[Version, ...] = ()
    programs: Mapping[torch.Size, Program] = field(default_factory=dict)


class InferenceNetwork(Network):
    """A network after training: folded, in channels_last, and on CPU fused and packed.

    x: (N, C, H, W) images, of any size that the topology takes -> what the network that it was
    made from returns, within rounding and without gradients; maps are in channels_last

    Raises `InputError` for an image that it cannot take. Weights are packed when a shape of input
    comes first: a second copy of them, and a third for a second shape. What is written to the
    weights counts, save through `.data` or under `inference_mode`, which torch does not note. What
    is packed calls no submodule, so hooks on those see nothing, and no pixel that is not a number:
    oneDNN's ReLU makes a zero of it.
    """

    def __init__(self, optimized: Optimized) -> None:
        super().__init__(optimized.graph)
        self.graph = optimized.before
        self.optimized = optimized.graph
        self._convolutions = [
            (node.path, node.op, layer_at(self, node.key.split(".")))
            for node in optimized.graph.nodes
            if isinstance(node.op, Conv2d)
        ]
        self._activations = frozenset(
            op.activation for _, op, _ in self._convolutions if isinstance(op, FusedConv2d)
        )
        self._packed = _Packed()
        self.requires_grad_(False)
        super().train(False)

    def train(self, mode: bool = True) -> Self:
        if mode:
            raise HRNetGraphError(
                f"{self.graph.name} is optimized for inference and cannot be trained",
                "train the network that it was made from",
            )
        return self

    def forward_features(self, x: Tensor) -> list[Tensor]:
        if self.graph.returns != "list":
            raise HRNetGraphError(
                f"{self.graph.name} is optimized for inference, and gives what its head says alone",
                'build it with features_only=True, optimize="inference"',
            )
        return cast(list[Tensor], self(x))

    @torch.no_grad()
    def _run(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        (x,) = inputs
        x = x.contiguous(memory_format=torch.channels_last)
        traced = torch.compiler.is_compiling() or is_tracing() or type(x) is not Tensor
        if traced or not self._can_pack_for(x):
            return super()._run(x)
        return self._program(x).run(x)

    def _can_pack_for(self, x: Tensor) -> bool:
        """Whether these images, of the weights' own type and device, can run on packed weights."""
        weight: Any = self._convolutions[0][2].weight
        if (weight.device, weight.dtype) != (x.device, x.dtype):
            return False
        return usable(x, self._activations) and not torch.is_autocast_enabled(x.device.type)

    def _program(self, x: Tensor) -> Program:
        """The program for images of this shape; where the weights are new, so is every program.

        Threads that come at once may each pack: what is kept is replaced as a whole.
        """
        packed, now = self._packed, tuple(self._weights())
        if not _same(packed.weights, now):
            with torch.inference_mode(False):
                packed = _Packed(tuple((value.detach(), version) for value, version in now))
        if [*packed.programs][-1:] != [x.shape]:
            programs = dict(packed.programs)
            program = programs.pop(x.shape, None) or self._new_program(x.shape)
            latest = [*programs.items(), (x.shape, program)][-PROGRAMS:]
            self._packed = packed = _Packed(packed.weights, dict(latest))
        return packed.programs[x.shape]

    @torch.inference_mode(False)
    def _new_program(self, shape: torch.Size) -> Program:
        """The weights of the convolutions packed for the size at which each runs, and the calls."""
        types = infer_types(self.optimized, TensorType(tuple(shape[1:])))
        packed = {}
        for path, op, layer in self._convolutions:
            weight: Any = layer.weight
            operand = types[self.optimized[path].inputs[0]]
            packed[path] = pack(op, weight, (shape[0], *operand.shape))
        return Program(self.optimized, self, types, packed)

    def _weights(self) -> Iterator[Version]:
        """All that programs hold of the layers, each with its version where torch counts."""
        for _, _, layer in self._convolutions:
            for value in layer._parameters.values():
                if value is not None:
                    yield value, 0 if value.is_inference() else value._version

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_packed": _Packed()}


def _same(before: tuple[Version, ...], now: tuple[Version, ...]) -> bool:
    """Whether no weight was written to or replaced; those before are kept, and so their places."""
    return len(before) == len(now) and all(
        old.data_ptr() == new.data_ptr() and version == count
        for (old, version), (new, count) in zip(before, now, strict=True)
    )


def optimize_for_inference(network: Network) -> InferenceNetwork:
    """A trained network as it runs fastest: a new module, of the same signature, with its weights.

    Raises `HRNetGraphError` for a network that is optimized already.
    """
    refuse_optimized(network)
    state = network.state_dict()
    first = next(iter(state.values()))
    if not first.is_meta:
        values = arrays(state, exact=True)
        made = inference_network(network.graph, values, dtype=first.dtype, device=first.device)
        random = random_among(state, network.drawn)
        if random is not None:
            folded = made.state_dict()
            made.drawn = remembered({key: folded[key] for key in random.among(folded)}, random.seed)
        return made
    with torch.device("meta"):
        return InferenceNetwork(optimize(network.graph, "torch")).to(first.dtype)


def inference_network(
    graph: Graph, weights: Weights, *, dtype: torch.dtype, device: torch.device | str
) -> InferenceNetwork:
    """The network of a graph with these weights, as it runs fastest after training."""
    optimized = optimize(graph, "torch")
    with torch.inference_mode(False):
        with torch.device("meta"):
            result = InferenceNetwork(optimized).to(dtype)
        result = result.to_empty(device=device)
        moved = apply(optimized.weights, weights)
        result.load_state_dict({key: torch.from_numpy(value) for key, value in moved.items()})
        return result.to(memory_format=torch.channels_last)


def refuse_optimized(network: Network, error: type[HRNetGraphError] = HRNetGraphError) -> None:
    """Raises for a network whose weights are folded: they are not those of its graph."""
    if isinstance(network, InferenceNetwork):
        raise error(
            f"{network.graph.name} is optimized for inference, and its weights are folded",
            "take the network that it was made from, and optimize that one afterwards",
        )


def check_optimization(optimization: str | None) -> None:
    """Raises `HRNetGraphError` for an optimization that there is not; none is fine."""
    if optimization is not None and optimization not in get_args(Optimization):
        known = did_you_mean(str(optimization), get_args(Optimization))
        raise HRNetGraphError(f"unknown optimization {quoted(optimization)}{known}")
