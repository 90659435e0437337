"""The stack file: YAML text in, a `Stack` of function specs out. The only room that knows `ruamel.yaml`.

The text is read as a stream of parser events, and plain values are built from it here: every scalar is its text, as it is
for faas-cli, whose fields are strings (`1.10`, `on` and `0x1F` keep their spelling). No tree of nodes is made, for such
trees lose spellings, cost five times as much, and end the process on a hundred thousand nested brackets. Positions cost
nothing until there is a fault or somebody asks: then the text is read once more and every path's place is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path as FilePath
from typing import Any, NamedTuple, TypeAlias

import attrs

from faas_cache.diagnostics import Diagnostic, Path, Place, errors, path_text
from faas_cache.exceptions import InvalidFunction, InvalidStack
from faas_cache.mapping import EMPTY, FrozenMap
from faas_cache.masking import masked
from faas_cache.spec import FunctionSpec, Quoted

# A stack of 10,000 functions takes 6 MB; what is larger is no stack file.
MAX_SIZE = 16 * 2**20
# The schema is six levels deep; libyaml's flow nesting is quadratic, so the limit is also one of time.
MAX_DEPTH = 64
# What aliases and merges may add up to: far above any stack in use, far below what exhausts a machine.
MAX_EXPANSION = 100_000
# libyaml compares each %TAG line with all before it; faas-cli's users write none.
MAX_DIRECTIVES = 8

_SLOW = Diagnostic(
    code="slow-parser",
    severity="note",
    message="the C part of ruamel.yaml is not installed: stack files are read about twenty-five times slower",
    hint="pip install 'ruamel.yaml[oldlibyaml]'",
)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_CORE_BOOLEANS = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_CORE = "tag:yaml.org,2002:"
_URL = "https://docs.openfaas.com/reference/yaml/"

Marks: TypeAlias = dict[Path, tuple[int, int]]


class _Key:
    """What stands in a frame for a key that is still to come, and for the merge key."""


_NO_KEY, _MERGE = _Key(), _Key()


@attrs.frozen(kw_only=True)
class Stack:
    """A stack file as far as its builds are concerned.

    `functions` keeps the order of the file; `diagnostics` are the warnings about the file and its functions;
    `own_contexts` names the functions that give their own `context`.
    """

    functions: FrozenMap[FunctionSpec]
    diagnostics: tuple[Diagnostic, ...] = ()
    copy_extra_paths: tuple[str, ...] = ()
    templates: FrozenMap[str] = EMPTY
    own_contexts: frozenset[str] = frozenset()
    file: str | None = None
    text: str = attrs.field(default="", repr=False, eq=False)

    @classmethod
    def load(cls, path: str | FilePath, *, filter: str | None = None) -> Stack:  # noqa: A002  # faas-cli's name for it
        """The stack in a file; raises `InvalidStack` for one that cannot be read, too."""
        try:
            data = FilePath(path).read_bytes()
        except (OSError, ValueError) as fault:
            cause = getattr(fault, "strerror", None) or str(fault)
            raise InvalidStack(
                Diagnostic(
                    code="stack-file",
                    message=f"the stack file {str(path)!r} cannot be read: {cause}",
                    hint="name it with -f, or run in the folder that holds stack.yaml",
                )
            ) from None
        return cls.loads(data, filter=filter, file=str(path))

    @classmethod
    def loads(cls, text: str | bytes, *, filter: str | None = None, file: str | None = None) -> Stack:  # noqa: A002  # the same
        r"""The stack in a text; raises `InvalidStack` with every fault, each with its line and column.

        `filter` keeps the functions whose whole name matches; `*` stands for anything, and no match is a fault.

        >>> stack = Stack.loads("provider: {name: openfaas}\nfunctions: {fn: {image: a/b}}")
        >>> stack.functions["fn"].image
        'a/b'
        """
        reading = _read(_decoded(text, file), file)
        judged = _Judgement()
        judged.document(reading.tree)
        if judged.found and errors(judged.found):
            marks = _read(reading.text, file, marking=True).marks
            raise InvalidStack(*sorted((_placed(d, marks, file) for d in errors(judged.found)), key=_position))
        found = (*reading.notes, *(note for spec in judged.functions.values() for note in spec.diagnostics))
        return cls(
            functions=_filtered(judged.functions, filter),
            diagnostics=found,
            copy_extra_paths=judged.copy,
            templates=judged.templates,
            own_contexts=frozenset(judged.contexts),
            file=file,
            text=reading.text,
        )

    def locate(self, path: Path | str) -> tuple[int, int]:
        """The line and column, from 1, where a path is written; its nearest parent's where it is not in the file.

        `path` is a tuple of keys and positions, or its text: `functions.fn.build_cache.to[1]`. The text is read again.
        """
        marks = _read(self.text, self.file, marking=True).marks
        if isinstance(path, str):
            path = next((known for known in marks if path_text(known) == path), ())
        return _nearest_mark(path, marks)

    def placed(self, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The diagnostics with file, line and column filled in, for one more reading of the text in all."""
        found = tuple(found)
        places = self.places(d.place for d in found)
        return tuple(attrs.evolve(d, place=place) for d, place in zip(found, places, strict=True))

    def places(self, given: Iterable[Place]) -> tuple[Place, ...]:
        """The places with file, line and column filled in where they speak of this file and have none."""
        given = tuple(given)
        if not any(map(_unplaced, given)):
            return given
        marks = _read(self.text, self.file, marking=True).marks
        return tuple(_place(place, marks, self.file) if _unplaced(place) else place for place in given)


