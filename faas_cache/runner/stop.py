"""`Stop`: ends builds from another thread, from a signal handler, or before they start."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock

__all__ = ["Deadline", "Shutdown", "Stop"]


class Stop:
    """Stops the builds that it was passed to, and no others; compared by identity.

    It may be passed to several builds; a build that gets a stopped one starts nothing. `stop` may
    be called from any thread and from a signal handler.

    >>> stop = Stop()
    >>> stop.stop()
    >>> stop.stopped
    True
    """

    __slots__ = ("__weakref__", "_callbacks", "_lock", "_stopped")

    def __init__(self) -> None:
        # Reentrant: a signal handler may call `stop` while this thread holds the lock.
        self._lock = RLock()
        self._stopped = False
        self._callbacks: list[Callable[[], object]] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {'stopped' if self.stopped else 'not stopped'}>"

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped

    def stop(self) -> None:
        """Ends the builds; a second call does nothing."""
        if not self._stopped:
            self._stopped = True
            self._notify()

    @contextmanager
    def on_stop(self, callback: Callable[[], object]) -> Iterator[None]:
        """Calls `callback` when this is stopped while the block runs, at once if it already is.

        It is called in the thread that stops, perhaps more than once, and must neither block nor
        raise.
        """
        with self._lock:
            self._callbacks.append(callback)
        try:
            if self._stopped:
                callback()
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)

    def _notify(self) -> None:
        with self._lock:
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            callback()


class Deadline:
    """The end of the time that a whole run has, from preparing to building; `stop` may end it too.

    `timeout` is in seconds; `None` means that there is no limit.
    """

    __slots__ = ("_at", "_began", "stop")

    def __init__(self, timeout: float | None, stop: Stop | None = None) -> None:
        self._began = time.monotonic()
        self._at = None if timeout is None else self._began + timeout
        self.stop: Stop | None = stop

    @property
    def elapsed(self) -> float:
        """The seconds since it was made."""
        return time.monotonic() - self._began

    @property
    def remaining(self) -> float | None:
        """The seconds that are left; `None` where there is no limit."""
        return None if self._at is None else max(self._at - time.monotonic(), 0.0)

    @property
    def stopped(self) -> bool:
        """Whether nothing more is to be started."""
        return self.remaining == 0 or (self.stop is not None and self.stop.stopped)

    def limit(self, seconds: float) -> float:
        """The seconds that a part of the run may take, at most those that are left."""
        remaining = self.remaining
        return seconds if remaining is None else min(seconds, remaining)


class Shutdown(Stop):
    """The `Stop` of one call: with the signal that ends its programs, or at once."""

    __slots__ = ("_killed", "_signal")

    def __init__(self) -> None:
        super().__init__()
        self._signal: int = signal.SIGTERM
        self._killed = False

    @property
    def signal(self) -> int:
        """The signal that asks a program to end: SIGTERM, or SIGINT after a Ctrl-C."""
        return self._signal

    @property
    def killed(self) -> bool:
        """Whether `kill` was called."""
        return self._killed

    def interrupt(self) -> None:
        """Stops as a Ctrl-C does, with SIGINT."""
        if not self._stopped:
            self._signal = signal.SIGINT
        self.stop()

    def follow(self, other: Shutdown) -> None:
        """Stops as another one was stopped."""
        if not self._stopped:
            self._signal = other.signal
        if other.killed:
            self.kill()
        else:
            self.stop()

    def kill(self) -> None:
        """Kills all programs at once."""
        self._stopped = self._killed = True
        self._notify()
