"""What other packages get wrong is said in one sentence, where it would have been a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from plugged import lay_out_package

OP = """
from dataclasses import dataclass
from hrnet_graph.ir.ops import Onnx, Saved, State, TorchLayer
from hrnet_graph.ir.ops.base import Elementwise

@dataclass(frozen=True)
class Odd(Elementwise):
    family = "pointwise"
    keeps = Saved(operands=True)
    label = "odd"
    onnx = Onnx("Abs")
    def functional(self, *x):
        return f"torch.abs({x[0]})"
"""
BLOCK = """
def odd(b, x, channels):
    from odd_op import Odd
    return b.add("odd", Odd(), b.conv("conv", x, channels))
"""
POINTS = """
[hrnet_graph.ops]
odd = odd_op:Odd
[hrnet_graph.blocks]
odd = odd_block:odd
[hrnet_graph.activations]
odd = odd_row:odd
[hrnet_graph.heads]
odd = odd_head:odd
[hrnet_graph.transitions]
odd = odd_part:odd
[hrnet_graph.fuses]
odd = odd_part:odd
"""
SPEC = """
input: [3, 64, 64]
width: 4
activation: {activation}
stem: {{kind: conv, channels: 8}}
stages:
  - {{block: basic, branches: 1, modules: 1, blocks: 1, channels: [8]}}
  - {{block: {block}, branches: 2, modules: 2, blocks: 1}}
fuse: {fuse}
transition: {transition}
head: {{kind: {head}}}
"""
USUAL = {
    "activation": "relu", "block": "basic", "fuse": "sum", "transition": "strided",
    "head": "features",
}  # fmt: skip


def run(
    folder: Path, files: dict[str, str], part: str, *command: str
) -> subprocess.CompletedProcess[str]:
    """A command on a spec that names the other package's part."""
    lay_out_package(folder, "odd", POINTS, files)
    (folder / "odd.yaml").write_text(SPEC.format(**{**USUAL, part: "odd"}))
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); sys.argv[1:] = {[*command]!r}\n"
        "from hrnet_graph.cli.main import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=False, timeout=300, cwd=folder,
    )  # fmt: skip


def refuses(result: subprocess.CompletedProcess[str], message: str) -> None:
    assert result.returncode == 2, result.stderr
    assert message in result.stderr
    assert len(result.stderr.splitlines()) <= 2


FUNCTION = '    def functional(self, *x):\n        return f"torch.abs({x[0]})"\n'
COLUMNS = [
    (FUNCTION, "    def functional(self, *x):\n        raise ValueError('no')\n",
     "fails to state its functional: ValueError: no"),
    (FUNCTION, "    def functional(self, *x):\n        return 'torch.abs(('\n",
     "fails to state its functional: SyntaxError"),
    (FUNCTION, "    def functional(self, *x):\n        return 'exit()'\n",
     "states a wrong functional: expected an expression of x0, ..., torch and F, got 'exit()'"),
    ('label = "odd"', "label = None", "states a wrong label: expected a short name, got None"),
    ('Onnx("Abs")', "None", "states a wrong onnx: expected Onnx or an emitter's name, got None"),
    ("keeps = Saved(operands=True)", "keeps = 3", "states a wrong saved: expected Saved, got 3"),
    ("keeps", "per_element = '3'\n    keeps", "states a wrong operations: expected a count, got '3"),
    ("keeps", "lender = 5\n    keeps", "states a wrong lender: expected the number of an operand"),
    ("    keeps", "    def state(self, x):\n        return (State('weight', (3,)),)\n    keeps",
     "states a wrong layer: expected a Layer, as the state needs, got None"),
    ("    keeps", "    def reads(self, n, extents, extent):\n        return 5\n    keeps",
     "states a wrong reads: expected a tuple"),
]  # fmt: skip


@pytest.mark.parametrize(("was", "now", "message"), COLUMNS)
def test_a_column_that_does_not_hold_is_named(
    tmp_path: Path, was: str, now: str, message: str
) -> None:
    assert was in OP
    files = {"odd_op": OP.replace(was, now, 1), "odd_block": BLOCK}
    result = run(tmp_path, files, "block", "flops", "odd.yaml")
    refuses(result, f"odd_op: the op Odd in {tmp_path}/odd_op.py {message}")


