"""Runs builds or pushes for the command line: signals, live output, the summary at the end, the exit code."""

from __future__ import annotations

import signal
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from faas_cache.cli.output import ExitCode, warn
from faas_cache.cli.reports import check_report_path, write_report
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.runner.stop import Stop

if TYPE_CHECKING:
    from faas_cache.runner.results import BuildResult, FunctionResult

__all__ = ["run_to_the_end"]

# SIGHUP does not exist on Windows.
_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
# G1: failures that a cache cannot have caused.
_WITHOUT_CACHE = frozenset({"build-step", "dockerfile", "base-image", "daemon"})

_CACHED_BUILD_FAILED = Diagnostic(
    name="cached-build-failed",
    severity="warning",
    message="a build with cache entries failed, and registries and builders differ in what they support",
    hint="run `faas-cache registries` and `faas-cache help troubleshooting`, or build with `--no-build-cache`",
)


def run_to_the_end(arguments: Namespace, run: Callable[..., BuildResult], *, caching: bool) -> int:
    """Calls `run` with what the arguments say about running, prints the summary, and returns the exit code."""
    reported = getattr(arguments, "report", None)
    if reported:
        check_report_path(reported)
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
    written = write_report(result, arguments) if hasattr(arguments, "report") else True
    if received:
        return 128 + received[0]
    return result.exit_code if result.exit_code or written else ExitCode.FAILED


@contextmanager
def stopping(stop: Stop) -> Iterator[list[int]]:
    """Stops the builds on a signal; a second one is a `KeyboardInterrupt`, which kills them.

    Yields the list of the signals that came. A signal that is ignored, as `nohup` does, stays ignored.
    """
    received: list[int] = []

    def receive(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        stop.stop()

    before = {
        number: signal.signal(number, receive)
        for number in _SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def summary(result: BuildResult, *, caching: bool) -> Iterator[str]:
    """What there is to say at the end, each line once."""
    from faas_cache.buildkit.tables import format_table

    lines: dict[str, None] = {}
    for function in result.functions:
        for note in function.notes:
            # The table shows which imports found nothing.
            if note.step != "cache-import" or not function.report.steps:
                lines[str(note.diagnostic())] = None
        if function.explanation is not None:
            lines[str(function.explanation.diagnostic())] = None
    if caching and any(map(_may_be_the_cache, result.functions)):
        lines[str(_CACHED_BUILD_FAILED)] = None
    yield from lines
    reports = [function.report for function in result.functions if function.report.steps]
    yield from format_table(reports).splitlines()
    if caching and result.ok and not reports:
        yield "no cache report: the builder did not print its steps (buildx 0.13 and newer do)"
    for function in result.functions:
        yield f"{function.name}: {function.status}"


def _may_be_the_cache(function: FunctionResult) -> bool:
    """G1: whether a cache can be what made a build fail."""
    if function.status != "failed":
        return False
    explanation = function.explanation
    return explanation is None or explanation.step not in _WITHOUT_CACHE
