"""Callbacks and streams of a build that are called in the thread of an event loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faas_cache.runner.asynchronous import InLoop

__all__ = ["in_event_loop"]

_CALLED = ("on_event", "output")


class _StreamInLoop:
    """A stream that is written in the thread of an event loop."""

    def __init__(self, stream: Any, in_loop: InLoop) -> None:  # noqa: ANN401  # a text or binary stream
        self._stream = stream
        self.write = in_loop(stream.write)
        self.flush = in_loop(stream.flush)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever else the stream has
        return getattr(self._stream, name)


def in_event_loop(arguments: Mapping[str, Any], in_loop: InLoop) -> Any:  # noqa: ANN401  # a TypedDict
    """The arguments of a build with its callbacks called in the thread of an event loop."""
    return {
        name: _wrapped(value, in_loop) if name in _CALLED and value is not None else value
        for name, value in arguments.items()
    }


def _wrapped(target: Any, in_loop: InLoop) -> Any:  # noqa: ANN401  # a callback or a stream
    return _StreamInLoop(target, in_loop) if hasattr(target, "write") else in_loop(target)
