"""`CacheReport`: how a build used its cache, computed from its events."""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

from faas_cache.buildkit.answers import cause_of_import
from faas_cache.buildkit.events import (
    BuildFinished,
    BuildStarted,
    Event,
    StepFinished,
    StepKind,
    StepProgress,
    StepStarted,
)
from faas_cache.buildkit.names import import_source
from faas_cache.model.masking import masked_message
from faas_cache.model.value import Value

__all__ = ["CacheReport", "ReportBuilder", "Step"]

# The cache services that do not say whether they held anything: BuildKit prints the same for an
# import that found nothing.
_SILENT_IMPORTS = ("s3:", "azblob:", "gha:")
_STAGE = re.compile(r"\[(?:(\S+) )?\s*\d+/\d+\]")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Step(Value):
    """One step of a build: an instruction of the Dockerfile, an import, an export, or another.

    `seconds` is the time it ran, `bytes` what it transferred, `started` when it started (seconds
    since the epoch). Names and errors are masked.
    """

    name: str
    kind: StepKind
    cached: bool = False
    seconds: float = 0.0
    bytes: int = 0
    error: str = ""
    finished: bool = False
    started: float | None = None

    @property
    def canceled(self) -> bool:
        """Whether BuildKit ended it because another step failed."""
        return self.error.endswith("context canceled")

    @property
    def failed(self) -> bool:
        """Whether it failed by itself."""
        return bool(self.error) and not self.canceled


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CacheReport(Value):
    """How one build used its cache: every step that started, in the order of their starts.

    `seconds` is how long the build took, `attempt` counts from 1. `complete` is false for a build
    that failed or was stopped: how much of it is cached is not known then. `first_miss_inputs` is
    what the first step that ran depends on, in phrases, where its Dockerfile is known.
    `only_last_stage` says that the imported cache holds the steps of the last stage alone, as
    `inline` does.

    >>> steps = (Step(name="[2/3] RUN a", kind="build", cached=True, finished=True),
    ...          Step(name="[3/3] COPY b /", kind="build", seconds=0.1, finished=True))
    >>> report = CacheReport(function="fn", steps=steps)
    >>> report.cached, report.total, report.hit_ratio, report.reason
    (1, 2, 0.5, 'the first step that ran is `[3/3] COPY b /`')
    """

    function: str
    steps: tuple[Step, ...] = ()
    seconds: float = 0.0
    attempt: int = 1
    complete: bool = True
    first_miss_inputs: tuple[str, ...] = ()
    only_last_stage: bool = False

    @classmethod
    def from_events(cls, function: str, events: Iterable[Event]) -> CacheReport:
        """The report of one function; events of other functions do not count."""
        builder = ReportBuilder(function)
        for event in events:
            if event.function == function:
                builder.add(event)
        return builder.report()

    @property
    def instructions(self) -> tuple[Step, ...]:
        """The instructions that came from the cache or ran, without `FROM` and without errors.

        A step whose layer was lost from the cache fails and is run once more, without a line of
        its own (G3): in a build that succeeded, it ran.
        """
        return tuple(
            step
            for step in self.steps
            if step.kind == "build"
            and step.finished
            and (not step.error or (self.complete and step.failed))
        )

    @property
    def cached(self) -> int:
        """How many of the instructions came from the cache."""
        return sum(step.cached for step in self.instructions)

    @property
    def total(self) -> int:
        """How many instructions there are: those that came from the cache, and those that ran."""
        return len(self.instructions)

    @property
    def hit_ratio(self) -> float | None:
        """The share of the instructions that came from the cache.

        `None` if there are none, or if the build did not succeed.
        """
        total = self.total
        return self.cached / total if total and self.complete else None

    @property
    def imports(self) -> tuple[Step, ...]:
        """The imports; one with an `error` failed."""
        return tuple(step for step in self.steps if step.kind == "import")

    @property
    def exports(self) -> tuple[Step, ...]:
        """The exports; one with an `error` failed, but the build may have continued."""
        return tuple(step for step in self.steps if step.kind == "export")

    @property
    def import_found(self) -> bool:
        """Whether a cache was found; of services that do not say, it is not known."""
        return any(map(_held_a_cache, self.imports))

    @property
    def import_statuses(self) -> tuple[str, ...]:
        """The result of each import: `found`, or the cause, such as `missing` or `unauthorized`.

        `unknown` for a cache service that does not report whether it has the cache.
        """
        return tuple(map(self._import_status, self.imports))

    def _import_status(self, step: Step) -> str:
        if step.error:
            return "canceled" if step.canceled else cause_of_import(step.error)
        return "found" if self.cached or _held_a_cache(step) else "unknown"

    @property
    def first_miss(self) -> Step | None:
        """The first instruction that ran."""
        return next((step for step in self.instructions if not step.cached), None)

    @property
    def useless_import(self) -> bool:
        """G4: whether a cache was found, and none of the instructions that it can hold matched."""
        if self.first_miss is None or self.cached or not self.import_found:
            return False
        if any(step.error for step in self.instructions):  # G3: layers of it are gone
            return False
        stages = {_stage(step.name) for step in self.instructions}
        return len(stages) == 1 or not self.only_last_stage

    @property
    def reason(self) -> str:
        """Why not everything came from the cache, in one sentence; empty if everything did."""
        miss = self.first_miss
        if miss is None:
            return ""
        if not self.cached and self.imports:
            if all(step.error for step in self.imports):
                causes = dict.fromkeys(self.import_statuses)
                if [*causes] == ["missing"]:
                    return "the cache does not exist yet"
                return f"no cache was imported: {', '.join(causes)}"
            if self.useless_import:
                return (
                    "the imported cache matches no step: it belongs to another base image, other"
                    " build arguments, other files or another function"
                )
        sentence = f"the first step that ran is `{' '.join(miss.name.split())}`"
        if not self.first_miss_inputs:
            return sentence
        *first, last = self.first_miss_inputs
        listed = f"{', '.join(first)}, and {last}" if first else last
        return f"{sentence}; it depends on {listed}"


