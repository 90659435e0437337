"""Lines of `--progress=plain` as events.

Each line of a step begins with its number: first its name, then one of

    #4 sha256:… 1.2MB / 3.4MB 0.5s done     a part of it
    #4 0.637 text                           its output
    #4 DONE 1.2s | #4 CACHED | #4 CANCELED | #4 ERROR: …

A cached step whose layers are pulled, because a later step needs them, ends with `DONE`. Layers are
pulled in the step that they are the result of, so an instruction that pulls any is a cached one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs

from faas_cache.buildkit.events import Event, Output, StepFinished, StepProgress, StepStarted
from faas_cache.buildkit.names import step_kind

__all__ = ["PlainSteps"]

# Steps beyond these are not BuildKit's, and are not kept.
MAX_STEPS = 2**16
# Names are cut: what a `RUN` runs can be a whole script.
MAX_NAME = 2**12
# Parts of a step beyond these are not reported.
MAX_STATUS = 2**10

_NUMBERED = re.compile(rb"#(?P<number>[0-9]{1,9}) (?P<rest>.*)", re.DOTALL)
_DONE = re.compile(r"DONE (?P<seconds>[0-9]{1,9}\.[0-9]{1,9})s")
_OUTPUT = re.compile(r"(?P<seconds>[0-9]{1,9}\.[0-9]{1,9})(?: |$)")
_SECONDS = re.compile(r"[0-9]+\.[0-9]+s")
_SIZE = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,9})?)(?P<unit>[kKMGT]?)(?P<binary>i?)B")
_UNITS = {unit: power for power, unit in enumerate(("", "k", "M", "G", "T"))} | {"K": 1}


@attrs.define
class _Step:
    function: str
    name: str
    finished: bool = False
    pulled: bool = False


class PlainSteps:
    """The steps of one builder; `owner` gives the function and the name of a step."""

    def __init__(self, owner: Callable[[str], tuple[str, str]]) -> None:
        self._owner = owner
        self._steps: dict[str, _Step] = {}

    def read(self, line: bytes) -> list[Event] | None:
        """The events of one line; `None` if it is not of a step."""
        match = _NUMBERED.fullmatch(line)
        if match is None:
            return None
        key = f"#{int(match['number'])}"
        rest = match["rest"].decode(errors="replace")
        step = self._steps.get(key)
        if step is not None and (step.name != rest[:MAX_NAME] or not step.name):
            return self._continue(key, step, match["rest"], rest)
        if step is not None:
            return [self._start(key, step)] if step.finished else []
        if len(self._steps) >= MAX_STEPS:
            return []
        headless = _is_end(rest) or _OUTPUT.match(rest)  # the log begins within the step
        step = self._steps[key] = _Step(
            function=self._owner(rest)[0], name="" if headless else rest[:MAX_NAME]
        )
        started = self._start(key, step)
        return [started, *self._continue(key, step, match["rest"], rest)] if headless else [started]

    def _start(self, key: str, step: _Step) -> Event:
        step.finished = False
        name = self._owner(step.name)[1]
        return StepStarted(function=step.function, step=key, name=name, kind=step_kind(name))

    def _continue(self, key: str, step: _Step, data: bytes, text: str) -> list[Event]:
        """A line of a step that has started."""
        if ended := _ended(step.function, key, text):
            step.finished = True
            if step.pulled and not ended.error:
                ended = attrs.evolve(ended, cached=True)
            return [ended]
        if match := _OUTPUT.match(text):
            # a match is ASCII, so its end is that of the bytes too
            line, seconds = data[match.end() :], float(match["seconds"])
            return [Output(function=step.function, step=key, data=line + b"\n", seconds=seconds)]
        if text.startswith("WARN: "):
            line = data[len(b"WARN: ") :] + b"\n"
            return [Output(function=step.function, step=key, data=line, warning=True)]
        started = [self._start(key, step)] if step.finished else []
        if text.startswith("extracting sha256:"):
            step.pulled = step_kind(self._owner(step.name)[1]) == "build"
        return [*started, _progress(step.function, key, text[:MAX_STATUS])]


def _is_end(text: str) -> bool:
    return _ended("", "", text) is not None


def _ended(function: str, key: str, text: str) -> StepFinished | None:
    """How a step ended, if the line says so."""
    if text == "CACHED":
        return StepFinished(function=function, step=key, cached=True)
    if text == "CANCELED":
        return StepFinished(function=function, step=key, error="context canceled")
    if text.startswith(("ERROR: ", "MISSING: ")):  # the latter are ours, see `lines`
        return StepFinished(function=function, step=key, error=text.partition(": ")[2])
    if match := _DONE.fullmatch(text):
        return StepFinished(function=function, step=key, seconds=float(match["seconds"]))
    return None


def _progress(function: str, key: str, text: str) -> StepProgress:
    """A part of a step: its name, then the size, the time and whether it is done, if known."""
    words = text.split(" ")
    done = len(words) > 1 and words[-1] == "done"
    if done:
        words.pop()
    if len(words) > 1 and _SECONDS.fullmatch(words[-1]):
        words.pop()
    current = total = 0
    if len(words) > 1 and (size := _SIZE.fullmatch(words[-1])):
        current = total = _bytes(size)
        words.pop()
        if words[1:] and words[-1] == "/" and (size := _SIZE.fullmatch(words[-2])):
            current = _bytes(size)
            del words[-2:]
        else:
            total = 0
    return StepProgress(
        function=function,
        step=key,
        status=" ".join(words),
        current=current,
        total=total,
        done=done,
    )


def _bytes(size: re.Match[str]) -> int:
    base = 1024 if size["binary"] else 1000
    return round(float(size["number"]) * float(base) ** _UNITS[size["unit"]])
