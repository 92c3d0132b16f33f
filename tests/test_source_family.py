"""The library of which source is made: it runs as it stands, and says what is put into it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
from written import REPEATED, load

import hrnet_graph as hg
from hrnet_graph.compiler.source import family
from hrnet_graph.compiler.source.formatting import wrap
from hrnet_graph.compiler.source.specialise import specialise, unwrap
from hrnet_graph.compiler.source.write import to_source

TEXT = Path(family.__file__).read_text()

WIDTHS = [4, 8, 16]


@pytest.mark.parametrize("upsample", ["nearest", "bilinear"])
def test_modules_run_as_they_stand(upsample: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(family, "BILINEAR", upsample == "bilinear")
    graph = hg.build_graph({**REPEATED, "fuse": {"upsample": upsample}})
    stage = hg.build_module(graph).get_submodule("stage3.0")
    block = type(load(to_source(graph)).get_submodule("stage3.0.branches.0.0"))
    module = family.HighResolutionModule(WIDTHS, [2, 2, 2], block)
    assert list(module.state_dict()) == list(stage.state_dict())
    module.load_state_dict(stage.state_dict())
    maps = [torch.randn(1, width, 16 >> i, 16 >> i) for i, width in enumerate(WIDTHS)]
    for one, other in zip(module(maps), stage(*maps), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("fuse", "join", "up", "down"),
    [
        ({"kind": "sum"}, "FuseUnit", "up_nearest", "down_strided"),
        ({"kind": "sum", "upsample": "bilinear"}, "FuseUnit", "up_bilinear", "down_strided"),
        ({"kind": "weighted_sum"}, "WeightedFuse", "up_nearest", "down_strided"),
        ({"kind": "gated", "downsample": "depthwise"}, "GatedFuse", "up_nearest", "down_depthwise"),
        ({"kind": "concat", "upsample": "transposed", "downsample": "average_pool"},
         "ConcatFuse", "up_transposed", "down_average_pool"),
        ({"kind": "gated", "upsample": "pixel_shuffle"},
         "GatedFuse", "up_pixel_shuffle", "down_strided"),
    ],
)  # fmt: skip
def test_fuse_units_run_as_they_stand(
    fuse: dict[str, str], join: str, up: str, down: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, put in (("Fuse", join), ("up_nearest", up), ("down_strided", down)):
        monkeypatch.setattr(family, name, getattr(family, put))
    graph = hg.build_graph({**REPEATED, "fuse": {"connect": "neighbours", **fuse}})
    stage = hg.build_module(graph).get_submodule("stage3.0")
    block = type(load(to_source(graph)).get_submodule("stage3.0.branches.0.0"))
    module = family.HighResolutionModule(WIDTHS, [2, 2, 2], block)
    assert list(module.state_dict()) == list(stage.state_dict())
    module.load_state_dict(stage.state_dict())
    maps = [torch.randn(1, width, 16 >> i, 16 >> i) for i, width in enumerate(WIDTHS)]
    for one, other in zip(module(maps), stage(*maps), strict=True):
        torch.testing.assert_close(one, other)


def test_transitions_run_as_they_stand() -> None:
    model = hg.build_module(REPEATED).get_submodule("transition2")
    transition = family.Transition(WIDTHS[:2], WIDTHS)
    assert list(transition.state_dict()) == list(model.state_dict())
    transition.load_state_dict(model.state_dict())
    maps = [torch.randn(1, width, 16 >> i, 16 >> i) for i, width in enumerate(WIDTHS[:2])]
    found = transition(maps)
    assert found[0] is maps[0]
    assert found[1] is maps[1]
    assert torch.equal(found[2], model(maps[1]))


def test_a_module_of_one_branch_fuses_nothing() -> None:
    module = family.HighResolutionModule([4], [1], lambda width: torch.nn.Identity())
    (x,) = maps = [torch.randn(1, 4, 8, 8)]
    assert module(maps)[0] is x


def test_a_line_a_statement_is_the_same_code() -> None:
    lines = unwrap(TEXT).splitlines()
    tree = ast.parse(TEXT)
    assert ast.dump(ast.parse("\n".join(lines))) == ast.dump(tree)
    wrapped = [piece for line in lines for piece in wrap(line)]
    assert ast.dump(ast.parse("\n".join(wrapped))) == ast.dump(tree)
    assert len(lines) < len(wrapped) < len(TEXT.splitlines()) + 20


def test_what_is_known_is_put_in() -> None:
    fuse = specialise("Fuse", {"F.relu": "F.silu"}, bilinear=True)
    assert "BILINEAR" not in fuse
    assert "Upsample" not in fuse
    assert "F.silu(sum([*same[1:], *coarser], same[0]))" in fuse
    assert "a coarser branch is narrowed" in fuse
    known = {", align_corners: bool = False": "", "=align_corners": "=True"}
    resize = specialise("resize", known)
    assert "def resize(x: Tensor, like: Tensor) -> Tensor:" in resize
    assert 'mode="bilinear", align_corners=True)' in resize


def test_a_fact_about_nothing_is_refused() -> None:
    with pytest.raises(LookupError, match=r"Fuse has no F\.tanh"):
        specialise("Fuse", {"F.tanh": "F.relu"})
