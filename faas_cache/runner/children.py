"""The programs that run now, so that they end with the interpreter: the only state of this package.

A program of a daemon thread is still there when the interpreter ends; all others have ended by
then.
"""

from __future__ import annotations

import atexit
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from faas_cache.runner.supervision import GRACE, Process, send_signal

__all__ = ["CHILDREN", "child", "end_children"]

CHILDREN: set[Process] = set()


@contextmanager
def child(process: Process) -> Iterator[None]:
    """Ends the process with the interpreter if that ends in the block."""
    CHILDREN.add(process)
    try:
        yield
    finally:
        CHILDREN.discard(process)


def end_children() -> None:
    """Asks the programs that still run to end, and kills them after the grace period."""
    children = tuple(CHILDREN)
    for process in children:
        send_signal(process, signal.SIGTERM)
    until = time.monotonic() + GRACE
    while any(process.poll() is None for process in children) and time.monotonic() < until:
        time.sleep(0.01)
    for process in children:
        send_signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))


atexit.register(end_children)
with suppress(AttributeError):  # Windows has no fork; a fork has no children of its own
    os.register_at_fork(after_in_child=CHILDREN.clear)
