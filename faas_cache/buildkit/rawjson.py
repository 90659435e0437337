"""Objects of `--progress=rawjson` (BuildKit's `client.SolveStatus`) as events.

Each object holds some of `vertexes`, `statuses`, `logs` and `warnings`. A step (a vertex) comes
many times: queued, started, cached, completed, and again when BuildKit starts it again. Whatever
has another shape is ignored.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from faas_cache.buildkit.events import Event, Output, StepFinished, StepProgress, StepStarted
from faas_cache.buildkit.names import step_kind
from faas_cache.buildkit.plain import MAX_NAME, MAX_STATUS, MAX_STEPS

__all__ = ["RawSteps", "decode"]

_KEYS = frozenset({"vertexes", "statuses", "logs", "warnings"})
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"\s*")
# Errors are cut: some hold what a whole script printed.
_MAX_ERROR = 2**20
# At most this many runs of one step are kept apart; older ones are summed up.
_MAX_RUNS = 16
# Parts of one step beyond these are not reported.
_MAX_STATUSES = 2**12
# A line of output that does not end is passed on in pieces of this size.
_MAX_PARTIAL = 2**16
_MAX_NUMBER = 2**63 - 1


def decode(data: bytes) -> list[Mapping[str, Any]] | None:
    """The objects of a text that holds nothing else; `None` if it holds anything else."""
    text = data.decode(errors="replace")
    objects: list[Mapping[str, Any]] = []
    position = _SPACE.match(text).end()  # type: ignore[union-attr]  # it matches the empty text too
    while position < len(text):
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict) or not value or not value.keys() <= _KEYS:
            return None
        objects.append(value)
        position = _SPACE.match(text, position).end()  # type: ignore[union-attr]  # the same
    return objects


@attrs.define
class _Vertex:
    """A step as far as it has been reported."""

    id: str
    function: str
    name: str
    cached: bool = False
    error: str = ""
    started: bool = False
    running: bool = False
    first: float | None = None
    runs: dict[float, float | None] = attrs.field(factory=dict)
    before: float = 0.0
    until: float | None = None
    statuses: dict[str, bool] = attrs.field(factory=dict)
    partial: list[bytes] = attrs.field(factory=list)
    partial_size: int = 0
    partial_time: float | None = None
    reported: tuple[bool, str, float] | None = None

    @property
    def seconds(self) -> float:
        """How long it ran: runs may overlap, where several builds share a step."""
        total, until = self.before, self.until
        for start, end in sorted((s, e) for s, e in self.runs.items() if e is not None):
            total, until = _add(total, until, start, end)
        return round(total, 6)

    def run(self, start: float, end: float | None) -> None:
        """Adds one run."""
        self.runs[start] = end if end is not None else self.runs.get(start)
        if self.first is None or start < self.first:
            self.first = start
        if len(self.runs) > _MAX_RUNS:
            start = next(iter(self.runs))
            ended = self.runs.pop(start)
            if ended is not None:
                self.before, self.until = _add(self.before, self.until, start, ended)

    @property
    def ended(self) -> float | None:
        """When the last run ended; `None` while one is going on or before the first."""
        ends = [end for end in self.runs.values() if end is not None]
        return max(ends) if ends and len(ends) == len(self.runs) else None


def _add(total: float, until: float | None, start: float, end: float) -> tuple[float, float]:
    """The total time up to `until`, including one more run."""
    since = start if until is None else max(start, until)
    return total + max(end - since, 0.0), end if until is None else max(end, until)


class RawSteps:
    """The steps of one builder's rawjson; `owner` gives the function and the name of a step.

    A step that several targets of a bake share has one digest, and is reported under the name of
    each: it is a step of each function.
    """

    def __init__(self, owner: Callable[[str], tuple[str, str]]) -> None:
        self._owner = owner
        self._vertices: dict[tuple[str, str], _Vertex] = {}
        self._latest: dict[str, _Vertex] = {}

    def read(self, status: Mapping[str, Any]) -> Iterator[Event]:
        """The events of one object."""
        pending: dict[int, _Vertex] = {}
        for item in _objects(status, "vertexes"):
            yield from self._read_vertex(item, pending)
        for item in _objects(status, "statuses"):
            yield from self._read_status(item)
        for item in _objects(status, "logs"):
            yield from self._read_log(item)
        for item in _objects(status, "warnings"):
            vertex = self._vertex(_text(item, "vertex"))
            yield from _start(vertex, None)
            data = _data(item, "short").replace(b"\n", b" ") + b"\n"
            yield Output(function=vertex.function, step=vertex.id, data=data, warning=True)
        for vertex in pending.values():
            yield from _finish(vertex)

    def close(self) -> Iterator[Event]:
        """The output that had no end."""
        for vertex in self._vertices.values():
            yield from _flush(vertex)

    def _vertex(self, digest: str, name: str = "") -> _Vertex:
        """The step with that digest; if it is named, that of the function named in it."""
        if not name and digest in self._latest:
            return self._latest[digest]
        function, name = self._owner(name)
        key = (digest, function)
        if key not in self._vertices and len(self._vertices) >= MAX_STEPS:
            key = ("", function)  # all the rest
        vertex = self._vertices.setdefault(
            key, _Vertex(id=key[0], function=function, name=name[:MAX_NAME])
        )
        vertex.name = name[:MAX_NAME] or vertex.name
        if digest in self._latest or len(self._latest) < MAX_STEPS:
            self._latest[digest] = vertex
        return vertex

    def _read_vertex(self, item: Mapping[str, Any], pending: dict[int, _Vertex]) -> Iterator[Event]:
        vertex = self._vertex(_text(item, "digest")[:MAX_NAME], _text(item, "name"))
        began, ended = _time(item, "started"), _time(item, "completed")
        if began is not None and began not in vertex.runs:
            again = ended is None and vertex.started and not vertex.running
            if again and id(vertex) in pending:
                del pending[id(vertex)]
                yield from _finish(vertex)
            vertex.error = ""
            if again or not vertex.started:
                yield from _start(vertex, began, again=True)
        if began is not None:
            vertex.run(began, ended)
        vertex.cached |= item.get("cached") is True
        vertex.error = _text(item, "error")[:_MAX_ERROR] or vertex.error
        if began is None and (vertex.cached or vertex.error):
            yield from _start(vertex, None)
        vertex.running = bool(vertex.runs) and vertex.ended is None
        if vertex.started and (vertex.error or not vertex.running):
            pending[id(vertex)] = vertex

    def _read_status(self, item: Mapping[str, Any]) -> Iterator[Event]:
        """One part of a step: so many bytes of something, or its end."""
        vertex = self._vertex(_text(item, "vertex")[:MAX_NAME])
        name, done = _text(item, "id")[:MAX_STATUS], _time(item, "completed") is not None
        was = vertex.statuses.get(name)
        if was or (was is None and len(vertex.statuses) >= _MAX_STATUSES):
            return
        vertex.statuses[name] = done
        yield from _start(vertex, None)
        yield StepProgress(
            function=vertex.function,
            step=vertex.id,
            status=name,
            current=_number(item, "current"),
            total=_number(item, "total"),
            done=done,
            time=_time(item, "timestamp"),
        )

    def _read_log(self, item: Mapping[str, Any]) -> Iterator[Event]:
        """A block of what a step printed, as whole lines."""
        vertex = self._vertex(_text(item, "vertex")[:MAX_NAME])
        time = _time(item, "timestamp")
        first, *more = _data(item, "data").split(b"\n")
        yield from _start(vertex, None)
        vertex.partial.append(first)
        vertex.partial_size += len(first)
        vertex.partial_time = time if first or more else vertex.partial_time
        for part in more:
            line = b"".join(vertex.partial) + b"\n"
            vertex.partial, vertex.partial_size = [part], len(part)
            yield _output(vertex, line, time)
        if vertex.partial_size > _MAX_PARTIAL:
            yield from _flush(vertex)


def _start(vertex: _Vertex, time: float | None, *, again: bool = False) -> Iterator[Event]:
    """A step starts when it is first reported, and again with each run after its end."""
    if again or not vertex.started:
        vertex.started, vertex.reported = True, None
        yield StepStarted(
            function=vertex.function,
            step=vertex.id,
            name=vertex.name,
            kind=step_kind(vertex.name),
            time=time,
        )


def _finish(vertex: _Vertex) -> Iterator[Event]:
    """The end of a step, repeated if it continued after it."""
    state = (vertex.cached, vertex.error, vertex.seconds)
    if state != vertex.reported and (vertex.runs or vertex.cached or vertex.error):
        yield from _flush(vertex)
        vertex.reported = state
        yield StepFinished(
            function=vertex.function,
            step=vertex.id,
            cached=vertex.cached,
            error=vertex.error,
            seconds=vertex.seconds,
            time=vertex.ended,
        )


def _flush(vertex: _Vertex) -> Iterator[Event]:
    """The line of output that a step has not ended yet."""
    last = b"".join(vertex.partial)
    vertex.partial, vertex.partial_size = [], 0
    if last:
        yield _output(vertex, last, vertex.partial_time)


def _output(vertex: _Vertex, data: bytes, time: float | None) -> Event:
    since = vertex.first if vertex.first is not None else time
    seconds = 0.0 if time is None or since is None else round(max(time - since, 0.0), 3)
    return Output(function=vertex.function, step=vertex.id, data=data, seconds=seconds, time=time)


# Values of JSON of any kind.


def _objects(status: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    items = status.get(key)
    return (item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _number(item: Mapping[str, Any], key: str) -> int:
    value = item.get(key)
    return value if type(value) is int and 0 <= value <= _MAX_NUMBER else 0


def _data(item: Mapping[str, Any], key: str) -> bytes:
    """Bytes, which JSON holds as base64."""
    try:
        return b64decode(_text(item, key))
    except ValueError:
        return b""


def _time(item: Mapping[str, Any], key: str) -> float | None:
    """A time of RFC 3339 as seconds since the epoch; Go's zero time is none."""
    try:
        time = datetime.fromisoformat(_text(item, key)[:64])
    except ValueError:
        return None
    seconds = time.timestamp() if time.tzinfo else 0.0
    return seconds if seconds > 0 else None
