r"""The `${…}` of stack files: the dialect of drone/envsubst 1.0.3, which faas-cli uses.

    text     := ( other | "$$" | "\\" | "\/" | "${" value )*
    value    := name "}" | "#" name "}" | name operator
    operator := ( "=" | ":=" | ":-" | ":?" | ":+" ) default* "}"   up to the first "}"
              | ":" part ( ":" part )? "}"                         position and length, in bytes
              | ( "^" | "^^" | "," | ",," ) "}"                    case of the first letter, or all
              | ( "#" | "##" | "%" | "%%" ) part "}"               without a beginning or an end
              | ( "/" | "//" | "/#" | "/%" ) part "/" part? "}"    one part replaced by another

An escape loses its first character, `$X` is text, and a default or a part may be `"${" value`.

Values are inserted before YAML is read, and are not substituted again. Differences from a shell:
`:+` and `:?` mean `:-`, a default also applies to an empty value, `${X-d}` does not exist, and a
NUL ends the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import NamedTuple, NoReturn

import attrs

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidStack
from faas_cache.model.faults import FaultCollector
from faas_cache.model.go import to_lower, to_upper
from faas_cache.model.masking import masked
from faas_cache.model.value import Value
from faas_cache.stack.positions import LineIndex, OffsetMap, Position

__all__ = ["MAX_NESTING", "Missing", "Replacement", "Substitution", "substitute"]

# Defaults within defaults: ten are more than enough, and the parser's recursion must be limited.
MAX_NESTING = 64

_SPECIAL = re.compile(r"\$[${]|\\[\\/]|\0")
# The text of a part, by what ends it; the last one reads escapes first.
_TEXTS = {
    "}": r"(?:[^$}\0]|\$(?!\{))*+",
    ":}": r"(?:[^$:}\0]|\$(?!\{))*+",
}
_ESCAPED_TEXTS = {
    "/": r"(?:\$\$|\\[\\/]|\$(?!\{)|[^$/\0])*+",
    "}": r"(?:\$\$|\\[\\/]|\$(?!\{)|[^$}\0])*+",
}
_ESCAPE = r"[$\\]([$\\/])"
# strconv.Atoi
_POSITION = r"[-+]?0*+[0-9]{0,19}"
_MAX_INT64 = 2**63 - 1
_DEFAULTS = frozenset("=-?+")
_FORMS = (
    "use one of the forms of faas-cli: `${X}`, `${X:-default}`, `${X:1:2}`, `${#X}`, `${X^}`,"
    " `${X#a}`, `${X%a}`, `${X/a/b}`"
)
_LITERAL = "write `$${` for a literal `${`"
_SHOWN = 60


class Missing(NamedTuple):
    """A variable without a value and without a default: not set, or set to nothing."""

    name: str
    is_set: bool


class Replacement(NamedTuple):
    """A variable: where its `${` is in the source, where its value is in the text.

    `missing` is the variable that leaves an empty value: its own, or one of its default.
    """

    source_start: int
    text_start: int
    name: str
    value: str
    missing: Missing | None = None


@attrs.frozen(eq=False, repr=False)
class Substitution(Value):
    """A text with its variables replaced, and what was replaced.

    `diagnostics` have the line and column of the source.
    """

    text: str = attrs.field(repr=False)
    source: str = attrs.field(repr=False)
    replacements: tuple[Replacement, ...] = attrs.field(default=(), repr=False)
    diagnostics: tuple[Diagnostic, ...] = ()
    offsets: OffsetMap = attrs.field(factory=OffsetMap, repr=False, eq=False)
    lines: LineIndex = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "lines", LineIndex(self.source))

    def source_position(self, offset: int) -> Position:
        """The line and column in the source of an offset in the text; of its `${` for a value."""
        return self.lines.position(self.offsets.source_offset(offset))

    def source_slice(self, start: int, end: int) -> str:
        """The part of the source that became a part of the text."""
        offsets = self.offsets
        return self.source[offsets.source_offset(start) : offsets.source_offset(end)]

    def replaced_within(self, start: int, end: int) -> tuple[Replacement, ...]:
        """The variables whose values overlap or touch a part of the text."""
        first = bisect_left(
            self.replacements, start, key=lambda item: item.text_start + len(item.value)
        )
        last = bisect_left(self.replacements, end + 1, key=lambda item: item.text_start)
        return self.replacements[first:last]

    def text_with(self, name: str, value: str) -> str:
        """The text as it would be if the variable had another value wherever it appears."""
        parts, done = [], 0
        for replacement in self.replacements:
            if replacement.name == name:
                parts += [self.text[done : replacement.text_start], value]
                done = replacement.text_start + len(replacement.value)
        return "".join(parts) + self.text[done:]


def substitute(
    source: str, environ: Mapping[str, str], *, max_size: int | None = None
) -> Substitution:
    """The source with its variables replaced.

    Raises `InvalidStack` with line and column for what faas-cli rejects. A text of more than
    `max_size` characters is rejected before it is put together.

    >>> substitute("image: ${REG:-docker.io}/fn:${TAG}", {"TAG": "1"}).text
    'image: docker.io/fn:1'
    """
    if not _SPECIAL.search(source):
        return Substitution(source, source)
    return _Parser(source, environ, max_size).parse()


class _Parser:
    """Parses one source from its beginning to its end.

    Each method of the grammar begins at its first character and leaves `at` behind its last one.
    """

    def __init__(self, source: str, environ: Mapping[str, str], max_size: int | None) -> None:
        self.source = source
        self.environ = environ
        self.max_size = max_size
        self.at = 0
        self.open: list[int] = []  # where each `${` begins that is not closed yet
        self.missing: Missing | None = None  # what left the last value empty
        self.lines = LineIndex(source)
        self.warnings = FaultCollector()

    def parse(self) -> Substitution:
        """The whole source, or up to its first NUL."""
        source, offsets = self.source, OffsetMap()
        parts: list[str] = []
        replacements: list[Replacement] = []
        done = length = 0
        end = len(source)
        while match := _SPECIAL.search(source, self.at):
            start = match.start()
            if match[0] == "\0":
                message = "NUL character in the stack file: faas-cli ignores the rest of the file"
                self.warn(start, message, "remove it")
                end = start
                break
            self.at = match.end()
            length += start - done
            if match[0] == "${":
                self.missing = None
                name, value = self.variable()
                missing = None if value else self.missing
                replacements.append(Replacement(start, length, name, value, missing))
            else:
                value = match[0][1]
            parts += (source[done:start], value)
            offsets.append(start, self.at, length, length + len(value))
            length += len(value)
            done = self.at
            self.check_size(length, start)
        parts.append(source[done:end])
        self.check_size(length + end - done, end)
        warnings = tuple(self.warnings.diagnostics)
        return Substitution("".join(parts), source, tuple(replacements), warnings, offsets)

    def variable(self) -> tuple[str, str]:
        """The name and the value of one `${…}`, of which the first two characters are read."""
        self.open.append(self.at - 2)
        if len(self.open) > MAX_NESTING:
            self.reject(
                f"`${{` inside more than {MAX_NESTING} others", "remove some of the defaults"
            )
        if self.peek() == "#":
            self.at += 1
            name = self.name()
            value = str(len(_encode(self.value(name))))
        else:
            name = self.name()
            operator = _OPERATORS.get(self.peek())
            value = self.value(name) if operator is None else operator(self, name)
        if self.peek() != "}":
            message = f"`${{{masked(name)[:_SHOWN]}` is not closed or not a form of faas-cli"
            self.reject(message, _FORMS)
        self.at += 1
        self.open.pop()
        return name, value

    def name(self) -> str:
        """The name of a variable: letters and digits of Unicode, and `_`."""
        start = self.at
        while (c := self.peek()) and (c == "_" or c.isalpha() or c.isdecimal()):
            self.at += 1
        if start == self.at:
            self.reject("`${` without the name of a variable", _LITERAL)
        return self.source[start : self.at]

    def default(self, name: str) -> str:
        """`=`, `:=`, `:-`, `:?` and `:+`: a value for a variable that is not set or empty."""
        operator = self.source[self.at : self.at + 1 + (self.peek() == ":")]
        self.at += len(operator)
        if operator in (":+", ":?"):
            message = f"faas-cli reads `${{{masked(name)[:_SHOWN]}{operator}…}}` as a default value"
            self.warn(self.open[-1], message, "write `:-`, which faas-cli and shells read alike")
        parts: list[str] = []
        length = 0
        while self.peek() not in ("}", ""):
            parts.append(self.part("}"))
            length += len(parts[-1])
            self.check_size(length, self.at)
        missing = self.missing if parts else None  # `${X:-}` is meant to be empty
        value = self.value(name) or "".join(parts)
        self.missing = missing
        return value

    def substring(self, name: str) -> str:
        """`:position` and `:position:length`, in bytes; no change without valid numbers."""
        if self.source[self.at + 1 : self.at + 2] in _DEFAULTS:
            return self.default(name)
        self.at += 1
        texts = [self.part(":}")]
        if self.peek() == ":":
            self.run(":")
            texts.append(self.part("}"))
        value = _encode(self.value(name))
        numbers = [_parse_position(text) for text in texts]
        first, last = numbers[0], numbers[-1]
        if first is None or last is None:
            return self.value(name)
        first = max(len(value) + first, 0) if first < 0 else first
        if len(numbers) == 1:
            return _decode(value[first:])
        if last < 0 and first + last < len(value):
            self.reject("a substring has a negative length", "count from the beginning")
        return _decode(value[first : first + last])

    def case(self, name: str) -> str:
        """`^`, `^^`, `,` and `,,`."""
        operator = self.run(",^", 2)
        value = self.value(name)
        first, rest = value[:1], value[1:]
        changed = {
            "^": to_upper(first) + rest,
            "^^": to_upper(value),
            ",": to_lower(first) + rest,
            ",,": to_lower(value),
        }
        return changed.get(operator, value)

    def trim(self, name: str) -> str:
        """`#`, `##`, `%` and `%%`: a pattern is cut off the beginning or the end."""
        sign = self.peek()
        longest = len(self.run(sign, 2)) == 2  # noqa: PLR2004  # `##`
        from faas_cache.stack.patterns import trim_prefix, trim_suffix

        remove = trim_prefix if sign == "#" else trim_suffix
        return remove(self.value(name), self.part("}"), longest=longest)

    def replace(self, name: str) -> str:
        r"""`/`, `//`, `/#` and `/%`, with plain texts, in which `\/` and `$$` are escapes."""
        self.at += 1
        kind = c if (c := self.peek()) and c in "/#%" else ""
        self.at += len(kind)
        old = self.part("/", _ESCAPED_TEXTS)
        if not self.run("/"):
            self.reject(
                "the replacement is missing", "write `${X/a/b}`, or `${X/a/}` to remove `a`"
            )
        new = None if self.peek() == "}" else self.part("}", _ESCAPED_TEXTS)
        value = self.value(name)
        if kind in ("", "/"):
            return value.replace(old, new or "", -1 if kind else 1)
        if new is None:
            return value
        if kind == "#":
            return new + value.removeprefix(old) if value.startswith(old) else value
        return value.removesuffix(old) + new if value.endswith(old) else value

    def part(self, ends: str, texts: Mapping[str, str] = _TEXTS) -> str:
        """One part of an operator: a `${…}`, or the text up to one of `ends` or the next `${`."""
        if self.source.startswith("${", self.at):
            self.at += 2
            return self.variable()[1]
        match = re.compile(texts[ends]).match(self.source, self.at)  # `re` keeps what it compiled
        text = match[0] if match else ""
        self.at += len(text)
        if not text:
            self.reject("a part of the expression is missing", _FORMS)
        return text if texts is _TEXTS else re.sub(_ESCAPE, r"\1", text)

    def run(self, accepted: str, most: int = -1) -> str:
        """As many of the accepted characters as there are, `most` at most."""
        start = self.at
        while (c := self.peek()) and c in accepted and self.at - start != most:
            self.at += 1
        return self.source[start : self.at]

    def value(self, name: str) -> str:
        """The value of a variable: empty where it is not set."""
        value = self.environ.get(name, "")
        self.missing = None if value else Missing(name, name in self.environ)
        return value

    def peek(self) -> str:
        """The next character; empty at the end, and at a NUL, which ends everything."""
        c = self.source[self.at : self.at + 1]
        return "" if c == "\0" else c

    def check_size(self, length: int, offset: int) -> None:
        """Rejects a text that has become too long."""
        if self.max_size is not None and length > self.max_size:
            self.open.append(offset)
            message = (
                f"the stack file is larger than {self.max_size // 2**20} MiB with its variables"
            )
            self.reject(message, "give the variables shorter values")

    def warn(self, offset: int, message: str, hint: str) -> None:
        """Reports what faas-cli accepts silently."""
        self.warnings.add(self.diagnostic("misread-substitution", offset, message, hint))

    def reject(self, message: str, hint: str) -> NoReturn:
        """Raises the fault of the `${` that is being read."""
        raise InvalidStack(self.diagnostic("invalid-substitution", self.open[-1], message, hint))

    def diagnostic(self, name: str, offset: int, message: str, hint: str) -> Diagnostic:
        """A diagnostic at an offset of the source."""
        line, column = self.lines.position(offset)
        return Diagnostic(
            name=name,
            severity="warning" if name == "misread-substitution" else "error",
            message=message,
            hint=hint,
            location=Location(line=line, column=column),
        )


_OPERATORS: dict[str, Callable[[_Parser, str], str]] = {
    "=": _Parser.default,
    ":": _Parser.substring,
    ",": _Parser.case,
    "^": _Parser.case,
    "#": _Parser.trim,
    "%": _Parser.trim,
    "/": _Parser.replace,
}


def _parse_position(text: str) -> int | None:
    """A number of 64 bits, as `strconv.Atoi` reads it; None for what it rejects."""
    if not re.fullmatch(_POSITION, text) or not text[-1:].isdigit():
        return None
    number = int(text[:1].strip("0123456789") + (text.lstrip("+-").lstrip("0") or "0"))
    return number if -_MAX_INT64 - 1 <= number <= _MAX_INT64 else None


def _encode(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _decode(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
