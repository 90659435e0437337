"""What the command line prints at the end of a run."""

from __future__ import annotations

import attrs
import pytest

from faas_cache.buildkit.explanations import Explanation
from faas_cache.buildkit.messages import Cause, FailedStep
from faas_cache.buildkit.reports import CacheReport, Step
from faas_cache.cli.arguments import Arguments
from faas_cache.cli.running import summary
from faas_cache.runner.results import BuildResult, FunctionResult, Status

NO_REPORT = "no cache report: the builder did not print its steps (buildx 0.13 and newer do)"
BUILD = Arguments(command="build", has_flags=False)
STEP = Step(name="[2/2] COPY a /", kind="build", seconds=0.1, finished=True)
REPORTED = FunctionResult(
    name="fn", status="built", report=CacheReport(function="fn", steps=(STEP,))
)
TABLE = [
    "function  cached  import  export  first step that ran",
    "fn        0 of 1  -       -       [2/2] COPY a /",
]


@pytest.mark.parametrize(
    ("functions", "caching", "expected"),
    [
        ([REPORTED], True, [*TABLE, "fn: built"]),
        ([FunctionResult(name="fn", status="built")], True, [NO_REPORT, "fn: built"]),
        ([FunctionResult(name="fn", status="built")], False, ["fn: built"]),
        ([FunctionResult(name="fn", status="stopped")], True, ["fn: stopped"]),
        ([], True, []),
    ],
    ids=["steps", "no steps", "no caching", "stopped", "no function"],
)
def test_a_build_without_a_report_says_so(
    functions: list[FunctionResult],
    caching: bool,  # noqa: FBT001  # a column of the table
    expected: list[str],
) -> None:
    """If a cached build succeeded and its steps are not known, one line takes the place of the table."""
    cached = {"fn"} if caching else set()
    assert list(summary(BuildResult(functions=functions), BUILD, cached=cached)) == expected


IMPORT = Step(name="importing cache manifest from a/fn:c", kind="import", finished=True)


@pytest.mark.parametrize(
    ("status", "error", "first"),
    [("built", "a/fn:c: not found", True), ("built", "", False), ("stopped", "not found", False)],
)
def test_a_first_build_has_no_cache(
    status: Status,
    error: str,
    first: bool,  # noqa: FBT001  # a column of the table
) -> None:
    """One note says that this is normal, for all functions."""
    step = attrs.evolve(IMPORT, error=error)
    note = attrs.evolve(explanation("fn", "cache-import", "missing"), severity="note")
    result = attrs.evolve(
        REPORTED,
        status=status,
        notes=(note,) if error else (),
        report=CacheReport(function="fn", steps=(step, STEP)),
    )
    lines = list(summary(BuildResult(functions=[result]), BUILD, cached={"fn"}))
    line = "note: no cache found for `fn`, as in every first build"
    assert [line for line in lines if line.startswith("note")] == [line] * first


def explanation(name: str, step: FailedStep | None, cause: Cause) -> Explanation:
    """The explanation of a failure of this step."""
    return Explanation(
        function=name,
        step=step,
        cause=cause,
        image_pushed=None,
        message="it failed",
        fix="try again",
        url="https://docs.example",
        error="no",
    )


def failed(
    name: str, step: FailedStep | None, cause: Cause = "unknown", exit_code: int | None = 1
) -> FunctionResult:
    """The result of a function that failed in this step."""
    failure = explanation(name, step, cause)
    return FunctionResult(name=name, status="failed", exit_code=exit_code, explanation=failure)


def test_a_failure_is_one_block() -> None:
    """Function and cause, the error once, what to do, the next command, the log, a page."""
    result = BuildResult(functions=[failed("fn", "build-step"), REPORTED])
    arguments = Arguments(command="publish", has_flags=True)
    block, *_ = summary(result, arguments, cached={"fn"})
    assert block.splitlines() == [
        "fn: error: it failed [build-failed]",
        "    no",
        "    try again",
        "    then run `faas-cache publish fn` again with the same flags",
        "    log: above, in the lines of `fn`",
        "    https://docs.example",
    ]
    alone, last = summary(BuildResult(functions=[failed("fn", "build-step")]), BUILD, cached=())
    assert alone.splitlines()[3:5] == [
        "    then run `faas-cache build fn` again",
        "    log: above",
    ]
    assert last == "fn: failed"


def test_what_did_not_start_has_no_log() -> None:
    """It is not announced."""
    result = BuildResult(functions=[failed("fn", "front-end", exit_code=None)])
    block, *_ = summary(result, BUILD, cached=())
    assert "log:" not in block


def test_equal_builds_fail_in_one_block() -> None:
    """E8: that of the first."""
    first = failed("fn", "build-step")
    same = attrs.evolve(first, name="fn2", same_as="fn")
    lines = list(summary(BuildResult(functions=[first, same]), BUILD, cached=()))
    assert [line.partition(" ")[0] for line in lines] == ["fn:", "fn:", "fn2:"]


def test_a_failure_without_an_explanation_has_a_status() -> None:
    """Of a program that made the result."""
    result = BuildResult(functions=[FunctionResult(name="fn", status="failed")])
    assert list(summary(result, BUILD, cached=())) == ["fn: failed"]


G1 = (
    "warning: a build with cache entries failed, and registries differ in what they support [cached-build-failed]\n"
    "    run `faas-cache registries` and read `docs/troubleshooting.md` (`faas-cache help troubleshooting`),"
    " or build with `--no-build-cache`\n"
    "    https://docs.docker.com/build/cache/backends/registry/"
)


@pytest.mark.parametrize(
    ("step", "cause", "warned"),
    [
        ("cache-export", "denied", True),
        ("cache-import", "missing", True),
        ("entry", "invalid", True),
        (None, "unknown", True),
        ("front-end", "unsupported", True),
        ("front-end", "missing", False),
        ("image-push", "denied", False),
        ("build-step", "failed", False),
        ("dockerfile", "invalid", False),
        ("base-image", "missing", False),
        ("daemon", "unreachable", False),
    ],
)
def test_g1_the_cache_is_suspected_where_it_can_be_the_cause(
    step: FailedStep | None,
    cause: Cause,
    warned: bool,  # noqa: FBT001  # a column of the table
) -> None:
    """G1: only of functions with cache entries, and once for all of them."""
    functions = [failed("fn", step, cause), failed("fn2", step, cause)]
    result = BuildResult(functions=functions)
    assert (G1 in list(summary(result, BUILD, cached={"fn", "fn2"}))) is warned
    assert list(summary(result, BUILD, cached={"fn", "fn2"})).count(G1) == warned
    assert G1 not in list(summary(result, BUILD, cached={"other"}))
