"""Stands in for `hg.check` and `language.set_value` until those are there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hrnet_graph.analysis.cost import Report, analyze
from hrnet_graph.compiler.build import build_graph
from hrnet_graph.errors import Problem, SpecError
from hrnet_graph.ir.graph import Graph
from hrnet_graph.spec import load
from hrnet_graph.spec.foreign import refuse_foreign
from hrnet_graph.spec.layers import lay
from hrnet_graph.spec.merge import merge, without
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.source import locate, parse


@dataclass(frozen=True)
class Check:
    spec: Spec | None
    graph: Graph | None
    stopped: str
    report: Report | None
    problems: tuple[Problem, ...]


def check(text: str, path: str | Path | None = None) -> Check:
    spec = None
    where = Path(path or "spec.yaml")
    try:
        document = load.with_names(load._with_new_names(parse(text, where.name)), where.parent)
        refuse_foreign(document)
        below = load._base_of(document, where.parent, ())
        name = locate({"name": load.name_from(where)}, document.mark)
        base = merge(without(below[-1].root, "name", "published"), name) if below else name
        layers = (*below, lay(base, without(document, "extends")))
        spec = load.check(layers[-1].root, layers)
        graph = build_graph(spec)
    except SpecError as error:
        return Check(spec, None, "", None, error.problems)
    return Check(spec, graph, "", analyze(graph), ())


def set_value(text: str, key: str, value: object) -> str:
    if "." in key:
        raise SpecError([Problem("", key, "not here yet")])
    if re.search(rf"(?m)^{key}:", text):
        return re.sub(rf"(?m)^({key}: *)[^ #\n]+", rf"\g<1>{value}", text)
    return f"{text.rstrip()}\n{key}: {value}\n"
