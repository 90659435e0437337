r"""The `${…}` of stack files: faas-cli's dialect, which is that of drone/envsubst 1.0.3 and no shell's.

    text     := ( other | "$$" | "\\" | "\/" | "${" value )*   an escape loses its first character; "$X" is text
    value    := name "}" | "#" name "}" | name operator
    operator := ( "=" | ":=" | ":-" | ":?" | ":+" ) default* "}"    a default may hold "${" value; the first "}" closes
              | ":" part ( ":" part )? "}"                          position and length, in bytes
              | ( "^" | "^^" | "," | ",," ) "}"                     upper and lower case, of the first letter or all
              | ( "#" | "##" | "%" | "%%" ) part "}"                without the shortest or longest beginning or end
              | ( "/" | "//" | "/#" | "/%" ) part "/" part? "}"     with one part replaced by another

Values are pasted into the text before YAML is read, and are not looked at again. Where this differs from a shell: `:+` and
`:?` mean `:-`, a default is also taken for an empty value, there is no `${X-d}`, and a NUL ends the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import NamedTuple, NoReturn

import attrs

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidStack
from faas_cache.model.go import to_lower
from faas_cache.model.masking import masked

# Defaults within defaults: nobody writes ten, and a parser that recurses must stop somewhere.
MAX_NESTING = 64

_SPECIAL = re.compile(r"\$[${]|\\[\\/]|\0")
# What ends a line: YAML 1.1's list, which libyaml and yaml.v3 keep to.
LINE_ENDS = "\n\r\x85\u2028\u2029"
LINE_END = re.compile(f"\r\n|[{LINE_ENDS}]")
# strconv.Atoi
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")
_DEFAULTS = frozenset("=-?+")
_FORMS = "faas-cli knows `${X}`, `${X:-default}`, `${X:1:2}`, `${#X}`, `${X^}`, `${X#a}`, `${X%a}` and `${X/a/b}`"
_LITERAL = "write `$${` for a literal `${`"


class Piece(NamedTuple):
    """What stood from `start` to `end` of the source became `value`, at `at` of the text; an escape has no name."""

    start: int
    end: int
    at: int
    name: str
    value: str


@attrs.frozen
class Substituted:
    """A text with every variable replaced, what was put where, and what there is to say of it."""

    text: str = attrs.field(repr=False)
    source: str = attrs.field(repr=False)
    pieces: tuple[Piece, ...] = attrs.field(default=(), repr=False)
    diagnostics: tuple[Diagnostic, ...] = ()

    def spot(self, line: int, column: int) -> tuple[int, int]:
        """The line and column of the source, from 1, for one of the text: what was put in is where its `${` is."""
        if not self.pieces:
            return line, column
        starts = [0, *(end.end() for end in LINE_END.finditer(self.text))]
        return end_of(self.source[: self._origin(starts[min(line, len(starts)) - 1] + column - 1)])

    def _origin(self, offset: int) -> int:
        index = bisect_right(self.pieces, offset, key=lambda piece: piece.at) - 1
        if index < 0:
            return offset
        piece = self.pieces[index]
        after = offset - piece.at - len(piece.value)
        return piece.start if after < 0 else piece.end + after

    def without(self, name: str, stand_in: str) -> str:
        """The text as it would be if that variable had another value wherever it was put in whole."""
        parts, done = [], 0
        for piece in self.pieces:
            parts += [
                self.source[done : piece.start],
                stand_in if piece.name == name else piece.value,
            ]
            done = piece.end
        return "".join(parts) + self.source[done:]


def substitute(source: str, environ: Mapping[str, str]) -> Substituted:
    """The source with its variables replaced; raises `InvalidStack` with line and column where faas-cli cannot read it.

    >>> substitute("image: ${REG:-docker.io}/fn:${TAG}", {"TAG": "1"}).text
    'image: docker.io/fn:1'
    """
    if not _SPECIAL.search(source):
        return Substituted(source, source)
    return _Reader(source, environ).whole()


def end_of(text: str) -> tuple[int, int]:
    """The line and column, from 1, that follow a text."""
    lines = LINE_END.split(text)
    return len(lines), len(lines[-1]) + 1


class _Reader:
    """One reading of a source: where it is, and what it has found."""

    def __init__(self, source: str, environ: Mapping[str, str]) -> None:
        self.source = source
        self.environ = environ
        self.at = 0
        self.begun: list[int] = []
        self.found: list[Diagnostic] = []

    def whole(self) -> Substituted:
        """The source from beginning to end, or to its first NUL."""
        parts: list[str] = []
        pieces: list[Piece] = []
        done = length = 0
        end = len(self.source)
        for match in iter(lambda: _SPECIAL.search(self.source, self.at), None):
            start = match.start()
            if match[0] == "\0":
                self.say(start, "a NUL character: faas-cli reads no further than this", "remove it")
                end = start
                break
            self.at = match.end()
            name, value = self.variable() if match[0] == "${" else ("", match[0][1])
            parts += [self.source[done:start], value]
            length += start - done
            pieces.append(Piece(start, self.at, length, name, value))
            length += len(value)
            done = self.at
        text = "".join(parts) + self.source[done:end]
        return Substituted(text, self.source, tuple(pieces), tuple(self.found))

    # Each of these stands at its first character, and leaves behind its last.

    def variable(self) -> tuple[str, str]:
        """The name and the value of one `${…}`, its two first characters read."""
        self.begun.append(self.at - 2)
        if len(self.begun) > MAX_NESTING:
            self.fault(f"`${{` stands within more than {MAX_NESTING} others", "")
        if self.peek() == "#":
            self.at += 1
            name = self.name()
            value = str(len(_encoded(self.value(name))))
        else:
            name = self.name()
            read = _OPERATORS.get(self.peek())
            value = self.value(name) if read is None else read(self, name)
        self.close(name)
        self.begun.pop()
        return name, value

    def name(self) -> str:
        """The name of a variable: Unicode's letters and digits, and `_`."""
        start = self.at
        while (c := self.peek()) and (c == "_" or c.isalpha() or c.isdecimal()):
            self.at += 1
        if start == self.at:
            self.fault("a `${` without the name of a variable", _LITERAL)
        return self.source[start : self.at]

    def default(self, name: str) -> str:
        """`=`, `:=`, `:-`, `:?` and `:+`: what to take for a variable that is not set or empty."""
        operator = self.source[self.at : self.at + 1 + (self.peek() == ":")]
        self.at += len(operator)
        if operator in (":+", ":?"):
            self.say(
                self.begun[-1],
                f"`${{{masked(name)[:60]}{operator}…}}` means to faas-cli what `:-` means: a default",
                "write `:-`, so that everybody reads it alike",
            )
        parts = []
        while self.peek() not in ("}", ""):
            parts.append(self.part("}"))
        return self.value(name) or "".join(parts)

    def substring(self, name: str) -> str:
        """`:position` and `:position:length`, in bytes; what is no number leaves the value as it is."""
        if self.source[self.at + 1 : self.at + 2] in _DEFAULTS:
            return self.default(name)
        self.at += 1
        numbers = [self.part(":}")]
        if self.peek() == ":":
            self.run(lambda c: c == ":")
            numbers.append(self.part("}"))
        value = _encoded(self.value(name))
        if not all(map(_NUMBER.fullmatch, numbers)):
            return self.value(name)
        first, *rest = map(int, numbers)
        first = max(len(value) + first, 0) if first < 0 else first
        if rest and rest[0] < 0 and first + rest[0] < len(value):
            self.fault(
                "a substring of negative length, which ends faas-cli", "count from the beginning"
            )
        return value[first : first + rest[0] if rest else None].decode("utf-8", "surrogateescape")

    def case(self, name: str) -> str:
        """`^`, `^^`, `,` and `,,`."""
        operator = self.run(lambda c: c in ",^", 2)
        value = self.value(name)
        first, rest = value[:1], value[1:]
        changed = {
            "^": _upper(first) + rest,
            "^^": _upper(value),
            ",": to_lower(first) + rest,
            ",,": to_lower(value),
        }
        return changed.get(operator, value)

    def trim(self, name: str) -> str:
        """`#`, `##`, `%` and `%%`: a pattern cut off the beginning, or mirrored off the end."""
        sign = self.peek()
        operator = self.run(lambda c: c == sign, 2)
        pattern, value = self.part("}"), self.value(name)
        if sign == "#":
            return _trimmed(value, pattern, longest=len(operator) > 1)
        return _trimmed(value[::-1], pattern[::-1], longest=len(operator) > 1)[::-1]

    def replace(self, name: str) -> str:
        r"""`/`, `//`, `/#` and `/%`: plain texts, in which `\/` and `$$` are escapes; the first runs on over a `}`."""
        self.at += 1
        kind = self.peek() if self.peek() and self.peek() in "/#%" else ""
        self.at += len(kind)
        old = self.part("/", escapes=True)
        if not self.run(lambda c: c == "/"):
            self.fault(
                "the replacement is missing", "write `${X/a/b}`, or `${X/a/}` to take `a` out"
            )
        new = None if self.peek() == "}" else self.part("}", escapes=True)
        value = self.value(name)
        if kind in ("", "/"):
            return value.replace(old, new or "", -1 if kind else 1)
        if kind == "#":
            return (
                new + value.removeprefix(old)
                if new is not None and value.startswith(old)
                else value
            )
        return value.removesuffix(old) + new if new is not None and value.endswith(old) else value

    def part(self, ends: str, *, escapes: bool = False) -> str:
        """One part of an operator: a `${…}`, or text up to one of `ends` or the next `${`."""
        if self.source.startswith("${", self.at):
            self.at += 2
            return self.variable()[1]
        start, text = self.at, ""
        while (c := self.peek()) and not self.source.startswith("${", self.at):
            if escapes and self.source[self.at : self.at + 2] in ("$$", "\\\\", "\\/"):
                self.at += 1
                c = self.peek()
            elif c in ends:
                break
            text += c
            self.at += 1
        if start == self.at:
            self.fault("a part of the expression is missing", _FORMS)
        return text

    def run(self, accept: Callable[[str], bool], most: int = -1) -> str:
        """As many characters as are accepted, `most` at most."""
        start = self.at
        while (c := self.peek()) and accept(c) and self.at - start != most:
            self.at += 1
        return self.source[start : self.at]

    def close(self, name: str) -> None:
        """The brace that ends the variable."""
        if self.peek() != "}":
            self.fault(
                f"`${{{masked(name)[:60]}` is not closed, or goes on in a way that faas-cli does not know",
                _FORMS,
            )
        self.at += 1

    def value(self, name: str) -> str:
        """The value of a variable: empty where it is not set."""
        return self.environ.get(name, "")

    def peek(self) -> str:
        """The next character; empty at the end, and at a NUL, which ends everything."""
        c = self.source[self.at : self.at + 1]
        return "" if c == "\0" else c

    def say(self, offset: int, message: str, hint: str) -> None:
        """Notes what faas-cli says nothing of."""
        line, column = end_of(self.source[:offset])
        place = Location(line=line, column=column)
        self.found.append(
            Diagnostic(
                name="substitution", severity="warning", message=message, location=place, hint=hint
            )
        )

    def fault(self, message: str, hint: str) -> NoReturn:
        """Ends the reading, at the `${` that is being read."""
        line, column = end_of(self.source[: self.begun[-1]])
        raise InvalidStack(
            Diagnostic(
                name="substitution",
                message=message,
                location=Location(line=line, column=column),
                hint=hint or _LITERAL,
            )
        )


