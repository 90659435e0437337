r"""The instructions of a Dockerfile, as the parser of BuildKit divides them.

    Dockerfile  := directive* ( comment | blank | instruction )*
    directive   := "#" ( "escape" | "syntax" | "check" ) "=" value      at the top only
    instruction := keyword flag* arguments heredoc*
    flag        := "--" name ( "=" value )?
    arguments   := JSON list of strings | words | text                  depends on the keyword

A line that ends with the escape character continues in the next one; comments and empty lines
between them are left out. Any text is a Dockerfile here: what the builder rejects is kept as far as
it has a meaning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property

import attrs

from faas_cache.model.dockerfile_words import SPACE, split_assignments, split_words
from faas_cache.model.entries import split
from faas_cache.model.errors import InvalidEntry

__all__ = ["Heredoc", "Instruction", "read_instructions"]

# The instructions that may have a list, words, `name=value` words and here-documents, and those
# that make a step, beside FROM.
_LISTS = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
_WORDS = frozenset({"ADD", "COPY", "EXPOSE", "FROM", "VOLUME"})
_ASSIGNMENTS = frozenset({"ARG", "ENV", "LABEL"})
_WITH_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})
_STEPS = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})
_TRIGGER = "ONBUILD"
_NO_TRIGGERS = frozenset({"ONBUILD", "FROM", "MAINTAINER"})

_BLANK = re.compile(r"[\t\v\f\r ]+")
_DIRECTIVE = re.compile(r"#\s*+(?P<name>[a-zA-Z][a-zA-Z0-9]*)\s*=\s*(?P<value>\S.*)")
_DIRECTIVES = frozenset({"escape", "syntax", "check"})
_ESCAPES = ("\\", "`")
# A word of a line in which a here-document may begin; a quote without its end is the whole rest.
_HEREDOC_WORD = re.compile(
    rf"""(?:\\.|'[^']*+'|"(?:\\.|[^"\\])*+"|<<[\t\r ]*+|[^{SPACE}'"\\])++|['"].*""", re.DOTALL
)
_HEREDOC = re.compile(r"\d*<<(?P<tabs>-?)\s*+(?P<name>[^<]++)")
_INVALID_VARIABLE = re.compile(r"\$\{(?!(?:\w+|[@*#?$!-])(?::?[-+?]|[#%/}]))")
_QUOTED = re.compile(r"""\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)\"""", re.DOTALL)


@attrs.frozen(kw_only=True)
class Heredoc:
    """A here-document.

    Attributes:
        name: The word that ends it.
        text: Its lines.
        expands: Whether variables in it are replaced: its word has no quotes.
    """

    name: str
    text: str
    expands: bool


@attrs.frozen(kw_only=True)
class Instruction:
    r"""One instruction of a Dockerfile.

    Attributes:
        keyword: Its name in upper case.
        flags: The flags in front of the arguments, as name and value: `("from", "build")`. The
            value of a flag without one is empty.
        text: The arguments as one line of text, without continuations and comments.
        words: The arguments: the items of a list, the words of COPY, ADD, FROM, EXPOSE, VOLUME,
            ARG, ENV and LABEL, or else the whole text as one word. Variables are not replaced.
        is_list: Whether the arguments are a JSON list (the exec form).
        heredocs: The here-documents that belong to it.
        escape: The escape character of its Dockerfile.
        line: The number of its first line, from 1.
        last_line: The number of its last line; that of the end of its last here-document.
    """

    keyword: str
    flags: tuple[tuple[str, str], ...] = ()
    text: str = ""
    words: tuple[str, ...] = ()
    is_list: bool = False
    heredocs: tuple[Heredoc, ...] = ()
    escape: str = _ESCAPES[0]
    line: int = 1
    last_line: int = 1

    def flag(self, name: str) -> tuple[str, ...]:
        """The values of a flag, in order; none if it is not given."""
        return tuple(value for flag, value in self.flags if flag == name)

    @cached_property
    def trigger(self) -> Instruction | None:
        """The instruction of ONBUILD; `None` for others, and for what cannot be one."""
        if self.keyword != _TRIGGER or not self.text:
            return None
        trigger = _parse(self.text, self.escape)
        if trigger.keyword in _NO_TRIGGERS:
            return None
        return attrs.evolve(
            trigger, heredocs=self.heredocs, line=self.line, last_line=self.last_line
        )

    @property
    def is_step(self) -> bool:
        """Whether BuildKit makes a step of it, as of FROM with an image."""
        return self.keyword in _STEPS

    @property
    def assignments(self) -> tuple[tuple[str, str | None], ...]:
        """The names and unexpanded values of ARG and ENV; `None` for a name alone."""
        if self.keyword not in _ASSIGNMENTS or not self.words:
            return ()
        if self.keyword != "ARG" and "=" not in self.words[0]:  # the old form, `ENV name value`
            name, _, value = _partition(self.text)
            return ((name, value),)
        pairs = (word.partition("=") for word in self.words)
        return tuple((name, value if equals else None) for name, equals, value in pairs)

    @property
    def sources(self) -> tuple[str, ...]:
        """The unexpanded sources of COPY and ADD, without here-documents."""
        if self.keyword not in ("COPY", "ADD"):
            return ()
        return tuple(word for word in self.words[:-1] if not _is_heredoc(word))

    @property
    def origins(self) -> tuple[str, ...]:
        """The unexpanded stages and images that COPY copies from, and that RUN mounts."""
        if self.keyword == "COPY":
            return self.flag("from")
        return tuple(mount["from"] for mount in self.mounts if mount.get("from"))

    @property
    def mounts(self) -> tuple[dict[str, str], ...]:
        """The fields of each `--mount` of RUN; the type is `bind` where none is written."""
        if self.keyword != "RUN":
            return ()
        return tuple({"type": "bind", **_fields(value)} for value in self.flag("mount"))


def read_instructions(text: str) -> tuple[str, tuple[Instruction, ...]]:
    r"""The escape character of a Dockerfile and its instructions.

    >>> escape, instructions = read_instructions("FROM a\nRUN make \\\n# twice\n  && make")
    >>> [(i.keyword, i.text, i.line, i.last_line) for i in instructions]
    [('FROM', 'a', 1, 1), ('RUN', 'make   && make', 2, 4)]
    """
    reader = _Reader(text.removeprefix("\ufeff"))
    return reader.escape, tuple(reader.instructions())


class _Reader:
    """Reads the lines of one Dockerfile from the first to the last."""

    def __init__(self, text: str) -> None:
        self.lines = text.removesuffix("\n").split("\n")
        self.at = 0
        self.escape = self.read_directives()
        mark = re.escape(self.escape)
        self.continued = re.compile(rf"(?<!{mark}){mark}[ \t]*+$")

    def read_directives(self) -> str:
        """The escape character that the directives at the top set."""
        escape = ""
        for line in self.lines:
            match = _DIRECTIVE.match(line.lstrip(SPACE))
            name = match["name"].lower() if match else ""
            if match is None or name not in _DIRECTIVES:
                break
            value = match["value"].rstrip(SPACE)
            if name == "escape" and value in _ESCAPES:
                escape = escape or value
        return escape or _ESCAPES[0]

    def instructions(self) -> Iterator[Instruction]:
        while self.at < len(self.lines):
            first = self.at + 1
            line = self.logical_line()
            if line.strip(SPACE):
                instruction = _parse(line, self.escape)
                heredocs = tuple(self.heredocs(line, instruction))
                yield attrs.evolve(instruction, heredocs=heredocs, line=first, last_line=self.at)

    def logical_line(self) -> str:
        """The next line together with those that continue it; empty for a comment."""
        line = self.next_line().lstrip(SPACE)
        if line.startswith("#"):
            return ""
        parts: list[str] = []
        while match := self.continued.search(line):
            parts.append(line[: match.start()])
            line = self.next_part()
        return "".join((*parts, line))

    def next_line(self) -> str:
        """The next line, without its end."""
        self.at += 1
        return self.lines[self.at - 1].rstrip("\r")

    def next_part(self) -> str:
        """The next line that continues an instruction; comments and empty lines do not end it."""
        while self.at < len(self.lines):
            line = self.next_line()
            bare = line.lstrip(SPACE)
            if bare and not bare.startswith("#"):
                return line
        return ""

    def heredocs(self, line: str, instruction: Instruction) -> Iterator[Heredoc]:
        """The here-documents that begin in a line, whose lines are read."""
        owner = instruction.trigger or instruction
        if "<<" not in line or owner.keyword not in _WITH_HEREDOCS or owner.is_list:
            return
        words = _HEREDOC_WORD.findall(line)
        is_open = words[-1].startswith(("'", '"')) and not _QUOTED.match(words[-1])
        if is_open or line.rfind("${") > line.rfind("}") or _INVALID_VARIABLE.search(line):
            return  # BuildKit cannot divide such a line into words, and looks for none
        for word in words:
            match = _HEREDOC.fullmatch(word)
            if match is not None:
                name = _heredoc_name(match["name"])
                text = self.heredoc_text(name, tabs=bool(match["tabs"]))
                expands = not ("'" in match["name"] or '"' in match["name"])
                yield Heredoc(name=name, text=text, expands=expands)

    def heredoc_text(self, name: str, *, tabs: bool) -> str:
        """The lines up to the one that ends a here-document, or all of them."""
        lines: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at].lstrip("\t" if tabs else "")
            if self.next_line().lstrip("\t" if tabs else "") == name:
                break
            lines.append(line)
        return "".join(f"{line}\n" for line in lines)


def _parse(line: str, escape: str) -> Instruction:
    """The instruction in a line, without its here-documents."""
    keyword, _, rest = _partition(line.strip(SPACE))
    keyword = keyword.upper()
    flags, text = _split_flags(rest, escape)
    items = _read_list(text) if keyword in _LISTS else None
    words = _split(keyword, text, escape) if items is None else items
    return Instruction(
        keyword=keyword,
        flags=flags,
        text=text,
        words=words,
        is_list=items is not None,
        escape=escape,
    )


def _partition(text: str) -> tuple[str, str, str]:
    """The text up to the first blanks, these, and what follows."""
    match = _BLANK.search(text)
    if match is None:
        return text, "", ""
    return text[: match.start()], match[0], text[match.end() :]


def _split(keyword: str, text: str, escape: str) -> tuple[str, ...]:
    if keyword in _WORDS:
        return split_words(text)
    if keyword in _ASSIGNMENTS:
        return split_assignments(text, escape)
    return (text,) if text else ()


def _read_list(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON list; `None` for any other text."""
    if not text.startswith("["):
        return None
    try:
        items: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        return None
    return tuple(re.sub("[\ud800-\udfff]", "\ufffd", item) for item in items)


