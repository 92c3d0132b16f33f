"""What the editor takes, and how long it waits."""

MAX_MESSAGE = 2**20
"""Bytes of one message from a page."""

MAX_REPLY = 64 * 2**20
"""Bytes of one reply to a page."""

MAX_SOCKETS = 16
"""Pages that may be open at once."""

MAX_WAITING = 8
"""Requests of one page that may wait; those behind them are not read."""

ANSWER_SECONDS = 10.0
"""How long the worker may take for an answer."""

START_SECONDS = 60.0
"""How long the worker may take to start."""

MEMORY = 2 * 2**30
"""Bytes of address space that the worker may have, where the system holds it to that."""

GRACE_SECONDS = 5.0
"""How long after its last page the server stays: a page that is loaded again comes back by then."""
