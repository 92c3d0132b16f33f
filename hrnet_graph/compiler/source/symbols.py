"""A stand-in for torch that computes with symbols: what a file does, found out without tensors."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from hrnet_graph.ir.ops import TorchLayer


class Trace:
    """Gives equal computations equal numbers, and notes what must happen once and in order.

    Traces that share `numbers` can be compared.
    """

    def __init__(self, numbers: dict[Hashable, int]) -> None:
        self._numbers = numbers
        self.computed: set[int] = set()
        self.applied: list[tuple[str, int]] = []
        self.dropped: list[int] = []
        self.overwritten: set[int] = set()

    def symbol(self, *what: object) -> Symbol:
        """The result of an operation: its name and what it works on."""
        number = self._numbers.setdefault(_plain(what), len(self._numbers))
        self.computed.add(number)
        return Symbol(self, number)

    def evaluate(self, expression: str, operands: Mapping[str, Symbol]) -> Symbol:
        """What an expression of operands gives, as Python takes it."""
        names = {"torch": Functions(self, "torch"), "F": Functions(self, "F")}
        result: Symbol = eval(expression, {"__builtins__": {}, **names, **operands})
        return result

    def function(self, name: str, given: Sequence[object], named: dict[str, object]) -> Symbol:
        """What a function gives, which is the same whether it writes it over its operand."""
        overwrites = named.pop("inplace", False)
        result = self.symbol(name, given, named)
        if overwrites:
            self.overwritten.add(result.number)
        return result

    def layer(
        self, of: TorchLayer, arguments: Mapping[str, object], x: Sequence[Symbol], key: str
    ) -> Symbol:
        """What a layer gives; `key` names its weights, if it has any."""
        given = {name: value for name, value in arguments.items() if name != "inplace"}
        if of.function:
            result = self.evaluate(of.compute("x", given), {"x": x[0]})
        else:
            result = self.symbol(of.name, given, tuple(x), key)
            if key:
                self.applied.append((key, result.number))
            else:
                self.dropped.append(result.number)
        if arguments.get("inplace"):
            self.overwritten.add(result.number)
        return result


def _plain(value: object) -> Hashable:
    """What tells computations apart: numbers for symbols, tuples for what holds others."""
    if isinstance(value, Symbol):
        return ("symbol", value.number)
    if isinstance(value, list | tuple):
        return (type(value).__name__, *map(_plain, value))
    if isinstance(value, Mapping):
        return ("mapping", *sorted((name, _plain(each)) for name, each in value.items()))
    if isinstance(value, slice):
        return ("slice", _plain(value.start), _plain(value.stop), _plain(value.step))
    if value is None or isinstance(value, bool | int | float | str):
        return ("plain", value)
    raise TypeError(f"{type(value).__name__} is nothing to compute with")


def _noted(operation: str) -> Callable[[Symbol, object], Symbol]:
    return lambda symbol, other: symbol.trace.symbol(operation, symbol, other)


class Symbol:
    """A tensor, or a size, that is nothing but the number of its computation.

    Whatever Python does with it is noted by name; what would write over it is refused.
    """

    __iter__ = None
    __iadd__ = None
    __imul__ = None
    __imatmul__ = None

    def __init__(self, trace: Trace, number: int) -> None:
        self.trace = trace
        self.number = number

    __add__ = _noted("+")
    __mul__ = _noted("*")
    __matmul__ = _noted("@")
    __getitem__ = _noted("[]")

    def __getattr__(self, name: str) -> Symbol:
        if name.endswith("_"):
            raise AttributeError(f"{name} is not for symbols")
        return self.trace.symbol(".", self, name)

    def __call__(self, *given: object, **named: object) -> Symbol:
        return self.trace.symbol("()", self, given, named)

    def __bool__(self) -> bool:
        raise TypeError("what a network does may not depend on its numbers")


class Functions:
    """A module of torch's, whose functions note that they were called."""

    def __init__(self, trace: Trace, name: str, **own: object) -> None:
        self._trace = trace
        self._name = name
        self.__dict__.update(own)

    def __getattr__(self, name: str) -> Callable[..., Symbol]:
        if name.startswith("_"):
            raise AttributeError(name)
        trace, module = self._trace, self._name
        return lambda *given, **named: trace.function(f"{module}.{name}", given, named)


class Module:
    """`nn.Module`, as far as attributes, order and calls go."""

    forward: Callable[..., Any]

    def __init__(self) -> None:
        self.__dict__["_modules"] = {}
        self.__dict__["_buffers"] = {}

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

    def register_buffer(self, name: str, value: Symbol) -> None:
        self._buffers[name] = value


def tensors_in(module: Module, prefix: str = "") -> Iterator[tuple[str, int]]:
    """What is held beside layers, by key: the number of its computation."""
    yield from (
        (prefix + name, value.number) for name, value in module.__dict__["_buffers"].items()
    )
    for name, inner in module.__dict__["_modules"].items():
        yield from tensors_in(inner, f"{prefix}{name}.")


def layers_in(module: Module, prefix: str = "") -> Iterator[tuple[str, Leaf]]:
    """The layers inside, by key, in registration order."""
    for name, inner in module.__dict__["_modules"].items():
        if isinstance(inner, Leaf):
            yield prefix + name, inner
        else:
            yield from layers_in(inner, f"{prefix}{name}.")


class Leaf(Module):
    """A layer of torch's own, or of another file; `key` is that of its weights, if it has any."""

    key = ""

    def __init__(self, of: TorchLayer, arguments: Mapping[str, object]) -> None:
        super().__init__()
        self.of = of
        self.arguments = arguments

    def forward(self, *x: Symbol) -> Symbol:
        return x[0].trace.layer(self.of, self.arguments, x, self.key)


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


def maker(kinds: Sequence[TorchLayer]) -> Callable[..., Leaf]:
    """The class of layers of one name: it takes the arguments of one of them and no others."""

    def make(*given: object, **named: object) -> Leaf:
        for of in kinds[:-1]:
            with suppress(TypeError):
                return Leaf(of, of.bind(*given, **named))
        return Leaf(kinds[-1], kinds[-1].bind(*given, **named))

    return make


def torch(trace: Trace, layers: Mapping[str, Sequence[TorchLayer]]) -> Functions:
    """The stand-in for the module `torch`, whose `nn` has these layers, by name."""
    nn = SimpleNamespace(
        Module=Module,
        Identity=Identity,
        ModuleList=ModuleList,
        ModuleDict=ModuleDict,
        Sequential=Sequential,
        functional=Functions(trace, "F"),
        **{name: maker(kinds) for name, kinds in layers.items() if ":" not in name},
    )
    return Functions(trace, "torch", nn=nn, Tensor=Symbol)