# Positions.


def _unplaced(place: Place) -> bool:
    """Whether a place is one in the file and nobody has said where."""
    return place.line is None and place.path[:1] in {("functions",), ("configuration",)}


def _place(place: Place, marks: Marks, file: str | None) -> Place:
    line, column = _nearest_mark(place.path, marks)
    return Place(path=place.path, file=file, line=line, column=column)


def _placed(found: Diagnostic, marks: Marks, file: str | None) -> Diagnostic:
    return attrs.evolve(found, place=_place(found.place, marks, file))


def _nearest_mark(path: Path, marks: Marks) -> tuple[int, int]:
    while path and path not in marks:
        path = path[:-1]
    return marks.get(path, (1, 1))


def _position(found: Diagnostic) -> tuple[int, int]:
    return found.place.line or 0, found.place.column or 0


# From bytes to text.


def _decoded(text: str | bytes, file: str | None) -> str:
    """The text of a stack file: UTF-8, or UTF-16 with a byte order mark, of a size that makes sense."""
    if len(text) > MAX_SIZE:
        raise _syntax(f"it is larger than {MAX_SIZE // 2**20} MiB", 1, 1, file, "split the stack into several files")
    if not isinstance(text, str):
        data, encoding = text, "utf-16" if text[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as fault:
            before = data[: fault.start].decode(encoding, "replace")
            raise _syntax(f"it is not {encoding.upper()} text", *_end_of(before), file, "save it as UTF-8") from None
    text = text.removeprefix("\ufeff")
    if text.count("\n%") > MAX_DIRECTIVES:
        raise _syntax("it has more % directives than a stack file has use for", 1, 1, file, "remove them")
    return text


def _end_of(text: str) -> tuple[int, int]:
    """The line and column that follow a text."""
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _syntax(cause: str, line: int, column: int, file: str | None, hint: str = "") -> InvalidStack:
    return InvalidStack(_fault("yaml", f"the stack file cannot be read: {cause}", line, column, file, hint))


def _fault(code: str, message: str, line: int, column: int, file: str | None, hint: str = "") -> Diagnostic:  # noqa: PLR0913  # the parts of a diagnostic
    return Diagnostic(code=code, message=message, place=Place(file=file, line=line, column=column), hint=hint, url=_URL)


# From text to events.

# libyaml 0.1.7 refuses a colon inside a plain scalar of a flow list, as in `[ghcr.io/a/b:tag]`, which is legal YAML.
_FLOW_COLON = "found unexpected ':'"
# Such a colon stands inside a word; it is put out of sight, one for one so that columns stay, and put back afterwards.
_INNER_COLON = re.compile(r"""(?<=[^\s"'\[\]{},:]):+(?=[^\s,\[\]{}?])""")
_HIDDEN_COLON = "\ue000"
# Where hiding could change more than the colon: verbatim tags, directives, escapes that make the stand-in, or itself.
_NOT_HIDEABLE = re.compile(r"!<|^%|\\[uU]|[\ue000\ud800-\udfff]", re.MULTILINE)
# What YAML allows in a stream; the C parser tells of anything else without a line.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Reading(NamedTuple):
    """What came of one reading of a text."""

    tree: Any
    text: str
    marks: Marks
    notes: tuple[Diagnostic, ...]


def _read(text: str, file: str | None, *, marking: bool = False) -> _Reading:
    """The first document of a text as plain values; raises `InvalidStack`."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    for next_event, restore in _parsers(text):
        builder = _Builder(file, marking=marking, restore=restore)
        try:
            tree = builder.document(next_event())
        except MarkedYAMLError as fault:
            refusal = _refusal(fault, text, file)
            if restore is None and fault.problem != _FLOW_COLON:
                break
        except (YAMLError, UnicodeEncodeError) as fault:
            raise _unreadable(fault, text, file) from None
        else:
            notes = (*(() if _c_parser() else (_SLOW,)), *_second_document(text, builder.end, file))
            if builder.found and not marking:
                return _read(text, file, marking=True)
            if builder.found:
                raise InvalidStack(*sorted(builder.found, key=_position))
            return _Reading(tree, text, builder.marks, notes)
    raise InvalidStack(*sorted([*builder.found, refusal], key=_position))


def _c_parser() -> Any:  # noqa: ANN401  # the extension has no types
    """The C parser's class, or None where it is not installed."""
    try:
        from _ruamel_yaml import CParser
    except ImportError:
        return None
    return CParser


def _parsers(text: str) -> list[tuple[Callable[[], Callable[[], Any]], Any]]:
    """The ways to read a text, in order: each makes a source of events, and says how to restore its scalars.

    The C parser first. Only a flow colon gives the others a turn: the C parser with those colons hidden, then ruamel's own
    parser, which is slower, and laxer about surrogates.
    """
    parser = _c_parser()
    if parser is None:
        return [(lambda: _pure_events(text), None)]
    ways: list[tuple[Callable[[], Callable[[], Any]], Any]] = [
        (lambda: parser(text.encode()).get_event, None),
        (lambda: parser(_hidden(text).encode()).get_event, lambda value: value.replace(_HIDDEN_COLON, ":")),
        (lambda: _pure_events(text), lambda value: value),
    ]
    return [ways[0], ways[2]] if _NOT_HIDEABLE.search(text) else ways


def _hidden(text: str) -> str:
    """The text with its inner colons out of sight."""
    return _INNER_COLON.sub(lambda match: _HIDDEN_COLON * len(match[0]), text)


def _pure_events(text: str) -> Callable[[], Any]:
    from ruamel.yaml import YAML

    events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(text))
    return events.__next__


