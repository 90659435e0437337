"""`Supervisor`: reads the output of a program until it ends, and terminates it if necessary.

After a program was terminated, nothing here waits longer than the grace period: not for one
that ignores signals, stops itself, or leaves a child behind that holds our pipe.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Thread
from typing import Protocol, TypeAlias

from faas_cache.runner.stop import Shutdown

__all__ = ["GRACE", "SHORT_GRACE", "Process", "Supervisor", "send_signal"]

# How long a terminated program may take to end, in seconds; then it is killed with all processes
# that it started.
GRACE = 10.0
# The same for a program that has nothing to lose: one that only answers a question, or a build that
# still waits for its builder.
SHORT_GRACE = 1.0
# How long to wait for output after a kill, in seconds: only a program outside the process
# group can still write then.
_LAST_OUTPUT = 1.0
_BLOCK = 2**16
# How often the end of a program is looked for, in seconds: while it writes, and at most once it has
# closed its output.
_POLL, _FIRST_POLL, _MAX_POLL = 0.1, 0.0005, 0.05
# Not everywhere: Windows has neither, and `select` of Windows takes sockets only.
_SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)
_SIGCONT = getattr(signal, "SIGCONT", None)
_PIPES_CAN_BE_SELECTED = os.name == "posix"
# `epoll` and `kqueue` would take one more file descriptor for each program.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)
# A pipe, or the socket that stands for it.
Source: TypeAlias = int | socket.socket


class Process(Protocol):
    """Protocol for the parts of `subprocess.Popen` that are used here."""

    @property
    def pid(self) -> int:
        """The process id, which is that of its group."""

    def poll(self) -> int | None:
        """The exit code, `None` while it runs."""

    def wait(self) -> int:
        """Waits for its end."""

    def terminate(self) -> None:
        """Terminates it."""

    def kill(self) -> None:
        """Kills it."""


def send_signal(process: Process, number: int) -> None:
    """Sends a signal to a process and all that it started; continues those that are stopped."""
    killpg = getattr(os, "killpg", None)
    with suppress(OSError):  # it has ended, or belongs to another user
        if killpg is None:
            process.kill() if number == _SIGKILL else process.terminate()
            return
        killpg(process.pid, number)
        if _SIGCONT is not None:
            killpg(process.pid, _SIGCONT)


class Supervisor:
    """Runs one program to its end; calls the sink of each file descriptor with what it writes.

    `ready` says whether the sinks can keep up: while they cannot, the program waits. `tick` is
    called about ten times a second. `grace` is how long the program may take to end, once it was
    asked to. Afterwards, `timed_out` and `stopped` say why that was, if it was.
    """

    def __init__(
        self,
        process: Process,
        sinks: Mapping[int, Callable[[bytes], object]],
        shutdown: Shutdown,
        timeout: float | None = None,
    ) -> None:
        self.ready: Callable[[], bool] = lambda: True
        self.tick: Callable[[], object] = lambda: None
        self.grace: Callable[[], float] = lambda: GRACE
        self.timed_out: bool = False
        self.stopped: bool = False
        self._process = process
        self._shutdown = shutdown
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._sinks = {_selectable(source): sink for source, sink in sinks.items()}
        self._open: set[Source] = set(self._sinks)
        self._selector = _Selector()
        self._selected: set[Source] = set()
        self._wait = _FIRST_POLL
        self._discarding = False
        self._idle = False
        self._kill_at: float | None = None
        self._given_up_at: float | None = None

    def run(self) -> int:
        """Waits for the end of the program; its exit code is 128 and the number for a signal."""
        waker, woken = socket.socketpair()
        with waker, woken, self._selector:
            waker.setblocking(False)  # noqa: FBT003  # the only way to pass it
            self._selector.register(woken, selectors.EVENT_READ)
            with self._shutdown.on_stop(lambda: _wake(waker)):
                try:
                    self._loop(woken)
                except BaseException:
                    self._discarding = True
                    self._terminate(signal.SIGTERM)
                    self._loop(woken)
                    raise
                finally:
                    # Before the process is reaped: until then nothing else can have its process
                    # group.
                    send_signal(self._process, _SIGKILL)
                    for source in self._sinks:
                        if isinstance(source, socket.socket):
                            source.close()
                    code = self._reap()
        return code if code >= 0 else 128 - code

    def _loop(self, woken: socket.socket) -> None:
        while not self._over():
            self._act()
            self.tick()
            self._select(woken)

    def _over(self) -> bool:
        if self._given_up_at is not None and time.monotonic() >= self._given_up_at:
            return True
        return not self._open and self._exited()

    def _act(self) -> None:
        """Sends the signals that are due."""
        now = time.monotonic()
        if self._kill_at is None:
            if self._idle and self._open and self._exited():
                self._terminate(signal.SIGTERM)  # a child of it still holds our pipe
            elif self._shutdown.stopped:
                self.stopped = True
                self._terminate(self._shutdown.signal)
            elif self._deadline is not None and now >= self._deadline:
                self.timed_out = True
                self._terminate(signal.SIGTERM)
        overdue = self._kill_at is not None and (now >= self._kill_at or self._shutdown.killed)
        if overdue and self._given_up_at is None:
            send_signal(self._process, _SIGKILL)
            self._given_up_at = now + _LAST_OUTPUT

    def _terminate(self, number: int) -> None:
        if self._kill_at is None:
            send_signal(self._process, number)
            self._kill_at = time.monotonic() + self.grace()

    def _select(self, woken: socket.socket) -> None:
        """Waits for output, a stop, or the time of the next signal, and passes the output on."""
        keeping_up = self.ready()
        self._watch(self._open if keeping_up or self._kill_at is not None else set())
        self._idle = bool(self._selected)
        for key, _ in self._selector.select(self._delay()):
            source: Source | None = key.data
            if source is None:
                woken.recv(_BLOCK)
                continue
            self._idle = False
            block = _read(key.fd)
            if not block:
                self._open.discard(source)
            elif keeping_up and not self._discarding:
                self._sinks[source](block)

    def _watch(self, wanted: set[Source]) -> None:
        for source in self._selected - wanted:
            self._selector.unregister(source)
        for source in wanted - self._selected:
            self._selector.register(source, selectors.EVENT_READ, source)
        self._selected = set(wanted)

    def _delay(self) -> float:
        """How long to wait at most, in seconds."""
        if self._open:
            delay = _POLL
        else:  # it ends soon: it has closed its output
            delay = self._wait
            self._wait = min(2 * self._wait, _MAX_POLL)
        times = [self._given_up_at or self._kill_at or self._deadline]
        now = time.monotonic()
        return max(0.0, min([delay, *(at - now for at in times if at is not None)]))

    def _exited(self) -> bool:
        """Whether the process has ended; it is not reaped yet if the system allows that."""
        waitid = getattr(os, "waitid", None)  # macOS has it since Python 3.13
        if waitid is None:
            return self._process.poll() is not None
        try:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return waitid(os.P_PID, self._process.pid, flags) is not None
        except ChildProcessError:
            return True  # another part of the program has reaped it

    def _reap(self) -> int:
        """The exit code; that of a kill for a process that even that does not end."""
        until = time.monotonic() + _LAST_OUTPUT
        while (code := self._process.poll()) is None and time.monotonic() < until:
            time.sleep(_FIRST_POLL)
        if code is None:  # it is another user's: whenever it ends, it does not stay a zombie
            Thread(target=self._process.wait, daemon=True).start()
            return -_SIGKILL
        return code


def _wake(waker: socket.socket) -> None:
    with suppress(OSError):  # it was woken often enough
        waker.send(b"\0")


def _read(source: int) -> bytes:
    try:
        return os.read(source, _BLOCK)
    except OSError:
        return b""  # a terminal whose other side is closed


def _selectable(source: int) -> Source:
    """A pipe that can be passed to `select`: itself, or a socket that a thread copies it to."""
    if _PIPES_CAN_BE_SELECTED:
        return source
    ours, theirs = socket.socketpair()

    def copy() -> None:
        with theirs, suppress(OSError):
            while block := _read(source):
                theirs.sendall(block)

    Thread(target=copy, daemon=True).start()
    return ours
