"""Results as a line, a table, and the summary of a job."""

from __future__ import annotations

import attrs
import pytest

from faas_cache.buildkit.explanations import Explanation
from faas_cache.buildkit.reports import CacheReport, Step
from faas_cache.runner.results import BuildResult, FunctionResult
from faas_cache.runner.tables import (
    duration,
    format_line,
    format_markdown,
    format_table,
    total,
)

DIGEST = "sha256:" + "a" * 64
RUN = Step(name="[2/2] RUN " + "x" * 90, kind="build", seconds=1.0, finished=True)
HIT = Step(name="[1/2] COPY a|b /", kind="build", cached=True, finished=True)
FOUND = Step(name="importing cache manifest from s", kind="import", finished=True)
EXPORTED = Step(name="exporting cache to registry", kind="export", seconds=0.5, finished=True)


def imported(error: str, name: str = "r") -> Step:
    """An import that failed, or one of a service that does not say what it held."""
    return Step(name=f"importing cache manifest from {name}", kind="import", error=error)


def function(name: str, *steps: Step, status: str = "built", **more: object) -> FunctionResult:
    """The result of a function with these steps."""
    given: dict[str, object] = {"attempts": 1, "seconds": 2.0, "tags": ["a/fn:1"], **more}
    report = CacheReport(function=name, steps=steps, complete=status in ("built", "pushed"))
    return FunctionResult(name=name, status=status, report=report, **given)  # type: ignore[arg-type]  # its fields


FAILURE = Explanation(
    function="b",
    step="build-step",
    cause="failed",
    image_pushed=False,
    message="a command\nfailed",
    fix="",
    url="",
)
RESULT = BuildResult(
    functions=[
        function("a|b", HIT, RUN, FOUND, EXPORTED, status="pushed", digest=DIGEST),
        function("failed", HIT, imported("x"), status="failed", explanation=FAILURE),
        function("hit", HIT, FOUND),
        function("late", status="timed out"),
        function("plain", HIT, caching=False),
        function("same", HIT, same_as="hit"),
        function("never", status="not started", attempts=0, seconds=0.0),
        function("broken", status="failed"),
        function("ended", status="stopped"),
    ],
    seconds=4.0,
)


def test_the_table() -> None:
    """Outcome, time and reason of every function; no share of the cache for one that failed."""
    assert format_table(BuildResult()) == ""
    assert format_table(RESULT).splitlines() == [
        "function  outcome      time   cached  import   export  reason",
        f"a|b       pushed       2.0 s  1/2     found    0.5 s   the first step that ran is `[2/2] RUN {'x' * 90}`",
        "failed    failed       2.0 s  -       unknown  -       a command failed",
        "hit       built        2.0 s  1/1     found    -       every step came from the cache",
        "late      timed out    2.0 s  -       -        -       the run timed out before the build ended",
        "plain     built        2.0 s  1/1     -        -       caching is off",
        "same      built        2.0 s  1/1     -        -       the same build as `hit`",
        "never     not started  -      -       -        -       the run ended before the build started",
        "broken    failed       2.0 s  -       -        -       the build failed",
        "ended     stopped      2.0 s  -       -        -       the build was stopped",
    ]


@pytest.mark.parametrize(("width", "longest"), [(90, 90), (20, 75)])
def test_the_table_fits_a_terminal(width: int, longest: int) -> None:
    """The reasons are cut, but for their beginning."""
    assert max(map(len, format_table(RESULT, width).splitlines())) == longest


def test_the_table_in_colours() -> None:
    """Outcomes, and what is cached; the columns stay where they are."""

    def paint(text: str, style: str) -> str:
        return f"<{style}>{text}</>"

    lines = format_table(RESULT, paint=paint).splitlines()
    assert lines[1].startswith("a|b       <good>pushed</>       2.0 s  <fair>1/2</>     found")
    assert lines[2].startswith("failed    <bad>failed</>       2.0 s  -       unknown")
    assert lines[3].startswith("hit       <good>built</>        2.0 s  <good>1/1</>     found")
    assert "<bad>timed out</>" in lines[4]
    assert "<fair>not started</>" in lines[7]


