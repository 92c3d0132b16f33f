"""A network as the text of one Python file that needs torch alone."""

from __future__ import annotations

import logging
import re
import textwrap
from collections.abc import Callable

from hrnet_graph.analysis.cost import analyze
from hrnet_graph.compiler.source.formatting import WIDTH, wrap
from hrnet_graph.compiler.source.layers import imported_classes
from hrnet_graph.compiler.source.layout import (
    IrregularError,
    Layout,
    Outputs,
    lay_out_graph,
    outputs_of,
)
from hrnet_graph.compiler.source.network import call_by_call
from hrnet_graph.compiler.source.proof import difference
from hrnet_graph.compiler.source.regular import regular
from hrnet_graph.compiler.source.specialise import specialise
from hrnet_graph.errors import HRNetGraphError, error_line, quoted
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.types import times
from hrnet_graph.version import __version__

logger = logging.getLogger(__name__)


def to_source(graph: Graph) -> str:
    """A file whose `HRNet()` is the network: same keys in the same order, same results.

    Where all last layers share their number of outputs, that is an argument: `HRNet(classes=10)`.
    The file is written as the papers draw the family, or else call by call, and proved either way:
    run with symbols for tensors, it must have the graph's layers and data flow.
    """
    for node in graph.nodes:
        if node.op.is_rewrite:
            what = f"{node.path}, which a rewrite made"
            raise HRNetGraphError(f"{quoted(graph.name)} cannot be written as source: {what}")
    outputs = outputs_of(graph)
    ways = [(regular, outputs)] if outputs else []
    reason = ""
    for write, counted in [*ways, (regular, None), (call_by_call, None)]:
        try:
            return _write_proved(graph, write, counted)
        except IrregularError as error:
            reason = str(error)
            logger.info("%s is not written by %s: %s", graph.name, write.__name__, reason)
    message = f"{quoted(graph.name)} has a part that cannot be written as source: {reason}"
    raise HRNetGraphError(message)


def _write_proved(
    graph: Graph, write: Callable[[Layout], list[str]], outputs: Outputs | None
) -> str:
    """The file as one of the ways writes it. Raises `IrregularError` if it is not the network."""
    try:
        source = as_file(graph, write(lay_out_graph(graph, outputs)))
    except (LookupError, ValueError, TypeError) as error:  # of a network of another form
        raise IrregularError(f"its parts are none of the family's: {error_line(error)}") from error
    if reason := difference(source, graph):
        raise IrregularError(f"what was written is not the network: {reason}")
    if outputs is not None and difference(
        source, outputs.with_one_more_output, **{outputs.name: outputs.count + 1}
    ):
        raise IrregularError(f"{outputs.name} is no argument alone")
    return source


def as_file(graph: Graph, parts: list[str]) -> str:
    """Functions and classes as a file: what it is, how large, how weights get in, what wrote it."""
    used = [specialise("Part", {})] if any("Part({" in part for part in parts) else []
    lines = "\n\n\n".join([*used, *parts]).splitlines()
    code = "\n".join(piece for line in lines for piece in wrap(line))
    name = re.sub(r"[^A-Za-z0-9_., -]", "?", graph.name)[:100]
    report = analyze(graph)
    outputs = ", ".join(f"N x {times(graph[path].type.shape)}" for path in graph.output_paths)
    size = times(graph.input.type.size)
    macs = f"{report.macs:,} multiply-accumulates for an image of {size}"
    top = [
        f'"""{name}, a high-resolution network (HRNet) in torch.',
        "",
        *textwrap.wrap(f"N x {times(graph.input.type.shape)} -> {outputs}", WIDTH),
        f"{report.params:,} parameters; {macs}.",
        "",
        "    model = HRNet()",
        '    model.load_state_dict(torch.load("weights.pth", weights_only=True))',
        "",
        f"Weights of `hrnet-graph build {'SPEC' if ',' in name else name} -o net.pt`",
        'lie there under "state_dict".',
        f"Written by hrnet-graph {__version__}.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        *(["import torch"] if "torch." in code else []),
        "from torch import Tensor, nn",
        *(["from torch.nn import functional as F"] if "F." in code else []),
        *(f"from {' import '.join(name.split(':'))}" for name in imported_classes(graph)),
    ]
    return "\n".join(top) + f"\n\n\n{code}\n"
