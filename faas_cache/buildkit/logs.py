"""A log from anywhere, split into the builds in it, as events.

The clocks, colours and marks that CI systems put before a line are removed; `fn | ` before a line
names the function, where several are built side by side. A build ends where the next one begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from faas_cache.buildkit.events import Event, Output, StepFinished, StepStarted
from faas_cache.buildkit.reader import MAX_OBJECT, EventReader

__all__ = ["read_log", "stream_log"]

_COLOUR = re.compile(rb"\x1b\[[0-9;?]{0,32}[A-Za-z]")
# `gh run view --log` puts the names of job and step before the clock of GitHub Actions.
_CLOCK = re.compile(
    rb"\xef?\xbb?\xbf?(?:[^\t]{0,200}\t[^\t]{0,200}\t)?"
    rb"(?:\[?[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{8,24}Z?\]? )?"
    rb"(?:[0-9a-f]{2}[OE][ +])?"  # the stream, in GitLab
    rb"(?:##\[error\])?"
)
_MARK = re.compile(rb"(?P<mark>[A-Za-z0-9][A-Za-z0-9._-]{0,99}) +\| ")
# The excerpt of a Dockerfile has line numbers before a bar.
_LINE_NUMBER = re.compile(rb"[0-9]+")
# More builds than these are not kept apart.
_MAX_BUILDS = 10_000
_FIRST = (b"#0 building with ", b"#1 [internal] load ")


@attrs.define
class _Build:
    """The build that the lines with one mark belong to now."""

    number: int
    reader: EventReader
    steps: set[str] = attrs.field(factory=set)
    images: set[str] = attrs.field(factory=set)
    over: bool = False

    def note(self, event: Event) -> None:
        match event:
            case StepStarted():
                self.steps.add(event.step)
                if event.kind == "image":
                    self.images.add(event.step)
            case StepFinished():
                self.over |= event.step in self.images
            case Output():
                self.over |= event.step is None and bool(event.data.strip())
            case _:
                pass

    def ends_before(self, line: bytes) -> bool:
        """Whether a line begins another build than this one."""
        if line.startswith(b"#0"):
            return self.over or "#0" in self.steps
        return self.over and "#1" in self.steps


def stream_log(log: bytes) -> Iterator[tuple[int, Event]]:
    """The events of a log, each with the number of its build: builds are numbered as they begin."""
    builds: dict[bytes, _Build] = {}
    count = 0
    for raw in log.removesuffix(b"\n").split(b"\n") if log else ():
        mark, line = _split(raw, builds)
        build = builds.get(mark)
        if build is not None and line.startswith(_FIRST) and build.ends_before(line):
            yield from ((build.number, event) for event in build.reader.close())
            build = None
        if build is None:
            build = builds[mark] = _Build(count, EventReader(mark.decode()))
            count += 1
        for event in build.reader.feed(line + b"\n"):
            build.note(event)
            yield build.number, event
    for build in builds.values():
        yield from ((build.number, event) for event in build.reader.close())


def read_log(log: bytes) -> tuple[tuple[str, tuple[Event, ...]], ...]:
    r"""The builds in a log: the function of each (`""` where the log does not say), and its events.

    >>> [function for function, _ in read_log(b"a | #1 [1/1] RUN x\nb | #1 [1/1] RUN y\n")]
    ['a', 'b']
    """
    builds: dict[int, list[Event]] = {}
    for number, event in stream_log(log):
        builds.setdefault(number, []).append(event)
    return tuple((events[0].function, tuple(events)) for events in builds.values())


def _split(raw: bytes, known: dict[bytes, _Build]) -> tuple[bytes, bytes]:
    """The mark of a line, and the line without its prefixes."""
    raw = raw[:MAX_OBJECT]
    line = _COLOUR.sub(b"", raw) if b"\x1b" in raw else raw
    line = line[_CLOCK.match(line).end() :]  # type: ignore[union-attr]  # it matches nothing, too
    match = _MARK.match(line)
    if match is None:
        return b"", line
    rest = line[match.end() :]
    mark = match["mark"]
    if mark not in known and len(known) >= _MAX_BUILDS:
        return b"", line
    if _LINE_NUMBER.fullmatch(mark) and mark not in known and not rest.startswith(b"#"):
        return b"", line
    return mark, rest
