r"""How text from files, registries and builders is shown: escaped, and without credentials.

Everything that leaves the program for a terminal, a log, an annotation, a summary or JSON passes
one of these functions. `printable` is for a part of a message, which is one line; `display` for
text with lines of its own. Only the words of a command, and what a builder itself prints, are
passed on to the byte.
"""

from __future__ import annotations

import re

from faas_cache.model.masking import masked_message

__all__ = [
    "display",
    "escape",
    "escape_json",
    "escape_line",
    "first_line",
    "last_line",
    "printable",
]

_MAX_LINE = 300
# How GitHub Actions and Azure Pipelines recognize a command: the first two after white space at the
# beginning of a line, the others anywhere in it.
_COMMAND = r"(?m)^(?P<space>[ \t]*):(?=:)|#(?=#(?:vso)?\[)"

_HASHES = re.compile(r"#(?=#)")


def escape_line(text: str) -> str:
    r"""The text as one line: whatever is not printable is written as an escape.

    These are control characters and line ends, marks that change the direction of text or have no
    width, and halves of surrogate pairs. Nor is a line a command for a CI system.

    >>> escape_line("\x1b[31mred\r\n\u202e"), escape_line("::error::x")
    ('\\x1b[31mred\\r\\n\\u202e', '\\x3a:error::x')
    """
    if not text.isprintable():
        text = "".join(map(_escape_character, text))
    return _escape_commands(text)


def escape(text: str) -> str:
    r"""Like `escape_line`, but line feeds and tabs stay.

    >>> escape("a\tb\n\x1b")
    'a\tb\n\\x1b'
    """
    if not text.isprintable():
        text = "".join(c if c in "\n\t" else _escape_character(c) for c in text)
    return _escape_commands(text)


def escape_json(text: str) -> str:
    r"""JSON in ASCII that is not a command for Azure Pipelines, which looks for them in any line.

    >>> escape_json('"###vso[x]"')
    '"\\u0023\\u0023#vso[x]"'
    """
    return _HASHES.sub(r"\\u0023", text)


def printable(text: str) -> str:
    r"""The text as one line of a message, escaped and without its secrets.

    >>> printable("\x1b[31mred http://me:secret@host")
    '\\x1b[31mred http://***@host'
    """
    return escape_line(masked_message(text))


def display(text: str) -> str:
    """Lines of a message, escaped and without their secrets."""
    return escape(masked_message(text))


def first_line(text: str) -> str:
    """The first line with text in it, to be shown; empty if there is none."""
    return _cut(text.lstrip().partition("\n")[0])


def last_line(text: str) -> str:
    """The last line with text in it, to be shown; empty if there is none."""
    return _cut(text.rstrip().rpartition("\n")[2])


def _escape_character(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def _escape_commands(text: str) -> str:
    if "::" not in text and "##" not in text:
        return text
    return re.sub(_COMMAND, _escape_command, text)


def _escape_command(match: re.Match[str]) -> str:
    space = match["space"]
    return r"\x23" if space is None else rf"{space}\x3a"


def _cut(line: str) -> str:
    shown = printable(line[: 4 * _MAX_LINE].strip())
    return shown if len(shown) <= _MAX_LINE else f"{shown[:_MAX_LINE]}…"
