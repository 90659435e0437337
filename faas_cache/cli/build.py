"""`faas-cache build`: writes the build contexts and builds the functions."""

from __future__ import annotations

from argparse import Namespace

from faas_cache.cli.loading import load_project, plan_functions
from faas_cache.cli.output import ExitCode, warn
from faas_cache.cli.running import run_to_the_end
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput

__all__ = ["build", "run"]


def run(arguments: Namespace) -> int:
    """Builds; with `--shrinkwrap`, writes the contexts alone."""
    return build(arguments, publish=False)


def build(arguments: Namespace, *, publish: bool) -> int:
    """`build` and `publish`, which differ in what they plan."""
    project = load_project(arguments)
    plan = plan_functions(project, arguments, publish=publish)
    if not plan.errors and not project.stack.functions:
        raise InvalidInput(
            Diagnostic(
                name="no-functions",
                message="there is no function to build",
                hint="write one under `functions:`",
            )
        )
    pull_templates = not arguments.disable_stack_pull
    if arguments.shrinkwrap:
        project.write_contexts(plan, pull_templates=pull_templates)
        warn(*plan.diagnostics)
        warn(*(f"{p.function}: written to {p.context}" for p in plan.plans))
        return ExitCode.DONE
    plan = project.prepare(plan, pull_templates=pull_templates, bake=arguments.bake)
    warn(*plan.diagnostics)
    return run_to_the_end(
        arguments,
        lambda **how: project.build(plan, bake=arguments.bake, **how),
        caching=any(p.caching for p in plan.plans),
    )
