"""Colors: whether a stream gets them, and which.

`--color` decides; else `NO_COLOR` (https://no-color.org) and `FORCE_COLOR`, in this order, as in
Python itself; else whether the stream is a terminal.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from faas_cache.model.diagnostics import Severity

if TYPE_CHECKING:
    from typing import TextIO

    from faas_cache.runner.tables import Paint, Style

__all__ = ["WHEN", "choosing", "is_colored", "is_terminal", "paint_severity", "painter"]

WHEN = ("auto", "always", "never")
_NO, _FORCE = "NO_COLOR", "FORCE_COLOR"
_CODES = {"good": "32", "fair": "33", "bad": "31", "dim": "2"}
_SEVERITIES = {"error": "1;31", "warning": "1;33", "note": "1;36"}


@contextmanager
def choosing(when: str) -> Iterator[None]:
    """Applies `--color`, for us and for the programs that we start; restores the environment."""
    before = {name: os.environ.get(name) for name in (_NO, _FORCE)}
    chosen = {"always": {_FORCE: "1"}, "never": {_NO: "1"}}.get(when)
    try:
        if chosen is not None:
            _set(dict.fromkeys(before) | chosen)
        yield
    finally:
        _set(before)


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def is_colored(stream: TextIO) -> bool:
    """Whether text written to a stream is colored."""
    if os.environ.get(_NO):
        return False
    if os.environ.get(_FORCE):
        return True
    return is_terminal(stream)


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal that supports colors; a closed one is not."""
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:
        return False


def painter(stream: TextIO) -> Paint:
    """A function that colors text for a stream, or returns it unchanged."""
    colored = is_colored(stream)

    def paint(text: str, style: Style) -> str:
        return _paint(text, _CODES[style]) if colored else text

    return paint


def paint_severity(text: str, severity: Severity, stream: TextIO) -> str:
    """The text of a diagnostic with its severity in color."""
    if not is_colored(stream):
        return text
    word = f"{severity}: "
    start = 0 if text.startswith(word) else text.find(f": {word}") + 2
    end = start + len(severity)
    return f"{text[:start]}{_paint(text[start:end], _SEVERITIES[severity])}{text[end:]}"


def _paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"
