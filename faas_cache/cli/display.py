"""The display of a build: a line for each function that has ended, and the builds that run.

The running builds are shown on a terminal with `--quiet`, below the other lines, and drawn again
when something changes.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from unicodedata import east_asian_width

from faas_cache.buildkit.events import BuildFinished, BuildStarted, Event, StepFinished, StepStarted
from faas_cache.buildkit.reports import ReportBuilder
from faas_cache.cli.colors import is_terminal, painter
from faas_cache.cli.streams import write_stderr
from faas_cache.model.text import printable
from faas_cache.runner.results import FunctionResult
from faas_cache.runner.tables import duration, format_line
from faas_cache.runner.terminal import writer_for

__all__ = ["Display", "showing"]

# Names up to this length are padded, so that the columns after them line up.
_MAX_NAME = 40
# How often the times of what runs are drawn again, in seconds.
_INTERVAL = 0.5
_ERASE = "\x1b[J"
# The kinds of steps that are shown while they run.
_STEPS = frozenset({"base", "build", "import", "export", "image"})


@contextmanager
def showing(functions: Sequence[str], *, quiet: bool) -> Iterator[Display]:
    """A display of the builds of these functions, until the block ends."""
    display = Display(functions, live=quiet and is_terminal(sys.stderr))
    if not display.live:
        yield display
        return
    end = threading.Event()

    def tick() -> None:
        while not end.wait(_INTERVAL):
            display.draw()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield display
    finally:
        end.set()
        thread.join()
        display.write(b"")  # without what runs


class Display:
    """Follows the events of builds: `on_event` and `write` are what a build is given.

    Attributes:
        live: Whether what runs is drawn on the terminal.
        output: Where the output of builders goes: `None` for a terminal that they may draw on.
    """

    def __init__(
        self,
        functions: Sequence[str],
        *,
        live: bool = False,
        clock: Callable[[], float] = time.monotonic,
        size: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        self.live: bool = live
        drawable = is_terminal(sys.stderr) and not live
        self.output: Callable[[bytes], object] | None = None if drawable else self.write
        self._count = len(functions)
        self._ended: set[str] = set()
        self._reports: dict[str, ReportBuilder] = {}
        self._running: dict[str, tuple[float, str]] = {}
        self._clock = clock
        self._size = size or _terminal_size
        self._drawn = 0
        self._in_line = False
        self._write = writer_for(None)
        self._lock = threading.RLock()
        self._paint = painter(sys.stderr)
        names = max((len(printable(name)) for name in functions), default=0)
        self._width = len(self._number(self._count)) + min(names, _MAX_NAME)

    def on_event(self, event: Event) -> None:
        """Follows one event."""
        if not isinstance(event, BuildStarted | StepStarted | StepFinished | BuildFinished):
            return
        name = event.function
        self._reports.setdefault(name, ReportBuilder(name)).add(event)
        if isinstance(event, BuildFinished):
            self._finish(event)
        elif isinstance(event, BuildStarted):
            self._run(name, self._clock(), "")
        # a step that targets of a bake share is of no function
        elif isinstance(event, StepStarted) and event.kind in _STEPS and name in self._running:
            began, _ = self._running[name]
            self._run(name, began, " ".join(printable(event.name).split()))

    def _run(self, name: str, began: float, step: str) -> None:
        self._running[name] = (began, step)
        if self.live:
            self.draw()

    def write(self, block: bytes) -> None:
        """Writes output of a builder above what runs."""
        with self._lock:
            self._write(self._erased().encode() + block)
            self._in_line = not block.endswith(b"\n") if block else self._in_line

    def draw(self, above: str = "") -> None:
        """Draws what runs, below a text that stays."""
        with self._lock:
            columns, rows = self._size()
            now = self._clock()
            lines = [
                f"{printable(name)}  {duration(now - began)}  {step}".rstrip()
                for name, (began, step) in self._running.items()
            ][: max(rows - 2, 1)]
            drawn = "".join(f"{_cut(line, columns - 1)}\n" for line in lines)
            write_stderr(f"{self._erased()}{above}{drawn}")
            self._drawn = len(lines)

    def _finish(self, event: BuildFinished) -> None:
        """Prints the line of a function that has ended."""
        name = event.function
        self._running.pop(name, None)
        self._ended.add(name)
        result = FunctionResult(
            name=name,
            status=event.status,
            seconds=event.seconds,
            report=self._reports[name].report(),
        )
        line = format_line(result, self._width, self._paint, before=self._number(len(self._ended)))
        text = f"\n{line}\n" if self._in_line else f"{line}\n"
        self._in_line = False
        if self.live:
            self.draw(above=text)
        else:
            write_stderr(text)

    def _number(self, number: int) -> str:
        return f"[{number}/{self._count}] "

    def _erased(self) -> str:
        """What erases the lines that were drawn."""
        lines, self._drawn = self._drawn, 0
        return f"\x1b[{lines}A\r{_ERASE}" if lines else ""


def _terminal_size() -> tuple[int, int]:
    try:
        size = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError):
        return 80, 24
    return size.columns or 80, size.lines or 24


def _cut(text: str, columns: int) -> str:
    """The beginning of a text that fits into a number of terminal columns."""
    ends = [*accumulate(2 if east_asian_width(character) in "WF" else 1 for character in text)]
    if not ends or ends[-1] <= columns:
        return text
    return f"{text[: sum(end < columns for end in ends)]}…"