def _refusal(fault: Any, text: str, file: str | None) -> Diagnostic:  # noqa: ANN401  # ruamel's, untyped
    """What the parser refused, in its words, with what helps."""
    mark = fault.problem_mark or fault.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    here = lines[line - 1] if line <= len(lines) else ""
    hint = "quote the value, if it is meant to hold this"
    if "\t" in here[: column + 1]:
        hint = "indent with spaces: YAML takes no tabs there"
    cause = ", ".join(filter(None, (fault.context, fault.problem)))
    return _fault("yaml", f"the stack file cannot be read: {cause}", line, column, file, hint)


def _unreadable(fault: Exception, text: str, file: str | None) -> InvalidStack:
    """A character that no YAML stream may hold."""
    match = _UNPRINTABLE.search(text)
    line, column = _end_of(text[: match.start()]) if match else (1, 1)
    cause = f"it holds the character U+{ord(match[0]):04X}" if match else str(fault).partition("\n")[0]
    return _syntax(cause, line, column, file, "remove it")


def _second_document(text: str, end: int, file: str | None) -> tuple[Diagnostic, ...]:
    """A warning where something follows the first document, which is all that faas-cli reads; it is not parsed."""
    if "\n---" not in text and "\n..." not in text:
        return ()
    marker = 0
    for number, line in enumerate(text.splitlines()[end:], end + 1):
        content = line
        if line.startswith("---") and not marker:
            marker, content = number, line[3:]
        if content.strip() and not content.lstrip().startswith("#") and content.strip() != "...":
            warning = _fault("second-document", "only the first document of the file is read", marker or number, 1, file)
            return (attrs.evolve(warning, severity="warning", hint="move what follows into a file of its own"),)
    return ()


