"""What another program prints, in our messages: one line without control characters or secrets."""

from __future__ import annotations

from faas_cache.model.masking import masked_message

__all__ = ["first_line", "last_line", "printable"]

_MAX_LINE = 300
# What turns the direction of text or begins a new line in some viewers, beside the control
# characters.
_UNPRINTABLE = frozenset("\u2028\u2029\u200e\u200f\u061c\ufeff") | frozenset(
    map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)


def printable(text: str) -> str:
    r"""The text with control characters as escapes, and without its secrets.

    >>> printable("\x1b[31mred http://me:secret@host")
    '\\x1b[31mred http://***@host'
    """
    return "".join(
        c.encode("unicode_escape").decode("ascii")
        if not c.isprintable() or c in _UNPRINTABLE
        else c
        for c in masked_message(text)
    )


def first_line(text: str) -> str:
    """The first line with text in it; empty if there is none."""
    return _cut(text.lstrip().partition("\n")[0])


def last_line(text: str) -> str:
    """The last line with text in it; empty if there is none."""
    return _cut(text.rstrip().rpartition("\n")[2])


def _cut(line: str) -> str:
    shown = printable(line[: 4 * _MAX_LINE].strip())
    return shown if len(shown) <= _MAX_LINE else f"{shown[:_MAX_LINE]}…"
