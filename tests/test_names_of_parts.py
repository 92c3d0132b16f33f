"""What OpenMMLab calls every part that is imported from it: all heads, backbones and norms.

`tests/data/openmmlab_names.json` has, for each config of `named_parts.py`, the digest of the sorted
keys of the network that mmpose 1.3.2, mmsegmentation 1.2.2 and mmdet 3.3.0 build of it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from named_parts import TO, configs

import hrnet_graph as hg
from hrnet_graph.compiler.checkpoints.convert import convert
from hrnet_graph.spec.importers.read import import_config

FACTS = json.loads((Path(__file__).parent / "data" / "openmmlab_names.json").read_text())
CONFIGS = {name: (scope, text) for name, scope, text in configs()}
FAST = ("deconv group", "ocr group", "Lite-HRNet instance")


@pytest.mark.parametrize(
    "name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in CONFIGS]
)
def test_a_network_has_the_names_of_the_package_it_was_imported_from(
    tmp_path: Path, name: str
) -> None:
    scope, text = CONFIGS[name]
    (tmp_path / "config.py").write_text(text)
    spec, _ = import_config(tmp_path / "config.py")
    model = hg.build_module(spec)
    hg.save(model, tmp_path / "ours.pt")
    convert(tmp_path / "ours.pt", TO[scope], tmp_path / "theirs.pth")
    state = torch.load(tmp_path / "theirs.pth")["state_dict"]
    digest = hashlib.sha256("\n".join(sorted(state)).encode()).hexdigest()
    assert digest == FACTS[name]
    again = hg.build_module(spec)
    report = hg.load_weights(again, tmp_path / "theirs.pth")
    assert (report.dialect, report.missing, report.unexpected) == (TO[scope], (), ())
    pairs = zip(model.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in pairs)


def test_all_heads_that_are_read_are_among_them() -> None:
    assert FACTS.keys() == CONFIGS.keys()
