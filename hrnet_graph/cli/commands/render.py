"""`hrnet-graph render`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import click

import hrnet_graph as hg
from hrnet_graph.choices import ViewName
from hrnet_graph.cli.arguments import as_command, output_option, takes_spec
from hrnet_graph.cli.files import checked_target, figures
from hrnet_graph.cli.look import takes_drawing
from hrnet_graph.cli.terminal import note, warnings_as_notes, wrote
from hrnet_graph.errors import FileError, quoted

if TYPE_CHECKING:
    from hrnet_graph.viz.look import LookOptions


@as_command(
    "render hrnet_w32_cls",
    "render hrnet_w32_cls --view fuse --only stage3.1 -o fuse.pdf",
    "render hrnet_w32_cls --view module --expand stage4 --colour macs",
)
@takes_spec
@output_option("NAME.svg", figures)
@takes_drawing
@click.option(
    "--format",
    type=click.Choice(("model-explorer",)),
    help="What a .json file is for: Google's Model Explorer, the only choice and the default.",
)
def command(
    spec: hg.Spec,
    output: Path | None,
    view: ViewName,
    format: str | None,
    as_json: bool,
    **choices: Any,
) -> None:
    """Draw the network as svg, png, pdf, dot, html, mmd or json, by suffix.

    An html file is an interactive page, mmd is Mermaid's stage view; both, and json, are of the
    whole network and take no other option.
    """
    from hrnet_graph.artefacts import find_artefact
    from hrnet_graph.compiler.model import Model

    target = output or checked_target(f"{spec.file_name}.{'json' if format else 'svg'}")
    artefact = find_artefact(target, "figure")
    if format and target.suffix.lower() != ".json":
        name = quoted(str(target), 200)
        raise FileError(f"--format {format} writes a file that ends in .json, got {name}")
    graph = hg.build_graph(spec)
    with warnings_as_notes():
        artefact.write(Model(graph), target, view=view, **choices)
    wrote(target, as_json, view=view)
    if choices["width"]:
        _warn_of_small_print(graph, view, **choices)


def _warn_of_small_print(
    graph: hg.Graph,
    view: ViewName,
    only: str,
    expand: Sequence[str],
    fold: bool,
    **look: Unpack[LookOptions],
) -> None:
    """Says how small the words are where a figure was made to fit a page."""
    from hrnet_graph.viz.draw import lay_out
    from hrnet_graph.viz.layout.compose import PRINT
    from hrnet_graph.viz.look import Look

    chosen = Look(**look)
    size = lay_out(graph, view, only, expand, chosen, fold).small_print
    if chosen.width is None or size > 0.99 * PRINT[chosen.width]:
        return
    remedies = {
        "--fold": not fold,
        "--orientation tb": chosen.orientation != "tb" and view != "layer",
        "--only PART": not only,
        "--width double": chosen.width != "double",
    }
    left = " or ".join(remedy for remedy, helps in remedies.items() if helps)
    remedy = f"; for larger ones try {left}" if left else ""
    note(f"the smallest words are {size:.1f} pt high at this width{remedy}")
