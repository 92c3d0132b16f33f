"""`hrnet-graph memory`."""

from __future__ import annotations

from dataclasses import asdict

import hrnet_graph as hg
from hrnet_graph.cli.arguments import as_command, takes_spec
from hrnet_graph.cli.table import Table, mebibytes, text
from hrnet_graph.cli.terminal import present
from hrnet_graph.precision import FLOATS

COLUMNS = (
    text("precision"),
    mebibytes("weights"),
    mebibytes("gradients", rank=2),
    mebibytes("optimiser", rank=2),
    mebibytes("activations"),
    mebibytes("peak"),
    mebibytes("cpu_peak", "on CPU"),
    text("peak_node", "peak at", rank=3),
)
NOTES = (
    "optimiser: Adam's two moments in float32; activations: what training keeps for the backward "
    "pass;",
    "peak: the most that inference holds, image included; on CPU: that with oneDNN's copies, "
    "channels first",
)


@as_command("memory hrnet_w32_cls --input 512x512")
@takes_spec
def command(spec: hg.Spec, as_json: bool) -> None:
    """Show what weights, training and the peak of inference take.

    For one image at each precision. The peak is of the results of operations, by the order in which
    the module executes and releases; beside it, what torch's allocator peaks at on a CPU with the
    copies that oneDNN makes.
    """
    from hrnet_graph.analysis.memory import memory

    graph = hg.build_graph(spec)
    rows = [asdict(memory(graph, precision)) for precision in FLOATS]
    title = f"{graph.name} at {graph.input.type}, in MiB"
    present(Table(COLUMNS, rows, title, notes=NOTES), as_json)
