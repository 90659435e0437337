"""The stack file: YAML text in, a `Stack` of function specs out. The only room that knows `ruamel.yaml`.

The text is read as a stream of parser events, and plain values are built from it here: every scalar is its text, as it is
for faas-cli, whose fields are strings (`1.10`, `on` and `0x1F` keep their spelling). No tree of nodes is made, for such
trees lose spellings, cost five times as much, and end the process on a hundred thousand nested brackets. Positions cost
nothing until there is a fault or somebody asks: then the text is read once more, and beside every mapping and list is
kept where each of its items stands, which aliases and merges take along.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, NamedTuple, NoReturn, TypeAlias

import attrs

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, path_text
from faas_cache.model.errors import InvalidFunction, InvalidInput, InvalidStack
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked, shown
from faas_cache.model.converters import Quoted, read_boolean
from faas_cache.model.specs import FunctionSpec
from faas_cache.stack import selection
from faas_cache.stack.substitution import LINE_END, LINE_ENDS, Substituted, end_of, substitute

# A stack of 10,000 functions takes 6 MB; what is larger is no stack file.
MAX_SIZE = 16 * 2**20
# The schema is six levels deep; libyaml's flow nesting is quadratic, so the limit is also one of time.
MAX_DEPTH = 64
# How long a URL may take, in seconds: faas-cli's number.
_TIMEOUT = 120
# What aliases and merges may add up to, and one more for each character: thousands of functions may share a mapping
# of twenty variables, but what a text stands for stays in proportion to the text.
MAX_EXPANSION = 100_000
# libyaml compares each %TAG line with all before it; faas-cli's users write none.
MAX_DIRECTIVES = 8
# Nobody reads on after so many faults; a text of nothing else would cost hundreds of bytes of message for each of its own.
MAX_FAULTS = 10_000

_SLOW = Diagnostic(
    name="slow-parser",
    severity="note",
    message="the C part of ruamel.yaml is not installed: stack files are read about twenty-five times slower",
    hint="pip install 'ruamel.yaml[oldlibyaml]'",
)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_CORE_BOOLEANS = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_CORE = "tag:yaml.org,2002:"

# How the text of a scalar is had from an event's, or None where it is the same.
_Restore: TypeAlias = "Callable[[str], str | None] | None"
# Line and column, from 1.
Spot: TypeAlias = tuple[int, int]
# Where the items of a container stand, by the container's identity; the container itself is kept, lest another take its id.
Spots: TypeAlias = dict[int, tuple[Any, dict[Any, Spot]]]


class _Key:
    """What stands in a frame for a key that is still to come, for the merge key, and for what can be no key."""


_NO_KEY, _MERGE, _UNUSABLE = _Key(), _Key(), _Key()


class _Enough(Exception):
    """A limit is passed: the fault is noted, and nothing more is read."""


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
    put_in: Substituted = attrs.field(default=Substituted("", ""), repr=False, eq=False)

    @classmethod
    def load(
        cls,
        path: str | FilePath,
        *,
        environ: Mapping[str, str] | None = None,
        filter: str | None = None,  # noqa: A002  # faas-cli's name for it
        regex: str | None = None,
        envsubst: bool = True,
    ) -> Stack:
        """The stack in a file, or behind an `http` or `https` URL; raises `InvalidStack` for one that cannot be read, too.

        The rest is as in `loads`.
        """
        try:
            with _opened(path) as stream:
                data = stream.read(MAX_SIZE + 1)
        except (OSError, ValueError) as fault:
            cause = getattr(fault, "strerror", None) or str(getattr(fault, "reason", fault))
            raise InvalidStack(
                Diagnostic(
                    name="stack-file",
                    message=f"the stack file {shown(str(path))} cannot be read: {cause}",
                    hint="name it with -f, or run in the folder that holds stack.yaml",
                )
            ) from None
        return cls.loads(
            data, environ, filter=filter, regex=regex, envsubst=envsubst, file=str(path)
        )

    @classmethod
    def loads(  # noqa: PLR0913  # as many as faas-cli has flags for a stack file
        cls,
        text: str | bytes,
        environ: Mapping[str, str] | None = None,
        *,
        filter: str | None = None,  # noqa: A002  # faas-cli's name for it
        regex: str | None = None,
        envsubst: bool = True,
        file: str | None = None,
    ) -> Stack:
        r"""The stack in a text; raises `InvalidStack` with every fault, each with its line and column.

        `environ` is where `${…}` is looked up: the process's environment where it is None; `envsubst=False` leaves it alone.
        `filter` keeps the functions whose whole name matches, `*` standing for anything; `regex` those in whose name that
        expression is found. Both, or no match, are a fault.

        >>> stack = Stack.loads("provider: {name: openfaas}\nfunctions: {fn: {image: 'a/${B}'}}", {"B": "b"})
        >>> stack.functions["fn"].image
        'a/b'
        """
        source = _decoded(text, file)
        try:
            put_in = (
                substitute(source, os.environ if environ is None else environ)
                if envsubst
                else Substituted(source, source)
            )
        except InvalidStack as fault:
            raise InvalidStack(*(_sourced(d, None, file) for d in fault.diagnostics)) from None
        if len(put_in.text) > MAX_SIZE:
            raise _syntax(
                f"with its variables it is larger than {MAX_SIZE // 2**20} MiB",
                1,
                1,
                file,
                "give them shorter values",
            )
        reading = _read(put_in.text, file)
        judged = _Judgement()
        if reading.whole:
            judged.document(reading.tree)
        if reading.found or judged.found:
            _refuse(put_in, file, reading, judged.found, tuple(_structural(put_in, file, reading)))
        brought = _brought(put_in, file, reading) if put_in.pieces or put_in.diagnostics else ()
        found = (
            *(_sourced(note, put_in, file) for note in reading.notes),
            *(attrs.evolve(_sourced(d, None, file), severity="warning") for d in brought),
            *(note for spec in judged.functions.values() for note in spec.diagnostics),
        )
        return cls(
            functions=_selected(judged.functions, filter, regex),
            diagnostics=found,
            copy_extra_paths=judged.copy,
            templates=judged.templates,
            own_contexts=frozenset(judged.contexts),
            file=file,
            put_in=put_in,
        )

    def selected(self, filter: str | None = None, regex: str | None = None) -> Stack:  # noqa: A002  # the same
        """The same file with the functions that match, as `loads` selects them."""
        return attrs.evolve(self, functions=_selected(self.functions, filter, regex))

    def from_variable(self, place: Location) -> bool:
        """Whether a variable is put in on the line of a place, from the place on."""
        if place.line is None or place.column is None:
            return False
        line = LINE_END.split(self.put_in.source)[place.line - 1]
        return bool(self.put_in.pieces) and _NAME.search(line, place.column - 1) is not None

    def locate(self, path: KeyPath | str) -> tuple[int, int]:
        """The line and column, from 1, where a path is written; its nearest parent's where it is not in the file.

        `path` is a tuple of keys and positions, or its text: `functions.fn.build_cache.to[1]`. What an alias or a merge
        brought is found where it is written, and what a variable brought where its `${` stands. The text is read again.
        """
        reading = _read(self.put_in.text, self.file, marking=True)
        return self.put_in.spot(
            *_spot(_steps(path, reading) if isinstance(path, str) else path, reading)
        )

    def placed(self, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The diagnostics with file, line and column filled in, for one more reading of the text in all."""
        found = tuple(found)
        places = self.places(d.location for d in found)
        return tuple(
            attrs.evolve(d, location=place) for d, place in zip(found, places, strict=True)
        )

    def places(self, given: Iterable[Location]) -> tuple[Location, ...]:
        """The places with file, line and column filled in where they speak of this file and have none."""
        given = tuple(given)
        if not any(map(_unplaced, given)):
            return given
        reading = _read(self.put_in.text, self.file, marking=True)
        keys = reading.tree if isinstance(reading.tree, dict) else {}
        return tuple(
            _place(p, reading, self.file, self.put_in) if _unplaced(p) and p.path[0] in keys else p
            for p in given
        )


