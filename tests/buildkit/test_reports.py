"""`CacheReport`: a fold over events, of recorded streams and of events made by hand."""

from __future__ import annotations

import pytest
from progress import NAMES, TARGETS, read, status, stream, vertex

from faas_cache.buildkit.events import (
    BuildFinished,
    BuildStarted,
    Event,
    Output,
    Status,
    StepFinished,
    StepKind,
    StepProgress,
    StepStarted,
)
from faas_cache.buildkit.reports import CacheReport, ReportBuilder, Step

COLD = "[deps 2/3] COPY requirements.txt /"
LAST = "[stage-1 4/4] COPY function/ /function/"
MISSED = f"the first step that ran is `{LAST}`"
# Of each recorded stream: cached and built steps, the first that ran, imports and exports without an error, the reason.
RECORDED: dict[str, tuple[int, int, str | None, list[bool], list[bool], str]] = {
    "buildx-0.13-cold": (0, 5, COLD, [False], [True], "the cache does not exist yet"),
    "buildx-0.29-cold": (0, 5, COLD, [False], [True], "the cache does not exist yet"),
    "buildx-0.13-warm": (4, 5, LAST, [True], [True], MISSED),
    "buildx-0.29-warm": (4, 5, LAST, [True], [True], MISSED),
    "buildx-0.13-failing": (0, 0, None, [True], [], ""),
    "buildx-0.29-failing": (0, 0, None, [True], [], ""),
    "buildx-0.29-ignored-error": (5, 5, None, [], [False], ""),
}


@pytest.mark.parametrize(("name", "expected"), RECORDED.items(), ids=RECORDED)
def test_a_recorded_build(name: str, expected: tuple[object, ...]) -> None:
    """Hits, misses, imports and exports of real builds, in either form of rawjson."""
    report = CacheReport.from_events("fn", read(stream(name)))
    miss = report.first_miss
    assert (
        report.cached,
        report.total,
        miss and miss.name,
        [not step.error for step in report.imports],
        [not step.error for step in report.exports],
        report.reason,
    ) == expected
    assert report.hit_ratio == (report.cached / report.total if report.total else None)


@pytest.mark.parametrize("name", NAMES)
def test_a_report_is_a_fold(name: str) -> None:
    """Event by event, or all at once, for each function; other functions do not count."""
    events = read(stream(name), TARGETS if "bake" in name else None)
    for function in {event.function for event in events}:
        builder = ReportBuilder()
        for event in events:
            if event.function == function:
                builder.add(event)
        assert builder.report() == CacheReport.from_events(function, events)


def test_a_bake_has_a_report_for_each_function() -> None:
    """BuildKit 0.25 reports shared steps under each target."""
    events = read(stream("buildx-0.29-bake"), TARGETS)
    one, two = (CacheReport.from_events(function, events) for function in ("fn-1", "fn-2"))
    assert [(r.cached, r.total, len(r.imports), len(r.exports)) for r in (one, two)] == [
        (5, 5, 1, 1),
        (5, 5, 0, 0),
    ]


def test_steps_come_in_the_order_of_their_starts() -> None:
    """Steps without a time come last, and of one time BuildKit's own come first."""
    items = [
        vertex("a", "[1/2] RUN a", 2, 3),
        vertex("b", "[2/2] RUN b", 1, 2, cached=True),
        vertex("c", "[auth] x", 1, 2),
        vertex("d", "[internal] y", cached=True),
    ]
    report = CacheReport.from_events("fn", read(status(vertexes=items)))
    assert [step.name[-1] for step in report.steps] == ["x", "b", "a", "y"]
    assert (report.seconds, report.steps[0].seconds) == (2.0, 1.0)


def started(step: str, name: str, kind: StepKind = "build", time: float | None = None) -> Event:
    return StepStarted(function="fn", step=step, name=name, kind=kind, time=time)


def finished(step: str, seconds: float = 1.0, error: str = "", *, cached: bool = False) -> Event:
    return StepFinished(function="fn", step=step, seconds=seconds, error=error, cached=cached)


def transfer(status: str, current: int) -> Event:
    return StepProgress(function="fn", step="a", status=status, current=current)


def test_bytes_and_times_of_a_step() -> None:
    """What was transferred, not what was extracted; a start that comes later gives the time."""
    events = [
        started("a", "x", "internal"),
        transfer("sha256:1", 5),
        transfer("sha256:1", 3),
        transfer("sha256:2", 2),
        transfer("extracting sha256:1", 9),
        finished("a", 2.0, "no"),
        started("a", "x", "internal", 5.0),
        started("a", "x", "internal", 9.0),
    ]
    step = Step(name="x", kind="internal", bytes=7, seconds=2.0, started=5.0)
    assert CacheReport.from_events("fn", events) == CacheReport(
        function="fn", steps=(step,), seconds=2.0
    )