FORMS = [
    (FUNCTION, "    def layer(self, x):\n        return TorchLayer('Nope')()\n", "net.pt",
     "odd: cannot make its layer Nope: AttributeError: module 'torch.nn' has no attribute 'Nope'"),
    (FUNCTION, "    def layer(self, x):\n        return TorchLayer('nowhere:Nope')()\n", "net.pt",
     "odd: cannot make its layer nowhere:Nope: ModuleNotFoundError: No module named 'nowhere'"),
    ('"Abs"', '"Nope"', "net.onnx", "has no operator 'Nope'"),
    ('Onnx("Abs")', '"nope"', "net.onnx", "odd cannot be written as ONNX: KeyError: 'nope'"),
    ('Onnx("Abs")', '"nowhere:nope"', "net.onnx",
     "odd cannot be written as ONNX: ModuleNotFoundError: No module named 'nowhere'"),
]  # fmt: skip


@pytest.mark.parametrize(("was", "now", "file", "message"), FORMS)
def test_what_a_page_refers_to_and_is_not_there_is_named(
    tmp_path: Path, was: str, now: str, file: str, message: str
) -> None:
    files = {"odd_op": OP.replace(was, now, 1), "odd_block": BLOCK}
    refuses(run(tmp_path, files, "block", "build", "odd.yaml", "-o", file), message)
    assert not (tmp_path / file).exists()


RULES = [
    ("head", "return []", "expected it to return values of the builder, got []"),
    ("head", "return {1: maps[0]}", "expected it to return values of the builder, got {1: "),
    ("head", "return type(maps[0])('gone', maps[0].type)", "no operation of this network is named"),
    ("head", "return b.conv('', maps[0], 3)", "no part of a network can be named ''"),
    ("head", "return b.conv('forward', maps[0], 3)", "no part of a network can be named 'forward'"),
    ("head", "return b.conv('_plan', maps[0], 3)", "no part of a network can be named '_plan'"),
    ("head", "return b.conv('c', maps[0], 0)", "c conv 1x1 gives 0x16x16, which is no shape"),
    ("fuse", "return maps[:1]", "expected it to return 2 maps, got 1"),
    ("fuse", "return [*maps, *maps]", "expected it to return 2 maps, got 4"),
    ("transition", "return maps", "expected it to return 2 maps, got 1"),
]


@pytest.mark.parametrize(("part", "body", "message"), RULES)
def test_what_a_rule_may_not_write_is_named(
    tmp_path: Path, part: str, body: str, message: str
) -> None:
    operands = {"head": "b, maps", "fuse": "b, maps, outputs", "transition": "b, maps, widths"}
    module = "odd_head" if part == "head" else "odd_part"
    text = f"def odd({operands[part]}):\n    {body}\n"
    refuses(run(tmp_path, {module: text}, part, "flops", "odd.yaml"), message)


ROW = "from hrnet_graph.ir.ops import Onnx\nfrom hrnet_graph.ir.ops.activation import *\nodd = "
ACTIVATIONS = [
    ('ActivationRow("Mish", "F.mish", "all", "copy", Onnx("Mish"))', "saved: expected 'operand'"),
    ('ActivationRow("Mish", "F.mish", "operand", "copy", None)', "onnx: expected Onnx"),
    ('ActivationRow("Mish", "F.mish", "operand", "", Onnx("Mish"), "mish")', "packed: expected"),
    ("exit(3)", "SystemExit: 3"),
]


@pytest.mark.parametrize(("row", "message"), ACTIVATIONS)
def test_a_wrong_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    files = {"odd_row": "import sys\nexit = sys.exit\n" + ROW + row + "\n"}
    result = run(tmp_path, files, "activation", "flops", "odd.yaml")
    refuses(result, f"the activation 'odd' cannot be loaded from odd_row:odd at {tmp_path}")
    assert message in result.stderr


@pytest.mark.parametrize("packed", ["relu", "nope"])
def test_a_wrong_packed_form_is_not_used(tmp_path: Path, packed: str) -> None:
    row = f'ActivationRow("Mish", "F.mish", "operand", "", Onnx("Mish"), Packed("{packed}"))\n'
    assert run(tmp_path, {"odd_row": ROW + row}, "activation", "flops", "odd.yaml").returncode == 0
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport torch, hrnet_graph as hg\n"
        "hg.save(hg.build_module('odd.yaml'), 'net.pt')\nx = torch.randn(1, 3, 64, 64)\n"
        "plain, fast = hg.load('net.pt').eval(), hg.load('net.pt', optimize='inference')\n"
        "for a, b in zip(plain(x), fast(x)): torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, timeout=300)


def test_the_opset_is_that_of_the_newest_operator(tmp_path: Path) -> None:
    """Gelu came with opset 20: nobody has to say so."""
    row = 'ActivationRow("GELU", "F.gelu", "operand", "", Onnx("Gelu"))\n'
    command = ("build", "odd.yaml", "-o", "net.onnx")
    assert run(tmp_path, {"odd_row": ROW + row}, "activation", *command).returncode == 0
    import onnx

    model = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 20