@attrs.frozen(kw_only=True)
class Template:
    """What a `template.yml` says of builds: where the handler goes, packages by build option, and whether SSH is used."""

    name: str
    handler_folder: str = "function"
    build_options: FrozenMap[tuple[str, ...]] = attrs.field(default=FrozenMap[tuple[str, ...]]({}))
    mount_ssh: bool = False

    @classmethod
    def load(cls, folder: str, name: str) -> Template:
        """The template in a folder; raises `InvalidStack` where its `template.yml` is not there or cannot be read."""
        path = f"{folder}/template.yml"
        try:
            with FilePath(path).open("rb") as stream:
                text = _decoded(stream.read(MAX_SIZE + 1), path)
        except OSError as fault:
            message = f"the template {name!r} cannot be used: {path}: {fault.strerror}"
            raise InvalidStack(
                Diagnostic(
                    name="template", message=message, hint="every template has a template.yml"
                )
            ) from None
        reading = _read(text, path)
        judged = _Judgement()
        found = judged.template(reading.tree) if reading.whole else {}
        if reading.found or judged.found:
            _refuse(Substituted(text, text), path, reading, judged.found)
        return cls(name=name, **found)


# Positions.


def _unplaced(place: Location) -> bool:
    """Whether a place has a path and nobody has said where that is."""
    return place.line is None and place.path != ()


