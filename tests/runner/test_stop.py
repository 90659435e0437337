"""`Stop`: one switch for several builds."""

import signal
import threading

from faas_cache.runner.stop import Deadline, Shutdown, Stop


def test_a_stop_is_compared_by_identity_and_shows_its_state() -> None:
    """Two of them are two switches."""
    stop, other = Stop(), Stop()
    assert (stop == stop, stop == other, len({stop, other})) == (True, False, 2)  # noqa: PLR0124  # identity is the claim
    assert repr(stop) == "<Stop: not stopped>"
    stop.stop()
    assert (repr(stop), stop.stopped, other.stopped) == ("<Stop: stopped>", True, False)


def test_callbacks_are_called_while_they_are_registered() -> None:
    """Once by the stop, at once after it, and never when the block is over."""
    stop = Stop()
    calls: list[str] = []
    with stop.on_stop(lambda: calls.append("over")):
        pass
    with stop.on_stop(lambda: calls.append("first")):
        stop.stop()
        stop.stop()
        with stop.on_stop(lambda: calls.append("late")):
            pass
    assert calls == ["first", "late"]


def test_many_threads_may_register_and_stop() -> None:
    """Every callback that is registered before the stop is called."""
    stop, calls = Stop(), list[int]()
    ready = threading.Barrier(9)

    def register(number: int) -> None:
        with stop.on_stop(lambda: calls.append(number)):
            ready.wait()
            ready.wait()

    threads = [threading.Thread(target=register, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    ready.wait()
    stop.stop()
    ready.wait()
    for thread in threads:
        thread.join()
    assert sorted(calls) == list(range(8))


def test_a_signal_handler_may_stop_while_a_callback_is_registered() -> None:
    """The handler interrupts the thread that holds the lock."""
    stop = Stop()
    before = signal.signal(signal.SIGUSR1, lambda *_: stop.stop())
    try:
        with stop._lock:  # noqa: SLF001  # what a registration holds
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert stop.stopped


def test_a_shutdown_knows_how_to_end_programs() -> None:
    """SIGTERM, SIGINT for a Ctrl-C, and at once for a second one; the first of both signals counts."""
    shutdown, calls = Shutdown(), list[bool]()
    assert (shutdown.signal, shutdown.killed) == (signal.SIGTERM, False)
    with shutdown.on_stop(lambda: calls.append(shutdown.killed)):
        shutdown.interrupt()
        shutdown.interrupt()
        shutdown.kill()
    assert (shutdown.signal, shutdown.stopped, calls) == (signal.SIGINT, True, [False, True])
    other = Shutdown()
    other.stop()
    other.interrupt()
    assert other.signal == signal.SIGTERM


def test_a_shutdown_may_follow_another_one() -> None:
    """With its signal, unless it was stopped before; at once if the other one kills."""
    call, one, stopped = Shutdown(), Shutdown(), Shutdown()
    stopped.stop()
    call.interrupt()
    for shutdown in (one, stopped):
        shutdown.follow(call)
    assert [(s.signal, s.stopped, s.killed) for s in (one, stopped)] == [
        (signal.SIGINT, True, False),
        (signal.SIGTERM, True, False),
    ]
    call.kill()
    one.follow(call)
    assert (one.signal, one.killed) == (signal.SIGINT, True)


def test_a_deadline_ends_with_its_time_or_its_stop() -> None:
    """Without either it never ends."""
    stop = Stop()
    deadlines = [Deadline(None), Deadline(100), Deadline(0), Deadline(None, stop)]
    assert [deadline.stopped for deadline in deadlines] == [False, False, True, False]
    stop.stop()
    assert deadlines[3].stopped
