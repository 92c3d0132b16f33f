"""The examples are a user's: they need nothing but public names."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hrnet_graph as hg

EXAMPLES = Path(__file__).parents[1] / "examples"
PUBLIC = {"hrnet_graph", "hrnet_graph.detection"}
"""The modules that the README names."""


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.rglob("*.py")), ids=lambda path: str(path.relative_to(EXAMPLES))
)
def test_examples_use_public_names_alone(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hrnet_graph"):
            assert node.module in PUBLIC
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names if name.name.startswith("hrnet_graph")]
            assert set(names) <= PUBLIC
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert node.value.id != "hg" or node.attr in hg.__all__


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("width", "--set 'width': expected KEY=VALUE, such as width=48"),
        ("width=[", "--set 'width=[': the value is no YAML: expected the node content"),
    ],
)
@pytest.mark.usefixtures("example")
def test_a_change_that_cannot_be_read_is_named(text: str, message: str) -> None:
    from training.options import change

    with pytest.raises(hg.HRNetGraphError) as refused:
        change(text)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)
    assert change("stages.2.modules=2") == ("stages.2.modules", 2)
