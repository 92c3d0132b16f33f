"""Whether a file is the network: run with symbols for tensors and compared with the graph."""

from __future__ import annotations
import __future__

import builtins
import logging
from collections.abc import Hashable, Mapping
from functools import reduce
from typing import Any

from hrnet_graph.compiler.source.symbols import (
    SIGNATURES,
    WEIGHED,
    Module,
    Symbol,
    Trace,
    bound,
    torch,
)
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import Input, Sum

BUILTINS = ("__build_class__", "dict", "enumerate", "int", "isinstance", "len", "list", "min",
            "range", "reversed", "staticmethod", "sum", "super", "tuple", "zip")  # fmt: skip
"""What a generated file may call of Python's own."""


def is_proved(source: str, graph: Graph, **arguments: int) -> bool:
    """Whether a file's `HRNet(...)` has the graph's layers, keys, order, data flow and outputs.

    Every layer with weights is called once, with the operands and the arguments of its node;
    dropout draws in the same order; nothing is overwritten that anybody else reads.
    """
    shared: dict[Hashable, int] = {}
    expected, found = Trace(shared), Trace(shared)
    numbers = number_nodes(graph, expected)
    try:
        network = run(source, **arguments)
        leaves = dict(network.leaves())
        for key, leaf in leaves.items():
            leaf.key = key
        result = network(Symbol(found, found.image()))
    except Exception as error:  # whatever goes wrong in a file, it is not the network
        logging.getLogger(__name__).info("a written file fails: %r", error)
        return False
    may_overwrite = {numbers[node.path] for node in graph.nodes if graph.runs_in_place(node)}
    return (
        [key for key, leaf in leaves.items() if leaf.name in WEIGHED]
        == [node.key for node in graph.nodes if node.op.state(graph.operands(node))]
        and sorted(found.applied) == sorted(expected.applied)
        and found.dropped == expected.dropped
        and found.overwritten <= may_overwrite
        and _numbers_of(result) == _expected(graph, numbers)
    )


def run(source: str, **arguments: int) -> Module:
    """The file's `HRNet(...)`, with the stand-in for torch and few of Python's own functions."""
    stand_in = torch()
    modules = {"torch": stand_in, "torch.nn": stand_in.nn, "__future__": __future__}

    def find(name: str, *_: object) -> Any:
        return modules[name]

    known = {name: getattr(builtins, name) for name in BUILTINS} | {"__import__": find}
    scope: dict[str, Any] = {"__builtins__": known, "__name__": "proof"}
    exec(compile(source, "<generated>", "exec", dont_inherit=True), scope)
    network: Module = scope["HRNet"](**arguments)
    return network


def number_nodes(graph: Graph, trace: Trace) -> dict[str, int]:
    """The number of every node's computation: path -> number."""
    numbers: dict[str, int] = {}
    for node in graph.order:
        operands = tuple(numbers[path] for path in node.inputs)
        numbers[node.path] = _number(graph, node, operands, trace)
    return numbers


def _number(graph: Graph, node: Node, operands: tuple[int, ...], trace: Trace) -> int:
    if isinstance(node.op, Input):
        return trace.image()
    if isinstance(node.op, Sum):
        return reduce(lambda a, b: trace.number("Sum", {}, (a, b)), operands)
    types = graph.operands(node)
    layer = node.op.layer(types)
    arguments = layer.arguments
    if layer.name in SIGNATURES:
        arguments = bound(layer.name, **arguments)
    return trace.number(layer.name, arguments, operands, node.key if node.op.state(types) else "")


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
