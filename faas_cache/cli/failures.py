"""The block of text about each failed function, and the warning of G1."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from faas_cache.cli.arguments import Arguments
from faas_cache.model.diagnostics import Diagnostic, Severity
from faas_cache.runner.results import BuildResult, FunctionResult

__all__ = ["format_failures"]

# G1: the steps that a cache can fail. A failure whose step is not known may be one of them.
_OF_CACHES = frozenset({"cache-export", "cache-import", "entry", None})

_CACHED_BUILD_FAILED = Diagnostic(
    name="cached-build-failed",
    severity="warning",
    message="a build with cache entries failed, and registries differ in what they support",
    hint="run `faas-cache registries` and read `docs/troubleshooting.md` (`faas-cache help"
    " troubleshooting`), or build with `--no-build-cache`",
)


def format_failures(
    result: BuildResult, arguments: Arguments, *, cached: Collection[str]
) -> Iterator[tuple[str, Severity]]:
    """The block of each function that failed, and G1, with the severity of each.

    `cached` names the functions with cache entries.
    """
    failed = [function for function in result.functions if function.status == "failed"]
    several = len(result.functions) > 1
    for function in failed:
        if function.explanation is not None and not function.same_as:
            lines = _next_lines(function, arguments, several=several)
            yield function.explanation.block(*lines), "error"
    if any(function.name in cached and _may_be_the_cache(function) for function in failed):
        yield str(_CACHED_BUILD_FAILED), "warning"


def _next_lines(function: FunctionResult, arguments: Arguments, *, several: bool) -> Iterator[str]:
    """The command that builds the function again, and where its log is."""
    flags = " with the same flags" if arguments.has_flags else ""
    yield f"then run `faas-cache {arguments.command} {function.name}` again{flags}"
    if function.exit_code is not None:  # otherwise nothing was started
        yield f"log: above, in the lines of `{function.name}`" if several else "log: above"


def _may_be_the_cache(function: FunctionResult) -> bool:
    """G1: whether a cache can be what made a build fail."""
    failure = function.explanation
    if failure is None or failure.step in _OF_CACHES:
        return True
    return (failure.step, failure.cause) == ("front-end", "unsupported")
