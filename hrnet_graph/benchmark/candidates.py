"""What is measured: our network on an engine, or somebody else's network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hrnet_graph.compiler.build import build_graph
from hrnet_graph.engines.engine import OWN, check_precision, find_engine
from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.extras import missing as missing_packages
from hrnet_graph.precision import Precision
from hrnet_graph.spec.importers.timm import NAMES, from_timm
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec

OTHERS = "for others give module:callable"


@dataclass(frozen=True)
class Candidate:
    """One row of a benchmark: a target of ours and its precision, or the peer that is named."""

    target: str = ""
    precision: Precision = "float32"
    peer: str = ""

    @property
    def name(self) -> str:
        """`openvino:bfloat16`, `timm:hrnet_w18` or `module:callable`."""
        if self.peer:
            return self.peer
        return self.target if self.precision == "float32" else f"{self.target}:{self.precision}"


def missing() -> dict[str, str]:
    """The targets whose engine is not installed, and the command that installs it."""
    return {name: engine.remedy for name, engine in OWN.items() if engine.missing}


def read_targets(text: str) -> tuple[Candidate, ...]:
    """`torch,openvino:bf16` as candidates. Raises `HRNetGraphError` for what cannot be run."""
    found = []
    for part in text.split(","):
        name, colon, precision = part.strip().partition(":")
        engine = find_engine(name)
        found.append(Candidate(name, check_precision(engine, precision if colon else "float32")))
    return tuple(dict.fromkeys(found))


def read_peer(text: str, spec: Spec) -> Candidate:
    """`timm`, or the `module:callable` that returns a torch module, as a candidate.

    timm's network is the one with the same graph; `timm:NAME` may say so, and no other name.
    """
    module, _, attribute = text.partition(":")
    if text == "timm" or (module == "timm" and attribute):
        name = _timm_name(spec)
        if attribute not in ("", name):
            raise HRNetGraphError(
                f"timm's network like {spec.name} is {name}, got {quoted(text)}",
                f"say timm alone; {OTHERS}",
            )
        return Candidate(peer=f"timm:{name}")
    if not module or not attribute:
        raise HRNetGraphError(
            f"expected timm or module:callable to run against, got {quoted(text)}"
        )
    return Candidate(peer=text)


def _timm_name(spec: Spec) -> str:
    """The name of timm's network with the very same graph."""
    if missing_packages(("timm",)):
        raise HRNetGraphError("running against timm needs timm", "pip install timm")
    height, width = spec.input[1:]
    nodes = build_graph(spec).nodes
    for name in NAMES:
        changes = from_timm(name).spec
        theirs = load_spec(changes.pop("extends"), changes)
        if build_graph(theirs, (height, width)).nodes == nodes:
            return name
    raise HRNetGraphError(
        f"timm has no network like {spec.name}",
        f"it has the classifiers {', '.join(NAMES)}; {OTHERS}",
    )


def candidates(spec: Spec, targets: str | None, peer: str | None) -> Sequence[Candidate]:
    """The peer first, if there is one, for all are compared with the first; then the targets."""
    installed = (name for name, engine in OWN.items() if not engine.missing)
    ours = read_targets(",".join(installed) if targets is None else targets)
    return ours if peer is None else (read_peer(peer, spec), *ours)
