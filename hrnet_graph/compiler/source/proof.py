"""Whether a file is the network: run with symbols for tensors and compared with the graph."""

from __future__ import annotations
import __future__

import builtins
from collections.abc import Hashable, Mapping
from typing import Any

from hrnet_graph.compiler.source.layers import copied_classes
from hrnet_graph.compiler.source.symbols import Module, Symbol, Trace, maker, torch
from hrnet_graph.errors import error_line
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.ops import Input, TorchLayer

BUILTINS = ("__build_class__", "dict", "enumerate", "int", "isinstance", "len", "list", "min",
            "range", "reversed", "staticmethod", "sum", "super", "tuple", "zip")  # fmt: skip
"""What a generated file may call of Python's own."""


def is_proved(source: str, graph: Graph, **arguments: int) -> bool:
    """Whether a file's `HRNet(...)` is the graph's network: `difference` finds nothing."""
    return not difference(source, graph, **arguments)


def difference(source: str, graph: Graph, **arguments: int) -> str:
    """In what a file's `HRNet(...)` is not the graph's network, or nothing.

    It has the graph's layers, keys, order, data flow and outputs. Every layer with weights is
    called once, with the operands and the arguments of its node; dropout draws in the same order;
    nothing is computed that the network does not, and nothing overwritten that others read.
    """
    shared: dict[Hashable, int] = {}
    expected, found = Trace(shared), Trace(shared)
    numbers = number_nodes(graph, expected)
    weighed = [node.key for node in graph.nodes if node.op.state(graph.operands(node))]
    layers = _layers(graph)
    with_weights = {layers[key].name for key in weighed}
    try:
        network = run(source, graph, found, **arguments)
        leaves = {key: leaf for key, leaf in network.leaves() if leaf.of.name in with_weights}
        for key, leaf in leaves.items():
            leaf.key = key
        result = network(found.symbol("input"))
    except Exception as error:  # whatever goes wrong in a file, it is not the network
        return f"it fails with {type(error).__name__}: {error_line(error)}"
    may_overwrite = {numbers[node.path] for node in graph.nodes if graph.runs_in_place(node)}
    same = {
        "layers with weights": list(leaves) == weighed,
        "calls of layers with weights": sorted(found.applied) == sorted(expected.applied),
        "order of dropout": found.dropped == expected.dropped,
        "operations": found.computed <= expected.computed,
        "values that are overwritten": found.overwritten <= may_overwrite,
        "outputs": _numbers_of(result) == _expected(graph, numbers),
    }
    return next((f"it has other {what}" for what, holds in same.items() if not holds), "")


def _layers(graph: Graph) -> dict[str, TorchLayer]:
    """The layers of a graph's nodes, by key."""
    made = ((node, node.op.layer(graph.operands(node))) for node in graph.operations)
    return {node.key: layer.of for node, layer in made if layer is not None}


def run(source: str, graph: Graph, trace: Trace, **arguments: int) -> Module:
    """The file's `HRNet(...)`, with the stand-in for torch and few of Python's own functions.

    Classes that are copied into the file are taken as they are.
    """
    layers = {of.name: of for of in _layers(graph).values()}
    stand_in = torch(trace, layers.values())
    modules = {"torch": stand_in, "torch.nn": stand_in.nn, "__future__": __future__}

    def find(name: str, *_: object) -> Any:
        return modules[name]

    known = {name: getattr(builtins, name) for name in BUILTINS} | {"__import__": find}
    scope: dict[str, Any] = {"__builtins__": known, "__name__": "proof"}
    for text in copied_classes(graph):
        source = source.replace(text, "")
    scope |= {of.class_name: maker(of) for of in layers.values() if ":" in of.name}
    exec(compile(source, "<generated>", "exec", dont_inherit=True), scope)
    network: Module = scope["HRNet"](**arguments)
    return network


def number_nodes(graph: Graph, trace: Trace) -> dict[str, int]:
    """The number of every node's computation: path -> number."""
    symbols: dict[str, Symbol] = {}
    for node in graph.order:
        if isinstance(node.op, Input):
            symbols[node.path] = trace.symbol("input")
            continue
        types = graph.operands(node)
        layer = node.op.layer(types)
        operands = [symbols[path] for path in node.inputs]
        if layer is None:
            named = {f"x{i}": symbol for i, symbol in enumerate(operands)}
            symbols[node.path] = trace.evaluate(node.op.functional(*named), named)
        else:
            key = node.key if node.op.state(types) else ""
            arguments = layer.of.bind(**layer.arguments)
            symbols[node.path] = trace.layer(layer.of, arguments, operands, key)
    return {path: symbol.number for path, symbol in symbols.items()}


def _expected(graph: Graph, numbers: Mapping[str, int]) -> object:
    """The outputs' numbers, as a call hands them back."""
    named = [(name, numbers[path]) for name, path in graph.outputs]
    if graph.returns == "dict":
        return named
    return [number for _, number in named] if graph.returns == "list" else named[0][1]


def _numbers_of(result: object) -> object:
    """What a file's network has handed back, numbers for symbols."""
    if isinstance(result, dict):
        return [(name, symbol.number) for name, symbol in result.items()]
    if isinstance(result, list):
        return [symbol.number for symbol in result]
    return result.number if isinstance(result, Symbol) else None
