r"""Regular expressions as RE2 reads them, which is how faas-cli reads `--regex`.

    regex  := branch ( "|" branch )*
    branch := ( atom repeat? )*
    atom   := "^" | "$" | "." | "[" "^"? member+ "]" | escape | literal | "\Q" text ( "\E" | end )
            | "(" regex ")" | "(?" ( "P"? "<" name ">" | flags ":" ) regex ")" | "(?" flags ")"
    flags  := ( "i" | "m" | "s" | "U" )* ( "-" ( "i" | "m" | "s" | "U" )+ )?
    repeat := ( "*" | "+" | "?" | "{n}" | "{n,}" | "{n,m}" ) "?"?              n and m at most 1000
    escape := "\A" | "\z" | "\b" | "\B" | class | "\" one of "afnrtv" | "\" punctuation
            | "\x" two digits | "\x{" digits "}" | "\" octal digits
    class  := "\d" | "\D" | "\s" | "\S" | "\w" | "\W"
            | ( "\p" | "\P" ) ( letter | "{" "^"? name "}" )
    member := class | "[:" "^"? name ":]" | char ( "-" char )?

What RE2 rejects is rejected. Of what it accepts, the scripts of `\p{…}` are not supported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidInput
from faas_cache.model.masking import masked
from faas_cache.stack import automaton
from faas_cache.stack.automaton import Node, Predicate

__all__ = ["compile_regex", "parse_regex"]

# The highest count of RE2, which also limits the product of nested counts.
MAX_REPEAT = 1000
# Ours: names of functions are short, and expressions for them are too.
MAX_PATTERN = 1000
MAX_NESTING = 100
_SHOWN = 60

_REPEAT = re.compile(r"[*+?]|\{(?P<least>[0-9]+)(?P<comma>,(?P<most>[0-9]*))?\}")
_FLAGS = re.compile(r"\(\?(?P<on>[imsU]*)(?:-(?P<off>[imsU]+))?(?P<end>[:)])")
_NAME = re.compile(r"\(\?P?<[A-Za-z0-9_]+>")
_CODE = re.compile(
    r"x\{(?P<long>[0-9A-Fa-f]+)\}|x(?P<hex>[0-9A-Fa-f]{2})|(?P<octal>0[0-7]{0,2}|[1-7][0-7]{1,2})"
)
_PROPERTY = re.compile(
    r"(?P<sign>[pP])(?:\{(?P<not>\^?)(?P<name>[^}]*)\}|(?P<letter>.))", re.DOTALL
)
_POSIX = re.compile(r"\[:(?P<not>\^?)(?P<name>.*?):\]", re.DOTALL)
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ASSERTIONS = {"A": "begin-text", "z": "end-text", "b": "boundary", "B": "no-boundary"}
_DIGITS, _LOWER, _UPPER = (("0", "9"),), (("a", "z"),), (("A", "Z"),)
_WORD = (*_DIGITS, *_LOWER, *_UPPER, ("_", "_"))
_PERL = {"d": _DIGITS, "s": (("\t", "\n"), ("\f", "\r"), (" ", " ")), "w": _WORD}
_CLASSES = {
    "alnum": (*_DIGITS, *_LOWER, *_UPPER),
    "alpha": (*_LOWER, *_UPPER),
    "ascii": (("\0", "\x7f"),),
    "blank": (("\t", "\t"), (" ", " ")),
    "cntrl": (("\0", "\x1f"), ("\x7f", "\x7f")),
    "digit": _DIGITS,
    "graph": (("!", "~"),),
    "lower": _LOWER,
    "print": ((" ", "~"),),
    "punct": (("!", "/"), (":", "@"), ("[", "`"), ("{", "~")),
    "space": (("\t", "\r"), (" ", " ")),
    "upper": _UPPER,
    "word": _WORD,
    "xdigit": (*_DIGITS, ("A", "F"), ("a", "f")),
}
# The general categories of Unicode that RE2 knows by name.
_CATEGORY = re.compile(r"L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?|C[cfos]?")
# Letters beyond ASCII that fold to a letter of ASCII.
_FOLDED = {"k": "\u212a", "s": "\u017f", "å": "\u212b"}
_DOTLESS_I = "\u0131"  # folds only to itself, unlike in Python


def compile_regex(pattern: str) -> Callable[[str], bool]:
    """Whether an expression matches anywhere in a text; raises `InvalidInput` for an invalid one.

    >>> compile_regex("(?i)^FN[0-9]")("fn1-api")
    True
    """
    return automaton.compile_node(parse_regex(pattern))


def parse_regex(pattern: str, *, max_length: int = MAX_PATTERN) -> Node:
    """The nodes of an expression; raises `InvalidInput` for an invalid one."""
    return _Parser(pattern).parse(max_length)


class _Flags(NamedTuple):
    fold: bool = False
    lines: bool = False
    dot_all: bool = False


class _Parser:
    """Parses one expression into the nodes of an automaton."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.flags = _Flags()
        self.depth = 0

    def parse(self, max_length: int) -> Node:
        """The whole expression."""
        if len(self.pattern) > max_length:
            self.reject(f"it is longer than {max_length} characters")
        node = self.alternatives()
        if self.at < len(self.pattern):
            self.reject("unmatched `)`")
        if node.size > automaton.MAX_STATES:
            self.reject("it repeats too much")
        return node

    def alternatives(self) -> Node:
        """`a|b`, up to the end or a closing parenthesis."""
        branches = [self.branch()]
        while self.next() == "|":
            self.at += 1
            branches.append(self.branch())
        return branches[0] if len(branches) == 1 else automaton.choice(branches)

    def branch(self) -> Node:
        """Atoms in a row, each repeated or not."""
        nodes: list[Node] = []
        repeated = False
        while (c := self.next()) and c not in "|)":
            match = _REPEAT.match(self.pattern, self.at)
            if match is None:
                nodes += self.atom(c)
                repeated = False
                continue
            if not nodes:
                self.reject(f"`{match[0]}` has nothing to repeat")
            if repeated:
                self.reject(f"`{match[0]}` follows another repetition")
            nodes[-1] = self.repeat(nodes[-1], match)
            repeated = True
        return automaton.sequence(nodes)

    def repeat(self, node: Node, match: re.Match[str]) -> Node:
        """A node, repeated."""
        self.at = match.end()
        if self.next() == "?":  # which match it prefers does not matter here
            self.at += 1
        if match["least"] is None:
            return automaton.repeat(node, int(match[0] == "+"), 1 if match[0] == "?" else None)
        least = int(match["least"])
        most = int(match["most"]) if match["most"] else None if match["comma"] else least
        if max(least, most or 0) > MAX_REPEAT or (most is not None and most < least):
            self.reject(f"`{match[0]}` is not a repetition of RE2, which counts to {MAX_REPEAT}")
        repeated = automaton.repeat(node, least, most)
        if repeated.repetitions > MAX_REPEAT:
            self.reject(f"nested repetitions count to more than {MAX_REPEAT}")
        return repeated

    def atom(self, c: str) -> list[Node]:  # noqa: PLR0911  # one for each kind
        """The nodes of one atom: none for flags, several for quoted text."""
        if c == "(":
            return self.group()
        if c == "[":
            return [self.char_class()]
        self.at += 1
        if c == "\\":
            return self.escape()
        if c == ".":
            dot_all = self.flags.dot_all
            return [automaton.character(lambda c: dot_all or c != "\n")]
        if c == "^":
            return [automaton.assertion("begin-line" if self.flags.lines else "begin-text")]
        if c == "$":
            return [automaton.assertion("end-line" if self.flags.lines else "end-text")]
        return [self.literal(c)]

    def group(self) -> list[Node]:
        """A group, or flags for what follows."""
        flags = self.flags
        match = _NAME.match(self.pattern, self.at)
        if match is None and (match := _FLAGS.match(self.pattern, self.at)):
            letters = {
                **dict.fromkeys(match["on"], True),
                **dict.fromkeys(match["off"] or "", False),
            }
            self.flags = _Flags(*(letters.get(c, old) for c, old in zip("ims", flags, strict=True)))
            if match["end"] == ")":
                self.at = match.end()
                return []
        if match is None and self.pattern.startswith("(?", self.at):
            self.reject(f"`{self.pattern[self.at : self.at + 4]}` is not a group of RE2")
        self.at = match.end() if match else self.at + 1
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.reject(f"more than {MAX_NESTING} nested groups")
        node = self.alternatives()
        if self.next() != ")":
            self.reject("missing `)`")
        self.at += 1
        self.depth -= 1
        self.flags = flags
        return [node]

    def escape(self) -> list[Node]:
        """What follows a backslash outside a class."""
        c = self.next()
        if c in _ASSERTIONS:
            self.at += 1
            return [automaton.assertion(_ASSERTIONS[c])]
        if c == "Q":
            text, _, _ = self.pattern[self.at + 1 :].partition("\\E")
            self.at = min(self.at + 1 + len(text) + 2, len(self.pattern))
            return [self.literal(c) for c in text]
        predicate = self.escaped_class()
        return [automaton.character(predicate) if predicate else self.literal(self.escaped())]

    def escaped_class(self) -> Predicate | None:
        r"""`\d`, `\pL` and their like, behind the backslash; None for another escape."""
        c = self.next()
        if c and c.lower() in _PERL:
            self.at += 1
            return self.ranges(_PERL[c.lower()], negated=c.isupper())
        match = _PROPERTY.match(self.pattern, self.at)
        if match is None:
            return None
        self.at = match.end()
        name = match["letter"] or match["name"]
        negated = (match["sign"] == "P") != bool(match["not"])
        if name != "Any" and not _CATEGORY.fullmatch(name):
            self.reject(
                f"`\\{match[0]}` is not a general category of Unicode (scripts are not supported)"
            )
        return self.predicate(
            lambda c: name == "Any" or _category(c).startswith(name), negated=negated
        )

    def escaped(self) -> str:
        """The character that an escape stands for, behind the backslash."""
        c = self.next()
        if match := _CODE.match(self.pattern, self.at):
            self.at = match.end()
            code = (
                int(match["octal"], 8) if match["octal"] else int(match["long"] or match["hex"], 16)
            )
            if code > 0x10FFFF:  # noqa: PLR2004  # the last character of Unicode
                self.reject(f"`\\{match[0]}` is not a character of Unicode")
            return chr(code)
        if c not in _CONTROLS and (not c or c.isalnum() or not c.isascii()):
            self.reject(f"`\\{c}` is not an escape of RE2")
        self.at += 1
        return _CONTROLS.get(c, c)

    def char_class(self) -> Node:
        """`[…]`."""
        self.at += 1
        negated = self.next() == "^"
        self.at += negated
        members: list[Predicate] = []
        while self.next() != "]" or not members:
            members.append(self.member())
        self.at += 1
        return automaton.character(lambda c: any(member(c) for member in members) != negated)

    def member(self) -> Predicate:
        """One member of a class."""
        if match := _POSIX.match(self.pattern, self.at):
            if match["name"] not in _CLASSES:
                self.reject(f"`{match[0]}` is not a class of RE2")
            self.at = match.end()
            return self.ranges(_CLASSES[match["name"]], negated=bool(match["not"]))
        if self.next() == "\\":
            self.at += 1
            if predicate := self.escaped_class():
                return predicate
            self.at -= 1
        low = high = self.class_char()
        if self.next() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
            self.at += 1
            high = self.class_char()
            if high < low:
                self.reject(f"`{low}-{high}` is not a range")
        return self.ranges(((low, high),))

    def class_char(self) -> str:
        """One character of a class."""
        c = self.next()
        if not c:
            self.reject("missing `]`")
        self.at += 1
        return self.escaped() if c == "\\" else c

    def literal(self, c: str) -> Node:
        """One character."""
        return automaton.character(self.ranges(((c, c),)))

    def ranges(self, ranges: tuple[tuple[str, str], ...], *, negated: bool = False) -> Predicate:
        """Whether a character is in one of the ranges."""
        return self.predicate(lambda c: any(a <= c <= b for a, b in ranges), negated=negated)

    def predicate(self, accepts: Predicate, *, negated: bool) -> Predicate:
        """A predicate, under the flags: with `i`, for a character in any case."""
        if self.flags.fold:
            return lambda c: any(map(accepts, _cases(c))) != negated
        return (lambda c: not accepts(c)) if negated else accepts

    def next(self) -> str:
        """The next character; empty at the end."""
        return self.pattern[self.at : self.at + 1]

    def reject(self, cause: str) -> NoReturn:
        """Raises with the expression and the cause."""
        raise InvalidInput(
            Diagnostic(
                name="invalid-argument",
                message=f"invalid regular expression `{masked(self.pattern)[:_SHOWN]}`: {cause}",
                location=Location(path=("--regex",)),
                hint="use the syntax of RE2, or select with `--filter`",
            )
        )


def _category(c: str) -> str:
    from unicodedata import category

    return category(c)


def _cases(c: str) -> set[str]:
    """A character in every case, as Unicode folds single characters."""
    if c == _DOTLESS_I:
        return {c}
    cases = {
        c,
        c.lower(),
        c.upper(),
        c.upper().lower(),
        c.lower().upper(),
        _FOLDED.get(c.lower(), c),
    }
    return {case for case in cases if len(case) == 1 and case != _DOTLESS_I}