# From events to values.


class _Builder:
    """Builds plain values from events without recursion, and notes what faas-cli would refuse on the way."""

    def __init__(self, file: str | None, *, marking: bool, restore: Any) -> None:  # noqa: ANN401  # a function or None
        self.file = file
        self.marking = marking
        self.restore = restore
        self.found: list[Diagnostic] = []
        self.marks: Marks = {}
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.open: set[int] = set()
        self.expanded = 0
        self.end = 0

    def fault(self, event: Any, code: str, message: str, hint: str = "") -> None:  # noqa: ANN401  # an event
        """Notes a fault at an event."""
        mark = event.start_mark
        self.found.append(_fault(code, message, mark.line + 1, mark.column + 1, self.file, hint))

    def document(self, next_event: Callable[[], Any]) -> Any:  # noqa: ANN401, C901, PLR0912, PLR0915  # any YAML value; one loop over events, for its speed
        """The first document's value; None for an empty stream."""
        from ruamel.yaml.events import (
            AliasEvent,
            DocumentEndEvent,
            MappingEndEvent,
            MappingStartEvent,
            ScalarEvent,
            SequenceEndEvent,
            SequenceStartEvent,
            StreamEndEvent,
        )

        root: list[Any] = []
        # A frame is: container, key to come, nodes inside, merges, path, event
        frames: list[list[Any]] = []
        frame: list[Any] = [root, _NO_KEY, 0, None, (), None]
        marking, anchors = self.marking, self.anchors
        while True:
            event = next_event()
            kind = type(event)
            if kind is ScalarEvent:
                value: Any = self.scalar(event)
                if event.anchor is not None:
                    anchors[event.anchor] = (value, 1)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if len(frames) >= MAX_DEPTH:
                    self.fault(event, "yaml", f"the stack file is nested more than {MAX_DEPTH} levels deep")
                    raise InvalidStack(*self.found)
                container: Any = {} if kind is MappingStartEvent else []
                frames.append(frame)
                frame = [container, _NO_KEY, 0, None, (), event]
                if marking:
                    frame[4] = self.path_of_next(frames[-1])
                    if isinstance(frames[-1][0], list):
                        self.mark(frame[4], event)
                if event.anchor is not None:
                    anchors[event.anchor] = (container, 0)
                    self.open.add(id(container))
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value, _, count, merges, _, start = frame
                if merges:
                    count += self.merge(value, merges, start)
                if start.anchor is not None:
                    self.open.discard(id(value))
                    if anchors[start.anchor][0] is value:
                        anchors[start.anchor] = (value, count)
                event = start  # a collection's place is where it begins
                frame = frames.pop()
                frame[2] += count
            elif kind is AliasEvent:
                value = self.alias(event, frame)
            elif kind is StreamEndEvent:
                return None
            elif kind is DocumentEndEvent:
                self.end = event.start_mark.line
                return root[0] if root else None
            else:
                continue
            # Put the value where it belongs.
            target, key = frame[0], frame[1]
            frame[2] += 1
            if type(target) is list:
                if marking and target is not root:
                    self.mark((*frame[4], len(target)), event)
                target.append(value)
            elif key is _NO_KEY:
                frame[1] = self.key(value, event, frame)
            else:
                if key is _MERGE:
                    frame[3] = [*(frame[3] or ()), (value, event)]
                else:
                    target[key] = value
                frame[1] = _NO_KEY

    def path_of_next(self, frame: list[Any]) -> Path:
        """The path of the value that a frame is waiting for."""
        container, key, _, _, path, event = frame
        if event is None:
            return ()
        if isinstance(container, list):
            return (*path, len(container))
        return (*path, key) if isinstance(key, str) else path

    def mark(self, path: Path, event: Any) -> None:  # noqa: ANN401  # an event
        """Keeps the place of a path: the first one, for duplicates."""
        self.marks.setdefault(path, (event.start_mark.line + 1, event.start_mark.column + 1))

    def scalar(self, event: Any) -> str | None:  # noqa: ANN401  # an event
        """A scalar's text; None for a plain null."""
        value: str = event.value if self.restore is None else self.restore(event.value)
        if event.tag is not None and event.tag != "!":
            return self.tagged(event, str(event.tag), value)
        if not event.style and event.tag is None:
            return None if value in _NULLS else value
        return Quoted(value) if value in _CORE_BOOLEANS else value

    def tagged(self, event: Any, tag: str, value: str) -> str | None:  # noqa: ANN401  # an event
        """A scalar with a tag of its own, judged as yaml.v3 resolves it."""
        if not tag.startswith(_CORE) or tag == f"{_CORE}str":
            return Quoted(value) if value in _CORE_BOOLEANS else value
        kind = tag.removeprefix(_CORE)
        if kind == "null" and value in _NULLS:
            return None
        if kind in _TAGS and not _TAGS[kind].fullmatch(value):
            self.fault(event, "type", f"{masked(value)[:60]!r} is no !!{kind}", "remove the tag")
        return value

    def key(self, value: Any, event: Any, frame: list[Any]) -> Any:  # noqa: ANN401  # any YAML value
        """What a frame keeps of a key; faults for what is none, or was there before."""
        if isinstance(value, (dict, list)):
            self.fault(event, "yaml", "a key must be a text, not a list or a mapping")
            return ""
        if value == "<<" and not event.style:
            if frame[3]:
                self.fault(event, "duplicate-key", "a mapping has two merge keys `<<`", "write `<<: [*a, *b]`")
            return _MERGE
        if value in frame[0]:
            first = self.marks.get((*frame[4], value), (0, 0))[0]
            name = masked(str(value))[:60]
            self.fault(event, "duplicate-key", f"the key {name!r} was written before, in line {first}", "remove one of them")
        elif self.marking:
            self.mark((*frame[4], value) if value is not None else frame[4], event)
        return value

    def alias(self, event: Any, frame: list[Any]) -> Any:  # noqa: ANN401  # any YAML value
        """What an alias stands for, within the budget."""
        if event.anchor not in self.anchors:
            self.fault(event, "yaml", f"the alias *{event.anchor[:60]} has no anchor before it")
            return ""
        value, count = self.anchors[event.anchor]
        if id(value) in self.open:
            self.fault(event, "yaml", f"the alias *{event.anchor[:60]} stands inside its own anchor")
            return ""
        frame[2] += count
        self.spend(count, event)
        return value

    def spend(self, count: int, event: Any) -> None:  # noqa: ANN401  # an event
        """Counts what aliases and merges add; beyond the budget nothing more is read."""
        self.expanded += count
        if self.expanded > MAX_EXPANSION:
            self.fault(event, "yaml", f"aliases and merges add up to more than {MAX_EXPANSION} values")
            raise InvalidStack(*self.found)

    def merge(self, target: dict[Any, Any], merges: list[tuple[Any, Any]], start: Any) -> int:  # noqa: ANN401  # an event
        """Merges `<<` into a mapping: explicit keys win, then the first mapping; returns how many keys came in."""
        before = len(target)
        for value, event in merges:
            for source in value if isinstance(value, list) else [value]:
                if not isinstance(source, dict):
                    self.fault(event, "type", "`<<` merges mappings, and this is none", "name an anchor of a mapping: `<<: *a`")
                    continue
                self.spend(len(source), start)
                for key, item in source.items():
                    target.setdefault(key, item)
        return len(target) - before


