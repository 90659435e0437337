"""`run_in_thread`: builds for asyncio, with callbacks in the thread of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import ParamSpec, Protocol, TypeVar

from faas_cache.runner.stop import Stop

__all__ = ["InLoop", "run_in_thread"]

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")

# How often a thread that waits for the event loop looks whether that is closed, in seconds.
_POLL = 0.5


class InLoop(Protocol):
    """Makes a callback one that is called in the thread of the event loop, and waited for."""

    def __call__(self, callback: Callable[P, R], /) -> Callable[P, R]:
        """The callback for another thread."""


async def run_in_thread(function: Callable[[Stop, InLoop], T], stop: Stop | None = None) -> T:
    """Calls a blocking function in a thread, and awaits its result.

    The function is given a `Stop` of its own, which is stopped with `stop` and when the task is
    cancelled: then the function is waited for before `CancelledError` is raised. It is given a way
    to have its callbacks called in the event loop's thread, too.
    """
    loop = asyncio.get_running_loop()
    own, future = Stop(), loop.create_future()

    def in_loop(callback: Callable[P, R], /) -> Callable[P, R]:
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            result: Future[R] = Future()
            loop.call_soon_threadsafe(_resolve, result, lambda: callback(*args, **kwargs))
            while not wait([result], timeout=_POLL).done:
                if loop.is_closed():
                    raise RuntimeError("the event loop is closed")
            return result.result()

        return call

    def work() -> None:
        result: Future[T] = Future()
        _resolve(result, lambda: function(own, in_loop))
        try:
            loop.call_soon_threadsafe(_copy, result, future)
        except RuntimeError:
            return  # the loop is closed: nothing waits for the result

    thread = Thread(target=work, name="faas-cache", daemon=True)
    if stop is None:
        return await _supervised(thread, own, future)
    with stop.on_stop(own.stop):
        return await _supervised(thread, own, future)


async def _supervised(thread: Thread, own: Stop, future: asyncio.Future[T]) -> T:
    """Awaits the result; a cancelled task stops the function, and waits for it."""
    thread.start()
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        own.stop()
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError:
                continue  # it was cancelled once more, and still waits
        future.exception()  # asyncio warns about an exception that is never retrieved
        raise


def _resolve(result: Future[R], call: Callable[[], R]) -> None:
    """Puts what a call returns or raises into a future."""
    try:
        value = call()
    except BaseException as error:  # noqa: BLE001  # it is raised where the result is awaited
        result.set_exception(error)
    else:
        result.set_result(value)


def _copy(source: Future[T], target: asyncio.Future[T]) -> None:
    """Copies the outcome of a finished future."""
    error = source.exception()
    if error is None:
        target.set_result(source.result())
    else:
        target.set_exception(error)
