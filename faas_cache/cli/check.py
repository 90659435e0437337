"""`faas-cache check`: reports what a build would lose, overwrite or reject, and builds nothing."""

from __future__ import annotations

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.formats import FORMATTERS
from faas_cache.cli.loading import exit_code_of, load_project, plan_functions
from faas_cache.cli.output import count, print_diagnostics, warn
from faas_cache.cli.streams import write_stdout
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import FaasCacheError

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Prints every diagnostic; the exit code is 2 for errors, 3 if only the builder is at fault."""
    diagnostics, code = _check(arguments)
    if arguments.format == "text":
        print_diagnostics(*diagnostics)
    else:
        write_stdout(FORMATTERS[arguments.format](diagnostics))
    warn(count(diagnostics))
    return code


def _check(arguments: Arguments) -> tuple[tuple[Diagnostic, ...], int]:
    """The diagnostics of all functions and the exit code; an unreadable file is one of them."""
    try:
        project = load_project(arguments)
        plan = project.check_sources(plan_functions(project, arguments))
    except FaasCacheError as error:
        return error.diagnostics, error.exit_code
    if arguments.inspect:
        try:
            plan = plan.on(project.inspect_builder(plan))
        except FaasCacheError as error:
            code = exit_code_of(plan) or error.exit_code
            return (*plan.diagnostics, *error.diagnostics), code
    return plan.diagnostics, exit_code_of(plan)
