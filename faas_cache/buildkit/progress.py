"""What BuildKit says of a build while it runs, read into a `CacheReport`: what came from the cache, what ran, and what it took.

Two spellings are read, mixed in any way, for buildx writes errors as plain text behind its JSON:

- `--progress=rawjson`: one object after another, one to a line since buildx 0.15 and indented over many before; each holds
  some of `vertexes`, `statuses`, `logs` and `warnings` (BuildKit's client.SolveStatus), and a vertex comes many times;
- `--progress=plain`, and what `Progress.feed` makes of the other: `#4 [2/3] RUN make`, `#4 DONE 1.2s`, `#4 CACHED`.

All other lines are kept as they are. A line is bytes: what a build prints need not be text.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

import attrs

from faas_cache.model.masking import masked_message

Kind: TypeAlias = Literal["build", "base", "import", "export", "image", "internal"]

# As many of the lines that are no progress are kept: a builder's last words, many times over.
MAX_TEXT = 1000
# As much of each: longer ones are no builder's.
MAX_LINE = 2**16
# A JSON object of more bytes is none of BuildKit's: its largest hold one block of a log.
_MAX_OBJECT = 2**24

# `[stage 2/3] RUN …`, with one stage `[2/3] RUN …`; `[internal] …` and `[auth] …` have no number.
_STEP = re.compile(
    r"\[(?!internal\b|auth\b)(?:[^\]]* )?[0-9]+/[0-9]+\] (?P<instruction>.*)", re.DOTALL
)
_TARGET = re.compile(r"\[(?P<target>[a-zA-Z0-9_-]+)(?P<rest>(?: [^\]]*)?)\] ?")
IMPORTING = "importing cache manifest from "
# BuildKit's names for the export of a cache: to 0.10, of 0.11, and since 0.12.
_EXPORTING = (
    "exporting cache",
    "exporting content cache",
    "exporting to GitHub cache",
    "exporting to GitHub Actions Cache",
)
_IMAGE = re.compile(
    r"exporting to (?:image|docker image format|oci image format|client|client directory)$|pushing \S+ with docker$"
)
# Statuses of an image's export that say that it is in its registry.
_PUSHED = re.compile(r"pushing manifest for (?P<tag>\S+)")

_KEYS = frozenset({"vertexes", "statuses", "logs", "warnings"})
_PLAIN = re.compile(rb"#(?P<number>[0-9]{1,9}) (?P<rest>.*)", re.DOTALL)
_PLAIN_DONE = re.compile(r"DONE (?P<seconds>[0-9]+\.[0-9]+)s")
_PLAIN_STATUS = re.compile(
    r"(?P<id>.+?)(?: [0-9.]+k?[A-Z]?i?B(?: / [0-9.]+k?[A-Z]?i?B)?)?(?: [0-9.]+s)? done"
)
# What stands before a line in the logs of CI systems and of several builds at once: a clock, a mark of ours, colours.
_COLOUR = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
_CLOCK = re.compile(rb"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z )?(?:##\[error\])?")
_MARK = re.compile(rb"(?P<mark>[A-Za-z0-9][A-Za-z0-9._-]*) \| ")


@attrs.frozen(kw_only=True)
class Step:
    """One vertex of a build that was begun: a step of the Dockerfile, an import, an export, or something internal.

    `kind` says which; `base` is a `FROM`. `seconds` is the time it ran, `bytes` what it transferred. An `error` that ends in
    `context canceled` is another step's failure. Names and errors are masked.
    """

    name: str
    kind: Kind
    cached: bool = False
    seconds: float = 0.0
    bytes: int = 0
    error: str = ""
    finished: bool = False
    statuses: tuple[str, ...] = attrs.field(default=(), repr=False)

    @property
    def canceled(self) -> bool:
        """Whether it was ended because something else failed."""
        return self.error.endswith("context canceled")

    @property
    def failed(self) -> bool:
        """Whether it failed by itself."""
        return bool(self.error) and not self.canceled


@attrs.frozen(kw_only=True)
class CacheReport:
    """What a build made of its cache: every step that was begun, in the order of their beginnings.

    >>> steps = (Step(name="[2/3] RUN a", kind="build", cached=True, finished=True),
    ...          Step(name="[3/3] COPY b /", kind="build", seconds=0.1, finished=True))
    >>> report = CacheReport(function="fn", steps=steps)
    >>> report.hit_ratio, report.first_miss.name
    (0.5, '[3/3] COPY b /')
    """

    function: str
    steps: tuple[Step, ...] = ()

    @property
    def built(self) -> tuple[Step, ...]:
        """The steps of the Dockerfile that were finished without an error; `FROM` is none, for it is never built."""
        return tuple(
            step for step in self.steps if step.kind == "build" and step.finished and not step.error
        )

    @property
    def imports(self) -> tuple[Step, ...]:
        """Where caches were looked for; one with an `error` was not found."""
        return tuple(step for step in self.steps if step.kind == "import")

    @property
    def exports(self) -> tuple[Step, ...]:
        """Where caches were written; one with an `error` failed, though the build may not have."""
        return tuple(step for step in self.steps if step.kind == "export")

    @property
    def hit_ratio(self) -> float | None:
        """How many of the built steps came from the cache, from 0 to 1; None where none was built."""
        built = self.built
        return sum(step.cached for step in built) / len(built) if built else None

    @property
    def first_miss(self) -> Step | None:
        """The first step that ran."""
        return next((step for step in self.built if not step.cached), None)

    @property
    def seconds(self) -> float:
        """The time of all steps together: steps that ran side by side count both."""
        return sum(step.seconds for step in self.steps)

    def as_dict(self) -> dict[str, object]:
        """The report as JSON holds it."""
        miss = self.first_miss
        steps = [
            {key: value for key, value in attrs.asdict(step).items() if key != "statuses"}
            for step in self.steps
        ]
        return {
            "function": self.function,
            "hit_ratio": self.hit_ratio,
            "cached": sum(step.cached for step in self.built),
            "built": len(self.built),
            "first_miss": miss and miss.name,
            "imports": [
                {
                    "from": _place(step),
                    "found": not step.error,
                    "seconds": step.seconds,
                    "error": step.error,
                }
                for step in self.imports
            ],
            "exports": [
                {"name": step.name, "seconds": step.seconds, "error": step.error}
                for step in self.exports
            ],
            "steps": steps,
        }


def _place(step: Step) -> str:
    """Where an import looked."""
    return step.name.partition(IMPORTING)[2]


@attrs.define
class _Vertex:
    """A vertex as it is told, piece by piece."""

    name: str = ""
    number: int = 0
    cached: bool = False
    error: str = ""
    times: dict[datetime, datetime | None] = attrs.field(factory=dict)
    statuses: dict[str, tuple[int, bool]] = attrs.field(factory=dict)
    partial: list[bytes] = attrs.field(factory=list)
    shown: str = ""
    plain_seconds: float = 0.0
    plain: bool = False
    finished: bool = False

    @property
    def seconds(self) -> float:
        """The time it ran: a vertex may begin several times, and be told by several builds at once."""
        total, until = self.plain_seconds, None
        for began, ended in sorted((b, e) for b, e in self.times.items() if e is not None):
            since = began if until is None else max(began, until)
            total += max((ended - since).total_seconds(), 0.0)
            until = ended if until is None else max(until, ended)
        return round(total, 6)

    @property
    def begun(self) -> bool:
        return bool(self.times or self.error or self.cached or self.plain)


class Progress:
    """Reads what a builder writes, block by block; the vertices so far, and the text that is none of them.

    `feed` returns the lines to show: JSON becomes lines as `--progress=plain` has them, all else is passed on to the byte.
    """

    def __init__(self) -> None:
        self.text: deque[str] = deque(maxlen=MAX_TEXT)
        self._vertices: dict[str, _Vertex] = {}
        self._numbers = 0
        self._rest: list[bytes] = []
        self._object: list[bytes] = []
        self._size = 0

    def feed(self, block: bytes) -> list[bytes]:
        """Reads one block; returns the whole lines that it completes."""
        first, *more = block.split(b"\n")
        self._rest.append(first)
        if not more:
            return []
        lines = [b"".join(self._rest), *more[:-1]]
        self._rest = [more[-1]]
        return [shown for line in lines for shown in self._line(line + b"\n")]

    def close(self) -> list[bytes]:
        """Ends the reading; returns what is left to show."""
        last, self._rest = b"".join(self._rest), []
        lines = list(self._line(last)) if last else []
        lines += self._no_object()
        return lines + [line for vertex in self._vertices.values() for line in _flushed(vertex)]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every vertex that was begun, in the order of their beginnings, then of the Dockerfile."""
        begun = [vertex for vertex in self._vertices.values() if vertex.begun]
        begun.sort(
            key=lambda v: (
                not v.times,
                min(v.times).timestamp() if v.times else 0.0,
                _of_dockerfile(v.name),
                v.number,
            )
        )
        return tuple(map(_step, begun))

    @property
    def pushed(self) -> bool | None:
        """Whether the image is in its registry already; None where nothing is said of it."""
        images = [step for step in self.steps if step.kind == "image"]
        if any(_PUSHED.match(status) for step in images for status in step.statuses):
            return True
        if any(
            step.name.endswith(" with docker") and step.finished and not step.error
            for step in images
        ):
            return True
        if any(step.canceled for step in images) or not self.steps:
            return None
        return False

    def report(self, function: str) -> CacheReport:
        """The report of one build."""
        return CacheReport(function=function, steps=self.steps)

    def reports(self, targets: Mapping[str, str]) -> tuple[CacheReport, ...]:
        """The reports of a `bake`: `targets` names the function of each target.

        A step that several targets share is told, by BuildKit, of one of them; so it is in that one's report.
        """
        found: dict[str, list[Step]] = {target: [] for target in targets}
        for step in self.steps:
            target, name = _split(step.name, targets)
            if target:
                found[target].append(attrs.evolve(step, name=name))
        return tuple(
            CacheReport(function=targets[target], steps=tuple(steps))
            for target, steps in found.items()
        )

    def begins_anew(self, line: bytes) -> bool:
        """Whether a plain line that a build begins with is of another build than what was read so far."""
        over = any(map(str.strip, self.text)) or any(
            v.finished and _kind(v.name) == "image" for v in self._vertices.values()
        )
        return (
            over or "#0" in self._vertices
            if line.startswith(b"#0")
            else over and "#1" in self._vertices
        )

    # One line after another.

    def _line(self, line: bytes) -> Iterator[bytes]:
        if self._object:
            self._object.append(line)
            self._size += len(line)
            if line.startswith(b"}"):
                yield from self._whole()
            elif not line.startswith((b" ", b"\t")) or self._size > _MAX_OBJECT:
                yield from self._no_object()
        elif line.startswith(b"{"):
            self._object, self._size = [line], len(line)
            if line.rstrip() != b"{":
                yield from self._whole()
        else:
            self._said(line)
            yield line

    def _no_object(self) -> list[bytes]:
        """What looked like the beginning of an object, and is none."""
        lines, self._object = self._object, []
        for line in lines:
            self._said(line)
        return lines

    def _whole(self) -> Iterator[bytes]:
        """The objects of one line, or the one of several."""
        text, at, statuses = b"".join(self._object).decode(errors="replace"), 0, []
        while text[at:].lstrip():
            at += len(text[at:]) - len(text[at:].lstrip())
            try:
                value, at = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                value = None
            if not isinstance(value, dict) or not value.keys() <= _KEYS:
                yield from self._no_object()
                return
            statuses.append(value)
        self._object = []
        for status in statuses:
            yield from self._told(status)

    def _told(self, status: Mapping[str, Any]) -> Iterator[bytes]:
        """One status of BuildKit's."""
        over: list[_Vertex] = []
        for item in _objects(status, "vertexes"):
            vertex = self._vertex(_text(item, "digest"))
            vertex.name = _text(item, "name") or vertex.name
            vertex.cached |= item.get("cached") is True
            vertex.error = _text(item, "error") or vertex.error
            began, ended = _time(item, "started"), _time(item, "completed")
            if began is not None:
                vertex.times[began] = ended or vertex.times.get(began)
                vertex.finished = None not in vertex.times.values()
            if vertex.begun:
                yield from self._announced(vertex)
            if ended is not None or vertex.error:
                over.append(vertex)
        for item in _objects(status, "statuses"):
            yield from self._moved(item)
        for item in _objects(status, "logs"):
            vertex = self._vertex(_text(item, "vertex"))
            first, *lines = _data(item, "data").split(b"\n")
            vertex.partial.append(first)
            if lines:
                lines = [b"".join(vertex.partial), *lines]
                vertex.partial = [lines.pop()]
                yield from self._announced(vertex)
            yield from (_numbered(vertex, line, _time(item, "timestamp")) for line in lines)
        for item in _objects(status, "warnings"):
            vertex = self._vertex(_text(item, "vertex"))
            yield from self._announced(vertex)
            yield _numbered(vertex, b"WARN: " + _data(item, "short"))
        for vertex in over:
            yield from _ended(vertex)

    def _moved(self, item: Mapping[str, Any]) -> Iterator[bytes]:
        """One status of a vertex: so many bytes of something, or its end."""
        vertex, name = self._vertex(_text(item, "vertex")), _text(item, "id")
        done = _time(item, "completed") is not None
        was = vertex.statuses.get(name, (0, False))
        current = item.get("current")
        vertex.statuses[name] = (
            max(was[0], current) if isinstance(current, int) else was[0],
            was[1] or done,
        )
        if done and not was[1]:
            yield from self._announced(vertex)
            yield _numbered(vertex, f"{name} done".encode())

    def _vertex(self, key: str) -> _Vertex:
        return self._vertices.setdefault(key, _Vertex())

    def _announced(self, vertex: _Vertex) -> Iterator[bytes]:
        """A vertex has a number from when it is first shown."""
        if not vertex.number:
            self._numbers += 1
            vertex.number = self._numbers
            yield f"#{vertex.number} {vertex.name}\n".encode()

    # Plain lines.

    def _said(self, line: bytes) -> None:
        """One plain line: of a vertex, or text."""
        line = line.rstrip(b"\r\n").rpartition(b"\r")[2]
        match = _PLAIN.fullmatch(line)
        if match is None:
            self.text.append(line[:MAX_LINE].decode(errors="replace"))
            return
        rest = match["rest"].decode(errors="replace")
        vertex = self._vertex(f"#{match['number'].decode()}")
        if not vertex.name:
            vertex.name, vertex.number, vertex.plain = rest, int(match["number"]), True
        elif rest == "CACHED":
            vertex.cached = vertex.finished = True
        elif rest == "CANCELED":
            vertex.error = "context canceled"
        elif rest.startswith("ERROR: "):
            vertex.error = rest.removeprefix("ERROR: ")
        elif done := _PLAIN_DONE.fullmatch(rest):
            vertex.plain_seconds, vertex.finished = float(done["seconds"]), True
        elif status := _PLAIN_STATUS.fullmatch(rest):
            vertex.statuses[status["id"]] = (0, True)


