"""The network as it runs fastest after training."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.jit._trace import is_tracing

from hrnet_graph.compiler.passes.optimize import Optimized, optimize
from hrnet_graph.compiler.passes.weights import apply
from hrnet_graph.compiler.torch.network import Network, layer_at
from hrnet_graph.compiler.torch.packed import pack, usable
from hrnet_graph.compiler.torch.program import Program
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted
from hrnet_graph.ir.ops import Conv2d
from hrnet_graph.ir.sizes import infer_types
from hrnet_graph.ir.types import TensorType

Optimization = Literal["inference"]
OPTIMIZATIONS: tuple[Optimization, ...] = get_args(Optimization)

_PACKING = threading.RLock()
"""Held by whoever packs or unpacks: one for all networks, which are copied and pickled."""

PROGRAMS = 2
"""For how many shapes of input packed weights are kept, each as large as the weights."""


class InferenceNetwork(Network):
    """A network after training: folded, in channels_last, and on CPU fused and packed.

    x: (N, C, H, W) images, of any size that the topology takes -> what the network that it was
    made from returns, within rounding and without gradients; maps are in channels_last

    Raises `InputError` for an image that it cannot take. Weights are packed when a shape of input
    comes first. Where nobody has asked the network for them by then, they are held so alone, their
    layers' on the meta device, until somebody does; from then on what is written to them counts,
    save through `.data` or under `inference_mode`, which torch does not note. What is packed calls
    no submodule, so hooks on those see nothing, and no pixel that is not a number: oneDNN's ReLU
    makes a zero of it.
    """

    def __init__(self, optimized: Optimized) -> None:
        super().__init__(optimized.graph)
        self.graph = optimized.before
        self.optimized = optimized.graph
        self._convolutions = {
            node.path: (node.op, layer_at(self, node.key.split(".")))
            for node in optimized.graph.nodes
            if isinstance(node.op, Conv2d)
        }
        self._programs: OrderedDict[object, Program] = OrderedDict()
        self._alone: dict[str, Tensor] = {}
        self._seen: list[tuple[Tensor, int]] = []
        self._asked = True
        self.requires_grad_(False)
        super().train(False)
        self._asked = False

    def train(self, mode: bool = True) -> InferenceNetwork:
        if mode:
            raise HRNetGraphError(
                f"{self.graph.name} is optimized for inference and cannot be trained",
                "train the network that it was made from",
            )
        return self

    @torch.no_grad()
    def _run(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        (x,) = inputs
        x = x.contiguous(memory_format=torch.channels_last)
        if torch.compiler.is_compiling() or is_tracing() or type(x) is not Tensor:
            self._put_back()
            return super()._run(x)
        with _PACKING:
            program = self._program(x) if self._can_pack_for(x) else None
            if program is None:
                self._unpack()
        return super()._run(x) if program is None else program.run(x)

    def _can_pack_for(self, x: Tensor) -> bool:
        """Whether these images, of the weights' own type and device, can run on packed weights."""
        weight: Any = next(iter(self._convolutions.values()))[1].weight
        here = weight.device == x.device or (weight.is_meta and bool(self._alone))
        fits = here and weight.dtype == x.dtype and usable(x)
        return fits and not torch.is_autocast_enabled(x.device.type)

    def _program(self, x: Tensor) -> Program:
        """The program for images of this shape; where the weights are new, so is every program."""
        if self._programs and self._changed():
            self._forget()
        program = self._programs.get(x.shape)
        if program is None:
            types = infer_types(self.optimized, TensorType(tuple(x.shape[1:])))
            with torch.inference_mode(False):
                packed = self._packed(types, x.shape[0])
                program = Program(self.optimized, self, types, packed)
                self._seen = [(value.detach(), _version(value)) for value in self._values()]
            self._programs[x.shape] = program
        self._programs.move_to_end(x.shape)
        while len(self._programs) > PROGRAMS:
            self._programs.popitem(last=False)
        return program

    def _packed(self, types: Mapping[str, TensorType], batch: int) -> dict[str, Tensor]:
        """The weights of the convolutions, by path, packed for the size at which each runs.

        A weight that nobody has asked for is let go as soon as it is packed, and not before.
        """
        packed: dict[str, Tensor] = {}
        for path, (op, layer) in self._convolutions.items():
            own: Any = layer.weight
            weight = self._alone[path].to_dense() if own.is_meta else own
            shape = (batch, *types[self.optimized[path].inputs[0]].shape)
            packed[path] = pack(op, weight, shape)
            if not self._asked:
                self._alone[path] = packed[path]
                if not own.is_meta:
                    layer.weight = nn.Parameter(own.to("meta"), requires_grad=False)
        return packed

    def _unpack(self) -> None:
        """Puts the weights where people look for them, to stay."""
        with _PACKING:
            self._put_back()

    @torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]  # torch gives no types
    def _put_back(self) -> None:
        """What `_unpack` does; a compiler knows no locks, and runs this while it traces.

        A layer that was given another weight keeps it, and what it had stays packed: whoever lent
        the weight may put back that of the meta device.
        """
        if not self._asked:
            self._asked = True
        if not self._alone:
            return
        with torch.inference_mode(False), torch.no_grad():
            for path in list(self._alone):
                layer = self._convolutions[path][1]
                if layer.weight.is_meta:
                    plain = self._alone[path].to_dense()
                    plain = plain.contiguous(memory_format=torch.channels_last)
                    layer.weight = nn.Parameter(plain, requires_grad=False)
                    del self._alone[path]

    def _forget(self) -> None:
        """Drops what was packed."""
        with _PACKING:
            if self._alone:
                self._unpack()
            self._programs.clear()
            self._seen = []

    def _values(self) -> Iterator[Tensor]:
        """All that programs hold of the layers."""
        for _, layer in self._convolutions.values():
            for value in layer._parameters.values():
                if value is not None:
                    yield value

    def _changed(self) -> bool:
        """Whether a weight was written to or replaced; those seen are kept, and so their places."""
        now = list(self._values())
        return len(now) != len(self._seen) or any(
            value.data_ptr() != seen.data_ptr() or _version(value) != version
            for value, (seen, version) in zip(now, self._seen, strict=True)
        )

    def __getattr__(self, name: str) -> Any:
        value = super().__getattr__(name)
        if isinstance(value, nn.Module) and not torch.compiler.is_compiling():
            self._unpack()
        return value

    def __dir__(self) -> Any:
        """Torch's tracer lists what a module has before it copies the weights."""
        self._unpack()
        return super().__dir__()  # type: ignore[no-untyped-call]  # torch gives no types

    def named_modules(self, *arguments: Any, **options: Any) -> Any:
        self._unpack()
        return super().named_modules(*arguments, **options)

    def named_children(self) -> Iterator[tuple[str, nn.Module]]:
        self._unpack()
        return super().named_children()

    def state_dict(self, *arguments: Any, **options: Any) -> Any:
        self._unpack()
        return super().state_dict(*arguments, **options)

    def _load_from_state_dict(self, *arguments: Any, **options: Any) -> None:
        self._forget()
        super()._load_from_state_dict(*arguments, **options)

    def _apply(self, *arguments: Any, **options: Any) -> InferenceNetwork:
        self._forget()
        asked = self._asked
        super()._apply(*arguments, **options)  # type: ignore[no-untyped-call]  # torch gives no types
        self._asked = asked  # torch looked through the layers, and nobody else
        return self

    def __getstate__(self) -> dict[str, Any]:
        self._unpack()
        self._forget()
        return {**self.__dict__, "_programs": OrderedDict(), "_alone": {}, "_seen": []}


