"""`faas-cache push`: pushes the images of the functions."""

from __future__ import annotations

from functools import partial

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.loading import is_empty, load_project, nothing_to_do, plan_functions
from faas_cache.cli.output import ExitCode, warn
from faas_cache.cli.plan import print_plan
from faas_cache.cli.running import run_to_the_end
from faas_cache.runner.stop import Deadline

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Pushes what an earlier build left."""
    deadline = Deadline(arguments.timeout)
    project = load_project(arguments)
    plan = plan_functions(project, arguments, purpose="push")
    if arguments.dry_run:
        return print_plan(plan, arguments)
    warn(*() if plan.errors else plan.diagnostics)
    if skipped := nothing_to_do(plan, "push"):
        warn(skipped)
        return ExitCode.FAILED if is_empty(plan) else ExitCode.DONE

    return run_to_the_end(arguments, partial(project.push, plan), plan, deadline)
