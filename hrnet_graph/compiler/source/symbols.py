"""A stand-in for torch that computes with symbols: what a file does, found out without tensors."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

SIGNATURES: Mapping[str, Mapping[str, object]] = {
    "Conv2d": {"in_channels": ..., "out_channels": ..., "kernel_size": ..., "stride": 1,
               "padding": 0, "groups": 1, "bias": True},
    "ConvTranspose2d": {"in_channels": ..., "out_channels": ..., "kernel_size": ..., "stride": 1,
                        "padding": 0, "bias": True},
    "BatchNorm2d": {"num_features": ..., "eps": 1e-5, "momentum": 0.1},
    "SyncBatchNorm": {"num_features": ..., "eps": 1e-5, "momentum": 0.1},
    "GroupNorm": {"num_groups": ..., "num_channels": ..., "eps": 1e-5},
    "Linear": {"in_features": ..., "out_features": ...},
    "Upsample": {"scale_factor": ..., "mode": ...},
    "AdaptiveAvgPool2d": {"output_size": ...},
    "AvgPool2d": {"kernel_size": ...},
    "Dropout2d": {"p": 0.5},
    "Softmax": {"dim": ...},
    "Flatten": {"start_dim": 1},
    "Unflatten": {"dim": ..., "unflattened_size": ...},
    **{name: {"inplace": False} for name in ("ReLU", "ReLU6", "LeakyReLU", "SiLU", "Hardswish")},
    "GELU": {},
}  # fmt: skip
"""Layer -> its parameters in torch's order, with torch's defaults, as far as they are written."""

WEIGHED = frozenset(
    {"Conv2d", "ConvTranspose2d", "BatchNorm2d", "SyncBatchNorm", "GroupNorm", "Linear"}
)
"""The layers that have weights, and are therefore told apart by their keys."""


class Trace:
    """Gives equal computations equal numbers, and notes what must happen once and in order.

    Traces that share `numbers` can be compared.
    """

    def __init__(self, numbers: dict[Hashable, int]) -> None:
        self._numbers = numbers
        self.applied: list[tuple[str, int]] = []
        self.dropped: list[int] = []
        self.overwritten: set[int] = set()

    def number(
        self, name: str, arguments: Mapping[str, object], operands: tuple[int, ...], key: str = ""
    ) -> int:
        """The number of one operation; `key` names its weights, if it has any."""
        given = dict(arguments)
        in_place = given.pop("inplace", False)
        what = (name, tuple(sorted(given.items())), operands, key)
        number = self._numbers.setdefault(what, len(self._numbers))
        if key:
            self.applied.append((key, number))
        if name == "Dropout2d":
            self.dropped.append(number)
        if in_place:
            self.overwritten.add(number)
        return number

    def image(self) -> int:
        """The number of the network's input."""
        return self.number("Input", {}, ())


class Symbol:
    """A tensor that is nothing but the number of its computation."""

    def __init__(self, trace: Trace, number: int, transposed: bool = False) -> None:
        self.trace = trace
        self.number = number
        self.transposed = transposed

    def apply(self, name: str, *others: Symbol, **arguments: object) -> Symbol:
        """The result of an operation on this tensor and others, none of them transposed."""
        operands = (self, *others)
        if any(each.transposed for each in operands):
            raise TypeError(f"{name} of a transposed matrix")
        numbers = tuple(each.number for each in operands)
        return Symbol(self.trace, self.trace.number(name, arguments, numbers))

    def __add__(self, other: Symbol) -> Symbol:
        return self.apply("Sum", other)

    def __mul__(self, factor: float) -> Symbol:
        return self.apply("Scale", factor=factor)

    def __matmul__(self, other: Symbol) -> Symbol:
        first, second = Symbol(self.trace, self.number), Symbol(self.trace, other.number)
        return first.apply(
            "MatMul",
            second,
            transpose_first=self.transposed,
            transpose_second=other.transposed,
        )

    def transpose(self, first: int, second: int) -> Symbol:
        if (first, second) != (1, 2):
            raise TypeError("another transpose than that of a matrix")
        return Symbol(self.trace, self.number, not self.transposed)

    def flatten(self, start_dim: int) -> Symbol:
        return self.apply("Flatten", start_dim=start_dim)

    def unsqueeze(self, dim: int) -> Symbol:
        if dim != -1:
            raise TypeError("another new dimension than the last")
        return self.apply("Unflatten", dim=2, unflattened_size=(-1, 1))

    def unflatten(self, dim: int, size: Size) -> Symbol:
        if dim != 2:
            raise TypeError("another dimension than that of the pixels")
        return self.apply("UnflattenPixels", size.of)

    @property
    def shape(self) -> Size:
        return Size(self, whole=True)


