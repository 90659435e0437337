"""Runs builds or pushes for the command line: signals, output, the summary, the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import attrs

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.colors import is_terminal, painter
from faas_cache.cli.display import showing
from faas_cache.cli.failures import format_failures
from faas_cache.cli.output import ExitCode, warn, warn_block
from faas_cache.cli.reports import compare_reports, write_report
from faas_cache.cli.signals import stopping
from faas_cache.cli.streams import write_stderr
from faas_cache.model.builders import DOCKER
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.text import printable
from faas_cache.runner.results import BuildResult, FunctionResult
from faas_cache.runner.stop import Deadline, Stop
from faas_cache.runner.tables import format_table, total

if TYPE_CHECKING:
    from faas_cache.stack_plan import StackPlan

__all__ = ["print_summary", "run_to_the_end"]

_NO_REPORT = (
    "no cache report: the builder did not print its steps"
    " (buildx 0.13 and newer do, unless `--progress` hides them)"
)


def run_to_the_end(
    arguments: Arguments,
    run: Callable[..., BuildResult],
    plan: StackPlan,
    deadline: Deadline,
    earlier: dict[str, Any] | None = None,
) -> int:
    """Calls `run` with what the arguments say about running; prints a summary at the end.

    `earlier` is the report that the result is compared with. Returns the exit code.
    """
    stop = Stop()
    names = [build_plan.function for build_plan in plan.distinct().plans]
    with showing(names, quiet=arguments.quiet) as display, stopping(stop) as received:
        result = run(
            parallel=arguments.parallel,
            fail_fast=arguments.fail_fast,
            timeout=deadline.remaining,
            quiet=arguments.quiet,
            verbose=arguments.verbose,
            on_event=display.on_event,
            output=display.output,
            stop=stop,
        )
    result = attrs.evolve(result, seconds=round(deadline.elapsed, 3))
    building = plan.request.purpose == "build"
    cached = {item.function for item in plan.plans if item.caching} if building else set()
    print_summary(result, arguments, building=building, cached=cached)
    is_docker = plan.front_end is None or plan.front_end.program == DOCKER
    if cached and is_docker and _is_unreported(result):
        warn(_NO_REPORT)
    comparisons = compare_reports(earlier, result)
    warn(*comparisons)
    written = write_report(result, arguments, comparisons) if hasattr(arguments, "report") else True
    if received:
        return 128 + received[0]
    return result.exit_code if result.exit_code or written else ExitCode.FAILED


def print_summary(
    result: BuildResult,
    arguments: Arguments,
    *,
    building: bool = True,
    cached: Collection[str] = (),
) -> None:
    """Prints the results of the functions: a table of several, the images, and each problem once.

    `cached` names the functions with cache entries. What failed comes last, because that is what is
    read first.
    """
    one = len(result.functions) == 1
    if one:
        write_stderr(_details(result.functions[0], caching=bool(cached)))
    elif building:
        table = format_table(result, _columns(), painter(sys.stderr))
        write_stderr(f"\n{table}" if table else "")
    images = [f for f in result.functions if f.image and f.digest and f.status == "pushed"]
    if not one:
        write_stderr("\n" if images else "")
        warn(*(f"{function.name}: {function.image}" for function in images))
    notes = _notes(result)
    failures = tuple(dict.fromkeys(format_failures(result, arguments, cached=cached)))
    write_stderr("\n" if notes or failures else "")
    warn(*notes)
    warn_block(*failures)
    if result.functions:
        write_stderr("" if one and not notes and not failures else "\n")
        warn(total(result))


def _details(function: FunctionResult, *, caching: bool) -> str:
    """What the line of the only function does not say: why steps ran, and its image."""
    explained = any(note.step == "cache-import" and note.name for note in function.notes)
    miss = function.ok and caching and function.report.first_miss and not explained
    lines = [function.reason] if miss else []
    lines += [function.image] if function.status == "pushed" and function.digest else []
    return "".join(f"    {printable(line)}\n" for line in lines)


def _notes(result: BuildResult) -> tuple[Diagnostic, ...]:
    """What went wrong without failing a build, each once."""
    notes: dict[Diagnostic, None] = {}
    for function in result.functions:
        for note in function.notes:
            # The reason says that there is no cache yet.
            if note.name or note.severity != "note" or not function.report.steps:
                notes[note.diagnostic()] = None
    return tuple(notes)


def _is_unreported(result: BuildResult) -> bool:
    """Whether functions were built without a record of their steps."""
    functions = result.functions
    return bool(functions) and result.ok and not any(f.report.steps for f in functions)


def _columns() -> int:
    """The width of the terminal; 0 if there is none."""
    return os.get_terminal_size(sys.stderr.fileno()).columns if is_terminal(sys.stderr) else 0
