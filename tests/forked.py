"""The command in processes that begin with everything loaded: forks of one that did so once.

Loading torch takes longer than most of what tests ask of a command. A fork is a process of its own
all the same: arguments, folder, environment, outputs and end are those of any other.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

MODULE = "hrnet_graph"
LOADED = (
    "torch",
    "PIL.Image",
    "safetensors.torch",
    "hrnet_graph.cli.main",
    "hrnet_graph.compiler.checkpoints.files",
    "hrnet_graph.compiler.torch.inference",
    "hrnet_graph.prediction.run",
    "hrnet_graph.viz.render",
)
"""What takes long to load."""


def run(arguments: list[str], cwd: Path | None) -> subprocess.CompletedProcess[str] | None:
    """What such a process answers; none where there are no forks, or the environment is another."""
    if not hasattr(os, "fork") or _environment() != _start()[1]:
        return None
    process, _ = _start()
    assert process.stdin is not None
    assert process.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        request = [str(cwd or Path.cwd()), str(out), str(err), *arguments]
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        code = int(process.stdout.readline())
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}


@cache
def _start() -> tuple[subprocess.Popen[str], dict[str, str]]:
    """The process that forks, which ends with this one, and the environment that it began with."""
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(process.communicate)  # which it ends at
    return process, _environment()


def _serve() -> None:
    """Forks for every line of standard input, and tells how the child ended."""
    for line in sys.stdin:
        if not (child := os.fork()):
            folder, out, err, *arguments = json.loads(line)
            _become(folder, out, err, arguments)
            _run()
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run() -> NoReturn:
    """Runs the module to its end, without the second that it takes to unload torch in good order."""
    code = 0
    try:
        runpy.run_module(MODULE, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        code = 1
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


def _become(folder: str, out: str, err: str, arguments: list[str]) -> None:
    """Makes this process what one is that starts in a folder, with the module's name."""
    os.chdir(folder)
    sys.path[0] = folder
    sys.argv = [MODULE, *arguments]
    for number, place in enumerate((os.devnull, out, err)):
        file = os.open(place, os.O_RDWR | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)


if __name__ == "__main__":
    for name in LOADED:
        import_module(name)
    gc.freeze()
    _serve()
