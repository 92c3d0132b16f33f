"""The peak of this process's memory."""

from __future__ import annotations

import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_FORGET = Path("/proc/self/clear_refs")


def peak_memory() -> int | None:
    """The most memory that was resident at once since the start, or since `forget_peak`, in bytes.

    None where the system does not tell.
    """
    if _STATUS.exists():
        fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def forget_peak() -> bool:
    """Starts the peak anew from what is resident now; False where the system cannot."""
    try:
        _FORGET.write_text("5")
    except OSError:
        return False
    return True
