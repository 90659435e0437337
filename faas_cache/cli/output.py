"""What commands print: results on stdout, messages on stderr, escaped and without credentials."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from enum import IntEnum

from faas_cache.cli.colors import paint_severity
from faas_cache.cli.streams import write_stderr, write_stdout
from faas_cache.model.diagnostics import Diagnostic, Severity, nearest
from faas_cache.model.text import display, escape, escape_json

__all__ = [
    "ExitCode",
    "count",
    "print_block",
    "print_command",
    "print_diagnostics",
    "print_json",
    "print_result",
    "suggest",
    "warn",
    "warn_block",
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
        text = display(str(message))
        if isinstance(message, Diagnostic):
            text = paint_severity(text, message.severity, sys.stderr)
        write_stderr(f"{text}\n")


def print_result(text: str) -> None:
    """Prints a result on standard output, escaped and masked."""
    write_stdout(display(text))


def warn_block(*blocks: tuple[str, Severity]) -> None:
    """Prints messages on standard error that begin as diagnostics of a severity do."""
    for text, severity in blocks:
        write_stderr(f"{paint_severity(display(text), severity, sys.stderr)}\n")


def print_diagnostics(*items: Diagnostic) -> None:
    """Prints diagnostics as a result."""
    texts = (paint_severity(display(f"{item}\n"), item.severity, sys.stdout) for item in items)
    write_stdout("".join(texts))


def print_block(text: str, severity: Severity) -> None:
    """Prints a result that begins as a diagnostic does."""
    write_stdout(paint_severity(display(text), severity, sys.stdout))


def print_command(text: str) -> None:
    """Prints a command line to the byte for a shell, and escaped for a terminal."""
    write_stdout(escape(text) if sys.stdout.isatty() else text)


def print_json(value: object) -> None:
    """Prints a result as JSON, which escapes by itself all but the commands of one CI system."""
    import json

    write_stdout(escape_json(json.dumps(value, indent=2)) + "\n")


def suggest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word that was probably meant; empty if there is none."""
    return nearest(word, known)


def count(diagnostics: Iterable[Diagnostic]) -> str:
    """How many errors, warnings and notes there are."""
    counts = Counter(d.severity for d in diagnostics)
    words = ("error", "warning", "note")
    return ", ".join(f"{counts[word]} {word}{'s' * (counts[word] != 1)}" for word in words)  # type: ignore[index]  # the three severities
