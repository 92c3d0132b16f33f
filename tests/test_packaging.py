"""What is installed works as the checkout does."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import hrnet_graph as hg

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def test_wheel_installed_elsewhere_lists_the_catalogue(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    target = tmp_path / "site"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(target),
    ]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    code = (
        "import hrnet_graph as hg; from hrnet_graph.spec.catalogue import folder;"
        "print(hg.__file__); print(folder()); print(*hg.list_specs());"
        "print(hg.analyze(hg.build_graph('hrnet_w48_cls')).params); print(hg.__version__)"
    )
    env = {**os.environ, "PYTHONPATH": str(target), "PYTHONSAFEPATH": "1"}
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    module, specs, names, params, version = result.stdout.splitlines()
    assert version == hg.__version__
    assert wheel.name.startswith(f"hrnet_graph-{version}-")
    assert Path(module).is_relative_to(target)
    assert Path(specs) == target / "hrnet_graph" / "specs"
    assert names.split() == list(hg.list_specs())
    assert params == "77469864"
    assert (target / "hrnet_graph" / "py.typed").exists()
    assert (target / "hrnet_graph" / "viz" / "html" / "assets" / "viewer.js").exists()
    fonts = {path.name for path in (target / "hrnet_graph" / "viz" / "fonts").iterdir()}
    assert fonts == {"Arimo-Regular.ttf", "Arimo-Bold.ttf", "OFL.txt"}
    assert (target / "bin" / "hrnet-graph").exists()


def test_sdist_holds_what_a_build_needs(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "LICENSE", "README.md", "specs/hrnet_w32_cls.yaml"} <= names
    assert not any(name.startswith((".venv", "demo/")) for name in names)
    read_by_tests = {".ci/run", ".github/workflows/test.yml", ".pre-commit-config.yaml"}
    assert read_by_tests | {"CITATION.cff", "CHANGELOG.md", "docs/api.md", "Makefile"} <= names


def test_public_names_are_all_there() -> None:
    for name in hg.__all__:
        assert getattr(hg, name) is not None
    assert set(dir(hg)) == set(hg.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        hg.nothing  # type: ignore[attr-defined]
