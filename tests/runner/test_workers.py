"""Threads whose messages are delivered in the thread that called."""

import signal
import threading
import time

import pytest

from faas_cache.runner import workers
from faas_cache.runner.stop import Shutdown
from faas_cache.runner.workers import Mailbox, call_in_threads


def interrupt() -> None:
    """A Ctrl-C while the main thread waits: one between two bytecodes would end its tracing."""
    time.sleep(0.1)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_results_are_in_the_order_of_the_jobs() -> None:
    """Whatever the order of their ends; so many threads as are asked for."""
    threads = set[int]()

    def job(number: int) -> int:
        threads.add(threading.get_ident())
        time.sleep(0.01 * (5 - number))
        return number

    shutdown = Shutdown()
    jobs = [lambda _, number=number: job(number) for number in range(5)]
    assert call_in_threads(jobs, shutdown, threads=2) == [0, 1, 2, 3, 4]
    assert (len(threads) <= 2, threading.get_ident() in threads, shutdown.stopped) == (
        True,
        False,
        False,
    )
    assert call_in_threads([], shutdown) == []


def test_messages_are_called_in_the_calling_thread_in_order() -> None:
    """All of them, before the call returns."""
    calls: list[tuple[int, bool]] = []

    def call(number: int, worker: threading.Thread) -> None:
        calls.append((number, threading.current_thread() is worker))

    def job(mailbox: Mailbox) -> None:
        for number in range(1000):
            mailbox.post(call, number, threading.current_thread())

    call_in_threads([job], Shutdown())
    assert calls == [(number, False) for number in range(1000)]


def test_a_mailbox_says_when_the_caller_is_behind() -> None:
    """So that a program can be made to wait."""
    mailbox = Mailbox()
    ready = [mailbox.ready()]
    for _ in range(workers._MAX_PENDING):  # noqa: SLF001  # the limit
        mailbox.post(lambda: None)
    assert [*ready, mailbox.ready()] == [True, False]


@pytest.mark.parametrize("where", ["job", "message"])
def test_an_error_stops_the_jobs_and_is_raised_when_they_have_ended(where: str) -> None:
    """Of a job, or of what it posted; jobs that have not begun never do."""
    shutdown, ended = Shutdown(), threading.Event()

    def fail() -> None:
        raise OSError("disk full")

    def failing(mailbox: Mailbox) -> None:
        if where == "job":
            fail()
        mailbox.post(fail)

    def waiting(_: Mailbox) -> None:
        while not shutdown.stopped:
            time.sleep(0.01)
        ended.set()

    with pytest.raises(OSError, match="disk full"):
        call_in_threads([waiting, failing], shutdown)
    assert (shutdown.stopped, shutdown.killed, ended.is_set()) == (True, False, True)


def test_a_keyboard_interrupt_waits_and_a_second_one_kills() -> None:
    """Both are raised in the calling thread while it waits."""
    shutdown, killed = Shutdown(), threading.Event()

    def job(_: Mailbox) -> None:
        interrupt()
        while not shutdown.stopped:
            time.sleep(0.01)
        interrupt()
        while not shutdown.killed:
            time.sleep(0.01)
        killed.set()

    with pytest.raises(KeyboardInterrupt):
        call_in_threads([job], shutdown)
    assert (shutdown.signal, killed.is_set()) == (2, True)


def test_a_keyboard_interrupt_during_the_end_of_a_failure_is_not_swallowed() -> None:
    """It is raised in place of the failure, which is its cause."""
    shutdown = Shutdown()

    def job(_: Mailbox) -> None:
        while not shutdown.stopped:
            time.sleep(0.01)
        interrupt()
        while not shutdown.killed:
            time.sleep(0.01)

    def failing(_: Mailbox) -> None:
        raise OSError("disk full")

    with pytest.raises(KeyboardInterrupt) as caught:
        call_in_threads([job, failing], shutdown)
    assert str(caught.value.__cause__) == "disk full"


def test_a_second_interrupt_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that hangs in something else than a program, such as a lock, is left behind."""
    monkeypatch.setattr(workers, "_PATIENCE", 0.05)
    monkeypatch.setattr(workers, "_POLL", 0.01)
    shutdown, release = Shutdown(), threading.Event()

    def job(_: Mailbox) -> None:
        interrupt()
        while not shutdown.stopped:
            time.sleep(0.01)
        interrupt()
        release.wait()

    with pytest.raises(KeyboardInterrupt):
        call_in_threads([job], shutdown)
    release.set()


def test_an_interrupt_before_a_thread_begins_gives_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a thread that never ran, and one that begins late does nothing."""
    threads: list[threading.Thread] = []
    calls: list[str] = []
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        threads.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call_in_threads([lambda _: calls.append("job")], Shutdown())
    monkeypatch.undo()
    start(threads[0])
    threads[0].join()
    assert calls == []
