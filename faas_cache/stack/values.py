"""From the events of a YAML parser to plain values: mappings, lists, and the text of every scalar.

A scalar is its text, as it is for faas-cli, whose fields are strings: `1.10`, `on` and `0x1F` keep
their spelling. Only a plain null is None, and a quoted boolean is a `Quoted`, which faas-cli does
not accept for a boolean. There is no tree of nodes: such trees lose spellings, cost five times as
much, and end the process on a hundred thousand nested brackets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import attrs

from faas_cache.model.converters import Quoted
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.masking import masked
from faas_cache.model.value import Value
from faas_cache.stack.positions import Mark, Marks
from faas_cache.stack.substitution import Substitution

__all__ = [
    "MAX_DEPTH",
    "MAX_EXPANSION",
    "MAX_FAULTS",
    "NULLS",
    "Document",
    "Fault",
    "Frame",
    "LimitExceeded",
    "Restore",
    "ValueBuilder",
    "kind_of",
]

# The schema is six levels deep; the flow nesting of libyaml takes quadratic time, so this also
# limits time.
MAX_DEPTH = 64
# What aliases and merges may add up to, plus one for each character: thousands of functions may
# share a mapping of twenty variables, but what a text stands for stays in proportion to the text.
MAX_EXPANSION = 100_000
# No one reads more faults than these, and a text of nothing but faults would take hundreds of bytes
# of messages for each byte.
MAX_FAULTS = 10_000

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_CORE = "tag:yaml.org,2002:"
_SHOWN = 60

# The core tags that a value can fail to match, as yaml.v3 resolves them: patterns, compiled when
# there is such a tag.
_TAGS = {
    "bool": "true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)",
    "float": (
        r"[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
        r"|\.(?:nan|NaN|NAN)"
    ),
    "null": "|~|null|Null|NULL",
    "timestamp": (
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
        r"(?:(?P<t>[Tt ])[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?)?"
        r"(?(t)(?:Z|[-+][0-9]{2}:[0-9]{2})?)"
    ),
}

# The text of a scalar from that of an event; None for one that no encoding can hold.
Restore: TypeAlias = Callable[[str], str | None]
# An event or a value of YAML, neither of which has a type of its own.
_Event: TypeAlias = Any
_Value: TypeAlias = Any


class LimitExceeded(Exception):
    """A limit is exceeded: the fault is recorded, and nothing more is read."""


class Fault(NamedTuple):
    """A fault of the text, and what it concerns.

    yaml.v3 notices such a fault when it decodes the key `key` of `container` (any key where that is
    None); where `container` is None, it always does.
    """

    diagnostic: Diagnostic
    container: object = None
    key: str | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Document(Value):
    """The first document of a YAML text: its value, and where everything is.

    `complete` says whether the parser reached its end. `marks` are empty unless they were asked
    for. `merges` holds, by the identity of a mapping, the mappings that were merged into it.
    """

    file: str | None
    substitution: Substitution
    complete: bool = False
    value: Any = None
    marks: Marks = attrs.field(factory=Marks)
    faults: tuple[Fault, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    merges: dict[int, list[object]] = attrs.field(factory=dict)

    def location(self, path: KeyPath) -> Location:
        """The file, line and column of a key path."""
        line, column = self.substitution.source_position(self.marks.find(path).start)
        return Location(path=path, file=self.file, line=line, column=column)

    def locate(self, diagnostic: Diagnostic) -> Diagnostic:
        """The diagnostic with the file, line and column of its key path."""
        return attrs.evolve(diagnostic, location=self.location(diagnostic.location.path))


class Marker:
    """What is in a frame in place of a key: no key yet, the merge key, or an invalid one."""


NO_KEY, MERGE, UNUSABLE = Marker(), Marker(), Marker()


class Frame:
    """A mapping or list that is being read, with its pending key and what it merges."""

    __slots__ = ("container", "event", "key", "marks", "merge", "size")

    def __init__(self, container: _Value, event: _Event) -> None:
        self.container: _Value = container
        self.event: _Event = event
        self.key: Any = NO_KEY
        self.size: int = 0
        self.merge: tuple[_Value, _Event] | None = None
        self.marks: dict[Any, Mark] = {}


class ValueBuilder:
    """Builds the value of one document without recursion, and records what faas-cli would reject.

    The loop over the events is in `yaml`; it keeps `frame`, what is being read, and `frames`, what
    is around it.
    """

    def __init__(
        self,
        substitution: Substitution,
        file: str | None,
        *,
        marking: bool,
        restore: Restore | None,
    ) -> None:
        self.substitution = substitution
        self.file = file
        self.marking = marking
        self.restore = restore
        self.budget: int = MAX_EXPANSION + len(substitution.text)
        self.root: list[Any] = []
        self.frames: list[Frame] = []
        self.frame: Frame = Frame(self.root, None)
        self.faults: list[Fault] = []
        self.faulty: set[int] = set()
        self.marks: Marks = Marks()
        # An anchor's value, its number of nodes and its event.
        self.anchors: dict[str, tuple[_Value, int, _Event]] = {}
        self.open: set[int] = set()
        self.merges: dict[int, list[object]] = {}
        self.expanded: int = 0

    def path(self) -> KeyPath:
        """The key path of what is being read."""
        path: list[str | int] = []
        for frame in [*self.frames, self.frame][1:]:
            if isinstance(frame.container, list):
                path.append(len(frame.container))
            elif frame.key is MERGE:
                path.append("<<")
            elif not isinstance(frame.key, Marker):
                path.append(str(frame.key or ""))
        return tuple(path)

    def diagnostic(
        self, offset: int, name: str, message: str, hint: str, path: KeyPath = ()
    ) -> Diagnostic:
        """A diagnostic at an offset of the text."""
        line, column = self.substitution.source_position(offset)
        location = Location(path=path, file=self.file, line=line, column=column)
        return Diagnostic(name=name, message=message, hint=hint, location=location)

    def fault(  # noqa: PLR0913  # the parts of a diagnostic
        self,
        event: _Event,
        name: str,
        message: str,
        hint: str,
        container: object = None,
        key: str | None = None,
        step: tuple[str, ...] = (),
    ) -> None:
        """Records a fault at an event: the first one there, because others only follow from it."""
        offset = event.start_mark.index
        if offset in self.faulty:
            return
        self.faulty.add(offset)
        diagnostic = self.diagnostic(offset, name, message, hint, (*self.path(), *step))
        self.faults.append(Fault(diagnostic, container, key))
        if len(self.faults) > MAX_FAULTS:
            raise LimitExceeded

    def value_fault(self, event: _Event, message: str, hint: str) -> None:
        """Records that a scalar does not have the type that its tag says."""
        key = self.frame.key
        self.fault(
            event,
            "invalid-type",
            message,
            hint,
            self.frame.container,
            None if isinstance(key, Marker) else str(key or ""),
        )

    def scalar(self, event: _Event) -> str | None:
        """The text of a scalar; None for a plain null."""
        value: str = event.value
        if self.restore is not None:
            restored = self.restore(value)
            if restored is None:
                message = "unpaired surrogate in a string"
                self.fault(event, "invalid-yaml", message, "write the character itself")
                return None
            value = restored
        tag = event.tag
        if tag is not None and tag != "!":
            return self.tagged(event, str(tag), value)
        if not event.style and tag is None:
            return None if value in NULLS else value
        return Quoted(value) if value in _BOOLEANS else value

    def tagged(self, event: _Event, tag: str, value: str) -> str | None:
        """The text of a scalar with a tag, resolved as yaml.v3 does."""
        if not tag.startswith(_CORE) or tag == f"{_CORE}str":
            return Quoted(value) if value in _BOOLEANS else value
        kind = tag.removeprefix(_CORE)
        if kind == "binary":
            return self.binary(event, value)
        if kind in _TAGS and not re.fullmatch(_TAGS[kind], value):
            self.value_fault(
                event, f"the value does not match its tag `!!{kind}`", "remove the tag"
            )
        return None if kind == "null" else value

    def binary(self, event: _Event, value: str) -> str | None:
        """The text behind base64; bytes that are not text cannot be a part of a command."""
        from base64 import b64decode

        try:
            text = b64decode(value.replace("\n", "").replace("\r", ""), validate=True).decode()
        except ValueError:
            message = "the value of the tag `!!binary` is not UTF-8 text in base64"
            self.value_fault(event, message, "write the text itself, without the tag")
            return None
        return Quoted(text) if text in _BOOLEANS else text

    def key(self, value: _Value, event: _Event) -> Any:  # noqa: ANN401  # a key or a marker
        """What the frame keeps of a key; faults for one that is not a string or appears twice."""
        frame = self.frame
        if isinstance(value, (dict, list)):
            message = f"expected a string as a key, got {kind_of(value)}"
            hint = "write a plain key, or quote it"
            self.fault(event, "invalid-yaml", message, hint, frame.container)
            return UNUSABLE
        if value == "<<" and _is_merge(event):
            if frame.merge is None:
                return MERGE
            message, hint = "duplicate merge key `<<`", "merge both with one key: `<<: [*a, *b]`"
            self.fault(event, "duplicate-key", message, hint, frame.container, step=("<<",))
            return UNUSABLE
        if value in frame.container:
            name = value or ""
            first = frame.marks[value].start if self.marking else 0
            line = self.substitution.source_position(first).line
            message = f"duplicate key `{masked(name)[:_SHOWN]}` (first in line {line})"
            hint = "remove one of the two"
            self.fault(event, "duplicate-key", message, hint, frame.container, step=(str(name),))
        elif self.marking:
            start = event.start_mark.index
            frame.marks[value] = Mark(start, start, start)
        return value

    def alias(self, event: _Event) -> tuple[_Value, _Event]:
        """The value of an alias, and the event that says where a scalar is written."""
        name = event.anchor
        if name not in self.anchors:
            message = f"undefined alias `*{masked(name)[:_SHOWN]}`"
            hint = f"define the anchor `&{masked(name)[:_SHOWN]}` above it"
            self.fault(event, "invalid-yaml", message, hint)
            return None, event
        value, size, origin = self.anchors[name]
        if id(value) in self.open:
            message = f"alias `*{masked(name)[:_SHOWN]}` inside its own anchor"
            self.fault(event, "invalid-yaml", message, "remove the alias")
            return None, event
        self.frame.size += size
        self.spend(size, event)
        return value, event if isinstance(value, (dict, list)) else origin

    def spend(self, count: int, event: _Event) -> None:
        """Counts what aliases and merges add; beyond the budget nothing more is read."""
        self.expanded += count
        if self.expanded > self.budget:
            message = f"aliases and merges expand to more than {self.budget} values"
            self.fault(event, "invalid-yaml", message, "use fewer aliases and merges")
            raise LimitExceeded

    def merge_into(self, frame: Frame, value: _Value, event: _Event) -> None:
        """Merges the value of `<<` into a mapping: explicit keys win, then the first mapping."""
        target = frame.container
        before = len(target)
        sources = self.merges.setdefault(id(target), [])
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                message = f"expected a mapping after `<<`, got {kind_of(source)}"
                hint = "use the alias of a mapping: `<<: *a`"
                self.fault(event, "invalid-type", message, hint, target, step=("<<",))
                break
            self.spend(len(source), event)
            sources.append(source)
            if self.marking:
                marks = self.marks.of(source)
                frame.marks.update({key: marks[key] for key in source if key not in target})
            for key, item in source.items():
                target.setdefault(key, item)
        frame.size += len(target) - before


def kind_of(value: object) -> str:
    """The kind of a YAML value, in words.

    >>> kind_of([])
    'a list'
    """
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else "null" if value is None else "a string"


def _is_merge(event: _Event) -> bool:
    """Whether a key `<<` merges: it is plain, and no tag makes it a text."""
    return not event.style and (event.tag is None or str(event.tag) in {"!", f"{_CORE}merge"})
