"""Scalars as Go's standard library reads and prints them: what faas-cli, buildx and BuildKit do."""

from __future__ import annotations

import re
from functools import cache

__all__ = [
    "FALSE",
    "TRUE",
    "format_scalar",
    "parse_bool",
    "parse_duration",
    "parse_integer",
    "quote",
    "to_lower",
    "to_upper",
]

# strconv.ParseBool
TRUE: frozenset[str] = frozenset({"1", "t", "T", "true", "True", "TRUE"})
FALSE: frozenset[str] = frozenset({"0", "f", "F", "false", "False", "FALSE"})

# strconv.Atoi, for numbers that certainly fit in 64 bits.
_INTEGER = r"[-+]?[0-9]{1,18}"
# time.ParseDuration; both signs for micro are accepted.
_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_PART = r"(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:ns|us|µs|μs|ms|s|m|h)"
_DURATION = rf"[-+]?+(?:0|(?>{_PART})+)"
_DURATION_PARTS = r"([0-9.]+)([a-zµμ]+)"
# strconv.Quote
_ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}
_MAX_ASCII, _MAX_BMP = 0x7F, 0xFFFF


@cache
def _pattern(grammar: str) -> re.Pattern[str]:
    """The compiled grammar, on first use: an import costs less without."""
    return re.compile(grammar)


def to_lower(text: str) -> str:
    """`strings.ToLower`: rune by rune, so that one letter never becomes two.

    >>> to_lower("KEY İ")
    'key i'
    """
    return text.lower() if text.isascii() else "".join(c.lower()[0] for c in text)


def to_upper(text: str) -> str:
    """`strings.ToUpper`: rune by rune; `ß` has no upper-case letter of its own and stays.

    >>> to_upper("straße")
    'STRAßE'
    """
    return "".join(upper if len(upper := c.upper()) == 1 else c for c in text)


def parse_bool(text: str) -> bool | None:
    """`strconv.ParseBool`; `None` for a text that it rejects.

    >>> parse_bool("T"), parse_bool("0"), parse_bool("yes")
    (True, False, None)
    """
    return True if text in TRUE else False if text in FALSE else None


def parse_integer(text: str) -> int | None:
    """`strconv.Atoi`; `None` for a text that it rejects, and for more than 18 digits.

    >>> parse_integer("+07"), parse_integer("1_000")
    (7, None)
    """
    return int(text) if _pattern(_INTEGER).fullmatch(text) else None


def parse_duration(text: str) -> float | None:
    """`time.ParseDuration`, in seconds; `None` for a text that it rejects.

    >>> parse_duration("1h30m"), parse_duration("90")
    (5400.0, None)
    """
    if not _pattern(_DURATION).fullmatch(text):
        return None
    parts = _pattern(_DURATION_PARTS).findall(text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return -seconds if text.startswith("-") else seconds


def format_scalar(value: object) -> str:
    """A scalar as Go's `%v` prints it; null is empty text.

    >>> format_scalar(True), format_scalar(1), format_scalar(None)
    ('true', '1', '')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def quote(text: str) -> str:
    r"""`strconv.Quote`, which is also `%q`.

    >>> quote('a\tb"c')
    '"a\\tb\\"c"'
    """
    if text.isprintable() and "\\" not in text and '"' not in text:
        return f'"{text}"'
    return f'"{"".join(map(_escape, text))}"'


def _escape(char: str) -> str:
    """One character of a quoted string."""
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    if "\ud800" <= char <= "\udfff":  # not UTF-8: Go shows the bytes
        handler = "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass"
        return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", handler))
    code = ord(char)
    if code <= _MAX_ASCII:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _MAX_BMP else f"\\U{code:08x}"