def _split_flags(text: str, escape: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """The flags at the beginning of a text, and the rest."""
    text = text.strip(SPACE)
    flags: list[tuple[str, str]] = []
    at = 0
    word, blanks = re.compile(_flag_pattern(escape), re.DOTALL), re.compile(f"[{SPACE}]*+")
    while match := word.match(text, at):
        end = blanks.match(text, match.end())
        at = end.end() if end else match.end()
        flag = _without_quotes(match[0], escape)
        if flag == "--":
            break
        name, _, value = flag[2:].partition("=")
        flags.append((name, value))
    return tuple(flags), text[at:]


def _flag_pattern(escape: str) -> str:
    """A word that begins with `--`; a quote or an escape without its end is a part of it."""
    mark = re.escape(escape)
    return rf"""--(?:{mark}.|{_quoted(mark)}|[^{SPACE}'"{mark}])*+{mark}?"""


def _quoted(mark: str) -> str:
    """Text in quotes, with escapes in it, or to the end without the second quote."""
    return "|".join(rf"{quote}((?:{mark}.|[^{quote}{mark}])*+){quote}?" for quote in ("'", '"'))


def _without_quotes(word: str, escape: str) -> str:
    mark = re.escape(escape)
    escaped = re.compile(rf"{mark}(.?)", re.DOTALL)

    def content(match: re.Match[str]) -> str:
        return escaped.sub(r"\1", match[2] or match[3] or match[1] or "")

    return re.sub(rf"({mark}.?)|{_quoted(mark)}", content, word, flags=re.DOTALL)


def _is_heredoc(word: str) -> bool:
    return _HEREDOC.fullmatch(word) is not None


def _heredoc_name(word: str) -> str:
    """The word that ends a here-document, without its quotes."""
    return _QUOTED.sub(lambda match: match[1] or match[2] or match[3] or "", word)


def _fields(mount: str) -> dict[str, str]:
    """The fields of a `--mount`: names in lower case; a field without a value is empty."""
    try:
        fields = split(mount)
    except InvalidEntry:
        fields = mount.split(",")
    pairs = (field.partition("=") for field in fields)
    return {name.lower(): value for name, _, value in pairs}
