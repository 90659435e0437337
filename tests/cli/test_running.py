"""What the command line prints at the end of a run."""

from __future__ import annotations

import attrs
import pytest

from faas_cache.buildkit.explanations import Explanation
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
    note = Explanation(
        function="fn",
        severity="note",
        step="cache-import",
        cause="missing",
        image_pushed=None,
        message="no",
        fix="",
        url="",
    )
    result = attrs.evolve(
        REPORTED,
        status=status,
        notes=(note,) if error else (),
        report=CacheReport(function="fn", steps=(step, STEP)),
    )
    lines = list(summary(BuildResult(functions=[result]), BUILD, cached={"fn"}))
    line = "note: no cache found for `fn`, as in every first build"
    assert [line for line in lines if line.startswith("note")] == [line] * first
