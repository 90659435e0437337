"""The standard streams of the process: closed ones, full ones, and those that nobody reads.

What is printed never ends a command before its work is done. A reader that is gone has read enough:
the exit code is that of the command. A result that cannot be written for another reason (a full
disk) is an `OutputError`.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import FaasCacheError

if TYPE_CHECKING:
    from typing import TextIO

__all__ = [
    "OutputError",
    "flush_stdout",
    "open_streams",
    "write_bytes",
    "write_stderr",
    "write_stdout",
]

_STANDARD = range(3)


class OutputError(FaasCacheError):
    """A result could not be written to stdout."""

    exit_code = 1


def open_streams() -> None:
    """Opens the streams that the caller closed, to nothing.

    Otherwise the next file that is opened, a lock or a pipe, would get the number of one of them.
    """
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    # Python sets a stream to None if it was closed.
    sys.stdout = sys.stdout or _nothing()
    sys.stderr = sys.stderr or _nothing()


def write_stdout(text: str) -> None:
    """Writes a result to stdout; characters that its encoding does not have become escapes."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    except (OSError, ValueError) as error:
        _give_up(error)


def write_bytes(text: str) -> None:
    """Writes text to stdout as the bytes that a program gets as its arguments."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        write_stdout(text)
        return
    try:
        data = os.fsencode(text)
    except UnicodeEncodeError:  # the locale does not have these characters
        data = text.encode(errors="surrogatepass")
    flush_stdout()
    try:
        buffer.write(data)
    except (OSError, ValueError) as error:
        _give_up(error)


def flush_stdout() -> None:
    """Writes what is held back."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        _give_up(error)


def write_stderr(text: str) -> None:
    """Writes a message to stderr; one that nobody can read stops nothing."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.stderr = _silenced(sys.stderr)


def _give_up(error: OSError | ValueError) -> None:
    """Discards what is still written to stdout; raises where that is not what the reader wants."""
    sys.stdout = _silenced(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return
    reason = getattr(error, "strerror", None) or error
    raise OutputError(
        Diagnostic(
            name="report-not-written",
            message=f"cannot write to stdout: {str(reason).lower()}",
            hint="check the free space of the disk that it is written to",
        )
    ) from None


def _silenced(stream: TextIO) -> TextIO:
    """A stream to nothing; Python does not try to write the rest of the old one when it ends."""
    nothing = _nothing()
    with suppress(OSError, ValueError):
        os.dup2(nothing.fileno(), stream.fileno())
    return nothing


def _nothing() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # until the process ends
