"""`faas-cache build`: writes the build contexts and builds the functions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.loading import is_empty, load_project, nothing_to_do, plan_functions
from faas_cache.cli.output import ExitCode, warn
from faas_cache.cli.plan import print_plan
from faas_cache.cli.reports import check_report_path, read_earlier_report
from faas_cache.cli.running import run_to_the_end
from faas_cache.planning.requests import Purpose
from faas_cache.runner.progress import QUIET, check_progress
from faas_cache.runner.stop import Deadline
from faas_cache.runner.terminal import terminal_of

if TYPE_CHECKING:
    from faas_cache.stack_plan import StackPlan

__all__ = ["build", "run"]


def run(arguments: Arguments) -> int:
    """Builds; with `--shrinkwrap`, writes the contexts alone."""
    return build(arguments, publish=False)


def build(arguments: Arguments, *, publish: bool) -> int:
    """`build` and `publish`, which differ in what they plan."""
    deadline = Deadline(arguments.timeout)
    check_report_path(arguments.report)
    earlier = read_earlier_report(arguments)
    project = load_project(arguments)
    purpose: Purpose = "contexts" if arguments.shrinkwrap else "build"
    plan = plan_functions(project, arguments, publish=publish, purpose=purpose)
    if arguments.dry_run:
        return print_plan(plan, arguments)
    if skipped := nothing_to_do(plan, "write" if arguments.shrinkwrap else "build"):
        warn(*plan.diagnostics, skipped)
        return ExitCode.FAILED if is_empty(plan) else ExitCode.DONE
    _check_progress(plan, arguments)
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
    warn(*plan.diagnostics)

    run = partial(
        project.build,
        plan,
        bake=arguments.bake,
        retry=not arguments.no_retry,
        progress=arguments.progress,
        inputs=bool(arguments.report or arguments.report_format == "json" or arguments.compare),
    )
    return run_to_the_end(arguments, run, plan, deadline, earlier=earlier)


def _check_progress(plan: StackPlan, arguments: Arguments) -> None:
    """Raises `InvalidInput`, before anything is written, for a progress that cannot be shown."""
    if arguments.progress in QUIET:
        arguments.quiet, arguments.progress = True, "auto"
    several = arguments.parallel > 1 and not arguments.bake and len(plan.distinct().plans) > 1
    terminal = terminal_of(None) is not None
    check_progress(arguments.progress, terminal=terminal, several=several)