def _version(value: Tensor) -> int:
    """How often a tensor was written to, where torch counts."""
    return 0 if value.is_inference() else value._version


def optimize_for_inference(network: Network, optimization: str = "inference") -> InferenceNetwork:
    """A trained network as it runs fastest: a new module, of the same signature, with its weights.

    Raises `HRNetGraphError` for an optimization that there is not, and for a network that is
    optimized already.
    """
    check_optimization(optimization)
    refuse_optimized(network)
    optimized = optimize(network.graph, "torch")
    state = network.state_dict()
    first = next(iter(state.values()))
    with torch.inference_mode(False), torch.device("meta"):
        result = InferenceNetwork(optimized).to(first.dtype)
        if first.is_meta:
            return result
        result = result.to_empty(device=first.device)
    moved = apply(optimized.moves, _arrays(state))
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
    if optimization is not None and optimization not in OPTIMIZATIONS:
        known = did_you_mean(str(optimization), OPTIMIZATIONS)
        raise HRNetGraphError(f"unknown optimization {quoted(optimization)}{known}")


def _arrays(state: Mapping[str, Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    """Tensors for numpy, which has no bfloat16."""
    half = (torch.bfloat16, torch.float16)
    return {
        key: (value.float() if value.dtype in half else value).detach().cpu().numpy()
        for key, value in state.items()
    }
