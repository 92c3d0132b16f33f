"""Builds the editor as a static page in which Python runs in the browser. Run by `make site`.

What it is made of comes from package registries through their own clients, npm and pip, pinned by
version and digest; what Python would compile at every start is compiled here. The folder needs no
network but itself, and any server of files will do.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from hashlib import sha512
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

from hrnet_graph.editor.page import page_files

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]

PYODIDE = "pyodide@314.0.7"
DIGEST = (
    "d18bd7c4485f11da4b7dbfd790cd8114078c44eab488c517d9bcf31fda4eb6dc"
    "8c716930abe1db139bb2b860fcd8b37bcb6abe48dbe2ffa579244b0e943d91d4"
)
"""The SHA-512 of its package."""

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
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
    "connect-src 'self'; style-src 'self'; img-src blob: data:; base-uri 'none'; form-action 'none'"
)
"""What the page, and Python in it, may load: the files beside it, and no script from a text."""


def build(folder: Path) -> Path:
    """Writes the site, in place of what is there. Raises `SystemExit` if it cannot be had."""
    with TemporaryDirectory() as name:
        site = Path(name) / "site"
        site.mkdir()
        take_pyodide(Path(name), site)
        take_wheels(site)
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(site))
        wheels = sorted(wheel.name for wheel in site.glob("*.whl"))
        (site / "wheels.json").write_text(json.dumps(wheels), encoding="ascii")
        run("node", str(HERE / "compile.mjs"), str(site))
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
    found = sha512(archive.read_bytes()).hexdigest()
    if found != DIGEST:
        raise SystemExit(f"{PYODIDE}: expected SHA-512 {DIGEST}, got {found}")
    shutil.unpack_archive(archive, folder, filter="data")
    for name in TAKEN:
        shutil.copy(folder / "package" / name, site)


def take_wheels(folder: Path) -> None:
    """The wheels of `wheels.txt`, which pip checks, without what is compiled for other machines."""
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    python = ("--python-version", "3.14", "--implementation", "cp", "--abi", "cp314")
    sought = ("--only-binary", ":all:", "--no-deps", "--require-hashes", *python, *platforms)
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder))
    run(*pip, *sought, "--requirement", str(HERE / "wheels.txt"))
    for wheel in folder.glob(f"*{PLATFORMS[1]}*"):
        parts = ZipFile(BytesIO(wheel.read_bytes()))
        with ZipFile(wheel, "w", ZIP_DEFLATED) as pure:
            for entry in parts.infolist():
                if not entry.filename.endswith(".so"):
                    pure.writestr(entry, parts.read(entry))


def run(*command: str) -> None:
    """A command in the project's folder. Raises `SystemExit` with what it said if it failed."""
    program = shutil.which(command[0])
    if program is None:
        raise SystemExit(f"the site is built with {command[0]}: install it, with `make system`")
    done = subprocess.run(
        [program, *command[1:]], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed:\n{done.stdout}{done.stderr}")


def main() -> None:
    """Builds the site into `build/site`."""
    site = build(PROJECT / "build" / "site")
    where = site.relative_to(PROJECT)
    size = sum(file.stat().st_size for file in site.iterdir()) / 1e6
    print(f"wrote {where}, {size:.1f} MB; to see it: python -m http.server --directory {where}")


if __name__ == "__main__":
    main()
