"""The blocks of what failed, at the end of a run."""

from __future__ import annotations

import attrs
import pytest

from faas_cache.buildkit.explanations import Explanation
from faas_cache.buildkit.messages import Cause, FailedStep
from faas_cache.cli.arguments import Arguments
from faas_cache.cli.failures import format_failures
from faas_cache.runner.results import BuildResult, FunctionResult

BUILD = Arguments(command="build", has_flags=False)


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
    result = BuildResult(
        functions=[failed("fn", "build-step"), FunctionResult(name="ok", status="built")]
    )
    arguments = Arguments(command="publish", has_flags=True)
    block, *_ = format_failures(result, arguments, cached={"fn"})
    assert block.splitlines() == [
        "fn: error: it failed [build-failed]",
        "    no",
        "    try again",
        "    then run `faas-cache publish fn` again with the same flags",
        "    log: above, in the lines of `fn`",
        "    https://docs.example",
    ]
    (alone,) = format_failures(
        BuildResult(functions=[failed("fn", "build-step")]), BUILD, cached=()
    )
    assert alone.splitlines()[3:5] == [
        "    then run `faas-cache build fn` again",
        "    log: above",
    ]


def test_what_did_not_start_has_no_log() -> None:
    """It is not announced."""
    result = BuildResult(functions=[failed("fn", "front-end", exit_code=None)])
    block, *_ = format_failures(result, BUILD, cached=())
    assert "log:" not in block


def test_equal_builds_fail_in_one_block() -> None:
    """E8: that of the first."""
    first = failed("fn", "build-step")
    same = attrs.evolve(first, name="fn2", same_as="fn")
    lines = list(format_failures(BuildResult(functions=[first, same]), BUILD, cached=()))
    assert [line.partition(" ")[0] for line in lines] == ["fn:"]


def test_a_failure_without_an_explanation_has_no_block() -> None:
    """Of a program that made the result; its line and the table show the status."""
    result = BuildResult(functions=[FunctionResult(name="fn", status="failed")])
    assert list(format_failures(result, BUILD, cached=())) == []


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
    assert (G1 in list(format_failures(result, BUILD, cached={"fn", "fn2"}))) is warned
    assert list(format_failures(result, BUILD, cached={"fn", "fn2"})).count(G1) == warned
    assert G1 not in list(format_failures(result, BUILD, cached={"other"}))