# The core tags that a value can fail to fit, as yaml.v3 resolves them.
_TAGS = {
    "bool": re.compile("true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)"),
    "float": re.compile(
        r"[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
    ),
    "null": re.compile("|~|null|Null|NULL"),
}


# From values to a stack.


class _Judgement:
    """What faas-cli's schema makes of a document: the parts that a build needs, and every fault."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self.functions: dict[str, FunctionSpec] = {}
        self.contexts: list[str] = []
        self.copy: tuple[str, ...] = ()
        self.templates: FrozenMap[str] = EMPTY

    def document(self, tree: Any) -> None:  # noqa: ANN401  # any YAML value
        """Provider and version, then the functions and the configuration."""
        if tree is None:
            self.fault("provider", "the stack file is empty", (), "it needs `provider: {name: openfaas}` and `functions:`")
            return
        if not isinstance(tree, dict):
            kind = "a list" if isinstance(tree, list) else "a text"
            self.fault("type", f"a stack file is a mapping, not {kind}", (), "begin with `version`, `provider`, `functions`")
            return
        self.provider(self.mapping(tree.get("provider"), ("provider",)))
        version = self.text(tree.get("version"), ("version",))
        if version not in ("", "1.0"):
            self.fault(
                "version",
                f"the version is {masked(version)[:60]!r}",
                ("version",),
                "faas-cli takes `version: 1.0` alone",
            )
        for name, function in self.mapping(tree.get("functions"), ("functions",)).items():
            self.function(name, function)
        self.configuration(self.mapping(tree.get("configuration"), ("configuration",)))

    def provider(self, provider: dict[Any, Any]) -> None:
        """faas-cli refuses every provider but one."""
        self.text(provider.get("gateway"), ("provider", "gateway"))
        name = self.text(provider.get("name"), ("provider", "name"))
        if name != "openfaas" and not self.found:
            found = f"the provider's name is {masked(name)[:60]!r}" if name else "the provider has no name"
            self.fault("provider", found, ("provider", "name"), "write `provider: {name: openfaas}`: faas-cli takes no other")

    def function(self, name: str | None, function: Any) -> None:  # noqa: ANN401  # any YAML value
        """One function; a null key is dropped, as faas-cli does."""
        if name is None:
            return
        try:
            self.functions[name] = FunctionSpec.from_mapping(name, function)
        except InvalidFunction as fault:
            self.found += fault.diagnostics
        if isinstance(function, dict) and function.get("context") is not None:
            self.contexts.append(name)

    def configuration(self, configuration: dict[Any, Any]) -> None:
        """`copy` and `templates`."""
        place: Path = ("configuration",)
        copy = self.items(configuration.get("copy"), (*place, "copy"))
        self.copy = tuple(self.text(item, (*place, "copy", i)) for i, item in enumerate(copy))
        templates: dict[str, str] = {}
        for i, item in enumerate(self.items(configuration.get("templates"), (*place, "templates"))):
            here: Path = (*place, "templates", i)
            template = self.mapping(item, here)
            name, source = (self.text(template.get(key), (*here, key)) for key in ("name", "source"))
            templates.setdefault(name, source)
        self.templates = FrozenMap(templates)

    def text(self, value: Any, place: Path) -> str:  # noqa: ANN401  # any YAML value
        """A text; null is empty."""
        if isinstance(value, (dict, list)):
            self.wrong("a text", value, place)
            return ""
        return value or ""

    def mapping(self, value: Any, place: Path) -> dict[Any, Any]:  # noqa: ANN401  # any YAML value
        """A mapping; null is an empty one."""
        if value is None or isinstance(value, dict):
            return value or {}
        self.wrong("a mapping", value, place)
        return {}

    def items(self, value: Any, place: Path) -> list[Any]:  # noqa: ANN401  # any YAML value
        """A list; null is an empty one."""
        if value is None or isinstance(value, list):
            return value or []
        self.wrong("a list", value, place)
        return []

    def wrong(self, wanted: str, value: Any, place: Path) -> None:  # noqa: ANN401  # any YAML value
        """A value of the wrong type."""
        kind = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a text"
        self.fault("type", f"this must be {wanted}, not {kind}", place)

    def fault(self, code: str, message: str, place: Path, hint: str = "") -> None:
        """Notes a fault; its position is found later."""
        self.found.append(Diagnostic(code=code, message=message, place=Place(path=place), hint=hint, url=_URL))


def _filtered(functions: dict[str, FunctionSpec], pattern: str | None) -> FrozenMap[FunctionSpec]:
    """The functions whose whole name matches; raises where none does."""
    if not pattern:
        return FrozenMap(functions)
    kept = {name: spec for name, spec in functions.items() if _matches(pattern, name)}
    if not kept:
        names = ", ".join(list(functions)[:20]) or "none"
        message = f"no function matches the filter {pattern[:60]!r}"
        raise InvalidStack(Diagnostic(code="no-function", message=message, hint=f"the file has: {names}"))
    return FrozenMap(kept)


def _matches(pattern: str, name: str) -> bool:
    """Whether a glob in which only `*` is special matches a whole name."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    *middle, last = rest
    at = len(first)
    if not name.startswith(first):
        return False
    for part in middle:
        at = name.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return name.endswith(last) and len(name) - len(last) >= at
