"""`LineFormatter`: events as lines in the style of `--progress=plain`."""

from __future__ import annotations

import attrs

from faas_cache.buildkit.answers import cause_of_import
from faas_cache.buildkit.events import (
    Event,
    Output,
    StepFinished,
    StepKind,
    StepProgress,
    StepStarted,
)
from faas_cache.model.text import display, printable

__all__ = ["LineFormatter"]


# What is shown of the parts of a step where details are not.
_IMPORTANT = "pushing manifest for "


@attrs.define
class _Shown:
    """A step as far as it has been shown; `header` is its first line until that is shown."""

    number: int
    header: bytes
    kind: StepKind
    running: bool = True
    ended: str = ""

    def begin(self) -> bytes:
        """Its first line, once."""
        header, self.header = self.header, b""
        return header


class LineFormatter:
    r"""Formats the events of one build; each step has a number from when it is first shown.

    What a step prints is passed on to the byte. Names, errors, warnings and the other lines of the
    builder, which may hold words of a registry, are escaped and masked. Without `details`, the
    builder's own steps are shown only if they print something or fail, and of the parts of a step
    only the push of an image.

    >>> formatter = LineFormatter()
    >>> formatter.format(StepStarted(function="fn", step="a", name="[1/2] RUN a", kind="build"))
    b'#1 [1/2] RUN a\n'
    >>> formatter.format(StepFinished(function="fn", step="a", seconds=1.25))
    b'#1 DONE 1.2s\n'
    """

    def __init__(self, *, details: bool = True) -> None:
        self._details = details
        self._steps: dict[tuple[str, str], _Shown] = {}
        self._numbers: set[int] = set()
        self._next = 1

    def format(self, event: Event) -> bytes:
        """The lines that one event adds: none, one, or several."""
        match event:
            case StepStarted():
                return self._start(event)
            case StepProgress():
                return self._progress(event)
            case StepFinished():
                return self._finish(event)
            case Output():
                return self._output(event)
            case _:
                return b""

    def _start(self, event: StepStarted) -> bytes:
        step = self._steps.get((event.function, event.step))
        if step is not None:
            step.running = True
            return b""
        number = self._number(event.step)
        header = f"#{number} {printable(event.name)}\n".encode()
        step = _Shown(number, header, event.kind)
        self._steps[event.function, event.step] = step
        return step.begin() if self._details or event.kind != "internal" else b""

    def _number(self, step: str) -> int:
        """The number that plain progress gave the step, or the next one."""
        number = int(step[1:]) if step[:1] == "#" and step[1:].isdecimal() else -1
        if number < 0 or number in self._numbers:
            while self._next in self._numbers:
                self._next += 1
            number = self._next
        self._numbers.add(number)
        return number

    def _progress(self, event: StepProgress) -> bytes:
        step = self._steps.get((event.function, event.step))
        if step is None or not step.running or not event.done:
            return b""
        if not self._details and not event.status.startswith(_IMPORTANT):
            return b""
        step.ended = ""
        return f"#{step.number} {printable(event.status)} done\n".encode()

    def _finish(self, event: StepFinished) -> bytes:
        step = self._steps.get((event.function, event.step))
        if step is None:
            return b""
        step.running = False
        if event.error.endswith("context canceled"):
            ended = "CANCELED"
        elif step.kind == "import" and event.error and cause_of_import(event.error) == "missing":
            ended = f"MISSING: {event.error}"  # as in each first build
        elif event.error:
            ended = f"ERROR: {event.error}"
        else:
            ended = "CACHED" if event.cached else f"DONE {event.seconds:.1f}s"
        if ended == step.ended or (step.header and not event.error):
            return b""
        # A base image ends once for its manifest, and once for its layers.
        if step.kind == "base" and step.ended and not self._details and not event.error:
            return b""
        step.ended = ended
        first, *more = ended.split("\n")
        lines = [f"#{step.number} {display(first)}", *map(display, more)]
        return step.begin() + "".join(f"{line}\n" for line in lines).encode()

    def _output(self, event: Output) -> bytes:
        if event.step is None:
            return _shown(event.data)
        step = self._steps.get((event.function, event.step))
        if step is None:
            return b""
        kind = "WARN:" if event.warning else f"{event.seconds:.3f}"
        data = _shown(event.data) if event.warning else event.data
        end = b"" if data.endswith(b"\n") else b"\n"
        return step.begin() + f"#{step.number} {kind} ".encode() + data + end


def _shown(data: bytes) -> bytes:
    """Lines of the builder, escaped and masked."""
    text = data.replace(b"\r\n", b"\n").decode(errors="backslashreplace")
    return display(text).encode()
