"""`faas-cache push`: pushes the images of the functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.loading import load_project, plan_functions
from faas_cache.cli.output import warn
from faas_cache.cli.plan import print_commands
from faas_cache.cli.running import run_to_the_end
from faas_cache.runner.stack_builds import push_commands
from faas_cache.runner.stop import Deadline

if TYPE_CHECKING:
    from faas_cache.runner.results import BuildResult

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Pushes what an earlier build left."""
    deadline = Deadline(arguments.timeout)
    project = load_project(arguments)
    plan = plan_functions(project, arguments).with_building(building=False)
    if arguments.dry_run:
        plan.raise_errors()
        return print_commands(plan, push_commands(plan), arguments)
    warn(*() if plan.errors else plan.diagnostics)

    def run(**how: Any) -> BuildResult:  # noqa: ANN401  # what `run_to_the_end` passes
        return project.push(plan, **how)

    return run_to_the_end(arguments, run, plan, deadline, building=False)
