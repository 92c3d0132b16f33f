"""The layers of ops: those of `torch.nn`, those that it does not have, and functional forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch._C import _are_functorch_transforms_active
from torch.jit._trace import is_tracing
from torch.nn import functional
from torch.nn.modules import module as every

from hrnet_graph.compiler.torch.sync_norm import SyncBatchNorm
from hrnet_graph.errors import HRNetGraphError, error_line
from hrnet_graph.extras import require
from hrnet_graph.ir.ops import Activation, Op, Operands, Sum

IN_PLACE_OF: Mapping[str, type[nn.Module]] = {"SyncBatchNorm": SyncBatchNorm}
"""The layers that the module has where torch's own would not do everywhere."""


def layer_of(op: Op, x: Operands, *, inplace: bool = False) -> nn.Module:
    """The layer that computes an op on such operands, in place if it is to."""
    layer = op.layer(x)
    if layer is None:
        names = [f"x{i}" for i in range(len(x))]
        make_function = Summed if isinstance(op, Sum) else Functional
        return make_function(type(op).__name__, op.functional(*names), len(x))
    module, _, name = layer.of.name.rpartition(":")
    if layer.of.extra:
        require(layer.of.extra, op.label, (module.partition(".")[0],))
    arguments = {**layer.arguments, "inplace": True} if inplace else layer.arguments
    try:
        make = IN_PLACE_OF.get(name) or getattr(import_module(module) if module else nn, name)
        made = cast(nn.Module, make(**arguments))
    except Exception as error:  # the layer is what another package's op says
        problem = f"{type(error).__name__}: {error_line(error)}"
        raise HRNetGraphError(
            f"{op.label}: cannot make its layer {layer.of.name}: {problem}"
        ) from error
    if module or name in IN_PLACE_OF:
        keep_whole(made)
    return made


def keep_whole(layer: nn.Module) -> None:
    """Has `torch.fx` trace a layer as one call, as it does with the layers of `torch.nn`.

    That is what it asks of a layer: whether it says that it comes from there.
    """
    layer.__module__ = nn.__name__


@cache
def _function(expression: str, arity: int) -> Callable[..., Tensor]:
    """A function of `x0, x1, ...`: one for all that compute alike, by which compilers know them."""
    names = ", ".join(f"x{i}" for i in range(arity))
    found: Callable[..., Tensor] = eval(
        f"lambda {names}: {expression}", {"torch": torch, "F": functional}
    )
    return found


class Functional(nn.Module):
    """An op without weights, computed by its functional form: `x0 + x1`.

    x0, x1, ...: (N, ...) -> (N, ...)
    """

    def __init__(self, name: str, expression: str, arity: int) -> None:
        super().__init__()
        self._name = name
        self.expression = expression
        self.arity = arity
        self._compute = _function(expression, arity)

    def forward(self, *x: Tensor) -> Tensor:
        return self._compute(*x)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_compute"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]  # torch gives no types
        self._compute = _function(self.expression, self.arity)

    def _get_name(self) -> str:
        return self._name

    def extra_repr(self) -> str:
        return self.expression


class Summed(Functional):
    """A sum, which training writes over what nobody else reads: what it comes to on its way, and
    its first operand where it may.

    x0, x1, ...: (N, ...) -> (N, ...), of the type of an operand that is for the sum alone; autocast
    on a GPU resizes in float32, which would go on from there through all residual connections
    """

    made_by: tuple[str, type[nn.Module]] | None = None
    """The layer beside it that makes its first operand, if that is for the sum alone."""

    def forward(self, *x: Tensor, over: bool = False) -> Tensor:
        if self.made_by and torch.is_autocast_enabled("cuda"):
            x = (x[0], *[term.to(x[0].dtype) for term in x[1:]])
        if (over or len(x) > 2) and _runs_plainly(x):
            over = over and not x[0]._is_view()
            total = x[0] if over else x[0] + x[1]
            for term in x[1 if over else 2 :]:
                total += term
            return total
        return self._compute(*x)

    def may_overwrite(self, beside: Mapping[str, nn.Module | None]) -> bool:
        """Whether its first operand is as the graph has it made, and no hook sees it."""
        if self.made_by is None:
            return False
        name, kind = self.made_by
        maker = beside.get(name)
        return type(maker) is kind and not (_watched(maker) or _watched(self) or _all_watched())