def read(log: bytes) -> tuple[Progress, ...]:
    """Reads a log from anywhere: a `Progress` for each build in it, in the order of their ends.

    The clocks and colours that CI systems add are passed over, and the marks of functions that were built side by side keep
    them apart. A build ends where the next one begins.
    """
    builds: dict[bytes, list[Progress]] = {}
    for raw in log.split(b"\n"):
        bare = _COLOUR.sub(b"", raw)
        bare = bare[_CLOCK.match(bare).end() :]  # type: ignore[union-attr]  # it matches nothing, too
        mark = _MARK.match(bare)
        line = bare[mark.end() :] if mark else bare
        those = builds.setdefault(mark["mark"] if mark else b"", [Progress()])
        if line.startswith((b"#0 building with ", b"#1 [internal] load ")) and those[
            -1
        ].begins_anew(line):
            those.append(Progress())
        those[-1].feed(line + b"\n")
    found = [progress for those in builds.values() for progress in those]
    for progress in found:
        progress.close()
    return tuple(found)


# From vertices to steps.


def step_of(name: str) -> Step:
    """A step of which no more is known than its name and that it failed."""
    return Step(name=masked_message(name), kind=_kind(name), error="failed")


_DECODER = json.JSONDecoder()


def _step(vertex: _Vertex) -> Step:
    moved = sum(
        current
        for name, (current, _) in vertex.statuses.items()
        if not name.startswith("extracting ")
    )
    return Step(
        name=masked_message(vertex.name),
        kind=_kind(vertex.name),
        cached=vertex.cached,
        seconds=vertex.seconds,
        bytes=moved,
        error=masked_message(vertex.error),
        finished=vertex.finished,
        statuses=tuple(name for name, (_, done) in vertex.statuses.items() if done),
    )


