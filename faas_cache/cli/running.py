"""Runs builds or pushes for the command line: signals, output, the summary, the exit code."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import attrs

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.failures import format_failures
from faas_cache.cli.output import ExitCode, warn
from faas_cache.cli.reports import write_report
from faas_cache.cli.signals import stopping
from faas_cache.model.features import function_names
from faas_cache.runner.results import BuildResult, FunctionResult
from faas_cache.runner.stop import Stop

__all__ = ["run_to_the_end"]


def run_to_the_end(
    arguments: Arguments, run: Callable[..., BuildResult], *, cached: Collection[str] = ()
) -> int:
    """Calls `run` with what the arguments say about running; prints a summary at the end.

    `cached` names the functions with cache entries. Returns the exit code.
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
    warn(*summary(result, arguments, cached=cached))
    written = write_report(result, arguments) if hasattr(arguments, "report") else True
    if received:
        return 128 + received[0]
    return result.exit_code if result.exit_code or written else ExitCode.FAILED


def summary(result: BuildResult, arguments: Arguments, *, cached: Collection[str]) -> Iterator[str]:
    """What there is to say at the end, each line once."""
    from faas_cache.buildkit.tables import format_table

    lines: dict[str, None] = {}
    for function in result.functions:
        for note in function.notes:
            # The table shows which imports found nothing.
            if note.name or note.step != "cache-import" or not function.report.steps:
                lines[str(attrs.evolve(note, error=""))] = None
    yield from lines
    yield from (text for text, _ in format_failures(result, arguments, cached=cached))
    built = [function for function in result.functions if not function.same_as]
    reports = [function.report for function in built if function.report.steps]
    yield from format_table(reports).splitlines()
    if first := [function.name for function in built if _has_no_cache_yet(function)]:
        yield f"note: no cache found for {function_names(first)}, as in every first build"
    if cached and built and result.ok and not reports:
        yield "no cache report: the builder did not print its steps (buildx 0.13 and newer do)"
    for function in result.functions:
        same = f" (as {function.same_as})" if function.same_as else ""
        yield f"{function.name}: {function.status}{same}"


def _has_no_cache_yet(function: FunctionResult) -> bool:
    """Whether no cache of a function was found, which the table alone shows."""
    missing = [n for n in function.notes if (n.step, n.cause) == ("cache-import", "missing")]
    return function.ok and bool(missing) and not function.report.import_found
