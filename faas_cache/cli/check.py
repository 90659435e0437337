"""`faas-cache check`: reports what a build would lose, overwrite or reject, and builds nothing."""

from __future__ import annotations

import sys
from argparse import Namespace

from faas_cache.cli.formats import FORMATTERS
from faas_cache.cli.loading import load_project, plan_functions
from faas_cache.cli.output import count, exit_code_of, warn
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import FaasCacheError

__all__ = ["run"]


def run(arguments: Namespace) -> int:
    """Prints every diagnostic; the exit code is 2 for errors, 3 if only the builder is at fault."""
    diagnostics = _diagnostics(arguments)
    sys.stdout.write(FORMATTERS[arguments.format](diagnostics))
    warn(count(diagnostics))
    return exit_code_of(diagnostics)


def _diagnostics(arguments: Namespace) -> tuple[Diagnostic, ...]:
    """The findings of all functions; a stack file that cannot be read is one of them."""
    try:
        project = load_project(arguments)
        plan = plan_functions(project, arguments)
        if not arguments.inspect:
            return plan.diagnostics
        try:
            return plan.on(project.inspect_builder(plan)).diagnostics
        except FaasCacheError as error:
            return (*plan.diagnostics, *error.diagnostics)
    except FaasCacheError as error:
        return error.diagnostics
