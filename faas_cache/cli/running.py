"""Runs builds or pushes for the command line: signals, output, the summary, the exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.output import ExitCode, warn
from faas_cache.cli.reports import compare_reports, write_report
from faas_cache.cli.signals import stopping
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.runner.results import BuildResult, FunctionResult
from faas_cache.runner.stop import Stop

__all__ = ["run_to_the_end"]

# G1: failures that a cache cannot have caused.
_WITHOUT_CACHE = frozenset({"build-step", "dockerfile", "base-image", "daemon"})

_CACHED_BUILD_FAILED = Diagnostic(
    name="cached-build-failed",
    severity="warning",
    message="a build with cache entries failed, and registries differ in what they support",
    hint="run `faas-cache registries` and `faas-cache help troubleshooting`,"
    " or build with `--no-build-cache`",
)


def run_to_the_end(
    arguments: Arguments,
    run: Callable[..., BuildResult],
    *,
    caching: bool,
    earlier: dict[str, Any] | None = None,
) -> int:
    """Calls `run` with what the arguments say about running; prints a summary at the end.

    `earlier` is the report that the result is compared with. Returns the exit code.
    """
    how: dict[str, Any] = {
        "parallel": arguments.parallel,
        "fail_fast": arguments.fail_fast,
        "timeout": arguments.timeout,
        "quiet": arguments.quiet,
    }
    stop = Stop()
    with stopping(stop) as received:
        result = run(stop=stop, **how)
    warn(*summary(result, caching=caching))
    comparisons = () if earlier is None else compare_reports(earlier, result)
    warn(*comparisons)
    written = write_report(result, arguments) if hasattr(arguments, "report") else True
    if received:
        return 128 + received[0]
    return result.exit_code if result.exit_code or written else ExitCode.FAILED


def summary(result: BuildResult, *, caching: bool) -> Iterator[str]:
    """What there is to say at the end, each line once."""
    from faas_cache.buildkit.tables import format_table

    lines: dict[str, None] = {}
    for function in result.functions:
        for note in function.notes:
            # The table shows which imports found nothing.
            if note.name or note.step != "cache-import" or not function.report.steps:
                lines[str(note.diagnostic())] = None
        if function.explanation is not None:
            lines[str(function.explanation.diagnostic())] = None
    if caching and any(map(_may_be_the_cache, result.functions)):
        lines[str(_CACHED_BUILD_FAILED)] = None
    yield from lines
    built = [function for function in result.functions if not function.same_as]
    reports = [function.report for function in built if function.report.steps]
    yield from format_table(reports).splitlines()
    if caching and built and result.ok and not reports:
        yield "no cache report: the builder did not print its steps (buildx 0.13 and newer do)"
    for function in result.functions:
        same = f" (as {function.same_as})" if function.same_as else ""
        yield f"{function.name}: {function.status}{same}"


def _may_be_the_cache(function: FunctionResult) -> bool:
    """G1: whether a cache can be what made a build fail."""
    if function.status != "failed":
        return False
    explanation = function.explanation
    return explanation is None or explanation.step not in _WITHOUT_CACHE