_OPERATORS: dict[str, Callable[[_Reader, str], str]] = {
    "=": _Reader.default,
    ":": _Reader.substring,
    ",": _Reader.case,
    "^": _Reader.case,
    "#": _Reader.trim,
    "%": _Reader.trim,
    "/": _Reader.replace,
}


def _encoded(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _upper(text: str) -> str:
    """Upper case, rune by rune: `ß` has none of one letter, and stays."""
    return "".join(u if len(u := c.upper()) == 1 else c for c in text)


# Patterns of `#` and `%`: those of Go's path.Match.

_ITEM = re.compile(r"(?P<low>\\.|[^\\\]-])(?:-(?P<high>\\.|[^\\\]-]))?", re.DOTALL)


def _trimmed(value: str, pattern: str, *, longest: bool) -> str:
    """The value without the shortest or longest beginning that the pattern matches; never an empty one."""
    segments = _segments(pattern)
    if segments is None or not value:
        return value
    first, *rest = segments
    if not rest:
        expression = first
    elif not any(segments):
        expression = "[^/]+" if longest else "[^/]"
    else:
        # A star stops at a slash. Where each segment but the last is found first is as good as anywhere else.
        *middle, last = rest
        expression = (
            first
            + "".join(f"(?>[^/]*?{segment})" for segment in middle)
            + f"[^/]*{'' if longest else '?'}{last}"
        )
    match = re.compile(expression, re.DOTALL).match(value)
    return value[match.end() :] if match else value


def _segments(pattern: str) -> list[str] | None:
    """The regular expressions between the stars of a pattern; None for a bad one."""
    segments, at = [""], 0
    while at < len(pattern):
        c, at = pattern[at], at + 1
        if c == "*":
            segments.append("")
        elif c == "?":
            segments[-1] += "[^/]"
        elif c == "[":
            found = _class(pattern, at)
            if found is None:
                return None
            expression, at = found
            segments[-1] += expression
        elif c == "\\":
            if at == len(pattern):
                return None
            segments[-1] += re.escape(pattern[at])
            at += 1
        else:
            segments[-1] += re.escape(c)
    return segments


def _class(pattern: str, at: int) -> tuple[str, int] | None:
    """The regular expression of a `[…]` whose inside begins at `at`, and where it ends; None for a bad one."""
    negated = pattern.startswith("^", at)
    at += negated
    items = ""
    while match := _ITEM.match(pattern, at):
        low, high = match["low"][-1], (match["high"] or match["low"])[-1]
        if low <= high:
            items += f"{re.escape(low)}-{re.escape(high)}"
        at = match.end()
        if pattern.startswith("]", at):
            return (
                f"[{'^' if negated else ''}{items}]"
                if items
                else f"[{'' if negated else '^'}\\s\\S]",
                at + 1,
            )
    return None
