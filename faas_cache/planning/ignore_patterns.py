r"""`IgnorePattern`: one pattern of a `.dockerignore`, as moby's patternmatcher 0.6 reads it.

    pattern := ( text | "*" | "**" "/"? | "?" | "[" "^"? range+ "]" | "\" any )*

`*` and `?` match within a name, `**` across names. Patternmatcher checks a pattern with
`filepath.Match`, translates it to a regular expression of Go, and matches without one where it can.
The two differ in details, which are kept: `**x` matches `axx` but `**x*` does not, `\d` matches a
digit, and in `[*]` the star is still translated.
"""

from __future__ import annotations

import re
from functools import cached_property

import attrs

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidInput
from faas_cache.model.masking import masked
from faas_cache.stack.automaton import Automaton, State

__all__ = ["MAX_EXPRESSION", "IgnorePattern", "invalid_pattern", "is_valid_glob"]

# Ours: the longest pattern that becomes a regular expression, and the longest expression.
MAX_EXPRESSION, _MAX_LENGTH = 2048, 20_000
# Characters that are special in a regular expression but not in `filepath.Match`.
_ESCAPED = frozenset(".+()|{}$")
_BOM = "\ufeff"
# An invalid byte of UTF-8, as `surrogateescape` reads it, and what Go reads in its place.
_FIRST_INVALID, _LAST_INVALID, _REPLACEMENT = "\udc80", "\udcff", "\ufffd"
_SHOWN = 60


class IgnorePattern:
    """One pattern, without the `!` of an exception.

    Attributes:
        text: The pattern in normal form.
        location: The file and the line of the pattern.
        is_exception: Whether it includes what earlier patterns exclude.
        is_regex: Whether only an automaton can match it, which `matches_name` uses.
    """

    def __init__(self, text: str, location: Location, *, is_exception: bool) -> None:
        self.text: str = text
        self.location: Location = location
        self.is_exception: bool = is_exception
        self._kind, self._expression = _translate(text)
        self.is_regex: bool = self._kind == "regex"
        self._tail = _literal_tail(text)
        if self._kind == "suffix":
            self._part = text[2:]
        else:
            self._part = text[:-2] if self._kind == "prefix" else text

    def matches_path(self, path: str) -> bool:
        """Whether the pattern, which is not a regular expression, matches a path."""
        part = self._part
        if self._kind == "exact":
            return path == part
        if self._kind == "prefix":
            return path.startswith(part)
        # `**/x` matches `x` too.
        return path.endswith(part) or (part[0] == "/" and path == part[1:])

    def may_match(self, name: str) -> bool:
        """Whether the end of a name is one that the regular expression can match."""
        _ = self.automaton  # raises for an invalid one, as docker does
        return name.endswith(self._tail)

    def matches_name(self, folder: State, name: str) -> bool:
        """Whether the pattern matches a name in a folder, given the state behind the folder."""
        automaton = self.automaton
        return automaton.accepts(automaton.advance(folder, _decoded(name)))

    def enter(self, folder: State, name: str) -> State:
        """The state behind a folder in a folder."""
        return self.automaton.advance(folder, f"{_decoded(name)}/")

    def may_match_in(self, path: str, folder: State | None) -> bool:
        """Whether the pattern can match something in a folder, whose path ends with `/`."""
        if folder is not None:
            return not folder.is_dead
        part = self._part
        if self._kind == "exact":
            return part.startswith(path)
        return self._kind == "suffix" or part.startswith(path) or path.startswith(part)

    @cached_property
    def automaton(self) -> Automaton:
        """The automaton of a regular expression; raises `InvalidInput` if Go rejects it.

        Docker finds that out only when it compares a path with the pattern.
        """
        from faas_cache.stack.regex import parse_regex  # few ignore files need it

        try:
            return Automaton(parse_regex(self._expression, max_length=_MAX_LENGTH))
        except InvalidInput:
            raise InvalidInput(invalid_pattern(self.text, self.location)) from None

    def check(self) -> Diagnostic | None:
        """A warning about a pattern that fails a build once a path is compared with it."""
        try:
            if self.is_regex:
                self.automaton  # noqa: B018  # compiles it
        except InvalidInput as error:
            return attrs.evolve(error.diagnostics[0], severity="warning")
        return None


def invalid_pattern(text: str, location: Location) -> Diagnostic:
    """The error of a pattern that docker rejects."""
    return Diagnostic(
        name="invalid-ignore-pattern",
        message=f"invalid pattern `{masked(text)[:_SHOWN]}`: docker cannot read the file",
        hint="close each `[`, and write `\\` before a special character to match it literally",
        location=location,
    )


def _literal_tail(text: str) -> str:
    """The suffix of every name that the regular expression of a pattern matches."""
    if "\\" in text or not text.isascii():
        return ""
    return re.split(r"[]*?[^/]", text)[-1]


def _translate(text: str) -> tuple[str, str]:
    """How to match (`exact`, `prefix`, `suffix` or `regex`), and the regular expression."""
    kind, parts = "exact", ["^"]
    at = 1 if text.startswith(_BOM) else 0  # Go's scanner skips it
    start, end = at, len(text)
    while at < end:
        first, c = at == start, text[at]
        at += 1
        if text.startswith("**", at - 1):
            at += 1
            at += text.startswith("/", at)
            if at < end:
                kind = "regex"
                parts.append("(.*/)?")
            elif kind == "exact":
                kind = "prefix"
            else:
                kind = "regex"
                parts.append(".*")
            if first:
                kind = "suffix"
            continue
        if c == "\\" and at < end:
            c += text[at]
            at += 1
            kind = "regex"
        elif c in "*?[]":
            kind = "regex"
            c = {"*": "[^/]*", "?": "[^/]"}.get(c, c)
        elif c in _ESCAPED:
            c = f"\\{c}"
        parts.append(_decoded(c))
    return kind, "".join((*parts, "$"))


def _decoded(text: str) -> str:
    """A text as Go's regular expressions see it: an invalid byte is U+FFFD."""
    if text.isascii():
        return text
    return "".join(_REPLACEMENT if _is_invalid(c) else c for c in text)


def _is_invalid(c: str) -> bool:
    return _FIRST_INVALID <= c <= _LAST_INVALID


def is_valid_glob(pattern: str) -> bool:
    r"""Whether `filepath.Match` of Go accepts the syntax of a pattern.

    >>> is_valid_glob("[a-z]*"), is_valid_glob("[]"), is_valid_glob("a\\")
    (True, False, False)
    """
    at = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 2
            if at > len(pattern):
                return False
        elif pattern[at] == "[":
            at = _end_of_class(pattern, at + 1)
            if not at:
                return False
        else:
            at += 1
    return True


def _end_of_class(pattern: str, at: int) -> int:
    """The offset behind the class that begins before `at`; 0 if it is invalid."""
    at += pattern.startswith("^", at)
    first = True
    while first or not pattern.startswith("]", at):
        at = _end_of_char(pattern, at)
        if at and pattern[at] == "-":
            at = _end_of_char(pattern, at + 1)
        if not at:
            return 0
        first = False
    return at + 1


def _end_of_char(pattern: str, at: int) -> int:
    """The offset behind one character of a class; 0 if it is invalid, or the last one."""
    if pattern[at : at + 1] in ("", "-", "]"):
        return 0
    at += pattern[at] == "\\"
    if at + 1 >= len(pattern) or _is_invalid(pattern[at]):
        return 0
    return at + 1
