"""Builds for asyncio."""

import asyncio
import io
import threading
import time
from collections.abc import Callable

import pytest
from fake_docker import SLOW, FakeDocker
from runner_values import Planned, Program

from faas_cache.runner.asynchronous import InLoop, run_in_thread
from faas_cache.runner.builds import BuildUnit, run_builds
from faas_cache.runner.results import BuildResult
from faas_cache.runner.stop import Stop


def builds(
    fake: FakeDocker, output: Callable[[bytes], object] = lambda _: None
) -> Callable[[Stop, InLoop], BuildResult]:
    """Builds one function with the fake docker."""

    def call(stop: Stop, in_loop: InLoop) -> BuildResult:
        command = Program(argv=("docker", "buildx", "build", "."))
        units = [BuildUnit(plan=Planned(function="fn"), commands=(command,))]
        return run_builds(
            units, environ=fake.environ, output=in_loop(output), verbose=True, stop=stop
        )

    return call


async def called(fake: FakeDocker) -> None:
    """Waits until the fake was called."""
    await asyncio.to_thread(fake.wait_for_calls)


def test_callbacks_are_called_in_the_thread_of_the_loop(
    fake_docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order, and before the result is there."""
    fake_docker.answer("*", script="for i in 1 2 3; do echo $i >&2; sleep 0.05; done")
    threads, stream = set[int](), io.BytesIO()
    monkeypatch.setattr("faas_cache.runner.asynchronous._POLL", 0.01)

    def output(text: bytes) -> None:
        time.sleep(0.05)
        threads.add(threading.get_ident())
        stream.write(text)

    result = asyncio.run(run_in_thread(builds(fake_docker, output)))
    assert (result.ok, threads) == (True, {threading.get_ident()})
    assert stream.getvalue() == b"fn: docker buildx build .\n1\n2\n3\n"


@pytest.mark.parametrize("error", [OSError("disk full"), TimeoutError("late"), KeyError("x")])
def test_what_a_callback_raises_reaches_the_caller(
    fake_docker: FakeDocker, error: Exception
) -> None:
    """Through the thread, and back."""

    def output(_: bytes) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        asyncio.run(run_in_thread(builds(fake_docker, output)))
    assert caught.value is error


@pytest.mark.parametrize("times", [1, 3])
def test_a_cancelled_task_ends_its_builds_and_waits_for_them(
    fake_docker: FakeDocker, times: int
) -> None:
    """However often it is cancelled; no other build ends, and no `Stop` of the caller is stopped."""
    fake_docker.answer("*", script="trap 'sleep 0.3; exit 1' TERM; while :; do sleep 0.02; done")
    stop = Stop()

    async def main() -> None:
        task = asyncio.create_task(run_in_thread(builds(fake_docker), stop))
        await called(fake_docker)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0.05)
        assert fake_docker.running() != set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert fake_docker.running() == set()

    asyncio.run(main())
    assert not stop.stopped


def test_a_failure_of_a_cancelled_task_is_not_reported_twice() -> None:
    """The task is cancelled: that is what its caller hears."""
    begun = threading.Event()

    def fail(stop: Stop, _: InLoop) -> None:
        begun.set()
        while not stop.stopped:
            time.sleep(0.01)
        raise OSError("disk full")

    async def main() -> None:
        task = asyncio.create_task(run_in_thread(fail))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_stop_of_the_caller_ends_the_builds(fake_docker: FakeDocker) -> None:
    """The task ends with a result."""
    fake_docker.answer("*", script=SLOW)
    stop = Stop()

    async def main() -> BuildResult:
        task = asyncio.create_task(run_in_thread(builds(fake_docker), stop))
        await called(fake_docker)
        stop.stop()
        return await task

    assert [function.status for function in asyncio.run(main()).functions] == ["stopped"]


def test_a_loop_that_is_closed_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread ends, whether it calls back or returns."""
    monkeypatch.setattr("faas_cache.runner.asynchronous._POLL", 0.01)
    begun, proceed, errors = threading.Event(), threading.Event(), list[str]()

    def function(_: Stop, in_loop: InLoop) -> None:
        errors.append(threading.current_thread().name)
        begun.set()
        proceed.wait()
        for _number in range(2):
            try:
                in_loop(lambda: None)()
            except RuntimeError as error:
                errors.append(str(error))

    loop = asyncio.new_event_loop()
    before = set(threading.enumerate())
    call = run_in_thread(function)
    task = loop.create_task(call)
    loop.run_until_complete(asyncio.sleep(0))
    begun.wait()
    (thread,) = set(threading.enumerate()) - before
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *_: None)  # it was stopped too early
    proceed.set()
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001  # it never ends
    loop.close()
    thread.join()
    call.close()
    assert errors == ["faas-cache", "the event loop is closed", "the event loop is closed"]


def test_a_loop_that_is_closed_before_the_result_is_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody waits for the result any more."""
    begun, proceed = threading.Event(), threading.Event()

    def function(_: Stop, __: InLoop) -> None:
        begun.set()
        proceed.wait()

    loop = asyncio.new_event_loop()
    before = set(threading.enumerate())
    call = run_in_thread(function)
    task = loop.create_task(call)
    loop.run_until_complete(asyncio.sleep(0))
    begun.wait()
    (thread,) = set(threading.enumerate()) - before
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001  # it never ends
    loop.close()
    failures: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    proceed.set()
    thread.join()
    call.close()
    assert failures == []
