"""The network as it runs fastest after training."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.jit._trace import is_tracing

from hrnet_graph.compiler.module.network import Network
from hrnet_graph.compiler.module.packed import pack, usable
from hrnet_graph.compiler.module.program import Program
from hrnet_graph.compiler.passes.optimise import Optimised, optimise
from hrnet_graph.compiler.weights.moves import apply
from hrnet_graph.errors import HRNetGraphError, did_you_mean, shown
from hrnet_graph.ir.ops import Conv2d
from hrnet_graph.ir.sizes import infer_types
from hrnet_graph.ir.types import TensorType

Optimisation = Literal["inference"]
OPTIMISATIONS: tuple[Optimisation, ...] = get_args(Optimisation)

PROGRAMS = 2
"""For how many shapes of input packed weights are kept, each as large as the weights."""


class InferenceNetwork(Network):
    """A network after training: folded, in channels_last, and on CPU fused and packed.

    x: (N, C, H, W) images, of any size that the topology takes -> what the network that it was
    made from returns, within rounding and without gradients; maps are in channels_last

    Raises `InputError` for an image that it cannot take. Weights are packed when a shape of input
    comes first, and are held so alone, their layers' on the meta device, until somebody asks the
    network for them. What is packed calls no submodule, so hooks on those see nothing.
    """

    def __init__(self, optimised: Optimised) -> None:
        super().__init__(optimised.graph)
        self.graph = optimised.before
        self.optimised = optimised.graph
        self._convolutions = {
            node.path: (node.op, self.get_submodule(node.key))
            for node in optimised.graph.nodes
            if isinstance(node.op, Conv2d)
        }
        self._programs: OrderedDict[object, Program] = OrderedDict()
        self._packed_alone = False
        self._seen: int | None = None
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
            self._unpack()
            return super()._run(x)
        return self._program(x).run(x)

    def _program(self, x: Tensor) -> Program:
        """The program for images of this shape; where the weights are new, so is every program."""
        if self._seen is not None and self._seen != self._written():
            self._forget()
        program = self._programs.get(x.shape)
        if program is None:
            types = infer_types(self.optimised, TensorType(tuple(x.shape[1:])))
            with torch.inference_mode(False):
                packed = self._packed(types, x.shape[0])
                program = Program(self.optimised, self, types, packed)
            self._programs[x.shape] = program
        self._programs.move_to_end(x.shape)
        while len(self._programs) > PROGRAMS:
            self._programs.popitem(last=False)
        return program

    def _packed(self, types: Mapping[str, TensorType], batch: int) -> dict[str, Tensor]:
        """The weights of the convolutions, by path, packed for the size at which each runs.

        A weight that nobody has asked for is let go as soon as it is packed.
        """
        earlier = self._latest() if self._packed_alone else {}
        packed: dict[str, Tensor] = {}
        try:
            for path, (op, layer) in self._convolutions.items():
                weight: Any = earlier[path].to_dense() if earlier else layer.weight
                shape = (batch, *types[self.optimised[path].inputs[0]].shape)
                packed[path] = pack(op, weight, shape)
                if self._seen is None and not earlier:
                    layer.weight = nn.Parameter(weight.to("meta"), requires_grad=False)
        except BaseException:
            if not earlier:
                self._fill(packed)
            raise
        self._packed_alone = self._seen is None
        return packed

    def _latest(self) -> Mapping[str, Tensor]:
        return self._programs[next(reversed(self._programs))].packed

    def _fill(self, packed: Mapping[str, Tensor]) -> None:
        """Puts packed weights back into their layers."""
        for path, weight in packed.items():
            plain = weight.to_dense().contiguous(memory_format=torch.channels_last)
            self._convolutions[path][1].weight = nn.Parameter(plain, requires_grad=False)

    def _unpack(self) -> None:
        """Puts the weights where people look for them, to stay; what they write there counts."""
        if self._packed_alone:
            self._packed_alone = False
            with torch.inference_mode(False):
                self._fill(self._latest())
            self._seen = self._written()

    def _forget(self) -> None:
        """Drops what was packed."""
        self._unpack()
        self._programs.clear()
        self._seen = None

    def _written(self) -> int:
        """A number that grows whenever a weight is written to."""
        return sum(layer.weight._version for _, layer in self._convolutions.values())

    def named_parameters(
        self, *arguments: Any, **options: Any
    ) -> Iterator[tuple[str, nn.Parameter]]:
        self._unpack()
        return super().named_parameters(*arguments, **options)

    def state_dict(self, *arguments: Any, **options: Any) -> Any:
        self._unpack()
        return super().state_dict(*arguments, **options)

    def load_state_dict(self, *arguments: Any, **options: Any) -> Any:
        self._forget()
        return super().load_state_dict(*arguments, **options)

    def _apply(self, *arguments: Any, **options: Any) -> InferenceNetwork:
        self._forget()
        super()._apply(*arguments, **options)  # type: ignore[no-untyped-call]
        return self

    def __getstate__(self) -> dict[str, Any]:
        self._forget()
        return self.__dict__


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
