"""The figures of one variant: what tables show, conditions read and searches minimise."""

from __future__ import annotations

from hrnet_graph.analysis.cost import analyze
from hrnet_graph.analysis.memory import BYTES
from hrnet_graph.analysis.peak_memory import peak_memory
from hrnet_graph.analysis.receptive_field import receptive_fields
from hrnet_graph.choices import COUNTS
from hrnet_graph.ir.graph import Graph

FIGURES = (*COUNTS, "memory", "field")
"""The counts of a whole network, and two more.

memory: bytes that the results of operations hold at most during inference in float32
field: pixels of the largest receptive field, pooling over the whole image apart
"""


def figures(graph: Graph) -> dict[str, int]:
    """Every one of `FIGURES` for one image."""
    total = analyze(graph).total
    return {
        **total.as_dict(),
        "memory": BYTES["float32"] * peak_memory(graph).elements,
        "field": max(found.size or 0 for found in receptive_fields(graph).values()),
    }
