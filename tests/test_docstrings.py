"""Every public name shows how it is used, and what it shows is what comes."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import pytest
import torch

import hrnet_graph as hg

PUBLIC = sorted(set(hg.__all__) - {"__version__"})
HARDWARE = {"cuda_graph": torch.cuda.is_available()}
"""Name -> whether the machine has what its example needs."""


def examples(name: str) -> list[doctest.DocTest]:
    """The examples of a public name, and of its methods where it is a class."""
    given: dict[str, Any] = {"hg": hg, "torch": torch}
    found = doctest.DocTestFinder(exclude_empty=True).find(
        getattr(hg, name), name, module=False, globs=given
    )
    return [test for test in found if test.examples]


@pytest.mark.parametrize("name", PUBLIC)
def test_examples_give_what_they_show(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = examples(name)
    assert tests
    if not HARDWARE.get(name, True):
        pytest.skip("no CUDA GPU is present")
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    said: list[str] = []
    for test in tests:
        runner.run(test, out=said.append)
    assert "".join(said) == ""