def _stage(name: str) -> str:
    """The stage of a step; empty where the Dockerfile has only one."""
    match = _STAGE.match(name)
    return (match and match[1]) or ""


def _held_a_cache(step: Step) -> bool:
    return not step.error and not import_source(step.name).startswith(_SILENT_IMPORTS)


@attrs.define
class _Progress:
    """A step as its events describe it so far."""

    order: int
    name: str
    kind: StepKind
    started: float | None
    cached: bool = False
    seconds: float = 0.0
    error: str = ""
    finished: bool = False
    transferred: dict[str, int] = attrs.field(factory=dict)

    def step(self) -> Step:
        return Step(
            name=masked_message(self.name),
            kind=self.kind,
            cached=self.cached,
            seconds=self.seconds,
            bytes=sum(self.transferred.values()),
            error=masked_message(self.error),
            finished=self.finished,
            started=self.started,
        )


class ReportBuilder:
    """Computes the report of one function from its events: `add` each, then call `report`.

    The function is that of the first event unless it is given. The start of another attempt
    discards the steps of the attempt before.
    """

    def __init__(self, function: str | None = None) -> None:
        self._function = function
        self._attempt = 1
        self._seconds: float | None = None
        self._status = ""
        self._steps: dict[str, _Progress] = {}

    def add(self, event: Event) -> None:
        """Adds one event."""
        if self._function is None:
            self._function = event.function
        match event:
            case BuildStarted():
                self._attempt, self._seconds, self._status = event.attempt, None, ""
                self._steps.clear()
            case StepStarted():
                self._start(event)
            case StepProgress():
                self._move(event)
            case StepFinished():
                self._finish(event)
            case BuildFinished():
                self._seconds, self._status = event.seconds, event.status
            case _:
                pass

    def report(self) -> CacheReport:
        """The report of the events that were added so far."""
        steps = sorted(self._steps.values(), key=_by_start)
        return CacheReport(
            function=self._function or "",
            steps=tuple(step.step() for step in steps),
            seconds=_seconds(steps) if self._seconds is None else self._seconds,
            attempt=self._attempt,
            complete=self._complete(),
        )

    def _complete(self) -> bool:
        """Whether the build succeeded; where its end is not recorded, no step of it has failed."""
        if self._status:
            return self._status in ("built", "pushed")
        kinds = ("base", "build", "image")
        return not any(step.error and step.kind in kinds for step in self._steps.values())

    def _start(self, event: StepStarted) -> None:
        step = self._steps.get(event.step)
        if step is None:
            self._steps[event.step] = _Progress(
                order=len(self._steps), name=event.name, kind=event.kind, started=event.time
            )
            return
        step.name, step.kind = event.name, event.kind
        step.finished, step.error = False, ""
        if step.started is None:
            step.started = event.time

    def _move(self, event: StepProgress) -> None:
        step = self._steps.get(event.step)
        if step is not None and not event.status.startswith("extracting "):
            step.transferred[event.status] = max(
                step.transferred.get(event.status, 0), event.current
            )

    def _finish(self, event: StepFinished) -> None:
        step = self._steps.get(event.step)
        if step is not None:
            step.cached, step.error, step.finished = event.cached, event.error, True
            step.cached &= not event.error  # its layer is gone: it did not come from the cache
            step.seconds = event.seconds


def _by_start(step: _Progress) -> tuple[bool, float, bool, int]:
    """The sort key of a step: its start, if any; at the same start, the Dockerfile comes last."""
    return (
        step.started is None,
        step.started or 0.0,
        step.kind in ("base", "build"),
        step.order,
    )


def _seconds(steps: Iterable[_Progress]) -> float:
    """From the first start to the last end if the steps have times, else the sum."""
    steps = list(steps)
    starts = [step.started for step in steps if step.started is not None]
    if not starts:
        return round(sum(step.seconds for step in steps), 6)
    ends = [step.started + step.seconds for step in steps if step.started is not None]
    return round(max(ends) - min(starts), 6)
