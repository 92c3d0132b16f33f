"""What other programs draw: Mermaid, Model Explorer, and DOT."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from hostile import NAMES, hostile_graph
from pydantic import BaseModel, ConfigDict, Field

import hrnet_graph as hg
from hrnet_graph.analysis.receptive_field import strides
from hrnet_graph.cli.main import cli
from hrnet_graph.ir.builder import Builder
from hrnet_graph.ir.graph import Initialisation
from hrnet_graph.ir.hierarchy import Level, collapse
from hrnet_graph.ir.ops import Activation, BatchNorm
from hrnet_graph.viz.mermaid import to_mermaid
from hrnet_graph.viz.model_explorer import to_model_explorer
from hrnet_graph.viz.theme import line_of, number_of

NODE = r'  (n\d+)\["([^"\n]*)"\]:::(\w+)'
OUTPUT = r'  (out\d+)\(\["([^"\n]*)"\]\)'
EDGE = r'  (n\d+) -->\|"([0-9x]+)"\| ((?:n|out)\d+)'
GROUP = r'  subgraph g\d+ \["[^"\n]*"\]|  end'
STYLE = r"  classDef \w+ fill:#[0-9a-f]{6},color:#[0-9a-f]{6}"
LINK = r"  linkStyle \d+ stroke:#[0-9a-f]{6}"
LABEL = r"(?:[A-Za-z0-9 ._/,()-]|#\d+;|<br/>)*"


def statements(text: str) -> list[str]:
    first, *lines = text.removesuffix("\n").split("\n")
    assert first == "flowchart LR"
    for line in lines:
        assert re.fullmatch(f"{NODE}|{OUTPUT}|{EDGE}|{GROUP}|{STYLE}|{LINK}", line), line
    return lines


def matches(pattern: str, lines: list[str]) -> list[tuple[str, ...]]:
    return [match.groups() for line in lines if (match := re.fullmatch(pattern, line))]


@pytest.mark.parametrize("name", hg.list_specs()[::5])
def test_mermaid_is_the_stage_view(name: str) -> None:
    graph = hg.build_graph(name)
    view = collapse(graph, "stage")
    lines = statements(to_mermaid(graph))
    assert len(matches(NODE, lines)) == len(view.boxes)
    assert [label for _, label in matches(OUTPUT, lines)] == [out for out, _ in graph.outputs]
    shapes = [str(tensor.type) for tensors in view.edges.values() for tensor in tensors]
    shapes += [str(graph[path].type) for _, path in graph.outputs]
    assert [shape for _, shape, _ in matches(EDGE, lines)] == shapes
    assert len(matches(LINK.replace(r"\d+ ", r"(\d+) "), lines)) == len(shapes)
    tensors = [tensor.path for tensors in view.edges.values() for tensor in tensors]
    tensors += [path for _, path in graph.outputs]
    drawn = [line.rpartition(":")[2] for line in lines if "linkStyle" in line]
    assert drawn == [line_of(number_of(strides(graph)[path])) for path in tensors]


def test_mermaid_groups_what_is_no_one_box() -> None:
    graph = hg.build_graph("hrnetv2p_w18")
    inside = {path for path in collapse(graph, "stage").boxes if path.startswith("backbone.")}
    text = to_mermaid(graph)
    (group,) = re.findall(r"  subgraph g\d+ \[\"backbone\"\]\n(.*?)\n  end", text, re.DOTALL)
    assert len(matches(NODE, group.split("\n"))) == len(inside) > 1


def test_mermaid_writes_few_macs_with_their_unit() -> None:
    b = Builder(BatchNorm(), Activation("relu"))
    x = b.conv("conv", b.input((1, 4, 4)), 2)
    plain = Initialisation()
    graph = b.finish(x, name="few", init=plain, head_init=plain)
    assert '["conv<br/>conv 1x1<br/>2 params<br/>32 MACs"]' in to_mermaid(graph)


def test_mermaid_takes_hostile_names_as_text() -> None:
    graph = hostile_graph()
    lines = statements(to_mermaid(graph))
    assert to_mermaid(graph).isascii()
    labels = [label for _, label, _ in matches(NODE, lines)]
    labels += [label for _, label in matches(OUTPUT, lines)]
    assert len(labels) == 1 + 2 * len(NAMES)
    for label in labels:
        assert re.fullmatch(LABEL, label), label
        assert len(label) < 2_000
    assert "script#62;" in labels[1]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Pair(Strict):
    key: str
    value: str


class Metadata(Strict):
    id: str
    attrs: list[Pair]


class IncomingEdge(Strict):
    sourceNodeId: str  # noqa: N815
    sourceNodeOutputId: str  # noqa: N815
    targetNodeInputId: str  # noqa: N815


class GraphNode(Strict):
    id: str
    label: str
    namespace: str
    attrs: list[Pair]
    incomingEdges: list[IncomingEdge]  # noqa: N815
    outputsMetadata: list[Metadata]  # noqa: N815


class ExplorerGraph(Strict):
    id: str
    nodes: list[GraphNode]
    groupNodeAttributes: dict[str, dict[str, str]]  # noqa: N815


class Collection(Strict):
    """Source: google-ai-edge/model-explorer, `graph_builder.py`, the fields that we write."""

    label: str
    graphs: list[ExplorerGraph] = Field(min_length=1, max_length=1)


def explored(graph: hg.Graph) -> ExplorerGraph:
    """The graph as Model Explorer reads it, once it is known to have the documented form."""
    return Collection.model_validate_json(to_model_explorer(graph)).graphs[0]


@pytest.mark.parametrize("name", hg.list_specs()[::8])
def test_model_explorer_gets_the_graph_with_its_layers(name: str) -> None:
    graph = hg.build_graph(name)
    read = explored(graph)
    assert [node.id for node in read.nodes] == [node.path for node in graph.order]
    for ours, theirs in zip(graph.order, read.nodes, strict=True):
        assert tuple(edge.sourceNodeId for edge in theirs.incomingEdges) == ours.inputs
        assert [int(edge.targetNodeInputId) for edge in theirs.incomingEdges] == list(
            range(len(ours.inputs))
        )
        shape = theirs.outputsMetadata[0].attrs[0].value
        assert shape == f"float32[{','.join(map(str, ours.type.shape))}]"
    layers = {node.namespace for node in read.nodes}
    outer = {
        "/".join(layer.split("/")[:i]) for layer in layers for i in range(layer.count("/") + 2)
    }
    assert read.groupNodeAttributes.keys() == outer | {""}
    assert read.groupNodeAttributes[""]["params"] == f"{hg.analyze(graph).params:,}"


def test_model_explorer_says_what_a_layer_is_and_holds() -> None:
    read = explored(hg.build_graph("hrnet_w32_cls"))
    assert read.groupNodeAttributes["stage2/0/branches/1/0"]["kind"] == "basic block"
    (node,) = [node for node in read.nodes if node.id == "stage2.0.branches.1.0.conv1"]
    assert node.namespace == "stage2/0/branches/1/0"
    assert {pair.key: pair.value for pair in node.attrs} == {
        "key": "stage2.0.branches.1.0.conv1",
        "params": "36,864",
        "macs": "28,901,376",
        "activations": "50,176",
        "weight": "(64, 64, 3, 3)",
        "branch": "1",
    }


def test_model_explorer_takes_hostile_names_as_text() -> None:
    text = to_model_explorer(hostile_graph())
    assert text.isascii()
    nodes = json.loads(text)["graphs"][0]["nodes"]
    assert {node["id"].split(".")[0] for node in nodes[1:]} == set(NAMES)
    (slashed,) = [node for node in nodes if node["id"].endswith("end") and "a/b" in node["id"]]
    assert slashed["namespace"].count("/") - slashed["namespace"].count("\\/") == 1


@pytest.mark.parametrize("suffix", ["html", "mmd", "json"])
def test_render_writes_it_by_suffix(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net.{suffix}"
    result = CliRunner().invoke(cli, ["render", "hrnet_w18_small_v1_cls", "-o", str(path)])
    assert result.exit_code == 0, result.output
    starts = {"html": "<!doctype html>", "mmd": "flowchart LR\n", "json": '{\n "label": '}
    assert path.read_text().startswith(starts[suffix])


def test_the_format_names_its_file_and_refuses_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["render", "hrnet_w18_small_v1_cls", "--format", "model-explorer"]
    assert CliRunner().invoke(cli, command).exit_code == 0
    assert json.loads(Path("hrnet_w18_small_v1_cls.json").read_text())["graphs"]
    result = CliRunner().invoke(cli, [*command, "-o", "net.svg"], standalone_mode=False)
    assert str(result.exception) == (
        "--format model-explorer writes a file that ends in .json, got 'net.svg'"
    )
    assert not Path("net.svg").exists()


SVG = "{http://www.w3.org/2000/svg}"


def drawn(program: list[str], dot: str) -> Any:
    """What a Graphviz program draws, once it has nothing to complain of."""
    if not shutil.which(program[0]):
        pytest.skip(f"needs Graphviz's {program[0]}")
    result = subprocess.run(
        [*program, "-Tsvg"], input=dot, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    return ElementTree.fromstring(result.stdout)


def titles(figure: Any, kind: str) -> set[str]:
    groups = figure.iter(f"{SVG}g")
    return {g.findtext(f"{SVG}title") for g in groups if kind in g.get("class", "").split()}


@pytest.mark.parametrize("level", ["stage", "block"])
def test_dot_is_drawn_by_dot_and_by_neato_at_given_places(tmp_path: Path, level: Level) -> None:
    path = hg.render(hg.build_graph("hrnet_w18_small_v1_cls"), tmp_path / "net.dot", view=level)
    by_dot = drawn(["dot"], path.read_text())
    placed = path.read_text()
    if "pos=" not in placed:
        placed = subprocess.run(
            ["dot", "-Tdot"], input=placed, capture_output=True, text=True, check=True
        ).stdout
    by_neato = drawn(["neato", "-n"], placed)
    for kind in ("node", "edge"):
        assert titles(by_dot, kind) == titles(by_neato, kind)
    boxes = collapse(hg.build_graph("hrnet_w18_small_v1_cls"), level).boxes
    assert len(titles(by_dot, "node")) >= len(boxes)
