"""The patterns of `${X#…}`, `${X##…}`, `${X%…}` and `${X%%…}`: those of Go's path.Match, but `/` is a character like others.

pattern := ( "*" | "?" | "[" "^"? range+ "]" | "\\" any | other )*
range   := item ( "-" item )?            item := "\\" any | any but "\\", "]" and "-"
"""

from __future__ import annotations

import re

__all__ = ["trim_prefix", "trim_suffix"]

_RANGE = re.compile(r"(?P<low>\\.|[^\\\]-])(?:-(?P<high>\\.|[^\\\]-]))?", re.DOTALL)
_ANY = r"[\s\S]"


def trim_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """The value without the shortest or longest beginning that the pattern matches.

    >>> trim_prefix("a/b/c", "*/", longest=True)
    'c'
    """
    segments = _segments(pattern, len(value))
    if segments is None or not value:
        return value
    first, *rest = segments
    if not rest:
        expression = first
    elif not any(segments):
        expression = f"{_ANY}+" if longest else _ANY
    else:
        # Where each segment but the last matches first is as good as anywhere else.
        *middle, last = rest
        skip = f"{_ANY}*" if longest else f"{_ANY}*?"
        expression = first + "".join(f"(?>{_ANY}*?{segment})" for segment in middle) + skip + last
    match = re.compile(expression).match(value)
    return value[match.end() :] if match else value


def trim_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """The value without the shortest or longest end: drone/envsubst mirrors both and trims the beginning."""
    return trim_prefix(value[::-1], pattern[::-1], longest=longest)[::-1]


def _segments(pattern: str, most: int) -> list[str] | None:
    """The regular expressions between the stars of a pattern; None for an invalid one, and for one that needs more than
    `most` characters: a pattern is never compiled that is much longer than the value.
    """
    segments, at, length = [""], 0, 0
    while at < len(pattern):
        c, at = pattern[at], at + 1
        if c == "*":
            if segments[-1] or len(segments) == 1:
                segments.append("")
            continue
        length += 1
        if length > most:
            return None
        if c == "?":
            segments[-1] += _ANY
        elif c == "[":
            parsed = _parse_class(pattern, at)
            if parsed is None:
                return None
            expression, at = parsed
            segments[-1] += expression
        elif c == "\\":
            if at == len(pattern):
                return None
            segments[-1] += re.escape(pattern[at])
            at += 1
        else:
            segments[-1] += re.escape(c)
    return segments


def _parse_class(pattern: str, at: int) -> tuple[str, int] | None:
    """The regular expression of a `[…]` whose inside begins at `at`, and where it ends; None for an invalid one."""
    negated = pattern.startswith("^", at)
    at += negated
    items: list[str] = []
    while match := _RANGE.match(pattern, at):
        low, high = match["low"][-1], (match["high"] or match["low"])[-1]
        if low <= high:
            items.append(f"{re.escape(low)}-{re.escape(high)}")
        at = match.end()
        if pattern.startswith("]", at):
            if not items:
                return _ANY if negated else r"[^\s\S]", at + 1
            return f"[{'^' if negated else ''}{''.join(items)}]", at + 1
    return None