def _kind(name: str) -> Kind:
    if step := _STEP.match(name):
        return "base" if step["instruction"].startswith("FROM ") else "build"
    target = _TARGET.match(name)
    bare = name[target.end() :] if target and not target["rest"] else name  # of a bake
    if bare.startswith(IMPORTING):
        return "import"
    if bare.startswith(_EXPORTING):
        return "export"
    return "image" if _IMAGE.match(bare) else "internal"


def _of_dockerfile(name: str) -> bool:
    return _STEP.match(name) is not None


def _split(name: str, targets: Mapping[str, str]) -> tuple[str, str]:
    """The target of a bake that a step belongs to, and the step's name without it."""
    if len(targets) == 1:
        return next(iter(targets)), name  # then BuildKit names none
    match = _TARGET.match(name)
    if match is None or match["target"] not in targets:
        return "", name
    rest, text = match["rest"].strip(), name[match.end() :]
    return match["target"], f"[{rest}] {text}" if rest else text


# From JSON, whatever it holds.


def _objects(status: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    found = status.get(key)
    return (item for item in (found if isinstance(found, list) else ()) if isinstance(item, dict))


def _text(item: Mapping[str, Any], key: str) -> str:
    found = item.get(key)
    return found.encode(errors="replace").decode() if isinstance(found, str) else ""


def _data(item: Mapping[str, Any], key: str) -> bytes:
    """Bytes, which JSON holds as base64."""
    try:
        return b64decode(_text(item, key))
    except (Base64Error, ValueError):
        return b""


def _time(item: Mapping[str, Any], key: str) -> datetime | None:
    """A time of RFC 3339, with as many digits as it has."""
    try:
        found = datetime.fromisoformat(_text(item, key))
    except ValueError:
        return None
    return found if found.tzinfo else None


# From vertices to lines.


def _ended(vertex: _Vertex) -> Iterator[bytes]:
    """How a vertex ended, once; again where it went on and took longer."""
    if vertex.error.endswith("context canceled"):
        how = "CANCELED"
    elif vertex.error:
        how = f"ERROR: {vertex.error}"
    else:
        how = "CACHED" if vertex.cached else f"DONE {vertex.seconds:.1f}s"
    if how != vertex.shown:
        yield from _flushed(vertex)
        vertex.shown = how
        first, *more = how.encode().split(b"\n")
        yield _numbered(vertex, first)
        yield from (line + b"\n" for line in more)  # what a registry said


def _flushed(vertex: _Vertex) -> Iterator[bytes]:
    """The last line of a vertex's log, which had no end."""
    if last := b"".join(vertex.partial):
        yield _numbered(vertex, last)
    vertex.partial.clear()


def _numbered(vertex: _Vertex, text: bytes, when: datetime | None = None) -> bytes:
    """A line of a vertex; one of its log tells the seconds since it began."""
    since = f" {(when - min(vertex.times)).total_seconds():.3f}" if when and vertex.times else ""
    return f"#{vertex.number}{since} ".encode() + text + b"\n"


# What a report looks like.

_HEAD = ("function", "cached", "import", "export", "first step that ran")
# The longest name of a step in a table for people, in characters.
_WIDE = 60


def table(reports: Iterable[CacheReport]) -> str:
    """The reports as a table for people, a line each; empty where there are none.

    >>> print(table([CacheReport(function="fn")]), end="")
    function  cached  import  export  first step that ran
    fn        -       -       -       -
    """
    rows = [_row(report) for report in reports]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (_HEAD, *rows)
    ]
    return "\n".join(lines) + "\n" if rows else ""


