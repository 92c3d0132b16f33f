"""`hrnet-graph fit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import hrnet_graph as hg
from hrnet_graph.choices import DIMENSIONS, Dimension
from hrnet_graph.cli.arguments import all_of, as_command, force_option, takes_spec
from hrnet_graph.cli.files import checked_target
from hrnet_graph.cli.latency import COLUMNS as TIMES
from hrnet_graph.cli.latency import latency_options, measure_all, note_late, read_latency
from hrnet_graph.cli.table import FIGURES, Column, Row, Table, number, text
from hrnet_graph.cli.terminal import note, present, telling, warnings_as_notes
from hrnet_graph.errors import quoted
from hrnet_graph.files import expect_folder, is_folder, make_folder, write_text

if TYPE_CHECKING:
    from hrnet_graph.search.fit import Fitted


def _read_limit(ctx: object, param: click.Parameter, value: str | None) -> int | None:
    """`5e9`, or `20_000_000`, as a whole number."""
    if value is None:
        return None
    try:
        limit = int(value) if value.strip().isdecimal() else int(float(value))
    except (ValueError, OverflowError):
        limit = 0
    if limit < 1:
        raise click.BadParameter(f"expected a number such as 5e9, got {quoted(value)}")
    return limit


LIMITS = {
    "macs": "MACs",
    "params": "parameters",
    "memory": "bytes held at the peak of inference in float32",
}

limit_options: Callable[[Any], Any] = all_of(
    *(
        click.option(f"--{name}", metavar="N", callback=_read_limit, help=f"The most {many}.")
        for name, many in LIMITS.items()
    )
)


@as_command(
    "fit hrnet_w32_cls --macs 5e9 --params 20e6",
    "fit hrnet_w18_cls --macs 3e9 --vary width=8..64..2 --vary blocks=1..6 -o fitted",
    "fit hrnet_w32_cls --macs 5e9 --target openvino --latency 30ms",
)
@takes_spec
@limit_options
@latency_options
@click.option(
    "--vary",
    "varied",
    multiple=True,
    metavar="DIMENSION[=a,b,c]",
    help="What may vary, and which values there are, as 16..96..8: width (1 to 1024 if none are"
    " given); modules (to 64), of all stages in all, shared in the spec's proportions; blocks (to"
    " 16) of every branch. Default: width and modules.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write the networks there, as ordinary specs.",
)
@force_option
def command(
    spec: hg.Spec,
    varied: tuple[str, ...],
    output: Path | None,
    as_json: bool,
    latency: float | None,
    target: str | None,
    precision: str | None,
    threads: int | None,
    **most: int | None,
) -> None:
    """Find the widest, the deepest and the balanced network under limits.

    Exact: no wider, deeper or evenly larger one of these sizes fits. Latency is predicted, within
    some hundredths, and what is found is measured.
    """
    from hrnet_graph.search.fit import fit

    limits = {name: limit for name, limit in most.items() if limit is not None}
    if not limits and latency is None:
        raise hg.HRNetGraphError("expected a limit, such as --macs 5e9")
    vary = _read_dimensions(varied or ("width", "modules"))
    kinds = ("widest", "deepest", "balanced")
    targets = {kind: _target(output, f"{spec.file_name}_{kind}.yaml") for kind in kinds}
    predictor = read_latency(spec, latency, target, precision, threads)
    measured: dict[str, float] = {}
    with warnings_as_notes(), telling(f"fitting {spec.name}") as tell:
        if predictor:
            predictor.tell = tell
        found = fit(spec, limits, vary, latency=predictor, tell=tell)
        if predictor:
            measured = measure_all(found, predictor)
    files = _write(spec, found, targets)
    timed = ({"measured": measured[each.kind]} if measured else {} for each in found)
    rows = [{**each.as_dict(), **more} for each, more in zip(found, timed, strict=True)]
    memory = [FIGURES["memory"]] if "memory" in limits else []
    columns = [*COLUMNS, *memory, *(TIMES if predictor else ())]
    present(Table(columns, rows), as_json, data=lambda: {"networks": rows, "files": files})
    if predictor:
        note_late(measured, predictor.most)
    for file in () if as_json else files:
        note(f"wrote {file}")


def _write(spec: hg.Spec, found: Sequence[Fitted], targets: Mapping[str, Path | None]) -> list[str]:
    """Writes networks as specs where that was asked for; returns the files."""
    from hrnet_graph.spec.emit import to_yaml

    files = []
    for each in found:
        if path := targets[each.kind]:
            make_folder(path.parent)
            named = {**each.spec.dump(), "name": f"{spec.file_name}_{each.kind}"}
            write_text(path, to_yaml(named))
            files.append(str(path))
    return files


def _modules(row: Row) -> str:
    """The modules of every stage: `1, 4, 3`."""
    return ", ".join(map(str, row["modules"]))


COLUMNS = (
    text("network", rank=0),
    number("width"),
    Column("modules", _modules, right=True),
    number("blocks", none="own"),
    *(FIGURES[name] for name in ("params", "macs", "layers")),
)


def _read_dimensions(varied: Sequence[str]) -> dict[Dimension, Sequence[int]]:
    """`width=16..96..8` or `width` alone as the widths to choose from."""
    from hrnet_graph.search.sizes import USUAL
    from hrnet_graph.search.sweep import read_varied

    plain = [name for name in varied if "=" not in name]
    valued = read_varied([each for each in varied if "=" in each])
    for name in plain:
        if plain.count(name) > 1 or name in valued:
            hint = f"give it once: --vary {quoted(name)[1:-1]}=a,b,c"
            raise hg.HRNetGraphError(f"--vary: {quoted(name)} is varied twice", hint)
    stated = {**dict.fromkeys(plain), **valued}
    found: dict[Dimension, Sequence[int]] = {}
    for name, values in stated.items():
        known = next((dimension for dimension in DIMENSIONS if dimension == name), None)
        if known is None:
            what = f"expected one of {', '.join(DIMENSIONS)}"
            raise hg.HRNetGraphError(f"--vary: {what}, got {quoted(name)}")
        found[known] = USUAL[known] if values is None else values
    return found


def _target(folder: Path | None, name: str) -> Path | None:
    """A file to write in a folder, if there is one; what stands there is not written over."""
    if folder is None:
        return None
    expect_folder(folder)
    return checked_target(folder / name) if is_folder(folder) else folder / name
