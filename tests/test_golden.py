"""The module computes what the published networks compute."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from published import DATA, GOLDENS, fill, golden_input
from small import maps_of

import hrnet_graph as hg


@pytest.mark.parametrize("golden", GOLDENS)
def test_golden_is_met(golden: str) -> None:
    with np.load(DATA / "golden" / f"{golden}.npz") as file:
        meta = json.loads(bytes(file["meta"]).decode())
        expected = {name: torch.from_numpy(file[name]) for name in meta["outputs"]}
    name, changes = GOLDENS[golden]
    model = hg.build_module(hg.load_spec(name, changes)).eval()
    order = {key: list(value.shape) for key, value in model.state_dict().items()}
    assert list(order.items()) == [(key, shape) for key, shape in meta["state_dict_order"]]
    fill(model)
    image = golden_input(meta["input_shape"])
    assert float(image.sum()) == pytest.approx(meta["input_probe"]["sum"], rel=1e-5)
    for key, values in meta["weights_probe"].items():
        value = model.state_dict()[key].flatten()
        assert [float(value.sum()), float(value[0])] == pytest.approx(values, rel=1e-3)
    with torch.inference_mode():
        result = model(image)
    if "augment" in golden and isinstance(result, dict):  # there, the auxiliary classes come last
        result = {name: result[name] for name in ("main", "aux")}
    results = maps_of(result)
    for (output, values), got in zip(expected.items(), results, strict=True):
        facts = meta["outputs"][output]
        assert list(got.shape) == facts["shape"]
        steps = [int(step) for step in re.findall(r"::(\d+)", facts["slice"])] or [1, 1]
        if got.dim() == 4:
            got = got[:, :, :: steps[0], :: steps[1]]
        assert float((got - values).abs().max()) / facts["absmax"] < 2e-5