def markdown(reports: Iterable[CacheReport]) -> str:
    """The reports as a table in GitHub's Markdown, for the summary of a job."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    for report in reports:
        name, *cells, first = _row(report)
        lines.append(
            "| " + " | ".join((_code(name), *cells, first if first == "-" else _code(first))) + " |"
        )
    return "\n".join(["### Cache", "", *lines, ""])


def _code(text: str) -> str:
    """A text as a cell of a table in Markdown shows it."""
    return "<code>" + "".join(f"&#{ord(c)};" if c in "&<>|`\r\n" else c for c in text) + "</code>"


def _row(report: CacheReport) -> tuple[str, ...]:
    built, miss = report.built, report.first_miss
    missing = sum(bool(step.error) for step in report.imports)
    imports = "-"
    if report.imports:
        several = f"{len(report.imports) - missing} of {len(report.imports)} found"
        imports = several if len(report.imports) > 1 else ("missing" if missing else "found")
    exports = ", ".join(
        "canceled" if step.canceled else "failed" if step.error else f"{step.seconds:.1f} s"
        for step in report.exports
    )
    cached = f"{sum(step.cached for step in built)} of {len(built)}" if built else "-"
    first = " ".join(miss.name.split()) if miss else "-"
    return (
        report.function,
        cached,
        imports,
        exports or "-",
        first if len(first) <= _WIDE else first[: _WIDE - 1] + "…",
    )
