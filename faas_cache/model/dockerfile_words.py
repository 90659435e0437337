r"""The words of Dockerfiles: how they are divided, and the variables in them.

    word  := ( "'" other* "'" | '"' part* '"' | part )*
    part  := escape | "$" value | other
    value := name | "{" name ( modifier text )? "}"
    modifier := ":-" | "-" | ":+" | "+" | ":?" | "?" | "#" | "##" | "%" | "%%" | "/" | "//"

Nothing is rejected: what the builder would reject, or would become too long, is not changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

__all__ = ["SPACE", "Expander", "split_assignments", "split_words"]

# The characters that Go's `unicode.IsSpace` accepts.
SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# How much all variables of one Dockerfile may add, in characters, and defaults within defaults.
_MAX_EXPANDED = 2**20
_MAX_NESTING = 16

_BLANKS = re.compile(r"[\t\v\f\r ]+")
_NAME = re.compile(r"[^\W\d]\w*|\d+|[@*#?$!-]")
_MODIFIER = re.compile(r":?[-+?]|##?|%%?|//?")
_FORBIDDEN = frozenset("{}:")
_SYMBOLS = re.compile(r"\\[\\*?/}]|.", re.DOTALL)


def split_words(text: str) -> tuple[str, ...]:
    """The words between blanks, as of FROM and COPY; quotes mean nothing.

    >>> split_words("golang:1.23  AS build")
    ('golang:1.23', 'AS', 'build')
    """
    return tuple(word for word in _BLANKS.split(text) if word)


def split_assignments(text: str, escape: str = "\\") -> tuple[str, ...]:
    r"""The words of ARG, ENV and LABEL; quotes and escapes hold a word together, and stay in it.

    >>> split_assignments('A="b c" D=e\\ f')
    ('A="b c"', 'D=e\\ f')
    """
    mark = re.escape(escape)
    word = re.compile(
        rf"""(?:{mark}[^\n]|'[^']*+'?|"(?:{mark}.|[^"{mark}])*+"?|[^{SPACE}'"{mark}])++""",
        re.DOTALL,
    )
    return tuple(word.findall(text))


@attrs.define
class Expander:
    """Replaces the variables in words, as BuildKit does.

    Attributes:
        variables: The values by name; a name that is missing is a variable that is not set.
        escape: The escape character of the Dockerfile.
        budget: How many characters variables may still add; then variables are not replaced.
        used: The names of the variables that were looked up.
    """

    variables: Mapping[str, str]
    escape: str = "\\"
    budget: int = attrs.field(default=_MAX_EXPANDED, kw_only=True)
    used: dict[str, None] = attrs.field(factory=dict, kw_only=True)

    def expand(self, word: str) -> str:
        """The word with its variables replaced and without its quotes.

        >>> Expander({"V": "3.19", "E": ""}).expand('alpine:${V%.*}${E:-"-x"}')
        'alpine:3-x'
        """
        if not any(c in word for c in ("$", "'", '"', self.escape)):
            return word
        try:
            return _Word(self, word).parse()
        except _NotExpandedError:
            return word

    def spend(self, size: int) -> None:
        """Subtracts from the budget."""
        self.budget -= size
        if self.budget < 0:
            raise _NotExpandedError


class _NotExpandedError(Exception):
    """A word whose variables are not replaced."""


