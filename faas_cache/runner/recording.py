"""`Recorder`: what one command prints, as events, reports, a log to explain, and lines to show."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import merge
from typing import Literal, TypeAlias

from faas_cache.buildkit.events import Event, Output, StepProgress, StepStarted
from faas_cache.buildkit.explanations import Explanation, explain
from faas_cache.buildkit.lines import LineFormatter
from faas_cache.buildkit.reader import EventReader
from faas_cache.buildkit.reports import CacheReport, ReportBuilder
from faas_cache.runner.records import push_digest
from faas_cache.runner.secrets import NO_SECRETS, SecretStream, SecretValues

__all__ = ["Display", "Recorder"]

Display: TypeAlias = Literal["lines", "output", "nothing", "failure"]

# What is kept of a build to explain it: its last lines, and the events of its steps.
_MAX_LINES, _MAX_EVENTS = 5_000, 50_000
# What is kept of a quiet build, in bytes, in case that it fails.
_MAX_QUIET = 2**22
# The part of an image's export that names its digest.
_PUSHED = re.compile(r"pushing manifest for \S+@(?P<digest>sha256:[0-9a-f]{64})")
# What buildx shows while it connects to a builder, or starts one.
_WAITING = ("[internal] waiting for connection", "[internal] booting buildkit")
# A longer line is not from `docker push`.
_MAX_LINE = 2**12


class Recorder:
    """Reads the output of one command, block by block.

    `emit` is called with each event, and `show` with what `display` says: `lines` that begin with
    the function's name, the `output` as it comes, `nothing`, or the lines of a `failure` when it is
    over; with `details`, the lines are those of every step. `digests` holds those of images, by
    their functions.
    """

    def __init__(  # noqa: PLR0913  # what the commands of a run differ in
        self,
        function: str,
        targets: Mapping[str, str] | None,
        show: Callable[[bytes], object],
        emit: Callable[[Event], object],
        display: Display,
        *,
        details: bool = False,
        secrets: SecretValues = NO_SECRETS,
    ) -> None:
        self.show = show
        self._secrets = secrets
        self._stream = SecretStream(secrets)
        self.digests: dict[str, str] = {}
        self.empty: bool = True
        self.started: bool = False  # whether the builder has begun to build
        self._function = function
        self._emit = emit
        self._display = display
        self._reader = EventReader(function, targets)
        self._formatter = LineFormatter(details=details)
        self._reports: dict[str, ReportBuilder] = {}
        self._log = _Log()
        self._kept: deque[bytes] = deque()
        self._kept_size = 0
        self._line = b""
        self._shown_line = b""

    def feed(self, block: bytes) -> None:
        """Reads one block."""
        self._find_digest(block)
        self._add(self._reader.feed(block))
        if self._display == "output":
            self.draw(block)

    def draw(self, block: bytes) -> None:
        """Shows a block unchanged, but without secrets."""
        if shown := self._stream.feed(block) if self._secrets else block:
            self.show(shown)

    def close(self, exit_code: int) -> None:
        """Reads what is left, and shows the lines of a failure."""
        self._add(self._reader.close())
        if rest := self._stream.close():
            self.show(rest)
        if self._shown_line:
            self._show_or_keep(self._marked_lines(b"\n", ""))
        if self._display == "failure" and exit_code != 0:
            self.show(b"".join(self._kept))

    def replay(self, function: str, log: bytes) -> None:
        """Reads the recorded progress of one function."""
        reader = EventReader(function, None)
        self._add([*reader.feed(log), *reader.close()])

    def explain(self, exit_code: int) -> tuple[Explanation, ...]:
        """Why the command failed, and what else went wrong."""
        return explain(self._log.events(), exit_code)

    def report(self, function: str) -> CacheReport:
        """What the cache of one function did."""
        builder = self._reports.get(function)
        return CacheReport(function=function) if builder is None else builder.report()

    def _add(self, events: Iterable[Event]) -> None:
        lines: list[bytes] = []
        for event in map(self._secrets.mask_event, events):
            self.empty = False
            self.started |= isinstance(event, StepStarted) and not _is_waiting(event)
            self._log.add(event)
            self._reports.setdefault(event.function, ReportBuilder()).add(event)
            self._emit(event)
            if isinstance(event, StepProgress) and (match := _PUSHED.fullmatch(event.status)):
                self.digests[event.function] = match["digest"]
            if self._display in ("lines", "failure"):
                lines += self._marked_lines(self._formatter.format(event), event.function)
        self._show_or_keep(lines)

    def _marked_lines(self, text: bytes, function: str) -> list[bytes]:
        """The lines that end in a text, each with the name of its function in front."""
        *lines, self._shown_line = (self._shown_line + text).split(b"\n")
        mark = f"{function or self._function} | ".encode(errors="replace")
        return [mark + line + b"\n" for line in lines]

    def _show_or_keep(self, lines: list[bytes]) -> None:
        """Shows lines at once, or keeps the last of them for a failure."""
        if self._display == "lines":
            if lines:
                self.show(b"".join(lines))
            return
        self._kept.extend(lines)
        self._kept_size += sum(map(len, lines))
        while self._kept_size > _MAX_QUIET:
            self._kept_size -= len(self._kept.popleft())

    def _find_digest(self, block: bytes) -> None:
        *lines, rest = (self._line + block).split(b"\n")
        self._line = rest[-_MAX_LINE:]
        for line in lines:
            if digest := push_digest(line[:_MAX_LINE]):
                self.digests[self._function] = digest


def _is_waiting(event: StepStarted) -> bool:
    """Whether a step is the client's own, and stands for the wait for its builder."""
    return event.name.startswith(_WAITING)


class _Log:
    """The events that explain a build, in order and bounded: its steps, and its last lines."""

    def __init__(self) -> None:
        self._count = 0
        self._lines: deque[tuple[int, Event]] = deque(maxlen=_MAX_LINES)
        self._steps: deque[tuple[int, Event]] = deque(maxlen=_MAX_EVENTS)

    def add(self, event: Event) -> None:
        self._count += 1
        kept = self._lines if isinstance(event, Output | StepProgress) else self._steps
        kept.append((self._count, event))

    def events(self) -> Iterator[Event]:
        """The events, in the order in which they were added."""
        return (event for _, event in merge(self._lines, self._steps, key=lambda item: item[0]))
