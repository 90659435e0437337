"""What the command line prints at the end of a run."""

from __future__ import annotations

import attrs
import pytest

from faas_cache.buildkit.explanations import Explanation
from faas_cache.buildkit.reports import CacheReport, Step
from faas_cache.cli.arguments import Arguments
from faas_cache.cli.running import print_summary
from faas_cache.runner.results import BuildResult, FunctionResult

BUILD = Arguments(command="build", has_flags=False)
DIGEST = "sha256:" + "a" * 64
STEP = Step(name="[2/2] COPY a /", kind="build", seconds=0.1, finished=True)
FN = FunctionResult(
    name="fn",
    status="built",
    attempts=1,
    seconds=1.0,
    tags=["a/fn:1"],
    digest=DIGEST,
    report=CacheReport(function="fn", steps=(STEP,)),
)
PUSHED = attrs.evolve(FN, status="pushed")
SILENT = attrs.evolve(FN, report=CacheReport(function="fn"))
STEPS = "the first step that ran is `[2/2] COPY a /`"
FAILURE = Explanation(
    function="two",
    step="build-step",
    cause="failed",
    image_pushed=False,
    message="a command failed",
    fix="correct it",
    url="",
)
TWO = attrs.evolve(FN, name="two", status="failed", explanation=FAILURE)
MISSING = attrs.evolve(
    FAILURE, function="fn", severity="note", step="cache-import", message="no cache yet"
)
UNAUTHORIZED = attrs.evolve(MISSING, severity="warning", message="not logged in")


def with_notes(*notes: Explanation) -> FunctionResult:
    """A function that was built, with these notes."""
    return attrs.evolve(FN, notes=notes)


@pytest.mark.parametrize(
    ("functions", "caching", "expected"),
    [
        ([FN], True, [f"    {STEPS}", "1 function in 1.5 s: 1 built"]),
        ([PUSHED], True, [f"    {STEPS}", f"    a/fn@{DIGEST}", "1 function in 1.5 s: 1 pushed"]),
        ([FN], False, ["1 function in 1.5 s: 1 built"]),
        ([SILENT], True, ["1 function in 1.5 s: 1 built"]),
        ([SILENT], False, ["1 function in 1.5 s: 1 built"]),
        ([attrs.evolve(FN, status="stopped")], True, ["1 function in 1.5 s: 1 stopped"]),
        ([with_notes(MISSING)], True, [f"    {STEPS}", "1 function in 1.5 s: 1 built"]),
        (
            [with_notes(UNAUTHORIZED)],
            True,
            [
                f"    {STEPS}",
                "",
                "functions.fn: warning: not logged in [import-failed]",
                "    correct it",
                "",
                "1 function in 1.5 s: 1 built",
            ],
        ),
        ([], True, []),
    ],
    ids=[
        *("steps", "pushed", "no caching", "no steps", "no steps and no caching", "stopped"),
        *("no cache yet", "unauthorized", "no function"),
    ],
)
def test_the_end_of_a_build_of_one_function(
    functions: list[FunctionResult],
    caching: bool,  # noqa: FBT001  # a column of the table
    expected: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What its line did not say: why steps ran, the image by its digest, what went wrong, and the time."""
    result = BuildResult(functions=functions, seconds=1.5)
    print_summary(result, BUILD, cached={"fn"} if caching else ())
    assert capsys.readouterr().err.splitlines() == expected


def test_the_end_of_a_build_of_several_functions(capsys: pytest.CaptureFixture[str]) -> None:
    """A table of all, the images that were pushed, and last what failed; equal builds fail once."""
    same = attrs.evolve(TWO, name="three", same_as="two")
    plain = FunctionResult(name="plain", status="built", attempts=1, seconds=61.0, caching=False)
    result = BuildResult(functions=[PUSHED, TWO, same, plain], seconds=62.0)
    print_summary(result, BUILD, cached={"fn", "two", "three"})
    assert capsys.readouterr().err.splitlines() == [
        "",
        "function  outcome  time       cached  import  export  reason",
        f"fn        pushed   1.0 s      0/1     -       -       {STEPS}",
        "two       failed   1.0 s      -       -       -       a command failed",
        "three     failed   1.0 s      -       -       -       a command failed",
        "plain     built    1 min 1 s  -       -       -       caching is off",
        "",
        f"fn: a/fn@{DIGEST}",
        "",
        "two: error: a command failed [build-failed]",
        "    correct it",
        "    then run `faas-cache build two` again",
        "",
        "4 functions in 1 min 2 s: 1 pushed, 1 failed, 1 the same build, 1 built",
    ]


def test_the_end_of_a_push(capsys: pytest.CaptureFixture[str]) -> None:
    """No table: there is no cache; each image by its digest."""
    result = BuildResult(functions=[PUSHED, attrs.evolve(PUSHED, name="b")], seconds=2.0)
    print_summary(result, BUILD, building=False)
    assert capsys.readouterr().err.splitlines() == [
        "",
        f"fn: a/fn@{DIGEST}",
        f"b: a/fn@{DIGEST}",
        "",
        "2 functions in 2.0 s: 2 pushed",
    ]
