"""What another package adds, each by one file and an entry point, appears everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from plugged import lay_out_package

FILES = {
    "scratch_op": '''
from dataclasses import dataclass

from hrnet_graph.ir.ops import Onnx, Saved
from hrnet_graph.ir.ops.base import Elementwise


@dataclass(frozen=True)
class Halve(Elementwise):
    """Every number, halved. x: (...) -> (...)"""

    family = "pointwise"

    def saved(self, x, y, in_place):
        return Saved()

    def functional(self, *x):
        return f"{x[0]} * 0.5"

    onnx = Onnx("Mul", constants=(0.5,))
    label = "halve"
''',
    "scratch_activation": """
from hrnet_graph.ir.ops import Onnx
from hrnet_graph.ir.ops.activation import ActivationRow, Packed

softsign = ActivationRow("Softsign", "F.softsign", "operand", "", Onnx("Softsign"))
""",
    "scratch_block": '''
def halved(b, x, channels):
    """A convolution, halved. x: (C, H, W) -> (channels, H, W)"""
    from scratch_op import Halve

    y = b.norm("norm", b.conv("conv", x, channels, 3))
    return b.activation("act", b.add("halve", Halve(), y))
''',
    "scratch_head": '''
from typing import Annotated

from annotated_types import Ge


def depth(b, maps, *, bins: Annotated[int, Ge(1)]):
    """Scores for bins of depth, of the finest map. x0, ...: (C, H, W) -> (bins, H, W)

    bins: How many bins.
    """
    return b.conv("scores", maps[0], bins, bias=True)
''',
    "scratch_engine": '''
import numpy as np
from onnx.reference import ReferenceEvaluator

from hrnet_graph.engines.engine import Engine

reference = Engine("reference", __name__, ("float32",), ("onnx",))


def open_model(source, options):
    """ONNX's own evaluator, which is slow and plain."""
    import onnx

    model = onnx.load_model_from_string(source if isinstance(source, bytes) else b"".join(source.chunks()))
    evaluator = ReferenceEvaluator(model)
    (name,) = evaluator.input_names

    def run(x):
        return [np.asarray(y) for y in evaluator.run(None, {name: np.asarray(x)})]

    return run
''',
}

POINTS = """
[hrnet_graph.ops]
halve = scratch_op:Halve
[hrnet_graph.activations]
softsign = scratch_activation:softsign
[hrnet_graph.blocks]
halved = scratch_block:halved
[hrnet_graph.heads]
depth = scratch_head:depth
[hrnet_graph.engines]
reference = scratch_engine:reference
"""

SPEC = """
input: [3, 64, 64]
width: 4
activation: softsign
stem: {kind: conv, channels: 8}
stages:
  - {block: halved, branches: 1, modules: 1, blocks: 1, channels: [8]}
  - {block: halved, branches: 2, modules: 1, blocks: 1}
head: {kind: depth, bins: 5}
"""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scratch")
    lay_out_package(folder, "scratch", POINTS, FILES)
    (folder / "mine.yaml").write_text(SPEC)
    return folder


def run(folder: Path, *code: str) -> str:
    text = "\n".join((f"import sys; sys.path.insert(0, {str(folder)!r})", *code))
    result = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True, text=True, check=False, timeout=300, cwd=folder,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def command(folder: Path, *arguments: str) -> str:
    return run(
        folder,
        f"sys.argv[1:] = {list(arguments)!r}",
        "from hrnet_graph.cli.main import main",
        "main()",
    )


def missing(text: str, *words: str) -> list[str]:
    return [word for word in words if word not in text]


def test_flops_counts_them(scratch: Path) -> None:
    parts = json.loads(command(scratch, "flops", "mine.yaml", "--by", "op", "--json"))["parts"]
    assert {"halve", "softsign"} <= {part["op"] for part in parts}
    keys = json.loads(command(scratch, "keys", "mine.yaml", "--json"))
    assert keys[-1]["key"] == "scores.bias"


def test_figure_and_page_show_them(scratch: Path) -> None:
    command(scratch, "render", "mine.yaml", "--view", "op", "-o", "ops.svg")
    figure = (scratch / "ops.svg").read_text()
    assert missing(figure, "halve", "softsign") == []
    command(scratch, "render", "mine.yaml", "-o", "page.html")
    page = (scratch / "page.html").read_text()
    assert missing(page, "halve", "softsign", "depth head", "halved block") == []


def test_schema_and_help_list_them(scratch: Path) -> None:
    text = command(scratch, "schema")
    assert missing(text, '"softsign"', '"halved"', '"depth"', "How many bins.") == []
    assert "reference" in command(scratch, "bench", "--help")


@pytest.mark.slow
def test_the_written_source_is_the_network(scratch: Path) -> None:
    """In a process that knows nothing of the other package."""
    command(scratch, "build", "mine.yaml", "-o", "net.py")
    command(scratch, "build", "mine.yaml", "-o", "net.pt")
    given = run(
        scratch,
        "import torch, hrnet_graph as hg",
        "x = torch.linspace(-1, 1, 3 * 64 * 64).view(1, 3, 64, 64)",
        "model = hg.load('net.pt').eval()",
        "torch.save((x, model(x), model.state_dict()), 'given.pt')",
        "print('HRNet(bins=' if 'bins: int = 5' in open('net.py').read() else 'nothing')",
    )
    assert given == "HRNet(bins=\n"
    code = (
        "import torch\nfrom net import HRNet\nx, y, weights = torch.load('given.pt')\n"
        "net = HRNet().eval()\nnet.load_state_dict(weights)\n"
        "assert torch.equal(net(x), y)\nimport sys\nassert 'hrnet_graph' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=scratch, timeout=300)


@pytest.mark.parametrize("target", ["torch", "onnxruntime", "openvino", "reference"])
def test_every_engine_runs_them_and_theirs_runs_ours(scratch: Path, target: str) -> None:
    run(
        scratch,
        "import numpy as np, torch, hrnet_graph as hg",
        "x = torch.linspace(-1, 1, 3 * 64 * 64).view(1, 3, 64, 64)",
        "for name in ('mine.yaml', 'hrnet_w18_small_v1_cls'):",
        "    torch.manual_seed(1)",
        "    spec = hg.load_spec(name, {'input': [3, 64, 64]})",
        "    model = hg.build_module(spec).eval()",
        f"    engine = hg.compile(model, target={target!r})",
        "    got = torch.as_tensor(np.asarray(engine(x)))",
        "    torch.testing.assert_close(got, model(x), rtol=1e-3, atol=1e-3)",
    )


def test_the_onnx_file_opens(scratch: Path) -> None:
    command(scratch, "build", "mine.yaml", "-o", "net.onnx")
    run(scratch, "import torch, hrnet_graph as hg",
        "print(hg.load('net.onnx', target='onnxruntime')(torch.zeros(1, 3, 64, 64)).shape)")  # fmt: skip
