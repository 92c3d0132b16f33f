"""An op and an activation of another package: one file, its entry points, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from plugged import lay_out_package

PAGE = '''
from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import Activation, Onnx, Saved, State, TorchLayer
from hrnet_graph.ir.ops.activation import ActivationRow, Packed
from hrnet_graph.ir.ops.base import Elementwise

tanh = ActivationRow("Tanh", "torch.tanh", "result", "", Onnx("Tanh"), Packed("tanh"))


@dataclass(frozen=True)
class Square(Elementwise):
    """Every number times itself. x: (...) -> (...)"""

    family = "pointwise"

    def saved(self, x, y, in_place):
        return Saved(operands=True)

    def functional(self, *x):
        return f"torch.square({x[0]})"

    onnx = "extra:squared"
    label = "square"


@dataclass(frozen=True)
class Gain(Elementwise):
    """Every channel times a weight. x: (C, H, W) -> (C, H, W)"""

    family = "norm"

    def state(self, x):
        return (State("weight", (x[0].channels, 1, 1), start=1),)

    def saved(self, x, y, in_place):
        return Saved(operands=True)

    def layer(self, x):
        return TorchLayer("extra_layers:Gain", ("channels",))(channels=x[0].channels)

    onnx = Onnx("Mul")

    @property
    def label(self):
        return "gain"


def squared(e, node, op, x):
    return e.add(node, "Mul", [*x, *x])


def squares(b: Builder, x: Value, channels: int) -> Value:
    """A convolution, squared, weighed and squashed. x: (C, H, W) -> (channels, H, W)"""
    y = b.add("gain", Gain(), b.add("square", Square(), b.conv("conv", x, channels)))
    return b.activation("last", b.add("act", Activation("tanh"), y))
'''

LAYERS = '''
import torch
from torch import Tensor, nn


class Gain(nn.Module):
    """Every channel times a weight."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight
'''

POINTS = """
[hrnet_graph.ops]
square = extra:Square
gain = extra:Gain
[hrnet_graph.activations]
tanh = extra:tanh
[hrnet_graph.blocks]
squares = extra:squares
"""

USE = """
import sys
sys.path[:0] = {paths!r}
import torch
from small import SMALL
from onnx_models import assert_same, filled, made
from watch import saved_for_backward
from written import check
import hrnet_graph as hg
from hrnet_graph.analysis.memory import memory
from hrnet_graph.benchmark.verify import verify
from hrnet_graph.compiler.source.layout import outputs_of
from hrnet_graph.compiler.source.regular import regular
from hrnet_graph.compiler.source.write import _write_proved
from hrnet_graph.compiler.torch.inference import optimize_for_inference
from hrnet_graph.spec.json_schema import json_schema

spec = hg.load_spec(SMALL, {{"stages.1.block": "squares", "activation": "tanh"}})
assert "tanh" in json_schema()["properties"]["activation"]["enum"]
graph = hg.build_graph(spec)
assert hg.analyze(graph).params == sum(p.numel() for p in hg.build_module(graph).parameters())
assert all(each.agrees for each in verify(graph))
assert memory(graph).activations == saved_for_backward(graph)
source = _write_proved(graph, regular, outputs_of(graph))
assert "class Gain(nn.Module)" in source
check(graph, [(64, 64)], source)
model = filled(graph)
assert_same(model, made(model), (1, 64, 64), (2, 64, 96))
image = torch.randn(1, 3, 64, 64)
with torch.inference_mode():
    torch.testing.assert_close(optimize_for_inference(model)(image), model(image), rtol=1e-4, atol=1e-4)
for name in ("figure.svg", "page.html"):
    hg.render(graph, {folder!r} + "/" + name)
"""


def package(folder: Path, page: str = PAGE) -> None:
    lay_out_package(folder, "extra", POINTS, {"extra": page, "extra_layers": LAYERS})


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )


def test_they_appear_everywhere_without_another_touch(tmp_path: Path) -> None:
    package(tmp_path)
    paths = [str(tmp_path), str(Path(__file__).parent)]
    result = run(USE.format(paths=paths, folder=str(tmp_path)))
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        (
            "    def saved(self, x, y, in_place):\n        return Saved(operands=True)\n\n"
            "    def functional",
            "    def functional",
            "extra: the op Square in {folder}/extra.py does not state its saved or keeps",
        ),
        (
            '    label = "square"',
            '    def label(self):\n        return "square"',
            "extra: the op Square in {folder}/extra.py states a wrong label: expected a short name,"
            " got <bound method",
        ),
        (
            'ActivationRow("Tanh", "torch.tanh", "result", "", Onnx("Tanh"), Packed("tanh"))',
            '"tanh"',
            "the activation 'tanh' of extra:tanh: expected an ActivationRow, got 'tanh'",
        ),
    ],
)
def test_an_incomplete_one_is_refused_by_package_file_and_column(
    tmp_path: Path, was: str, now: str, message: str
) -> None:
    assert PAGE.count(was) == 1
    package(tmp_path, PAGE.replace(was, now))
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from hrnet_graph.cli.main import main; sys.argv[1:] = ['flops', 'hrnet_w18_small_v1_cls',"
        " '--set', 'stages.1.block=squares']; main()"
    )
    result = run(code)
    assert result.returncode == 2, result.stderr
    assert message.format(folder=tmp_path) in result.stderr
    assert "Traceback" not in result.stderr


def test_counting_a_network_of_our_own_looks_for_no_other_package() -> None:
    code = (
        "import hrnet_graph as hg\n"
        "from hrnet_graph import plug_ins\n"
        "hg.analyze(hg.build_graph('hrnet_w18_cls'))\n"
        "assert not plug_ins.points.cache_info().misses, 'entry points were read'"
    )
    result = run(code)
    assert result.returncode == 0, result.stderr
