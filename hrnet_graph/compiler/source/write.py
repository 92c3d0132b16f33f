"""A network as the text of one Python file that needs torch alone."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator

from hrnet_graph.compiler.source.expressions import WIDTH
from hrnet_graph.compiler.source.layout import Layout, lay_out_graph
from hrnet_graph.compiler.source.network import call_by_call
from hrnet_graph.compiler.source.outputs import Outputs, outputs_of
from hrnet_graph.compiler.source.proof import difference
from hrnet_graph.compiler.source.regular import IrregularError, regular
from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.types import times
from hrnet_graph.version import __version__


def to_source(graph: Graph) -> str:
    """A file whose `HRNet()` is the network: same keys in the same order, same results.

    Where all last layers share their number of outputs, that is an argument: `HRNet(classes=10)`.
    The file is written as the papers draw the family, or else call by call, and proved either way:
    run with symbols for tensors, it must have the graph's layers and data flow.
    """
    reason = ""
    for source, reason in attempts(graph):
        if not reason:
            return source
    raise HRNetGraphError(
        f"{quoted(graph.name)} has a part that cannot be written as source", reason
    )


def attempts(graph: Graph) -> Iterator[tuple[str, str]]:
    """The ways to write a network, best first: the file, and what keeps it from being the network.

    A network that is not what the papers draw has no file in the first ways.
    """
    rewrite = next((node for node in graph.nodes if node.op.is_rewrite), None)
    if rewrite is not None:
        yield "", f"{rewrite.path} is {rewrite.op.label()}, which a rewrite made: write what it was"
        return
    outputs = outputs_of(graph)
    ways: tuple[tuple[Callable[[Layout], list[str]], bool, Outputs | None], ...] = (
        *([(regular, True, outputs)] if outputs else []),
        (regular, True, None),
        (call_by_call, False, None),
    )
    for write, head_apart, told in ways:
        try:
            source = as_file(graph, write(lay_out_graph(graph, head_apart, told)))
        except (IrregularError, LookupError) as error:
            yield "", f"{write.__name__}: {type(error).__name__} {error}"
            continue
        reason = difference(source, graph)
        if not reason and told is not None:
            more = {told.name: told.count + 1}
            reason = difference(source, told.with_one_more_output, **more)
        yield source, f"{write.__name__}: {reason}" if reason else ""


def as_file(graph: Graph, parts: list[str]) -> str:
    """Functions and classes with the docstring and the imports that make them a file."""
    code = "\n\n\n".join(parts)
    imports = ["import torch"] if "torch." in code else []
    imports.append("from torch import Tensor, nn")
    if "F." in code:
        imports.append("from torch.nn import functional as F")
    top = [*_header(graph), "", "from __future__ import annotations", "", *imports]
    return "\n".join(top) + f"\n\n\n{code}\n"


def _header(graph: Graph) -> list[str]:
    """The file's docstring: what it is, how large, how weights get in, what wrote it."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "?", graph.name)[:100]
    state = graph.state().values()
    params = sum(entry.elements for entry in state if entry.trainable)
    macs = sum(n.op.macs(graph.operands(n), n.type) for n in graph.nodes)
    outputs = ", ".join(f"N x {times(graph[path].type.shape)}" for path in graph.output_paths)
    size = times(graph.input.type.size)
    cost = f"{params:,} parameters; {macs:,} multiply-accumulates for an image of {size}."
    return [
        f'"""{name}, a high-resolution network (HRNet) in torch.',
        "",
        *textwrap.wrap(f"N x {times(graph.input.type.shape)} -> {outputs}", WIDTH),
        cost,
        "",
        "    model = HRNet()",
        '    model.load_state_dict(torch.load("weights.pth", weights_only=True))',
        "",
        f"Weights of `hrnet-graph build {name} -o net.pt`",
        'lie there under "state_dict".',
        f"Written by hrnet-graph {__version__}.",
        '"""',
    ]
