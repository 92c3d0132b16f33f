"""The network as a `torch.nn.Module`, made of callable scopes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from torch import Tensor, nn
from torch.fx import Proxy
from torch.jit._trace import is_tracing

from hrnet_graph.analysis.features import FeatureInfo, feature_info
from hrnet_graph.compiler.torch.activation_checkpointing import (
    Unit,
    checkpointed,
    checkpointed_scopes,
)
from hrnet_graph.compiler.torch.calls import Calls
from hrnet_graph.compiler.torch.drawn import Drawn
from hrnet_graph.compiler.torch.elementwise import mark, with_less_kept
from hrnet_graph.compiler.torch.layers import Summed, keep_whole, layer_of
from hrnet_graph.ir.graph import Graph, key_of
from hrnet_graph.ir.hierarchy import outermost
from hrnet_graph.ir.liveness import overwritten_in_training
from hrnet_graph.ir.scope_program import FEATURES, ScopeProgram, scope_programs
from hrnet_graph.ir.sizes import ImageCheck
from hrnet_graph.late import html_of

Output = Tensor | dict[str, Tensor] | list[Tensor]


class Container(nn.Module):
    """Named submodules; those with numbers for names are also reached by index."""

    def __init__(self, label: str = "") -> None:
        super().__init__()
        self._label = label

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """What `model.stage3` is to a type checker; torch says tensor or module."""

    def _get_name(self) -> str:
        return self._label or type(self).__name__

    def __len__(self) -> int:
        return len(self._modules)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[nn.Module]:
        return self.children()

    def __getitem__(self, index: int) -> nn.Module:
        if index < 0:
            index += max((int(name) + 1 for name in self._modules if name.isdigit()), default=0)
        layer = self._modules.get(str(index))
        if layer is None:
            names = ", ".join(self._modules)
            raise IndexError(f"{self._get_name()} has no submodule {index}, only {names}")
        return layer


def layer_at(module: nn.Module, parts: Sequence[str]) -> nn.Module:
    """The submodule under a key's parts, in the place where torch keeps it."""
    for part in parts:
        module = cast(nn.Module, module._modules[part])
    return module


class Planned(Container):
    """Submodules that are called as a plan says."""

    def __init__(self, label: str, plan: ScopeProgram) -> None:
        super().__init__(label)
        self._plan = Calls(plan)

    def _run(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self._plan(self._modules, *inputs)


class Scope(Planned):
    """A part of the network that is called as a whole: branch inputs in, finest first, maps out.

    x0, x1, ...: (N, C_i, H_i, W_i) -> one tensor, or a tuple of several, finest first

    One that is `recomputed` keeps its inputs alone for the backward pass, and runs again there; or
    what its convolutions give as well, and what is elementwise runs again.
    """

    def __init__(self, label: str, plan: ScopeProgram, recomputed: Unit | None = None) -> None:
        super().__init__(label, plan)
        self._recomputed = recomputed
        if recomputed:
            keep_whole(self)

    @property
    def chooses_what_it_keeps(self) -> bool:
        """Whether the backward pass reads from recipes what is elementwise."""
        return self._recomputed == "elementwise"

    def forward(self, x: Tensor, *others: Tensor) -> Tensor | tuple[Tensor, ...]:
        arity, key = self._plan.program.arity, self._plan.program.key
        if isinstance(others, Proxy):  # traced alone, which knows no number of inputs
            others = tuple(others[i] for i in range(arity - 1))
        if len(others) + 1 != arity:
            raise TypeError(f"{key} takes {arity} tensors, got {len(others) + 1}")
        if self.chooses_what_it_keeps and torch.is_grad_enabled():
            results = with_less_kept(self._run, x, *others)
        elif self._recomputed and torch.is_grad_enabled():
            results = checkpointed(self, self._run, x, *others)
        else:
            results = self._run(x, *others)
        return results[0] if len(results) == 1 else results


class Network(Planned):
    """A compiled network.

    x: (N, C, H, W) images, of any size that the topology takes -> a tensor (one output), a dict
    of name to tensor (several), or a list of maps, highest resolution first (features)

    Raises `InputError` for an image that it cannot take, before any layer sees it.

    Example:
        >>> model = hg.build_module("hrnetv2_w18")
        >>> [tuple(fmap.shape[1:]) for fmap in model(torch.zeros(1, 3, 64, 96))]
        [(18, 16, 24), (36, 8, 12), (72, 4, 6), (144, 2, 3)]
    """

    def __init__(self, graph: Graph, checkpoint_activations: Unit | None = None) -> None:
        plans = {plan.key: plan for plan in scope_programs(graph)}
        super().__init__(graph.name, plans[""])
        self.graph = graph
        self.drawn = Drawn({})
        self.frozen: tuple[str, ...] = ()
        self._to_features = Calls(plans[FEATURES])
        self._check = ImageCheck(graph)
        recomputed = checkpointed_scopes(graph, checkpoint_activations)
        labels = {  # `basic block` -> `BasicBlock`
            key: re.sub("[ -]", "", (scope.label or scope.kind).title())
            for key, scope in graph.scope_of_key.items()
        }
        for node in graph.operations:
            *around, name = node.key.split(".")
            unit = outermost(node.path, recomputed)
            parent: nn.Module = self
            for depth, part in enumerate(around):
                if part not in parent._modules:
                    key = ".".join(around[: depth + 1])
                    label = labels.get(key, "")
                    again = checkpoint_activations if key == key_of(unit) else None
                    inner = Scope(label, plans[key], again) if key in plans else Container(label)
                    parent.add_module(part, inner)
                parent = cast(nn.Module, parent._modules[part])
            # an activation works in place where nobody else looks, nor a scope that runs again
            reads_inside = unit not in recomputed or node.inputs[0].startswith(f"{unit}.")
            in_place = reads_inside and graph.runs_in_place(node)
            layer = layer_of(node.op, graph.operands(node), inplace=in_place)
            if checkpoint_activations == "elementwise" and unit in recomputed:
                mark(layer, node.op, graph.operands(node), in_place=in_place)
            parent.add_module(name, layer)
            made = overwritten_in_training(graph, node)
            if made and isinstance(layer, Summed):
                maker = made.key.rpartition(".")[2]
                layer.made_by = maker, type(layer_at(parent, (maker,)))
            for entry in node.op.state(graph.operands(node)):
                if entry.beside:
                    parent.register_buffer(entry.name, torch.empty(entry.shape))

    def _repr_html_(self) -> str:
        return html_of(self)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for key in self.frozen:
            self.get_submodule(key).train(False)
        return self

    def forward(self, x: Tensor) -> Output:
        self._check_image(x)
        return self.graph.pack(self._run(x))

    def forward_features(self, x: Tensor) -> list[Tensor]:
        """The maps that the head reads, finest first; of a network that answers with maps, those.

        x: (N, C, H, W) -> `feature_info` says which maps; the head does not run
        """
        self._check_image(x)
        return [*self._to_features(self._modules, x)]

    def _check_image(self, x: Tensor) -> None:
        """Refuses images that do not fit, where there are numbers to be read."""
        if not (torch.compiler.is_compiling() or is_tracing() or isinstance(x, Proxy)):
            self._check(tuple(x.shape))

    @property
    def feature_info(self) -> FeatureInfo:
        """What `forward_features` gives: channels, stride and module of each map, as timm's."""
        scopes = ((k, m) for k, m in self.named_modules() if isinstance(m, Scope))
        called = {key for key, scope in scopes if len(scope._plan.program.outputs) == 1}
        return feature_info(self.graph, called)