def test_another_attempt_starts_anew() -> None:
    """The report carries the attempt, and the time of the build where it is known."""
    events = [
        BuildStarted(function="fn"),
        started("a", "x"),
        BuildFinished(function="fn", status="failed", exit_code=1, seconds=9.0),
        BuildStarted(function="fn", attempt=2),
        started("b", "y"),
        Output(function="fn", step="b", data=b"z\n"),
        finished("b"),
        finished("unknown"),
        StepProgress(function="fn", step="unknown", status="z"),
    ]
    step = Step(name="y", kind="build", seconds=1.0, finished=True)
    report = CacheReport(function="fn", steps=(step,), seconds=1.0, attempt=2)
    assert CacheReport.from_events("fn", events) == report
    events.append(BuildFinished(function="fn", status="built", exit_code=0, seconds=3.0))
    assert CacheReport.from_events("fn", events).seconds == 3.0


def test_without_events_there_is_an_empty_report() -> None:
    """Nothing was built, so nothing was missed."""
    report = ReportBuilder().report()
    assert (report, report.hit_ratio, report.reason) == (CacheReport(function=""), None, "")


IMPORT = "importing cache manifest from "
USELESS = (
    "the imported cache matches no step: it belongs to another base image, other build arguments,"
    " other files or another function"
)
REASONS = {
    "nothing was imported": ([], "the first step that ran is `[1/1] RUN x`"),
    "an import failed": ([("acme.io/c", "not found")], "the cache does not exist yet"),
    "imports failed": ([("a", "401 Unauthorized"), ("b", "not found"), ("c", "not found")], "no cache was imported: unauthorized, missing"),
    "an import is of no use": ([("acme.io/c", ""), ("acme.io/d", "no")], USELESS),
    "S3 does not say": ([("s3:1", "")], "the first step that ran is `[1/1] RUN x`"),
}  # fmt: skip


@pytest.mark.parametrize(("imports", "reason"), REASONS.values(), ids=REASONS)
def test_a_miss_has_a_reason(imports: list[tuple[str, str]], reason: str) -> None:
    """Of an import that found a cache, and of one that did not."""
    steps = [
        Step(name=IMPORT + source, kind="import", error=error, finished=True)
        for source, error in imports
    ]
    miss = Step(name="[1/1] RUN\n x", kind="build", finished=True)
    assert CacheReport(function="fn", steps=(*steps, miss)).reason == reason


def test_the_merge_of_a_copy_is_not_counted() -> None:
    """A `COPY --link` is one step, and never missed because of its `LINK`."""
    names = ["[2/3] COPY --link a /", "[2/3] LINK COPY --link a /", "[3/3] RUN x"]
    data = b"".join(
        f"#{at} {name}\n#{at} {'DONE 0.0s' if 'LINK' in name else 'CACHED'}\n".encode()
        for at, name in enumerate(names)
    )
    report = CacheReport.from_events("fn", read(data))
    assert (report.cached, report.total, report.first_miss) == (2, 2, None)


def test_a_canceled_step_did_not_fail() -> None:
    """Another one did."""
    canceled = Step(name="x", kind="build", error="rpc: context canceled", finished=True)
    failed = Step(name="x", kind="build", error="no", finished=True)
    assert [(step.canceled, step.failed) for step in (canceled, failed)] == [
        (True, False),
        (False, True),
    ]


def test_no_secret_is_in_a_report() -> None:
    """Names and errors are masked."""
    url = "https://me:hunter2@acme.io/x"
    events = read(f"#1 {url}\n#1 ERROR: {url}\n".encode())
    step = CacheReport.from_events("fn", events).steps[0]
    assert (step.name, step.error) == ("https://***@acme.io/x", "https://***@acme.io/x")


@pytest.mark.parametrize(
    ("kind", "error", "status", "complete"),
    [
        ("build", "", None, True),
        ("build", "no", None, False),
        ("base", "no", None, False),
        ("image", "no", None, False),
        ("import", "no", None, True),
        ("export", "no", None, True),
        ("build", "no", "built", True),
        ("build", "", "failed", False),
        ("build", "", "stopped", False),
        ("build", "", "timed out", False),
        ("build", "", "pushed", True),
    ],
)
def test_a_report_knows_whether_its_build_succeeded(
    kind: StepKind,
    error: str,
    status: Status | None,
    complete: bool,  # noqa: FBT001  # a column of the table
) -> None:
    """By the end of the build, and where that is not recorded, by its steps; only then it has a share of the cache."""
    events: list[Event] = [
        StepStarted(function="fn", step="1", name="[1/1] RUN a", kind="build"),
        StepFinished(function="fn", step="1", cached=True),
        StepStarted(function="fn", step="2", name="x", kind=kind),
        StepFinished(function="fn", step="2", error=error),
    ]
    if status:
        events.append(BuildFinished(function="fn", status=status, exit_code=0))
    report = CacheReport.from_events("fn", events)
    assert (report.complete, report.hit_ratio is not None) == (complete, complete)
