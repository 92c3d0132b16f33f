"""Memory: what the weights take, what training keeps, and the most that inference holds at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hrnet_graph.analysis.peak_memory import peak_memory
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.liveness import value_operands
from hrnet_graph.precision import FloatPrecision

BYTES: Mapping[FloatPrecision, int] = {"float32": 4, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True)
class Memory:
    """Bytes for one image at one precision.

    weights: parameters and buffers
    gradients: as many as parameters
    optimiser: the two moments of Adam, in float32
    activations: what training keeps for the backward pass, the image included
    peak: the most that the results of operations hold at once during inference, input included
    peak_node: the key of the operation at which that is
    cpu_peak: the same with the copies that torch makes on a CPU, channels first; in float32 alone
    """

    precision: FloatPrecision
    weights: int
    gradients: int
    optimiser: int
    activations: int
    peak: int
    peak_node: str
    cpu_peak: int | None


def memory(graph: Graph, precision: FloatPrecision = "float32") -> Memory:
    """What a network needs, by the order in which the module executes and releases."""
    size = BYTES[precision]
    state = graph.state().values()
    params = sum(entry.elements for entry in state if entry.trainable)
    held = peak_memory(graph)
    return Memory(
        precision=precision,
        weights=size * sum(entry.elements for entry in state),
        gradients=size * params,
        optimiser=2 * 4 * params,
        activations=size * sum(kept_for_backward(graph).values()),
        peak=size * held.elements,
        peak_node=held.node,
        cpu_peak=size * peak_memory(graph, on_cpu=True).elements
        if precision == "float32"
        else None,
    )


def kept_for_backward(graph: Graph) -> dict[str, int]:
    """Numbers that training keeps from the forward pass for one image, parameters apart, by node.

    A result that is written over its operand, or is a view of it, shares its operand's memory.
    """
    memory_of: dict[str, str] = {}
    kept: dict[str, int] = {}
    more: dict[str, int] = {}
    for node in graph.order:
        in_place = graph.runs_in_place(node)
        shares = in_place or (node.op.is_view and not node.op.for_training)
        memory_of[node.path] = memory_of[node.inputs[0]] if shares else node.path
        operands = graph.operands(node)
        saved = node.op.saved(operands, node.type, in_place)
        more[node.path] = saved.more + saved.shared
        for path in (
            *(value_operands(node) if saved.operands else ()),
            *((node.path,) if saved.result else ()),
        ):
            kept[memory_of[path]] = graph[memory_of[path]].type.elements
    return {path: kept.get(path, 0) + beside for path, beside in more.items()}
