"""A log from anywhere, split into the builds in it, as events.

The timestamps, colors and marks that CI systems put before a line are removed. The function is
named by `fn | ` before a line, if several are built at once, or by what faas-cli or this program
prints before a build. A build ends where the next one begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from faas_cache.buildkit.events import BuildStarted, Event, Output, StepFinished, StepStarted
from faas_cache.buildkit.reader import MAX_OBJECT, EventReader

__all__ = ["read_log", "stream_log"]

_COLOR = re.compile(rb"\x1b\[[0-9;?]{0,32}[A-Za-z]")
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
# The first lines of builders: buildx, BuildKit, `docker push`, the legacy builder, buildah.
_FIRST = (
    b"#0 building with ",
    b"#1 [internal] load ",
    b"The push refers to repository [",
    b"Sending build context to Docker daemon",
    b"STEP 1/",
)
# What is printed before a build: by faas-cli, by this program. At its end, faas-cli repeats what
# docker printed of each build that failed. Of builds that ran at once, only these repetitions say
# which build a line belongs to.
_NAME = rb"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_HEADER = re.compile(
    rb"\[[0-9]{1,9}\] > (?:Building|Pushing) (?P<faascli>%b)(?: \[.*\])?\."
    rb"|(?P<ours>%b): (?:building|pushing"
    rb"|(?:[A-Z][A-Z_]{0,30}=\S* ){0,9}docker (?:buildx )?(?:build|bake|push) .*)"
    rb"|(?P<repetitions>Errors received during build:)"
    rb"|- \[(?P<repeated>%b)\] received non-zero exit code from build, error: (?P<line>.*)"
    % (_NAME, _NAME, _NAME)
)


@attrs.define
class _Build:
    """The build that the lines with one mark belong to now."""

    number: int
    function: str
    of_faascli: bool = False
    reader: EventReader = attrs.field(
        init=False, default=attrs.Factory(lambda self: EventReader(self.function), takes_self=True)
    )
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
        return self.over and ("#1" in self.steps or not line.startswith(b"#"))


class _Log:
    """The builds of one log, whose lines are read one by one."""

    def __init__(self) -> None:
        self._builds: dict[bytes, _Build] = {}
        self._count = 0
        self._of_faascli: list[_Build] = []

    def read(self, raw: bytes) -> Iterator[tuple[int, Event]]:
        """The events of one line."""
        mark, line = _split(raw, self._builds)
        header = None if mark or line[:1] == b"#" else _HEADER.fullmatch(line)
        if header is not None:
            yield from self._announce(header)
            line = header["line"]
            if line is None:
                return
        build = self._builds.get(mark)
        if build is None:
            build = self._begin(mark, mark.decode())
        elif line.startswith(_FIRST) and build.ends_before(line):
            yield from self._end(build)
            build = self._begin(mark, build.function, of_faascli=build.of_faascli)
        for event in build.reader.feed(line + b"\n"):
            build.note(event)
            yield build.number, event

    def close(self) -> Iterator[tuple[int, Event]]:
        """The events that are left at the end."""
        for build in self._builds.values():
            yield from self._end(build)

    def _announce(self, header: re.Match[bytes]) -> Iterator[tuple[int, Event]]:
        """The beginning of a build whose function is known, or of faas-cli's repetitions."""
        if header["repetitions"]:
            builds, self._of_faascli = self._of_faascli, []
            for build in builds:
                yield build.number, BuildStarted(function=build.function)
            return
        name: bytes = header["faascli"] or header["ours"] or header["repeated"]
        if (last := self._builds.get(b"")) is not None:
            yield from self._end(last)
        build = self._begin(b"", name.decode(), of_faascli=header["faascli"] is not None)
        yield build.number, BuildStarted(function=build.function)

    def _begin(self, mark: bytes, function: str, *, of_faascli: bool = False) -> _Build:
        build = self._builds[mark] = _Build(self._count, function, of_faascli)
        self._count += 1
        if of_faascli:
            self._of_faascli.append(build)
        return build

    def _end(self, build: _Build) -> Iterator[tuple[int, Event]]:
        return ((build.number, event) for event in build.reader.close())


def stream_log(log: bytes) -> Iterator[tuple[int, Event]]:
    """The events of a log, each with the number of its build: builds are numbered as they begin.

    Of several blank lines, one counts.
    """
    reader = _Log()
    blank = False
    for line in log.removesuffix(b"\n").split(b"\n") if log else ():
        was_blank, blank = blank, not line or line.isspace()
        if not (blank and was_blank):
            yield from reader.read(line)
    yield from reader.close()


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
    line = _COLOR.sub(b"", raw) if b"\x1b" in raw else raw
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