@pytest.mark.parametrize(
    ("step", "status"),
    [
        (imported("failed to configure registry cache importer: r:c: not found"), "missing"),
        (imported("unexpected status from HEAD request to x: 401 Unauthorized"), "unauthorized"),
        (imported("unexpected status from HEAD request to x: 403 Forbidden"), "denied"),
        (imported("dial tcp 127.0.0.1:1: connect: connection refused"), "unreachable"),
        (imported("unexpected status from HEAD request to x: 429 Too Many Requests"), "rate-limited"),
        (imported("unknown cache importer: x"), "unsupported"),
        (imported("rpc error: context canceled"), "canceled"),
        (imported("", "s3:x"), "unknown"),
        (FOUND, "found"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_an_import_says_what_became_of_it(step: Step, status: str) -> None:
    """Missing, not allowed and not reachable are different things."""
    report = CacheReport(function="fn", steps=(step,))
    assert report.import_statuses == (status,)
    several = function("fn", step, FOUND)
    assert f"  {status}, found  " in format_table(BuildResult(functions=[several]))


def test_an_export_says_what_became_of_it() -> None:
    """Its time, or that it failed, or that another failure ended it."""
    errors = ("", "no", "rpc: context canceled")
    steps = [attrs.evolve(EXPORTED, error=error) for error in errors]
    table = format_table(BuildResult(functions=[function("fn", HIT, *steps)]))
    assert "  0.5 s, failed, canceled  every step" in table


def test_a_service_that_served_steps_has_a_cache() -> None:
    """Although it does not say so."""
    report = CacheReport(function="fn", steps=(imported("", "gha:x"), HIT))
    assert report.import_statuses == ("found",)


def test_the_summary_of_a_job() -> None:
    """GitHub's Markdown, in which nothing of a name is markup; images that were pushed have their digest."""
    odd = function(
        "c", attrs.evolve(RUN, name="[2/2] RUN \x1b[1m`<b>`\u202e"), status="built", seconds=61.0
    )
    result = BuildResult(functions=[*RESULT.functions[:2], odd], seconds=64.0)
    assert format_markdown(result).splitlines() == [
        "### faas-cache",
        "",
        "| function | outcome | time | cached | import | export | reason | image |",
        "|---|---|---|---|---|---|---|---|",
        f"| <code>a&#124;b</code> | pushed | 2.0 s | 1/2 | found | 0.5 s | the first step that ran is <code>&#91;2/2&#93; RUN {'x' * 90}</code> | <code>a/fn&#64;sha256&#58;{'a' * 64}</code> |",
        "| <code>failed</code> | failed | 2.0 s | - | unknown | - | a command failed | - |",
        "| <code>c</code> | built | 1 min 1 s | 0/1 | - | - | the first step that ran is <code>&#91;2/2&#93; RUN &#92;x1b&#91;1m</code>&#60;b&#62;<code>&#92;u202e</code> | - |",
        "",
        "3 functions in 1 min 4 s: 1 pushed, 1 failed, 1 built",
    ]


def test_a_backtick_in_a_step_is_not_markup() -> None:
    """Its sentence is shown as text."""
    step = attrs.evolve(RUN, name="[2/2] RUN `")
    line = format_markdown(BuildResult(functions=[function("c", step)])).splitlines()[4]
    assert "&#96;&#91;2/2&#93; RUN &#96;&#96;" in line


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (RESULT.functions[0], "[3/16] a|b  2.0 s  1/2 cached  pushed"),
        (RESULT.functions[1], "[3/16] failed  2.0 s  failed"),
        (RESULT.functions[3], "[3/16] late  2.0 s  timed out"),
        (function("\x1b", HIT, seconds=4000.0), "[3/16] \\x1b  1 h 6 min  1/1 cached  built"),
    ],
)
def test_the_line_of_a_function(result: FunctionResult, line: str) -> None:
    """Its name, its time, how much is cached if it succeeded, and its outcome."""
    assert format_line(result, before="[3/16] ") == line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (90000.0, "25 h 0 min"),
    ],
)
def test_times_are_short(seconds: float, text: str) -> None:
    """Never `60.0 s`."""
    assert duration(seconds) == text


def test_the_total_counts_every_status() -> None:
    """In the order of the functions; equal builds count once."""
    assert total(RESULT) == (
        "9 functions in 4.0 s: 1 pushed, 2 failed, 2 built, 1 timed out, 1 the same build,"
        " 1 not started, 1 stopped"
    )
    assert total(BuildResult()) == "0 functions in 0.0 s: "
