"""What variants cost in number: seconds, CPU seconds of all processes and memory of the command.

`python benchmarks/sweeps.py` takes some minutes; `python benchmarks/sweeps.py 1000` stops there.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

NAME = "hrnet_w32_cls"
MODULES = ("--vary", "stages.2.modules=1..5", "--vary", "stages.3.modules=1..4")
DEEP = tuple(word for stage in (1, 2, 3) for word in ("--vary", f"stages.{stage}.modules=1..10"))
COUNTED = ("--figures", "params,macs")

JOBS = {
    "1000, all figures": ("sweep", NAME, "--vary", "width=8..57", *MODULES),
    "1000, params and MACs": ("sweep", NAME, "--vary", "width=8..57", *MODULES, *COUNTED),
    "fit under 5e9 MACs and 30e6 params": ("fit", NAME, "--macs", "5e9", "--params", "30e6"),
    "100000, all figures": ("sweep", NAME, "--vary", "width=16..115", *DEEP),
    "100000, params and MACs": ("sweep", NAME, "--vary", "width=16..115", *DEEP, *COUNTED),
}


def main() -> None:
    """Prints a line for each job, whole commands as processes of their own."""
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    with TemporaryDirectory() as folder:
        for what, arguments in JOBS.items():
            if what.startswith("100000") and only == "1000":
                continue
            output = ("-o", str(Path(folder) / "rows.csv")) if arguments[0] == "sweep" else ()
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            command = [sys.executable, "-m", "hrnet_graph", *arguments, *output]
            subprocess.run(command, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            took, memory = time.perf_counter() - start, after.ru_maxrss // 1024
            print(f"{what:40} {took:8.1f} s {spent:8.1f} CPU s, at most {memory} MiB a process")


if __name__ == "__main__":
    main()
