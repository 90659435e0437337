"""`faas-cache push`: pushes the images of the functions."""

from __future__ import annotations

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.loading import load_project, plan_functions
from faas_cache.cli.output import warn
from faas_cache.cli.running import run_to_the_end

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Pushes what an earlier build left."""
    project = load_project(arguments)
    plan = plan_functions(project, arguments).with_building(building=False)
    warn(*() if plan.errors else plan.diagnostics)
    return run_to_the_end(arguments, lambda **how: project.push(plan, **how))