class Size:
    """The shape of a tensor, or its height and width."""

    def __init__(self, of: Symbol, whole: bool) -> None:
        self.of = of
        self.whole = whole

    def __getitem__(self, part: slice) -> Size:
        if not self.whole or part != slice(2, None):
            raise TypeError("another part of a shape than height and width")
        return Size(self.of, whole=False)


class Module:
    """`nn.Module`, as far as attributes, order and calls go."""

    forward: Callable[..., Any]

    def __init__(self) -> None:
        self.__dict__["_modules"] = {}

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, Module):
            self._modules[name] = value
        else:
            self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_modules"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __call__(self, *inputs: Any) -> Any:
        return self.forward(*inputs)

    def add_module(self, name: str, module: Module) -> None:
        self._modules[name] = module

    def get_submodule(self, name: str) -> Any:
        return self._modules[name]

    def apply(self, function: object) -> None:
        """Nothing: what is done to all layers is about weights, which are not there."""

    def leaves(self, prefix: str = "") -> Iterator[tuple[str, Leaf]]:
        """The layers inside, by key, in registration order."""
        for name, module in self._modules.items():
            if isinstance(module, Leaf):
                yield prefix + name, module
            else:
                yield from module.leaves(f"{prefix}{name}.")


class Leaf(Module):
    """A layer of torch's own."""

    key = ""

    def __init__(self, name: str, arguments: Mapping[str, object]) -> None:
        super().__init__()
        self.name = name
        self.arguments = arguments

    def forward(self, x: Symbol) -> Symbol:
        key = self.key if self.name in WEIGHED else ""
        if x.transposed:
            raise TypeError(f"{self.name} of a transposed matrix")
        return Symbol(x.trace, x.trace.number(self.name, self.arguments, (x.number,), key))


class Identity(Module):
    """What leaves a tensor as it is."""

    def forward(self, x: Symbol) -> Symbol:
        return x


class ModuleList(Module):
    """`nn.ModuleList`."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> None:
        self.add_module(str(len(self._modules)), module)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, at: int) -> Any:
        return self._modules[str(at)]


class Sequential(ModuleList):
    """`nn.Sequential`."""

    def __init__(self, *modules: Module) -> None:
        super().__init__(modules)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x


class ModuleDict(Module):
    """`nn.ModuleDict`."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        super().__init__()
        self._modules.update(modules)


def bound(name: str, *given: object, **named: object) -> dict[str, object]:
    """All arguments of a layer by name. Raises `TypeError` for one that it does not have."""
    signature = SIGNATURES[name]
    arguments = {**signature, **dict(zip(signature, given, strict=False)), **named}
    if len(given) > len(signature) or arguments.keys() != signature.keys():
        raise TypeError(f"{name} has other arguments")
    return arguments


def _layer(name: str) -> Callable[..., Leaf]:
    return lambda *given, **named: Leaf(name, bound(name, *given, **named))


def _function(name: str) -> Callable[..., Symbol]:
    """The function of torch that does what the layer does."""
    return lambda x, *given, **named: Leaf(name, bound(name, *given, **named)).forward(x)


def _interpolate(
    x: Symbol, *, mode: str, size: Size | None = None, scale_factor: float = 0, **others: object
) -> Symbol:
    if size is None:
        return x.apply("Upsample", scale_factor=scale_factor, mode=mode, **others)
    if mode != "bilinear" or size.whole:
        raise TypeError("another interpolation than a bilinear one to the size of a map")
    return x.apply("BilinearResize", size.of, **others)


def _cat(maps: list[Symbol], dim: int) -> Symbol:
    if dim != 1:
        raise TypeError("another dimension than that of the channels")
    return maps[0].apply("Concat", *maps[1:])


FUNCTIONS = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "silu": "SiLU",
    "hardswish": "Hardswish",
    "gelu": "GELU",
    "softmax": "Softmax",
    "adaptive_avg_pool2d": "AdaptiveAvgPool2d",
    "avg_pool2d": "AvgPool2d",
}
"""Function -> the layer that does the same."""


def torch() -> SimpleNamespace:
    """The stand-in for the module `torch`."""
    functions = {name: _function(layer) for name, layer in FUNCTIONS.items()}
    nn = SimpleNamespace(
        Module=Module,
        Identity=Identity,
        ModuleList=ModuleList,
        ModuleDict=ModuleDict,
        Sequential=Sequential,
        functional=SimpleNamespace(interpolate=_interpolate, **functions),
        **{name: _layer(name) for name in SIGNATURES},
    )
    return SimpleNamespace(nn=nn, Tensor=Symbol, cat=_cat)
