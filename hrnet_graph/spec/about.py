"""What a spec is, in a sentence, without its network being built."""

from __future__ import annotations

from hrnet_graph.spec.catalogue import TASKS
from hrnet_graph.spec.schema import Spec


def about(spec: Spec) -> str:
    """Task, size, width and published figures: `Classification, 3x224x224, width 32.`"""
    task = TASKS.get(spec.head.kind, spec.head.kind)
    size = "x".join(map(str, spec.input))
    width = [f"width {spec.width}"] if spec.width else []
    parts = ", ".join([f"{task[0].upper()}{task[1:]}", size, *width])
    figures = [
        f"{figure.metric} {figure.value:g} {figure.unit}".rstrip()
        for figure in (spec.published.figures if spec.published else ())
    ]
    return f"{parts}; published: {', '.join(figures)}." if figures else f"{parts}."
