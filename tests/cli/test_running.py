"""What the command line prints at the end of a run."""

from __future__ import annotations

import pytest

from faas_cache.buildkit.reports import CacheReport, Step
from faas_cache.cli.running import summary
from faas_cache.runner.results import BuildResult, FunctionResult

NO_REPORT = "no cache report: the builder did not print its steps (buildx 0.13 and newer do)"
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
    assert list(summary(BuildResult(functions=functions), caching=caching)) == expected
