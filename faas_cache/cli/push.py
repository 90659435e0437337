"""`faas-cache push`: pushes the images of the functions."""

from __future__ import annotations

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.loading import is_empty, load_project, nothing_to_do, plan_functions
from faas_cache.cli.output import ExitCode, warn
from faas_cache.cli.running import run_to_the_end

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Pushes what an earlier build left."""
    project = load_project(arguments)
    plan = plan_functions(project, arguments, purpose="push")
    warn(*() if plan.errors else plan.diagnostics)
    if skipped := nothing_to_do(plan, "push"):
        warn(skipped)
        return ExitCode.FAILED if is_empty(plan) else ExitCode.DONE
    return run_to_the_end(arguments, lambda **how: project.push(plan, **how))
