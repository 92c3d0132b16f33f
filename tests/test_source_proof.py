"""The proof of a written source: what is not the network is not proved, whatever its names."""

from __future__ import annotations

import ast
import dataclasses

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from kinds import CATALOGUE, name_of
from small import PLAIN
from strategies import Data, specs
from written import REPEATED, check, load

import hrnet_graph as hg
from hrnet_graph.compiler.source import write
from hrnet_graph.compiler.source.layout import lay_out_graph, outputs_of
from hrnet_graph.compiler.source.network import call_by_call
from hrnet_graph.compiler.source.proof import difference
from hrnet_graph.compiler.source.regular import regular
from hrnet_graph.compiler.source.write import as_file, to_source


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs())
def test_random_networks_are_proved_in_both_ways(data: Data) -> None:
    try:
        graph = hg.build_graph(data)
    except hg.SpecError:
        return
    has_norm = any(node.op.family == "norm" for node in graph.nodes)  # as the papers do
    for way in (regular, call_by_call) if has_norm else (call_by_call,):
        parts = way(lay_out_graph(graph))
        assert not difference(as_file(graph, parts), graph)


@pytest.mark.parametrize(
    "name",
    [
        '"""\nraise SystemExit\n"""',
        '\\"""\nraise SystemExit',
        "x" * 10_000,
        "\N{LINE SEPARATOR}raise SystemExit",
        "{name}<script>",
        "\N{GRINNING FACE}'\ud800",
    ],
)
def test_names_cannot_inject_code(name: str) -> None:
    graph = hg.build_graph(REPEATED)
    scopes = tuple(dataclasses.replace(scope, label=name) for scope in graph.scopes)
    hostile = dataclasses.replace(
        graph,
        name=name,
        scopes=scopes,
        returns="dict",
        outputs=((name, graph.outputs[0][1]),),
        summaries=tuple((path, name) for path, _ in graph.summaries),
        output_option=name,
    )
    source = to_source(hostile)
    assert source.isascii()
    top = ast.parse(source).body
    assert all(
        isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef)
        for node in top[1:]
    )
    assert list(load(source)(torch.zeros(2, 3, 64, 64))) == [name]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("F.relu(self.bn2(self.conv2(y)) + x)", "F.relu(x + self.bn2(self.conv2(y)))"),
        ("F.relu(self.bn2(self.conv2(y)) + x)", "self.bn2(self.conv2(y)) + x"),
        ("self.bn1(self.conv1(x))", "self.bn1(self.conv1(self.conv1(x)))"),
        ("nn.Conv2d(3, 8, 3, stride=2, padding=1", "nn.Conv2d(3, 8, 3, stride=2, padding=0"),
        ("nn.BatchNorm2d(8)", "nn.BatchNorm2d(8, eps=1e-3)"),
        ("self.stage3 = ", "self.stage4 = "),
        ("[4, 8], [4, 8, 16]", "[4, 8], [4, 8, 15]"),
        ("sum(terms[1:], terms[0])", "sum(terms[:-1], terms[-1])"),
        ("2 ** (source - self.branch)", "3 ** (source - self.branch)"),
        ("return self.forward_head(maps)", "return [self.forward_head(maps)]"),
        ("return self.forward_head(maps)", "return undefined"),
        ("F.relu(self.bn2(self.conv2(x)))", "nn.ReLU(inplace=True)(self.bn2(self.conv2(x)))"),
        ("y = F.relu(self.bn1", "y = nn.ReLU(inplace=True)(self.bn1"),
        ("x = self.layer1(x)", "x = self.layer1(nn.ReLU(inplace=True)(x))"),
    ],
)
def test_what_is_not_the_network_is_not_proved(right: str, wrong: str) -> None:
    graph = hg.build_graph(REPEATED)
    source = to_source(graph)
    assert right in source
    changed = source.replace(right, wrong, 1)
    same = "inplace" in wrong and "layer1" not in wrong  # what nobody else reads
    assert (not difference(changed, graph)) is same


def test_a_written_file_is_one_that_was_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = hg.build_graph(REPEATED)

    def wrong(layout: object) -> list[str]:
        return ["class HRNet(nn.Module):\n    pass"]

    monkeypatch.setattr(write, "regular", wrong)
    assert "class Transition" not in to_source(graph)
    check(graph, [(64, 64)], to_source(graph))
    monkeypatch.setattr(write, "call_by_call", wrong)
    with pytest.raises(hg.HRNetGraphError, match="'small' has a part that cannot be written"):
        to_source(graph)


@pytest.mark.parametrize("name", [p for p in CATALOGUE if name_of(p) in PLAIN])
def test_nothing_that_the_papers_draw_is_written_call_by_call(name: str) -> None:
    graph = hg.build_graph(name)
    assert write._write_proved(graph, regular, outputs_of(graph)) == to_source(graph)
