"""Scalars as Go's standard library reads and writes them, which is how faas-cli, buildx and BuildKit do."""

from __future__ import annotations

import re

# strconv.ParseBool
TRUE = frozenset({"1", "t", "T", "true", "True", "TRUE"})
FALSE = frozenset({"0", "f", "F", "false", "False", "FALSE"})

# strconv.Atoi, as far as a number fits in 64 bits with room to spare.
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
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
_DURATION = re.compile(rf"[-+]?+(?:0|(?>{_PART})+)")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def to_lower(text: str) -> str:
    """`strings.ToLower`: rune by rune, so that a letter never becomes two.

    >>> to_lower("KEY İ")
    'key i'
    """
    return text.lower() if text.isascii() else "".join(c.lower()[0] for c in text)


def to_upper(text: str) -> str:
    """`strings.ToUpper`: rune by rune; `ß` has no single upper-case letter and stays."""
    return "".join(upper if len(upper := c.upper()) == 1 else c for c in text)


def parse_bool(text: str) -> bool | None:
    """`strconv.ParseBool`; `None` for a text that it rejects.

    >>> parse_bool("T"), parse_bool("0"), parse_bool("yes")
    (True, False, None)
    """
    return True if text in TRUE else False if text in FALSE else None


def parse_integer(text: str) -> int | None:
    """`strconv.Atoi`; `None` for a text that it rejects, and for more than 18 digits."""
    return int(text) if _INTEGER.fullmatch(text) else None


def parse_duration(text: str) -> float | None:
    """`time.ParseDuration`, in seconds; `None` for a text that it rejects.

    >>> parse_duration("1h30m"), parse_duration("90")
    (5400.0, None)
    """
    if not _DURATION.fullmatch(text):
        return None
    parts = re.findall(r"([0-9.]+)([a-zµμ]+)", text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return -seconds if text.startswith("-") else seconds


def format_scalar(value: object) -> str:
    """A scalar as Go's `%v` prints it: `true`, `1`, and an empty text for null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def quote(text: str) -> str:
    """`%q` for text without unusual control characters."""
    return '"' + "".join(_ESCAPES.get(c, c) for c in text) + '"'
