"""Output streams, and the pseudo-terminal that a program gets instead of ours."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol, TypeAlias

__all__ = ["Output", "channel", "follow_size", "terminal_of", "writer_for"]


class Stream(Protocol):
    """Protocol for the parts of a file of text or of bytes that are used here."""

    def write(self, data: Any, /) -> object:  # noqa: ANN401  # text or bytes
        """Writes text or bytes."""

    def flush(self) -> object:
        """Passes on what was written."""


# What a caller may pass: a stream, a function of bytes, or `None` for `sys.stderr`.
Output: TypeAlias = Stream | Callable[[bytes], object] | None


def writer_for(output: Output) -> Callable[[bytes], object]:
    """A function that writes bytes to a stream of text or of bytes.

    `None` is `sys.stderr` as it is now; there, a closed pipe stops the output and
    nothing else.
    """
    if output is None:
        return _tolerant(_writer(sys.stderr)) if sys.stderr is not None else _discard
    return output if callable(output) else _writer(output)


def _discard(_: bytes) -> None:
    """Writes nothing: there is no `sys.stderr`."""


def _tolerant(write: Callable[[bytes], object]) -> Callable[[bytes], object]:
    broken = False

    def write_or_stop(block: bytes) -> None:
        nonlocal broken
        if not broken:
            try:
                write(block)
            except (OSError, ValueError):  # the pipe or the file is closed
                broken = True

    return write_or_stop


def _writer(stream: Stream) -> Callable[[bytes], object]:
    try:
        stream.write(b"")
    except TypeError:
        binary = getattr(stream, "buffer", None)
        return _text_writer(stream) if binary is None else _byte_writer(binary, stream.flush)
    return _byte_writer(stream, lambda: None)


def _byte_writer(stream: Stream, before: Callable[[], object]) -> Callable[[bytes], object]:
    def write(block: bytes) -> None:
        before()  # text that was written first
        while block:
            count = stream.write(block)  # an unbuffered stream may take a part
            block = block[count:] if isinstance(count, int) else b""
        stream.flush()

    return write


def _text_writer(stream: Stream) -> Callable[[bytes], object]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(block: bytes) -> None:
        stream.write(decoder.decode(block))
        stream.flush()

    return write


def terminal_of(output: Output) -> int | None:
    """The file descriptor of the terminal that a stream writes to; `None` if it is not one."""
    stream = sys.stderr if output is None else output
    with suppress(AttributeError, OSError, ValueError):  # no file, or a closed one
        if stream.isatty() and _module("termios") is not None:  # type: ignore[union-attr]  # what is missing is caught
            return int(stream.fileno())  # type: ignore[union-attr]  # the same
    return None


def _module(name: str) -> ModuleType | None:
    """A module that not every system has."""
    try:
        return import_module(name)
    except ImportError:
        return None


@contextmanager
def channel(terminal: int | None) -> Iterator[tuple[int, int]]:
    """Where to read from, and where a program writes to; the caller closes the latter.

    A pipe, or a terminal of the size of `terminal` where there is one and the system has
    pseudo-terminals.
    """
    source, target = _pseudo_terminal(terminal) or os.pipe()
    try:
        yield source, target
    finally:
        os.close(source)


def _pseudo_terminal(terminal: int | None) -> tuple[int, int] | None:
    tty = None if terminal is None else _module("tty")
    if terminal is None or tty is None:
        return None
    try:
        source, target = os.openpty()
    except OSError:
        return None  # all are in use
    tty.setraw(target)
    follow_size(source, terminal)()
    return source, target


def follow_size(source: int, terminal: int | None) -> Callable[[], object]:
    """A function that gives the terminal of `channel` the size of ours, if that has changed."""
    termios, last = _module("termios"), None
    if terminal is None or termios is None:
        return lambda: None

    def follow() -> None:
        nonlocal last
        with suppress(OSError, termios.error):  # a pipe, or a terminal that was closed
            size = termios.tcgetwinsize(terminal)
            if size != last:
                last = size
                termios.tcsetwinsize(source, size)

    return follow
