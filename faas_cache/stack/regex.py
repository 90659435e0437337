r"""Which functions of a stack file: `--filter`, a glob in which only `*` is special, and `--regex`, a part of RE2.

    regex  := branch ( "|" branch )*                                   "(?i)" may stand before it
    branch := ( item repeat? )*
    item   := "^" | "$" | "." | class | "(" regex ")" | "(?:" regex ")" | "(?P<" name ">" regex ")" | literal
    class  := "[" "^"? range+ "]"  |  "\d" "\D" "\s" "\S" "\w" "\W", of ASCII as in RE2
    repeat := ( "*" | "+" | "?" | "{n}" | "{n,}" | "{n,m}" ) "?"?      n and m at most 1000

What RE2 refuses, or reads in another way than Python does, is refused by name; the rest is written anew for Python's `re`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidInput

# RE2 repeats nothing more often, and names are no longer.
MAX_REPEAT = 1000
MAX_PATTERN = 1000

_REPEAT = re.compile(r"[*+?]|\{(?P<least>[0-9]+)(?P<comma>,(?P<most>[0-9]*))?\}")
_GROUP = re.compile(r"\((?:\?:|\?P<[A-Za-z_][A-Za-z0-9_]*>|(?!\?))")
_ESCAPES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
# RE2 folds these with ASCII letters.
_FOLDED = {"k": "\u212a", "s": "\u017f"}


def compile_regex(pattern: str) -> Callable[[str], bool]:
    """Whether a regular expression of RE2 matches anywhere in a name; raises `InvalidInput` naming what it cannot read.

    >>> compile_regex("(?i)^FN[0-9]")("fn1-api")
    True
    """
    expression = re.compile(_Translation(pattern).whole(), re.DOTALL)
    return lambda name: expression.search(name) is not None


class _Translation:
    """One pattern on its way to Python."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.folds = pattern.startswith("(?i)")
        self.at = 4 if self.folds else 0

    def whole(self) -> str:
        """The pattern from beginning to end."""
        if len(self.pattern) > MAX_PATTERN:
            self.refuse(f"it is longer than {MAX_PATTERN} characters")
        translated = self.alternatives(0)
        if self.at < len(self.pattern):
            self.refuse("a `)` closes nothing")
        return translated

    def alternatives(self, depth: int) -> str:
        """`a|b`, up to the end or a closing parenthesis."""
        if depth > MAX_REPEAT // 10:
            self.refuse("its groups are nested too deeply")
        branches = [self.branch(depth)]
        while self.next() == "|":
            self.at += 1
            branches.append(self.branch(depth))
        return "|".join(branches)

    def branch(self, depth: int) -> str:
        """Items in a row, each repeated or not."""
        parts = ""
        while (c := self.next()) and c not in "|)":
            item = self.item(depth)
            parts += item + self.repeat(item)
        return parts

    def item(self, depth: int) -> str:
        """One thing that can be repeated."""
        c = self.next()
        if c == "(":
            return self.group(depth)
        if c == "[":
            return self.set()
        if c in "*+?":
            self.refuse(f"`{c}` has nothing to repeat")
        if c == "{" and _REPEAT.match(self.pattern, self.at):
            self.refuse("`{` has nothing to repeat")
        self.at += 1
        if c == "\\":
            return self.escape()
        special = {"^": r"\A", "$": r"\Z", ".": r"[^\n]"}
        return special.get(c) or self.literal(c)

    def group(self, depth: int) -> str:
        """A group; what RE2 does not have, and flags but a leading `(?i)`, are refused."""
        match = _GROUP.match(self.pattern, self.at)
        if match is None:
            self.refuse(
                f"`{self.pattern[self.at : self.at + 4]}` is no group of RE2, or a flag that only its beginning may hold"
            )
        self.at = match.end()
        inside = self.alternatives(depth + 1)
        if self.next() != ")":
            self.refuse("a `(` is not closed")
        self.at += 1
        return f"(?:{inside})"

    def repeat(self, item: str) -> str:
        """How often the item before is taken."""
        match = _REPEAT.match(self.pattern, self.at)
        if match is None:
            if self.pattern.startswith("{,", self.at):
                self.refuse("`{,` is text to RE2 and a repetition to others: write `\\{,` or `{0,`")
            return ""
        if item in (r"\A", r"\Z"):
            self.refuse(f"`{match[0]}` repeats `^` or `$`")
        least, most = int(match["least"] or 0), int(match["most"] or match["least"] or 0)
        if max(least, most) > MAX_REPEAT or most < least:
            self.refuse(f"`{match[0]}` is no repetition of RE2, which counts to {MAX_REPEAT}")
        self.at = match.end()
        lazy = "?" if self.next() == "?" else ""
        self.at += len(lazy)
        if _REPEAT.match(self.pattern, self.at):
            self.refuse(f"`{match[0]}{lazy}` is repeated once more")
        return match[0] + lazy

    def set(self) -> str:
        """A class: single characters, ranges and the classes of ASCII."""
        self.at += 1
        negated = "^" if self.next() == "^" else ""
        self.at += len(negated)
        items, first = "", True
        while (c := self.next()) != "]" or first:
            first = False
            if not c:
                self.refuse("a `[` is not closed")
            if self.pattern.startswith("[:", self.at):
                self.refuse("`[:` begins a class that only RE2 has")
            low = self.member()
            if len(low) > 1:
                items += low
                continue
            high = low
            if self.next() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self.member()
                if len(high) > 1 or high < low:
                    self.refuse(f"`{low}-` begins no range")
            items += self.range(low, high)
        self.at += 1
        return f"[{negated}{items}]"

    def member(self) -> str:
        """One character of a class, or more than one for a class within it."""
        c = self.next()
        self.at += 1
        if c != "\\":
            return c
        c = self.next()
        self.at += 1
        if c in _ESCAPES and c:
            return _ESCAPES[c]
        return self.escaped(c)

    def range(self, low: str, high: str) -> str:
        """A range, with the other case where case does not matter."""
        found = f"{re.escape(low)}-{re.escape(high)}"
        if not self.folds:
            return found
        self.ascii(high)
        both = [c for c in map(chr, range(ord(low), ord(high) + 1)) if c.isalpha()]
        return found + "".join(re.escape(c.swapcase() + _FOLDED.get(c.lower(), "")) for c in both)

    def escape(self) -> str:
        """What follows a backslash outside a class."""
        c = self.next()
        self.at += 1
        if c and c.lower() in _ESCAPES:
            return f"[{'^' if c.isupper() else ''}{_ESCAPES[c.lower()]}]"
        return self.literal(self.escaped(c))

    def escaped(self, c: str) -> str:
        """The character that an escape stands for."""
        if c in _CONTROLS:
            return _CONTROLS[c]
        if not c or c.isalnum() or not c.isascii() or c == "_":
            self.refuse(f"`\\{c}` is not read here")
        return c

    def literal(self, c: str) -> str:
        """One character, in either case where case does not matter."""
        if self.folds:
            self.ascii(c)
            if c.isalpha():
                return f"[{c.lower()}{c.upper()}{_FOLDED.get(c.lower(), '')}]"
        return re.escape(c)

    def ascii(self, c: str) -> None:
        """Beyond ASCII, RE2 and Python do not agree on what is the other case."""
        if not c.isascii():
            self.refuse(f"`(?i)` with `{c}`, which is not ASCII")

    def next(self) -> str:
        """The next character; empty at the end."""
        return self.pattern[self.at : self.at + 1]

    def refuse(self, cause: str) -> NoReturn:
        """Raises with the pattern and the cause."""
        raise InvalidInput(
            Diagnostic(
                name="usage",
                message=f"{self.pattern[:60]!r} cannot be read as a regular expression: {cause}",
                location=Location(path=("--regex",)),
                hint="literals, classes, groups and |*+?{}^$. work, and a leading (?i); or use --filter",
            )
        )
