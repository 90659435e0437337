"""Runs jobs in threads, and calls back in the calling thread.

What can be interrupted by Ctrl-C runs in the calling thread and only waits; what starts programs
and ends them runs in other threads, where no `KeyboardInterrupt` is ever raised. So no program
is lost right after its start.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock, Thread
from typing import Generic, ParamSpec, TypeAlias, TypeVar

from faas_cache.runner.stop import Shutdown

__all__ = ["Job", "Mailbox", "call_in_threads"]

T = TypeVar("T")
P = ParamSpec("P")

# Messages that may wait for the calling thread before `ready` says that it is behind.
_MAX_PENDING = 256
# How often a thread that waits for a message looks whether the threads that write them have ended,
# in seconds.
_POLL = 0.5
# How long a second Ctrl-C waits for threads that run no program, in seconds.
_PATIENCE = 10.0


class Mailbox:
    """Calls that threads request in the thread that started them."""

    def __init__(self) -> None:
        # `put` of a SimpleQueue is reentrant: it may be called where a signal handler interrupted
        # another call of it.
        self._messages: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()

    def post(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Requests a call of `function` in the calling thread, in order; never blocks."""
        self._messages.put(lambda: function(*args, **kwargs))

    def wake(self) -> None:
        """Makes a waiting `take` return."""
        self._messages.put(None)

    def ready(self) -> bool:
        """Whether the calling thread keeps up with the messages."""
        return self._messages.qsize() < _MAX_PENDING

    def take(self) -> Callable[[], object] | None:
        """The next message, `None` if there is none for a while."""
        with suppress(queue.Empty):
            return self._messages.get(timeout=_POLL)
        return None

    def empty(self) -> bool:
        """Whether no message waits."""
        return self._messages.empty()


Job: TypeAlias = Callable[[Mailbox], T]


class _Worker(Thread):
    """One thread that takes jobs until none is left.

    `claim` is taken by the thread when it begins, or by who started it and is interrupted before it
    did.
    """

    def __init__(self, work: Callable[[], None], mailbox: Mailbox) -> None:
        # A daemon: at its end, the interpreter ends our programs, and does not wait for us.
        super().__init__(name="faas-cache", daemon=True)
        self.claim = Lock()
        self.ended = False
        self._work = work
        self._mailbox = mailbox

    def run(self) -> None:
        """Takes jobs, unless the thread was given up before it began."""
        if self.claim.acquire(blocking=False):
            try:
                self._work()
            finally:
                self.ended = True
                self._mailbox.wake()

    def give_up(self) -> None:
        """Ends the thread if it has not begun."""
        if self.claim.acquire(blocking=False):
            self.ended = True


class _Crew(Generic[T]):
    """The jobs of one call, and their results."""

    def __init__(self, jobs: Sequence[Job[T]], shutdown: Shutdown) -> None:
        self.shutdown = shutdown
        self.mailbox = Mailbox()
        self.results: dict[int, T] = {}
        self.workers: list[_Worker] = []
        self._jobs = deque(enumerate(jobs))

    def run(self, threads: int) -> None:
        """Runs the jobs; calls what they post."""
        for _ in range(threads):
            worker = _Worker(self._work, self.mailbox)
            self.workers.append(worker)
            worker.start()
        while self._busy() or not self.mailbox.empty():
            if message := self.mailbox.take():
                message()

    def abandon(self, *, interrupted: bool) -> bool:
        """Stops the jobs and waits for them; returns whether a Ctrl-C killed their programs."""
        again = False
        while True:
            try:
                if again:
                    self.shutdown.kill()
                    self._wait(time.monotonic() + _PATIENCE)
                else:
                    self.shutdown.interrupt() if interrupted else self.shutdown.stop()
                    self._wait(None)
            except KeyboardInterrupt:
                again = True
            else:
                return again

    def _wait(self, until: float | None) -> None:
        for worker in self.workers:
            worker.give_up()
        while self._busy() and (until is None or time.monotonic() < until):
            self.mailbox.take()  # nothing is called any more

    def _busy(self) -> bool:
        return not all(worker.ended for worker in self.workers)

    def _work(self) -> None:
        """Takes jobs until none is left; the first that raises ends all."""
        while self._jobs:
            with suppress(IndexError):  # another thread was faster
                index, job = self._jobs.popleft()
                try:
                    self.results[index] = job(self.mailbox)
                except BaseException as error:  # noqa: BLE001  # it is raised in the calling thread
                    self._jobs.clear()
                    self.mailbox.post(_raise, error)


def _raise(error: BaseException) -> None:
    raise error


def call_in_threads(
    jobs: Sequence[Job[T]], shutdown: Shutdown, *, threads: int | None = None
) -> list[T]:
    """Calls each job in one of the `threads` (one for each by default); returns all results.

    A job is given a mailbox: what it posts there is called in this thread. Whatever is raised here
    — by a job, by what it posted, or a `KeyboardInterrupt` — stops `shutdown`, and is raised again
    when all jobs have ended.
    """
    crew = _Crew(jobs, shutdown)
    try:
        crew.run(min(threads or len(jobs), len(jobs)))
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        again = crew.abandon(interrupted=interrupted)
        if interrupted or not again:
            raise
        raise KeyboardInterrupt from error
    return [crew.results[index] for index in range(len(jobs))]
