"""The module computes what the published networks compute."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from published import DATA, GOLDENS, fill, golden_input, relative_error

import hrnet_graph as hg


@pytest.mark.parametrize("name", GOLDENS)
def test_golden_is_met(name: str) -> None:
    with np.load(DATA / "golden" / f"{GOLDENS[name]}.npz") as golden:
        meta = json.loads(bytes(golden["meta"]).decode())
        expected = torch.from_numpy(golden["out"])
    model = hg.build_module(name).eval()
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
    assert isinstance(result, torch.Tensor)
    assert result.shape == expected.shape
    assert relative_error(result, expected) < 2e-5
