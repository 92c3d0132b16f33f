"""Builds the editor as a static page in which Python runs in the browser. Run by `make site`.

What it is made of comes from package registries through their own clients, npm and pip, pinned by
version and digest. The folder needs no network but itself, and any server of files will do.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from base64 import b64encode
from hashlib import sha512
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

from hrnet_graph.editor.page import page_files

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]

PYODIDE = "pyodide@314.0.7"
INTEGRITY = (
    "0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A=="
)
"""The SHA-512 of its package, as npm states it."""

TAKEN = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "pyodide-lock.json",
    "python_stdlib.zip",
)
"""What of Pyodide a page loads."""

PLATFORMS = ("pyemscripten_2026_0_wasm32", "manylinux2014_x86_64")
"""For what wheels are taken: Pyodide, and another machine's for the pure Python in it."""

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; "
    "style-src 'self'; img-src blob: data:; base-uri 'none'; form-action 'none'"
)
"""What the page, and Python in it, may load: the files beside it, and no script from a text."""


def build(folder: Path) -> Path:
    """Writes the site, in place of what is there. Raises `SystemExit` if something cannot be had."""
    with TemporaryDirectory() as name:
        site = Path(name) / "site"
        site.mkdir()
        take_pyodide(Path(name), site)
        wheels = [*take_wheels(Path(name), site), make_wheel(site)]
        (site / "wheels.json").write_text(json.dumps(sorted(wheels)), encoding="ascii")
        shutil.copy(HERE / "worker.js", site)
        way = (HERE / "python.js").read_text(encoding="ascii")
        for file, content in page_files(way, POLICY).items():
            (site / file).write_bytes(content)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(site, folder)
    return folder


def take_pyodide(folder: Path, site: Path) -> None:
    """Pyodide's package from npm, if it is what it was; of it what a page loads."""
    run("npm", "pack", PYODIDE, "--silent", "--pack-destination", str(folder))
    (archive,) = folder.glob("pyodide-*.tgz")
    found = b64encode(sha512(archive.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        raise SystemExit(f"{PYODIDE}: expected sha512-{INTEGRITY}, got sha512-{found}")
    shutil.unpack_archive(archive, folder, filter="data")
    for name in TAKEN:
        shutil.copy(folder / "package" / name, site)


def take_wheels(folder: Path, site: Path) -> list[str]:
    """The wheels of `wheels.txt`, which pip checks; their names."""
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    python = ("--python-version", "3.14", "--implementation", "cp", "--abi", "cp314")
    sought = ("--only-binary", ":all:", "--no-deps", "--require-hashes", *python, *platforms)
    wheels = folder / "wheels"
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(wheels))
    run(*pip, *sought, "--requirement", str(HERE / "wheels.txt"))
    for wheel in wheels.iterdir():
        if PLATFORMS[1] in wheel.name:
            copy_pure(wheel, site / wheel.name)
        else:
            shutil.copy(wheel, site)
    return [wheel.name for wheel in wheels.iterdir()]


def copy_pure(wheel: Path, copy: Path) -> None:
    """A wheel without what was compiled for another machine."""
    with ZipFile(wheel) as source, ZipFile(copy, "w", ZIP_DEFLATED) as target:
        for entry in source.infolist():
            if not entry.filename.endswith(".so"):
                target.writestr(entry, source.read(entry))


def make_wheel(site: Path) -> str:
    """Our own wheel; its name."""
    known = {*site.glob("*.whl")}
    made = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(site))
    run(*made)
    (wheel,) = {*site.glob("*.whl")} - known
    return wheel.name


def run(*command: str) -> None:
    """A command in the project's folder; what it wrote is shown if it failed."""
    program = shutil.which(command[0])
    if program is None:
        raise SystemExit(f"the site is built with {command[0]}, which is not here: install it")
    done = subprocess.run(
        [program, *command[1:]], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed:\n{done.stdout}{done.stderr}")


def main() -> None:
    """Builds the site into a folder, by default `build/site`."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / "build" / "site"
    build(folder)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(
        f"wrote {folder}, {size / 1e6:.1f} MB; see it: {sys.executable} -m http.server -d {folder}"
    )


if __name__ == "__main__":
    main()
