"""`plan_request`: plans a stack with what that needs of the files of its project, and of git."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faas_cache.contexts.context_scan import read_context_files
from faas_cache.contexts.project_sources import read_dockerfiles, read_templates
from faas_cache.model.faults import FaultCollector
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.options import PLANNING_VARIABLES
from faas_cache.planning.preparation import select_functions
from faas_cache.stack.stack_file import Stack
from faas_cache.stack.templates import Template
from faas_cache.stack_plan import PlanInputs, Request, StackPlan, plan_stack

__all__ = ["plan_request", "read_tags"]


def plan_request(
    stack: Stack, request: Request, root: str, environ: Mapping[str, str], faults: FaultCollector
) -> StackPlan:
    """The plan of a request; `faults` are those that are known already. Runs at most git."""
    options, purpose = request.options, request.purpose
    specs = select_functions(stack, request, FaultCollector())
    tags: Mapping[str, str] = {}
    if purpose != "contexts":
        tags = read_tags(root, specs, options.tag, environ, faults)
    templates: Mapping[str, Template] = {}
    if purpose != "push":
        templates = read_templates(root, specs, faults, outside_links=options.allow_outside_links)
    return plan_stack(
        stack,
        names=request.names,
        filter=request.filter,
        regex=request.regex,
        flags=request.flags,
        options=options,
        strict=request.strict,
        inputs=PlanInputs(
            root=root,
            environ={name: environ[name] for name in PLANNING_VARIABLES if name in environ},
            templates=templates,
            tags=tags,
            diagnostics=faults.diagnostics,
        ),
        purpose=purpose,
        read_files=(lambda plan: (read_dockerfiles(root, plan), read_context_files(root, plan)))
        if purpose == "build"
        else None,
    )


def read_tags(
    root: str,
    specs: Iterable[FunctionSpec],
    kind: str,
    environ: Mapping[str, str],
    faults: FaultCollector,
) -> dict[str, str]:
    """What `--tag` adds to the tag of each function; git runs once for all of them."""
    values: dict[str, str] = {}
    if kind == "digest":
        from faas_cache.contexts.digests import handler_digest

        for spec in specs:
            with faults.catch("functions", spec.name):
                values[spec.name] = handler_digest(spec.handler or spec.context or "", root=root)
    elif kind != "latest":
        from faas_cache.runner.git import tag_value

        with faults.catch():
            value = tag_value(kind, cwd=root, environ=environ)
            values = dict.fromkeys((spec.name for spec in specs), value)
    return values
