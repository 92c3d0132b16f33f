"""Fixtures that several files share; each imports what it needs when somebody asks for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from skips import pytest_addoption as pytest_addoption
from skips import pytest_make_collect_report as pytest_make_collect_report
from skips import pytest_runtest_makereport as pytest_runtest_makereport

import hrnet_graph as hg

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported, here or in commands
for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
    if signal.getsignal(number) is signal.SIG_IGN:  # as in the background: commands inherit it
        signal.signal(number, signal.SIG_DFL)

if TYPE_CHECKING:
    from browser import Viewer
    from selenium.webdriver import Chrome


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Networks as small as ours gain nothing from threads, which wait for one another."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> Any:
    """The module `examples/train.py`."""
    from trainer import SCRIPT, script

    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    return script()


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    from browser import chrome

    driver = chrome()
    yield driver
    driver.quit()


@pytest.fixture
def viewer(driver: Chrome, tmp_path: Path) -> Iterator[Viewer]:
    from browser import Viewer

    viewer = Viewer(driver, tmp_path)
    yield viewer
    assert viewer.complaints == []


@pytest.fixture(scope="module")
def w32() -> hg.Graph:
    return hg.build_graph("hrnet_w32_cls")
