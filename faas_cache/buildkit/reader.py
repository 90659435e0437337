"""`EventReader`: what a builder prints, block by block, as events.

Two forms are read, in any mixture, because buildx writes errors as plain text after its JSON:

- `--progress=rawjson`: one object after another, each on one line since buildx 0.15;
- `--progress=plain`: `#4 [2/3] RUN make`, `#4 DONE 1.2s`, `#4 CACHED`.

Every other line is output of the builder itself. A line is bytes: what a build prints need not be
text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from faas_cache.buildkit.events import Event, Output
from faas_cache.buildkit.names import split_target
from faas_cache.buildkit.plain import PlainSteps
from faas_cache.buildkit.rawjson import RawSteps, decode

__all__ = ["EventReader"]

# Longer lines are cut. The longest that BuildKit prints are those of a step's own output.
MAX_LINE = 2**20
# A longer JSON object is not BuildKit's: its largest hold one block of a step's output.
MAX_OBJECT = 2**24

_FAILED_TARGET = re.compile(rb"ERROR: target (?P<target>[a-zA-Z0-9_-]+): ")


class EventReader:
    r"""Reads what one builder prints while it builds `function`, or the `targets` of a bake.

    `targets` maps the name of each target to its function; what belongs to none of several has the
    function `""`. The events do not depend on how the output is cut into blocks.

    >>> reader = EventReader("fn")
    >>> [started] = reader.feed(b"#1 [1/1] FROM a\n#1 CACH")
    >>> reader.feed(b"ED\n")[0].cached
    True
    """

    def __init__(self, function: str, targets: Mapping[str, str] | None = None) -> None:
        self._targets = dict(targets or {})
        if len(self._targets) == 1:  # BuildKit does not name a target that is alone
            (function,) = self._targets.values()
            self._targets = {}
        elif self._targets:
            function = ""
        self._function = function
        self._raw = RawSteps(self._owner)
        self._plain = PlainSteps(self._owner)
        self._line = bytearray()
        self._object: list[bytes] = []
        self._object_size = 0

    def feed(self, block: bytes) -> list[Event]:
        """Reads one block; returns the events of the lines that it completes."""
        events: list[Event] = []
        first, *more = block.split(b"\n")
        self._append(first)
        for part in more:
            events += self._read(bytes(self._line), b"\n")
            self._line.clear()
            self._append(part)
        return events

    def close(self) -> list[Event]:
        """Ends the input; returns the remaining events."""
        last = bytes(self._line)
        self._line.clear()
        events = self._read(last, b"") if last else []
        return [*events, *self._end_object(), *self._raw.close()]

    def _append(self, part: bytes) -> None:
        """Adds to the current line, up to the limit."""
        self._line += part[: MAX_OBJECT - len(self._line)]

    def _owner(self, name: str) -> tuple[str, str]:
        """The function that a step belongs to, and the name of the step within it."""
        if not self._targets:
            return self._function, name
        target, name = split_target(name, self._targets)
        return self._targets.get(target, self._function), name

    def _read(self, line: bytes, end: bytes) -> list[Event]:
        """One line, which may be part of an object."""
        if self._object:
            if line.startswith((b" ", b"\t")) and self._object_size <= MAX_OBJECT:
                self._collect(line)
                return []
            if line.startswith(b"}"):
                self._collect(line)
                return self._end_object()
            return [*self._end_object(), *self._read(line, end)]
        if line.startswith(b"{"):
            self._collect(line)
            return [] if line.rstrip() == b"{" else self._end_object()
        return list(self._read_plain(line[:MAX_LINE], end))

    def _collect(self, line: bytes) -> None:
        self._object.append(line)
        self._object_size += len(line)

    def _end_object(self) -> list[Event]:
        """The events of lines of JSON; the lines themselves where they are not BuildKit's."""
        lines, self._object, self._object_size = self._object, [], 0
        statuses = decode(b"\n".join(lines)) if lines else ()
        if statuses is None:
            return [event for line in lines for event in self._read_plain(line[:MAX_LINE], b"\n")]
        return [event for status in statuses for event in self._raw.read(status)]

    def _read_plain(self, line: bytes, end: bytes) -> Iterator[Event]:
        events = self._plain.read(line.rstrip(b"\r").rpartition(b"\r")[2])
        if events is not None:
            yield from events
            return
        function = self._function
        if self._targets and (match := _FAILED_TARGET.match(line)):
            function = self._targets.get(match["target"].decode(), function)
        yield Output(function=function, data=line + end)
