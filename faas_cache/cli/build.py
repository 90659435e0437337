"""`faas-cache build`: writes the build contexts and builds the functions."""

from __future__ import annotations

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.loading import is_empty, load_project, nothing_to_do, plan_functions
from faas_cache.cli.output import ExitCode, warn
from faas_cache.cli.reports import check_report_path
from faas_cache.cli.running import run_to_the_end
from faas_cache.planning.requests import Purpose
from faas_cache.runner.stop import Deadline

__all__ = ["build", "run"]


def run(arguments: Arguments) -> int:
    """Builds; with `--shrinkwrap`, writes the contexts alone."""
    return build(arguments, publish=False)


def build(arguments: Arguments, *, publish: bool) -> int:
    """`build` and `publish`, which differ in what they plan."""
    deadline = Deadline(arguments.timeout)
    check_report_path(arguments.report)
    project = load_project(arguments)
    purpose: Purpose = "contexts" if arguments.shrinkwrap else "build"
    plan = plan_functions(project, arguments, publish=publish, purpose=purpose)
    if skipped := nothing_to_do(plan, "write" if arguments.shrinkwrap else "build"):
        warn(*plan.diagnostics, skipped)
        return ExitCode.FAILED if is_empty(plan) else ExitCode.DONE
    pull_templates = not arguments.disable_stack_pull
    if arguments.shrinkwrap:
        plan = project.write_contexts(plan, pull_templates=pull_templates)
        warn(*plan.diagnostics)
        warn(*(f"{p.function}: context {p.context}" for p in plan.plans))
        return ExitCode.DONE
    plan = project.prepare(
        plan,
        pull_templates=pull_templates,
        bake=arguments.bake,
        timeout=deadline.remaining,
    )
    arguments.timeout = deadline.remaining
    warn(*plan.diagnostics)
    return run_to_the_end(
        arguments,
        lambda **how: project.build(plan, bake=arguments.bake, retry=not arguments.no_retry, **how),
        cached={p.function for p in plan.plans if p.caching},
    )
