"""SIGTERM and SIGHUP, which end programs that run as Ctrl-C does; Ctrl-C itself is left alone.

A signal that is ignored when we start, as `nohup` does, stays ignored.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

from faas_cache.runner.stop import Stop

__all__ = ["Terminated", "raising", "stopping"]

# SIGHUP does not exist on Windows.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Terminated(KeyboardInterrupt):
    """A signal came; like a `KeyboardInterrupt`, it ends what runs before it is raised again."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def raising() -> Iterator[None]:
    """Raises `Terminated` for the first signal."""
    received: list[int] = []

    def receive(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if len(received) == 1:  # a second one must not interrupt the cleaning up
            raise Terminated(number)

    with _handling(receive):
        yield


@contextmanager
def stopping(stop: Stop) -> Iterator[list[int]]:
    """Stops builds on a signal; yields the list of the signals that came."""
    received: list[int] = []

    def receive(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        stop.stop()

    with _handling(receive):
        yield received


@contextmanager
def _handling(receive: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if current_thread() is not main_thread():  # only there can handlers be set
        yield
        return
    before = {
        number: signal.signal(number, receive)
        for number in _SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