class _Word:
    """Parses one word from its beginning to its end."""

    def __init__(self, expander: Expander, text: str) -> None:
        self.expander = expander
        self.text = text
        self.at = 0
        self.depth = 0
        mark = re.escape(expander.escape)
        self.plain = re.compile(rf"[^$'\"{mark}/}}]++")
        self.quoted = re.compile(rf"[^$\"{mark}]++")

    def parse(self) -> str:
        return self.until("")

    def until(self, end: str, *, raw: bool = False) -> str:
        """The text up to `end`, or to the end of the word; with `raw`, escapes stay in it."""
        parts: list[str] = []
        while self.at < len(self.text):
            if match := self.plain.match(self.text, self.at):
                parts.append(match[0])
                self.at = match.end()
                continue
            character = self.next()
            if character == end:
                return "".join(parts)
            if character == self.expander.escape:
                parts.append((character if raw else "") + self.next())
            elif character == "'":
                parts.append(self.single_quoted())
            elif character == '"':
                parts.append(self.double_quoted(raw=raw))
            else:
                parts.append(self.variable() if character == "$" else character)
        if end:
            raise _NotExpandedError
        return "".join(parts)

    def next(self) -> str:
        """The next character, which is read; empty at the end."""
        character = self.text[self.at : self.at + 1]
        self.at += len(character)
        return character

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def single_quoted(self) -> str:
        end = self.text.find("'", self.at)
        if end < 0:
            raise _NotExpandedError
        part = self.text[self.at : end]
        self.at = end + 1
        return part

    def double_quoted(self, *, raw: bool) -> str:
        parts: list[str] = []
        while self.at < len(self.text):
            if match := self.quoted.match(self.text, self.at):
                parts.append(match[0])
                self.at = match.end()
                continue
            character = self.next()
            if character == '"':
                return "".join(parts)
            if character == "$":
                parts.append(self.variable())
                continue
            # An escape: only these can be escaped in quotes.
            following = self.peek()
            if following in ('"', "$", self.expander.escape):
                self.at += 1
                parts.append((character if raw else "") + following)
            elif following:
                parts.append(character)
        raise _NotExpandedError

    def variable(self) -> str:
        """The value of one variable, of which `$` is read."""
        if self.peek() != "{":
            return self.value(name) or "" if (name := self.name()) else "$"
        self.at += 1
        if not (following := self.peek()) or following in _FORBIDDEN:
            raise _NotExpandedError
        name = self.name()
        if self.peek() == "}":
            self.at += 1
            return self.value(name) or ""
        match = _MODIFIER.match(self.text, self.at)
        self.depth += 1
        if match is None or self.depth > _MAX_NESTING:
            raise _NotExpandedError
        self.at = match.end()
        modified = self.modified(name, match[0])
        self.depth -= 1
        return modified

    def modified(self, name: str, modifier: str) -> str:
        """The value of a variable with a modifier, whose text is read up to the `}`."""
        both = len(modifier) > 1 and modifier[0] != ":"
        if modifier[0] in "#%":
            remove = _without_beginning if modifier[0] == "#" else _without_end
            symbols = _symbols(self.until("}", raw=True))
            return remove(self.matched(name, symbols), symbols, longest=both)
        if modifier[0] == "/":
            symbols, new = _symbols(self.until("/", raw=True)), self.until("}", raw=True)
            value = self.matched(name, symbols, len(self.expander.variables.get(name, "")))
            self.expander.spend(len(value) * len(new))
            return _replaced(value, symbols, new, everywhere=both)
        text = self.until("}")
        given = self.value(name)
        is_set = bool(given) if modifier[0] == ":" else given is not None
        if modifier[-1] == "+":
            return text if is_set else ""
        if modifier[-1] == "?" and not is_set:
            raise _NotExpandedError
        return (given or "") if is_set else text

    def name(self) -> str:
        match = _NAME.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return match[0] if match else ""

    def value(self, name: str) -> str | None:
        self.expander.used[name] = None
        value = self.expander.variables.get(name)
        self.expander.spend(len(value or ""))
        return value

    def matched(self, name: str, symbols: list[str], times: int = 1) -> str:
        """The value of a variable that a pattern is compared with; subtracts from the budget."""
        value = self.value(name) or ""
        self.expander.spend(len(value) * (len(symbols) ** 2 + 1) * (times + 1))
        return value


# Patterns: `*` for any characters, `?` for one, and an escape for the character behind it.


def _symbols(pattern: str) -> list[str]:
    return _SYMBOLS.findall(pattern)


def _without_beginning(value: str, symbols: list[str], *, longest: bool) -> str:
    ends = _match_ends(value, symbols, 0)
    return value[ends[-1 if longest else 0] :] if ends else value


def _without_end(value: str, symbols: list[str], *, longest: bool) -> str:
    return _without_beginning(value[::-1], symbols[::-1], longest=longest)[::-1]


def _replaced(value: str, symbols: list[str], new: str, *, everywhere: bool) -> str:
    """The value with the first match replaced, or all of them; a match may be empty."""
    parts: list[str] = []
    at = 0
    while at <= len(value):
        ends = _match_ends(value, symbols, at)
        parts.append(new if ends else "")
        end = ends[-1] if ends else at
        if end == at:  # nothing to skip
            parts.append(value[at : at + 1])
            end += 1
        at = end
        if ends and not everywhere:
            break
    return "".join(parts) + value[at:]


def _match_ends(value: str, symbols: list[str], start: int) -> list[int]:
    """Where matches that begin at `start` end, in order."""
    ends: list[int] = []
    states = _reachable({0}, symbols)
    for at in range(start, len(value)):
        if len(symbols) in states:
            ends.append(at)
        moved = {
            state if symbols[state] == "*" else state + 1
            for state in states
            if state < len(symbols) and _accepts(symbols[state], value[at])
        }
        states = _reachable(moved, symbols)
    if len(symbols) in states:
        ends.append(len(value))
    return ends


def _accepts(symbol: str, character: str) -> bool:
    return symbol in ("*", "?") or symbol[-1] == character


def _reachable(states: set[int], symbols: list[str]) -> set[int]:
    """The states, and those behind each `*`, which matches nothing too."""
    reached = set(states)
    for state in states:
        while state < len(symbols) and symbols[state] == "*":
            state += 1  # noqa: PLW2901  # the next state
            reached.add(state)
    return reached
