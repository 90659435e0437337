"""What commands print: results on stdout, messages on stderr, escaped and without credentials."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from enum import IntEnum

from faas_cache.cli.streams import write_stderr, write_stdout
from faas_cache.model.diagnostics import Diagnostic, nearest
from faas_cache.model.text import display, escape, escape_json

__all__ = [
    "ExitCode",
    "count",
    "print_command",
    "print_json",
    "print_result",
    "suggest",
    "warn",
]


class ExitCode(IntEnum):
    """The exit codes of every command, beside 128 + N for a run that signal N interrupted."""

    DONE = 0
    FAILED = 1
    INVALID_INPUT = 2
    UNSUPPORTED = 3


def warn(*messages: object) -> None:
    """Prints messages on standard error, escaped and masked."""
    for message in messages:
        write_stderr(f"{display(str(message))}\n")


def print_result(text: str) -> None:
    """Prints a result on standard output, escaped and masked."""
    write_stdout(display(text))


def print_command(text: str) -> None:
    """Prints a command line to the byte for a shell, and escaped for a terminal."""
    write_stdout(escape(text) if sys.stdout.isatty() else text)


def print_json(value: object) -> None:
    """Prints a result as JSON, which escapes by itself all but the commands of one CI system."""
    import json

    write_stdout(escape_json(json.dumps(value, indent=2)) + "\n")


def suggest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word that was probably meant; empty where there is none."""
    return nearest(word, known)


def count(diagnostics: Iterable[Diagnostic]) -> str:
    """How many errors, warnings and notes there are."""
    counts = Counter(d.severity for d in diagnostics)
    words = ("error", "warning", "note")
    return ", ".join(f"{counts[word]} {word}{'s' * (counts[word] != 1)}" for word in words)  # type: ignore[index]  # the three severities