def _place(place: Location, reading: _Reading, file: str | None, put_in: Substituted) -> Location:
    line, column = put_in.spot(*_spot(place.path, reading))
    return Location(path=place.path, file=file, line=line, column=column)


def _sourced(found: Diagnostic, put_in: Substituted | None, file: str | None) -> Diagnostic:
    """The diagnostic with its file, and its line and column as they are in the source of the text it speaks of."""
    line, column = found.location.line, found.location.column
    if put_in is not None and line is not None and column is not None:
        line, column = put_in.spot(line, column)
    return attrs.evolve(
        found, location=attrs.evolve(found.location, file=file, line=line, column=column)
    )


def _spot(path: KeyPath, reading: _Reading) -> Spot:
    """Where a path stands: followed through the values themselves, so that aliases and merges need no look."""
    node, spot = reading.tree, (1, 1)
    for step in path:
        _, spots = reading.spots.get(id(node), (node, {}))
        key = None if step == "" and step not in spots else step  # a null key reads as an empty one
        if key not in spots:
            break
        spot = spots[key]
        node = node.get(key) if isinstance(node, dict) else node[key]
    return spot


def _steps(text: str, reading: _Reading) -> KeyPath:
    """The path whose text this is, as far as the file has it."""
    path: list[str | int] = []
    node, rest = reading.tree, text if text.startswith("[") else f".{text}"
    while rest:
        _, spots = reading.spots.get(id(node), (node, {}))
        for step in spots:
            key = "" if step is None else step
            word = path_text((0, key)).removeprefix("[0]")
            if rest == word or rest.startswith((f"{word}.", f"{word}[")):
                break
        else:
            break
        path.append(key)
        rest = rest[len(word) :]
        node = node.get(step) if isinstance(node, dict) else node[step]
    return tuple(path)


def _position(found: Diagnostic) -> tuple[int, int]:
    return found.location.line or 0, found.location.column or 0


def _refuse(
    put_in: Substituted,
    file: str | None,
    reading: _Reading,
    judged: list[Diagnostic],
    more: tuple[Diagnostic, ...] = (),
) -> NoReturn:
    """Raises all faults of a text in its order, after one more reading where places are still missing; then `more`."""
    if judged or any(d.name == "duplicate-key" for d in reading.found):
        reading = _read(put_in.text, file, marking=True)
    placed = (attrs.evolve(d, location=_place(d.location, reading, file, put_in)) for d in judged)
    read = (_sourced(d, put_in, file) for d in reading.found)
    faults = sorted([*read, *placed], key=_position)
    if len(faults) > MAX_FAULTS:
        line, column = _position(faults[MAX_FAULTS])
        faults[MAX_FAULTS:] = [
            _fault(
                "yaml",
                f"there are more than {MAX_FAULTS} faults: no more are shown",
                line,
                column,
                file,
            )
        ]
    raise InvalidStack(*faults, *more)


# From bytes to text.


def _opened(path: str | FilePath) -> Any:  # noqa: ANN401  # a file or an answer
    """The bytes of a stack file, here or behind a URL, as faas-cli takes it: `file:` and the like are paths."""
    if not str(path).startswith(("http://", "https://")):
        return FilePath(path).open("rb")
    from urllib.request import urlopen

    return urlopen(str(path), timeout=_TIMEOUT)  # noqa: S310  # one of the two schemes


