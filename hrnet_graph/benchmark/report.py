"""What a benchmark found, as plain data."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hrnet_graph.benchmark.measure import Row, Settings
from hrnet_graph.spec.schema import Spec

PACKAGES = ("hrnet-graph", "torch", "timm", "onnxruntime", "openvino", "nncf")


def report(
    spec: Spec, settings: Settings, rows: Sequence[Row], missing: Mapping[str, str]
) -> dict[str, Any]:
    """All of a run: what was measured, where, with what, and what could not be."""
    return {
        "name": spec.name,
        "input": spec.input,
        "batch": settings.batch,
        "threads": settings.threads,
        "runs": settings.runs,
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "versions": _versions(),
        "candidates": [row.as_dict(rows[0]) for row in rows],
        "missing": [{"target": name, "install": command} for name, command in missing.items()],
    }


def _processor() -> str:
    """The processor's name, as Linux tells it, else as Python does."""
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
