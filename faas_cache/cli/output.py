"""What the command line prints: results on stdout, messages on stderr, all of it escaped."""

from __future__ import annotations

import codecs
import os
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from enum import IntEnum
from io import TextIOWrapper

from faas_cache.model.diagnostics import Diagnostic, nearest

__all__ = [
    "ExitCode",
    "count",
    "escape",
    "open_streams",
    "print_json",
    "print_result",
    "silence_stderr",
    "silence_stdout",
    "suggest",
    "warn",
]


_HANDLER = "faas-cache"


class ExitCode(IntEnum):
    """The exit codes of every command, beside 128 + N for a run that signal N interrupted."""

    DONE = 0
    FAILED = 1
    INVALID_INPUT = 2
    UNSUPPORTED = 3


# Characters that can move the cursor, reorder text or end a line where none is expected.
_UNSAFE = {
    **{
        code: f"\\x{code:02x}"
        for code in (*range(0x20), *range(0x7F, 0xA0))
        if chr(code) not in "\n\t"
    },
    **{code: f"\\u{code:04x}" for code in (0x061C, 0x200E, 0x200F, 0x2028, 0x2029)},
    **{code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
}


def escape(text: str) -> str:
    """The text with control characters, bidirectional marks and line separators made visible."""
    return text.translate(_UNSAFE)


def warn(*messages: object) -> None:
    """Prints messages on standard error; a closed one stops nothing."""
    try:
        for message in messages:
            print(escape(str(message)), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        silence_stderr()


def open_streams() -> None:
    """Gives this process the standard streams that its caller closed, and an encoding for all text.

    What is written to a closed stderr is lost, what is written to a closed stdout is an error.
    Bytes that are not text pass as they are; characters that a terminal does not have are escaped.
    """
    if sys.stderr is None:
        silence_stderr()
    if sys.stdout is None:
        sys.stdout = open(os.devnull, encoding="utf-8")  # noqa: SIM115  # until the process ends
    codecs.register_error(_HANDLER, _encode)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _encode(error: UnicodeError) -> tuple[str | bytes, int]:
    """The bytes of a character that an encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):  # this is for writing alone
        raise error
    code = ord(error.object[error.start])
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004  # a byte, by PEP 383
        return bytes([code - 0xDC00]), error.start + 1
    return error.object[error.start].encode("ascii", "backslashreplace"), error.start + 1


def silence_stdout() -> None:
    """Discards what is still to be written to standard output, when the process ends at last."""
    with suppress(OSError, ValueError):  # it is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def silence_stderr() -> None:
    """Discards what is written to standard error from now on: nobody reads it any more."""
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # until the process ends


def print_result(text: str) -> None:
    """Prints a result on standard output."""
    sys.stdout.write(escape(text))


def print_json(value: object) -> None:
    """Prints a result as JSON."""
    import json

    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def suggest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word that was probably meant; empty where there is none."""
    return nearest(word, known)


def count(diagnostics: Iterable[Diagnostic]) -> str:
    """How many errors, warnings and notes there are."""
    counts = Counter(d.severity for d in diagnostics)
    words = ("error", "warning", "note")
    return ", ".join(f"{counts[word]} {word}{'s' * (counts[word] != 1)}" for word in words)  # type: ignore[index]  # the three severities