def _runs_plainly(x: tuple[Tensor, ...]) -> bool:
    """Whether a layer runs in training, and for tensors of one type: neither traced nor mapped."""
    return (
        type(x[0]) is Tensor
        and x[0].requires_grad
        and all(term.dtype == x[0].dtype for term in x)
        and not torch.compiler.is_compiling()
        and not is_tracing()
        and not _are_functorch_transforms_active()
    )


def _watched(layer: nn.Module) -> bool:
    return bool(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or layer._backward_hooks
        or layer._backward_pre_hooks
    )


def _all_watched() -> bool:
    """Whether hooks watch every layer, which torch 2.6 has no function for."""
    return bool(
        every._global_forward_hooks
        or every._global_forward_pre_hooks
        or every._global_backward_hooks
        or every._global_backward_pre_hooks
    )


class ChannelLayerNorm(nn.LayerNorm):
    """Layer normalisation of the channels of each pixel.

    x: (N, C, H, W) -> (N, C, H, W)
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class LayerScale(nn.Module):
    """Every channel times a learnt factor.

    x: (N, C, H, W) -> (N, C, H, W)
    """

    def __init__(self, channels: int, start: float) -> None:
        super().__init__()
        self.start = start
        self.gamma = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.gamma, self.start)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma[:, None, None]

    def extra_repr(self) -> str:
        return f"{len(self.gamma)}, start={self.start}"


class FrozenBatchNorm2d(nn.Module):
    """Batch normalisation by statistics, scale and shift that training leaves as they are.

    x: (N, C, H, W) -> (N, C, H, W)
    """

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        for name, start in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
            self.register_buffer(name, torch.full((num_features,), float(start)))

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = self.get_buffer("running_mean"), self.get_buffer("running_var")
        scale, shift = self.get_buffer("weight"), self.get_buffer("bias")
        return nn.functional.batch_norm(x, mean, variance, scale, shift, eps=self.eps)

    def extra_repr(self) -> str:
        return f"{len(self.get_buffer('weight'))}, eps={self.eps}"


class DropPath(nn.Module):
    """Sets whole samples to zero while training, and makes up for it in the others.

    x: (N, ...) -> (N, ...)
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = torch.empty(x.shape[:1] + (1,) * (x.dim() - 1), dtype=x.dtype, device=x.device)
        return x * kept.bernoulli_(1 - self.rate).div_(1 - self.rate)

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


class WeightedSum(nn.Module):
    """A sum of maps, each times a learnt weight; the weights come to one together.

    x0, x1, ...: (N, C, H, W) -> (N, C, H, W)
    """

    def __init__(self, terms: int, softmax: bool = False) -> None:
        super().__init__()
        self.softmax = softmax
        self.weight = nn.Parameter(torch.ones(terms))

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        weight = self.weight.softmax(0) if self.softmax else self.weight.relu()
        if not self.softmax:
            weight = weight / (weight.sum() + 1e-4)
        total = first * weight[0]
        for i, x in enumerate(others, start=1):
            total.addcmul_(x, weight[i])
        return total

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, softmax={self.softmax}"


def activation_layer(kind: str, *, inplace: bool) -> nn.Module:
    """The layer of an activation, which works in place if it is to and can; no kind is none."""
    if not kind:
        return nn.Identity()
    op = Activation(kind)
    return layer_of(op, (), inplace=inplace and op.can_overwrite)


class ZeroConv2d(nn.Conv2d):
    """A convolution whose weight and bias start at zero.

    x: (N, C, H, W) -> (N, out, H', W')
    """

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class FusedConv2d(nn.Conv2d):
    """A convolution, plus another map where there is one, then activated where it says so.

    x: (N, C, H, W), term: (N, out, H', W') -> (N, out, H', W')
    """

    def __init__(self, *, activation: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.activation = activation
        self._activate = activation_layer(activation, inplace=True)

    def forward(self, x: Tensor, term: Tensor | None = None) -> Tensor:
        result = super().forward(x)
        if term is not None:
            result += term
        activated: Tensor = self._activate(result)
        return activated

    def extra_repr(self) -> str:
        plain: str = super().extra_repr()  # type: ignore[no-untyped-call]  # torch gives no types
        return f"{plain}, activation={self.activation or None}"
