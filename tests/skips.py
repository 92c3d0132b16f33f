"""What may keep a test from running: `--no-skips` (as CI runs) fails whatever else is skipped.

A machine may lack hardware. What can be installed, a package or a program, is no excuse.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TypeVar

import pytest

HARDWARE = (
    r"no CUDA GPU is present",
    r"this processor has no \S+ in OpenVINO",
    r"this torch or machine packs no convolutions",
    r"the copies are those of oneDNN with AVX-512",
)
"""Reasons, as regular expressions, that a machine may have not to run a test."""

_Report = TypeVar("_Report", pytest.TestReport, pytest.CollectReport)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips", action="store_true", help="fail tests that are skipped for lack of software"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _judged((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _judged((yield), collector.config)


def _judged(report: _Report, config: pytest.Config) -> _Report:
    """The report, failed if its test was skipped without leave."""
    if not report.skipped or hasattr(report, "wasxfail") or not config.getoption("--no-skips"):
        return report
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not any(re.fullmatch(known, reason) for known in HARDWARE):
        report.outcome = "failed"
        report.longrepr = f"skipped, though only hardware may be lacking: {reason}"
    return report
