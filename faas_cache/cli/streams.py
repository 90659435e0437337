"""The standard streams of the process: closed ones, full ones, and those that nobody reads.

What is printed never ends a command before its work is done. A reader that is gone has read enough:
the exit code is that of the command. A result that cannot be written for another reason (a full
disk) is an `OutputError`.
"""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import FaasCacheError

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["OutputError", "flush_stdout", "open_streams", "write_stderr", "write_stdout"]

_STANDARD = range(3)
_HANDLER = "faas-cache"


class OutputError(FaasCacheError):
    """A result could not be written to stdout."""

    exit_code = 1


def open_streams() -> None:
    """Opens the streams that the caller closed, to nothing, and gives all an encoding for any text.

    Otherwise the next file that is opened, a lock or a pipe, would get the number of one of them.
    Bytes that are not text pass as they are; characters that a terminal does not have are escaped.
    """
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003  # by position
    # Python sets a stream to None if it was closed.
    sys.stdout = sys.stdout or _nothing()
    sys.stderr = sys.stderr or _nothing()
    codecs.register_error(_HANDLER, _encode)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _encode(error: Any) -> tuple[str | bytes, int]:  # noqa: ANN401  # a `UnicodeError` of either kind
    """The bytes of a character that an encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):  # the stream is read, too, as pytest does
        return codecs.replace_errors(error)
    code = ord(error.object[error.start])
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004  # a byte, by PEP 383
        return bytes([code - 0xDC00]), error.start + 1
    return error.object[error.start].encode("ascii", "backslashreplace"), error.start + 1


def write_stdout(text: str) -> None:
    """Writes a result to stdout."""
    try:
        sys.stdout.write(text)
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