def _decoded(text: str | bytes, file: str | None) -> str:
    """The text of a stack file: UTF-8, or UTF-16 with a byte order mark, of a size that makes sense."""
    if len(text) > MAX_SIZE:
        raise _syntax(
            f"it is larger than {MAX_SIZE // 2**20} MiB",
            1,
            1,
            file,
            "split the stack into several files",
        )
    if not isinstance(text, str):
        data, encoding = text, "utf-16" if text[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as fault:
            before = data[: fault.start].decode(encoding, "replace").removeprefix("\ufeff")
            raise _syntax(
                f"it is not {encoding.upper()} text", *end_of(before), file, "save it as UTF-8"
            ) from None
    text = text.removeprefix("\ufeff")
    if sum(text.count(f"{end}%") for end in LINE_ENDS) > MAX_DIRECTIVES:
        raise _syntax(
            "it has more % directives than a stack file has use for", 1, 1, file, "remove them"
        )
    return text


def _syntax(cause: str, line: int, column: int, file: str | None, hint: str = "") -> InvalidStack:
    return InvalidStack(
        _fault("yaml", f"the stack file cannot be read: {cause}", line, column, file, hint)
    )


def _fault(
    code: str, message: str, line: int, column: int, file: str | None, hint: str = ""
) -> Diagnostic:  # noqa: PLR0913  # the parts of a diagnostic
    return Diagnostic(
        name=code,
        message=message,
        location=Location(file=file, line=line, column=column),
        hint=hint,
    )


# From text to events.

# libyaml 0.1.7 refuses a colon inside a plain scalar of a flow list, as in `[ghcr.io/a/b:tag]`, which is legal YAML.
_FLOW_COLON = "found unexpected ':'"
# Such a colon stands inside a word; it is put out of sight, one for one so that columns stay, and put back afterwards.
_INNER_COLON = re.compile(r"""(?<=[^\s"'\[\]{},:]):+(?=[^\s,\[\]{}?])""")
_HIDDEN_COLON = "\ue000"
# Where hiding could change more than the colon: verbatim tags, directives, escapes that make the stand-in, or itself.
_NOT_HIDEABLE = re.compile(r"!<|^%|\\[uU]|[\ue000\ud800-\udfff]", re.MULTILINE)
# What ruamel's own parser lets an escape stand for, and the C parser does not.
_SURROGATE = re.compile("[\ud800-\udfff]")
# What YAML allows in a stream; the C parser tells of anything else without a line.
_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


class _Reading(NamedTuple):
    """What came of one reading of a text; `whole` says whether it reached the end of the document."""

    whole: bool
    tree: Any
    spots: Spots
    found: list[Diagnostic]
    notes: tuple[Diagnostic, ...]


def _read(text: str, file: str | None, *, marking: bool = False) -> _Reading:
    """The first document of a text as plain values, and what is wrong with it; with `marking`, where everything stands."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    refusal: list[Diagnostic] = []
    for number, (make, restore) in enumerate(_parsers(text)):
        builder = _Builder(file, marking=marking, restore=restore, budget=MAX_EXPANSION + len(text))
        try:
            tree = builder.document(make())
        except MarkedYAMLError as fault:
            refusal = [_refusal(fault, text, file)]
            if number == 0 and fault.problem != _FLOW_COLON:
                break
        except (YAMLError, UnicodeEncodeError) as fault:
            refusal = [_unreadable(fault, text, file)]
            break
        except _Enough:
            refusal = []
            break
        else:
            notes = (*(() if _c_parser() else (_SLOW,)), *_second_document(text, builder.end, file))
            return _Reading(True, tree, builder.spots, builder.found, notes)  # noqa: FBT003  # a field's value
    return _Reading(False, None, builder.spots, [*builder.found, *refusal], ())  # noqa: FBT003  # a field's value


def _c_parser() -> Any:  # noqa: ANN401  # the extension has no types
    """The C parser's class, or None where it is not installed."""
    try:
        from _ruamel_yaml import CParser
    except ImportError:
        return None
    return CParser


def _parsers(text: str) -> list[tuple[Callable[[], Callable[[], Any]], _Restore]]:
    """The ways to read a text, in order: each makes a source of events, and says how to restore its scalars.

    The C parser first. Only a flow colon gives the others a turn: the C parser with those colons hidden, then ruamel's own
    parser, which is slower, and laxer about surrogates. Without the C parser, ruamel's own alone.
    """
    parser = _c_parser()
    pure = (lambda: _pure_events(text), _no_surrogates)
    if parser is None:
        return [pure]
    straight = (lambda: parser(text.encode()).get_event, None)
    if _NOT_HIDEABLE.search(text):
        return [straight, pure]
    return [
        straight,
        (
            lambda: parser(_hidden(text).encode()).get_event,
            lambda value: value.replace(_HIDDEN_COLON, ":"),
        ),
        pure,
    ]


def _no_surrogates(value: str) -> str | None:
    """The scalar as it is, or None for one that no encoding can hold."""
    return None if not value.isascii() and _SURROGATE.search(value) else value


def _hidden(text: str) -> str:
    """The text with its inner colons out of sight."""
    return _INNER_COLON.sub(lambda match: _HIDDEN_COLON * len(match[0]), text)


def _pure_events(text: str) -> Callable[[], Any]:
    """The events of ruamel's own parser, whose `chr` refuses an escape beyond Unicode."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(text))
    last = None

    def next_event() -> Any:  # noqa: ANN401  # an event
        nonlocal last
        try:
            last = next(events)
        except (ValueError, OverflowError):
            mark = last and last.end_mark
            raise MarkedYAMLError(
                problem="found a character that is none", problem_mark=mark
            ) from None
        return last

    return next_event


# The parsers' own words are shorter; a tag of the user's may stand among them.
_SHOWN_CAUSE = 200
# What helps, by what the parser was doing and what it met.
_HINTS = (
    (r"quoted scalar", "close the quote, and write a backslash inside double quotes as two"),
    (r"flow", "close the bracket, and put commas between the items"),
    (
        r"block (?:mapping|collection)|simple key",
        "indent this line like its neighbours, and write `key: value`",
    ),
    (
        r"mapping values",
        "quote the value, if it is meant to hold a colon; else mind the indentation",
    ),
)


def _refusal(fault: Any, text: str, file: str | None) -> Diagnostic:  # noqa: ANN401  # ruamel's, untyped
    """What the parser refused, in its words, with what helps."""
    mark = fault.problem_mark or fault.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    here = LINE_END.split(text)[line - 1 : line]
    cause = masked(", ".join(filter(None, (fault.context, fault.problem))))[:_SHOWN_CAUSE]
    hint = next(
        (h for words, h in _HINTS if re.search(words, cause)),
        "quote the value, if it is meant to hold this",
    )
    if here and "\t" in here[0][: column + 1]:
        hint = "indent with spaces: YAML takes no tabs there"
    return _fault("yaml", f"the stack file cannot be read: {cause}", line, column, file, hint)


def _unreadable(fault: Exception, text: str, file: str | None) -> Diagnostic:
    """A character that no YAML stream may hold."""
    match = re.search(_UNPRINTABLE, text)
    line, column = end_of(text[: match.start()]) if match else (1, 1)
    cause = (
        f"it holds the character U+{ord(match[0]):04X}" if match else str(fault).partition("\n")[0]
    )
    return _fault(
        "yaml", f"the stack file cannot be read: {cause}", line, column, file, "remove it"
    )


# What may stand between two documents: space, comments, ends, directives and markers.
_BETWEEN = re.compile(
    rf"[ \t{LINE_ENDS}\ufeff]+|[#%][^{LINE_ENDS}]*|\.\.\.(?!\S)|(?P<marker>---(?!\S))"
)


def _second_document(text: str, end: int, file: str | None) -> tuple[Diagnostic, ...]:
    """A warning where something follows the first document, which is all that faas-cli reads; it is not parsed."""
    place = -1
    while between := _BETWEEN.match(text, end):
        end = between.end()
        place = between.start() if between["marker"] else place
    if end == len(text):
        return ()
    line, column = end_of(text[: end if place < 0 else place])
    warning = _fault(
        "second-document", "only the first document of the file is read", line, column, file
    )
    return (
        attrs.evolve(warning, severity="warning", hint="move what follows into a file of its own"),
    )


# From events to values.


class _Builder:
    """Builds plain values from events without recursion, and notes what faas-cli would refuse on the way."""

    def __init__(self, file: str | None, *, marking: bool, restore: _Restore, budget: int) -> None:
        self.file = file
        self.marking = marking
        self.restore = restore
        self.budget = budget
        self.found: list[Diagnostic] = []
        self.faulty: set[Spot] = set()
        self.spots: Spots = {}
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.open: set[int] = set()
        self.expanded = 0
        self.end = 0

    def fault(self, event: Any, code: str, message: str, hint: str = "") -> None:  # noqa: ANN401  # an event
        """Notes a fault at an event: the first one there, since others only follow from it."""
        spot = _start(event)
        if spot in self.faulty:
            return
        self.faulty.add(spot)
        self.found.append(_fault(code, message, *spot, self.file, hint))
        if len(self.found) > MAX_FAULTS:
            raise _Enough

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
        # A frame is: container, key to come, nodes inside, merges, where its items stand, event
        frames: list[list[Any]] = []
        frame: list[Any] = [root, _NO_KEY, 0, None, {}, None]
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
                    self.fault(
                        event, "yaml", f"the stack file is nested more than {MAX_DEPTH} levels deep"
                    )
                    raise _Enough
                container: Any = {} if kind is MappingStartEvent else []
                frames.append(frame)
                frame = [container, _NO_KEY, 0, None, {}, event]
                if event.anchor is not None:
                    anchors[event.anchor] = (container, 0)
                    self.open.add(id(container))
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value, _, count, merges, spots, start = frame
                if merges:
                    count += self.merge(value, merges, spots)
                if marking:
                    self.spots[id(value)] = (value, spots)
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
                self.end = event.start_mark.index
                return root[0] if root else None
            else:
                continue
            # Put the value where it belongs.
            target, key = frame[0], frame[1]
            frame[2] += 1
            if type(target) is list:
                if marking:
                    frame[4][len(target)] = _start(event)
                target.append(value)
            elif key is _NO_KEY:
                frame[1] = self.key(value, event, frame)
            else:
                if key is _MERGE:
                    frame[3] = (value, event)
                elif key is not _UNUSABLE:
                    target[key] = value
                frame[1] = _NO_KEY

    def scalar(self, event: Any) -> str | None:  # noqa: ANN401  # an event
        """A scalar's text; None for a plain null."""
        value: str = event.value
        if self.restore is not None:
            restored = self.restore(value)
            if restored is None:
                self.fault(
                    event,
                    "yaml",
                    "this holds half of a surrogate pair, which is no character",
                    "write the character itself",
                )
                return None
            value = restored
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
        if kind == "binary":
            return self.binary(event, value)
        if kind in _TAGS and not re.fullmatch(_TAGS[kind], value):
            self.fault(event, "type", f"this value is no !!{kind}", "remove the tag")
        return None if kind == "null" else value

    def binary(self, event: Any, value: str) -> str | None:  # noqa: ANN401  # an event
        """The text that base64 stands for; what is no text cannot be a part of a command."""
        from base64 import b64decode

        try:
            text = b64decode(value.replace("\n", "").replace("\r", ""), validate=True).decode()
        except ValueError:
            self.fault(
                event,
                "type",
                "this value is no !!binary of a UTF-8 text",
                "write the text itself, without the tag",
            )
            return None
        return Quoted(text) if text in _CORE_BOOLEANS else text

    def key(self, value: Any, event: Any, frame: list[Any]) -> Any:  # noqa: ANN401  # any YAML value
        """What a frame keeps of a key; faults for what is none, or was there before."""
        container, spots = frame[0], frame[4]
        if isinstance(value, (dict, list)):
            self.fault(event, "yaml", "a key must be a text, not a list or a mapping")
            return _UNUSABLE
        if value == "<<" and _is_merge(event):
            if frame[3] is None:
                return _MERGE
            self.fault(
                event, "duplicate-key", "a mapping has two merge keys `<<`", "write `<<: [*a, *b]`"
            )
            return _UNUSABLE
        if value in container:
            first = spots[value][0] if self.marking else 0
            name = "" if value is None else masked(value)[:60]
            self.fault(
                event,
                "duplicate-key",
                f"the key {name!r} was written before, in line {first}",
                "remove one of them",
            )
        elif self.marking:
            spots[value] = _start(event)
        return value

    def alias(self, event: Any, frame: list[Any]) -> Any:  # noqa: ANN401  # any YAML value
        """What an alias stands for, within the budget."""
        if event.anchor not in self.anchors:
            self.fault(event, "yaml", f"the alias *{event.anchor[:60]} has no anchor before it")
            return None
        value, count = self.anchors[event.anchor]
        if id(value) in self.open:
            self.fault(
                event, "yaml", f"the alias *{event.anchor[:60]} stands inside its own anchor"
            )
            return None
        frame[2] += count
        self.spend(count, event)
        return value

    def spend(self, count: int, event: Any) -> None:  # noqa: ANN401  # an event
        """Counts what aliases and merges add; beyond the budget nothing more is read."""
        self.expanded += count
        if self.expanded > self.budget:
            self.fault(
                event, "yaml", f"aliases and merges add up to more than {self.budget} values"
            )
            raise _Enough

    def merge(self, target: dict[Any, Any], merge: tuple[Any, Any], spots: dict[Any, Spot]) -> int:
        """Merges `<<` into a mapping: explicit keys win, then the first mapping; returns how many keys came in."""
        before = len(target)
        value, event = merge
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                self.fault(
                    event,
                    "type",
                    "`<<` merges mappings, and this is none",
                    "name an anchor of a mapping: `<<: *a`",
                )
                break
            self.spend(len(source), event)
            if self.marking:
                spots.update(
                    {
                        key: spot
                        for key, spot in self.spots[id(source)][1].items()
                        if key not in target
                    }
                )
            for key, item in source.items():
                target.setdefault(key, item)
        return len(target) - before


def _start(event: Any) -> Spot:  # noqa: ANN401  # an event
    """Where an event begins."""
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def _is_merge(event: Any) -> bool:  # noqa: ANN401  # an event
    """Whether a key `<<` merges: plain, and without a tag that makes it a text."""
    return not event.style and (event.tag is None or str(event.tag) in {"!", f"{_CORE}merge"})


# The core tags that a value can fail to fit, as yaml.v3 resolves them: patterns, compiled where there is such a tag.
_TAGS = {
    "bool": "true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)",
    "float": r"[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    "null": "|~|null|Null|NULL",
    "timestamp": (
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?P<t>[Tt ])[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?)?"
        r"(?(t)(?:Z|[-+][0-9]{2}:[0-9]{2})?)"
    ),
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
            self.fault(
                "provider",
                "the stack file is empty",
                (),
                "it needs `provider: {name: openfaas}` and `functions:`",
            )
            return
        if not isinstance(tree, dict):
            kind = "a list" if isinstance(tree, list) else "a text"
            self.fault(
                "type",
                f"a stack file is a mapping, not {kind}",
                (),
                "begin with `version`, `provider`, `functions`",
            )
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
            found = (
                f"the provider's name is {masked(name)[:60]!r}"
                if name
                else "the provider has no name"
            )
            self.fault(
                "provider",
                found,
                ("provider", "name"),
                "write `provider: {name: openfaas}`: faas-cli takes no other",
            )

    def function(self, name: str | None, function: Any) -> None:  # noqa: ANN401  # any YAML value
        """One function; a null key is dropped, as faas-cli does."""
        if name is None:
            return
        name = str(name)  # one in quotes, too
        try:
            self.functions[name] = FunctionSpec.from_mapping(name, function)
        except InvalidFunction as fault:
            # A fault of the name itself has no path yet.
            self.found += (
                d if d.location.path else d.under("functions", name)
                for d in fault.diagnostics[: self.room()]
            )
        if isinstance(function, dict) and function.get("context") is not None:
            self.contexts.append(name)

    def configuration(self, configuration: dict[Any, Any]) -> None:
        """`copy` and `templates`."""
        place: KeyPath = ("configuration",)
        copy = self.items(configuration.get("copy"), (*place, "copy"))
        self.copy = tuple(self.text(item, (*place, "copy", i)) for i, item in enumerate(copy))
        templates: dict[str, str] = {}
        for i, item in enumerate(self.items(configuration.get("templates"), (*place, "templates"))):
            here: KeyPath = (*place, "templates", i)
            template = self.mapping(item, here)
            name, source = (
                self.text(template.get(key), (*here, key)) for key in ("name", "source")
            )
            templates.setdefault(name, source)
        self.templates = FrozenMap(templates)

    def template(self, tree: Any) -> dict[str, Any]:  # noqa: ANN401  # any YAML value
        """A `template.yml`; an empty one is a good one."""
        document = self.mapping(tree, ())
        options: dict[str, tuple[str, ...]] = {}
        for i, item in enumerate(self.items(document.get("build_options"), ("build_options",))):
            here: KeyPath = ("build_options", i)
            option = self.mapping(item, here)
            packages = self.items(option.get("packages"), (*here, "packages"))
            name = self.text(option.get("name"), (*here, "name"))
            options[name] = tuple(
                self.text(word, (*here, "packages", j)) for j, word in enumerate(packages)
            )
        found: dict[str, Any] = {"build_options": FrozenMap(options)}
        if folder := self.text(document.get("handler_folder"), ("handler_folder",)):
            found["handler_folder"] = folder
        try:
            found["mount_ssh"] = read_boolean(document.get("mount_ssh"), ("mount_ssh",))
        except InvalidInput as fault:
            self.found += fault.diagnostics
        return found

    def text(self, value: Any, place: KeyPath) -> str:  # noqa: ANN401  # any YAML value
        """A text; null is empty."""
        if isinstance(value, (dict, list)):
            self.wrong("a text", value, place)
            return ""
        if value and "\0" in value:
            self.fault(
                "type", "this holds a NUL, which no path and no name can", place, "remove it"
            )
        return str(value or "")

    def mapping(self, value: Any, place: KeyPath) -> dict[Any, Any]:  # noqa: ANN401  # any YAML value
        """A mapping; null is an empty one."""
        if value is None or isinstance(value, dict):
            return value or {}
        self.wrong("a mapping", value, place)
        return {}

    def items(self, value: Any, place: KeyPath) -> list[Any]:  # noqa: ANN401  # any YAML value
        """A list; null is an empty one."""
        if value is None or isinstance(value, list):
            return value or []
        self.wrong("a list", value, place)
        return []

    def wrong(self, wanted: str, value: Any, place: KeyPath) -> None:  # noqa: ANN401  # any YAML value
        """A value of the wrong type."""
        kind = (
            "a mapping"
            if isinstance(value, dict)
            else "a list"
            if isinstance(value, list)
            else "a text"
        )
        self.fault("type", f"this must be {wanted}, not {kind}", place)

    def fault(self, code: str, message: str, place: KeyPath, hint: str = "") -> None:
        """Notes a fault; its position is found later."""
        if self.room():
            self.found.append(
                Diagnostic(name=code, message=message, location=Location(path=place), hint=hint)
            )

    def room(self) -> int:
        """How many more faults are worth keeping: one beyond the limit, which tells that it was passed."""
        return MAX_FAULTS + 1 - len(self.found)


def _selected(
    functions: Mapping[str, FunctionSpec], filter: str | None, regex: str | None
) -> FrozenMap[FunctionSpec]:  # noqa: A002  # faas-cli's names
    """The functions whose names match; raises where none does, and where both are given."""
    if not filter and not regex:
        return FrozenMap(functions)
    if filter and regex:
        message = "--filter and --regex say both which functions are meant"
        raise InvalidStack(Diagnostic(name="usage", message=message, hint="leave one of them out"))
    pattern = filter or regex or ""
    matches = selection.glob(pattern) if filter else selection.regex(pattern)
    kept = {name: spec for name, spec in functions.items() if matches(name)}
    if not kept:
        names = ", ".join(masked(name)[:60] for name in list(functions)[:20]) or "none"
        message = f"no function matches the {'filter' if filter else 'regular expression'} {masked(pattern)[:60]!r}"
        raise InvalidStack(
            Diagnostic(name="no-function", message=message, hint=f"the file has: {names}")
        )
    return FrozenMap(kept)


# What a variable brought.

# A value with none of these is one scalar wherever it stands.
_SUSPECT = re.compile(r"[\[\]{},&*!|>'\"%@`#\s]|:$|^[-?]")
# So many variables are looked at one by one.
_MAX_SUSPECTS = 20
_NAME = re.compile(r"\$\{#?(?P<name>\w+)")


def _structural(put_in: Substituted, file: str | None, reading: _Reading) -> Iterator[Diagnostic]:
    """Warnings of the variables that change the structure of the document, or without which it could be read."""
    suspects = {
        piece.name: piece
        for piece in reversed(put_in.pieces)
        if piece.name and _SUSPECT.search(piece.value)
    }
    shape = _shape(reading.tree)
    for name, piece in sorted(suspects.items())[:_MAX_SUSPECTS]:
        without = _read(put_in.without(name, "x"), file)
        if without.whole != reading.whole or _shape(without.tree) != shape:
            line, column = end_of(put_in.source[: piece.start])
            message = f"the value of `{masked(name)[:60]}` changes the structure of the file: it is put in before YAML is read"
            hint = (
                "give it a value of one line without YAML's signs, or put quotes around the `${…}`"
            )
            yield attrs.evolve(
                _fault("substitution", message, line, column, file, hint), severity="warning"
            )


def _brought(put_in: Substituted, file: str | None, reading: _Reading) -> Iterator[Diagnostic]:
    """Warnings of variables that changed the structure of the document, and of those that left a setting empty (C12)."""
    yield from put_in.diagnostics
    yield from _structural(put_in, file, reading)
    functions = reading.tree.get("functions") if isinstance(reading.tree, dict) else None
    empty = [
        n
        for n, f in (functions or {}).items()
        if isinstance(f, dict) and f.get("build_cache", "") is None
    ]
    marked = _read(put_in.text, file, marking=True) if empty and put_in.pieces else reading
    for name in empty if put_in.pieces else ():
        line, column = put_in.spot(*_spot(("functions", name, "build_cache"), marked))
        match = _NAME.search(LINE_END.split(put_in.source)[line - 1], column - 1)
        if match:
            whose = f"`build_cache` of {masked(str(name))[:60]!r}"
            message = f"{whose} is empty, because the variable `{match['name'][:60]}` is: nothing is cached"
            yield _fault(
                "C12",
                message,
                line,
                column,
                None,
                "set the variable, or give it a default: `${X:-inline}`",
            )


def _shape(value: Any) -> Any:  # noqa: ANN401  # any YAML value
    """A value without its texts: what is a mapping, what is a list, and how many items each has."""
    if isinstance(value, dict):
        return ("{", *map(_shape, value.values()))
    return ("[", *map(_shape, value)) if isinstance(value, list) else None
