"""Whether a file is the network: run with symbols for tensors and compared with the graph."""

from __future__ import annotations
import __future__

import ast
import builtins
from collections.abc import Hashable
from types import SimpleNamespace
from typing import Any

from hrnet_graph.compiler.source.layers import buffers_of, copied_classes, layers_of
from hrnet_graph.compiler.source.symbols import (
    Module,
    Symbol,
    Trace,
    layers_in,
    maker,
    tensors_in,
    torch,
)
from hrnet_graph.errors import error_line
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.ops import TorchLayer
from hrnet_graph.ir.scope_program import run_order

BUILTINS = ("__build_class__", "dict", "enumerate", "int", "isinstance", "len", "list", "min",
            "range", "reversed", "staticmethod", "sum", "super", "tuple", "zip")  # fmt: skip
"""What a generated file may call of Python's own."""


def difference(source: str, graph: Graph, **arguments: int) -> str:
    """In what a file's `HRNet(...)` is not the graph's network, or nothing.

    It has the graph's layers, keys, order, data flow and outputs. Every layer with weights is
    called once, with the operands and the arguments of its node; dropout draws in the same order;
    nothing is computed that the network does not, and nothing overwritten that others read.
    """
    shared: dict[Hashable, int] = {}
    expected, found = Trace(shared), Trace(shared)
    symbols = compute_nodes(graph, expected)
    buffers = {
        key: expected.symbol("torch.tensor", (rows,), {}).number
        for key, rows in buffers_of(graph).items()
    }
    weighed = [node.key for node in graph.nodes if node.op.state(graph.operands(node))]
    layers = layers_of(graph)
    with_weights = {layers[key].of.name for key in weighed}
    try:
        network = run(source, graph, found, **arguments)
        leaves = {key: leaf for key, leaf in layers_in(network) if leaf.of.name in with_weights}
        for key, leaf in leaves.items():
            leaf.key = key
        result = network(found.symbol("input"))
    except Exception as error:  # whatever goes wrong in a file, it is not the network
        return f"it fails with {type(error).__name__}: {error_line(error)}"
    may_overwrite = {symbols[node.path].number for node in graph.nodes if graph.runs_in_place(node)}
    outputs = graph.pack([symbols[path] for path in graph.output_paths])
    same = {
        "layers with weights": list(leaves) == weighed,
        "buffers": dict(tensors_in(network)) == buffers,
        "calls of layers with weights": sorted(found.applied) == sorted(expected.applied),
        "order of dropout": found.dropped == expected.dropped,
        "operations": found.computed <= expected.computed,
        "values that are overwritten": found.overwritten <= may_overwrite,
        "outputs": _numbers_of(result) == _numbers_of(outputs),
    }
    return next((f"it has other {what}" for what, holds in same.items() if not holds), "")


def run(source: str, graph: Graph, trace: Trace, **arguments: int) -> Module:
    """The file's `HRNet(...)`, with the stand-in for torch and few of Python's own functions.

    Classes that are copied into the file are taken as they are.
    """
    layers: dict[str, list[TorchLayer]] = {}
    for layer in layers_of(graph).values():
        kinds = layers.setdefault(layer.of.name, [])
        kinds += [layer.of] if layer.of not in kinds else []
    stand_in = torch(trace, layers)
    modules = {"torch": stand_in, "torch.nn": stand_in.nn, "__future__": __future__}
    foreign = {name: kinds for name, kinds in layers.items() if ":" in name}
    for name, kinds in foreign.items():
        if kinds[0].extra:
            module = modules.setdefault(name.partition(":")[0], SimpleNamespace())
            setattr(module, kinds[0].class_name, maker(kinds))
    known = {name: getattr(builtins, name) for name in BUILTINS}
    known["__import__"] = lambda name, *_: modules[name]
    scope: dict[str, Any] = {"__builtins__": known, "__name__": "proof"}
    copied = {ast.dump(ast.parse(text).body[0]) for text in copied_classes(graph)}
    tree = ast.parse(source)
    tree.body = [part for part in tree.body if ast.dump(part) not in copied]
    scope |= {kinds[0].class_name: maker(kinds) for kinds in foreign.values()}
    exec(compile(tree, "<generated>", "exec", dont_inherit=True), scope)
    network: Module = scope["HRNet"](**arguments)
    return network


def compute_nodes(graph: Graph, trace: Trace) -> dict[str, Symbol]:
    """What every node computes, as the module runs them: path -> symbol."""
    symbols = {graph.input.path: trace.symbol("input")}
    for node in run_order(graph):
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
    return symbols


def _numbers_of(result: object) -> object:
    """What a network has handed back, numbers for symbols."""
    if isinstance(result, dict):
        return [(name, symbol.number) for name, symbol in result.items()]
    if isinstance(result, list):
        return [symbol.number for symbol in result]
    return result.number if isinstance(result, Symbol) else None
