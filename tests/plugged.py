"""Packages of others, as an installer lays them out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def lay_out_package(folder: Path, name: str, points: str, files: Mapping[str, str]) -> None:
    """A package: its files by module name, and its entry points as `entry_points.txt` has them."""
    for module, text in files.items():
        (folder / f"{module}.py").write_text(text)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)
