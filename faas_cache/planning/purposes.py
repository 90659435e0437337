"""The plans of the selected functions, for each purpose of a request.

A build needs everything. A push needs only images and tags, so faults of a build do not stop it.
Contexts need only sources, so what only docker or git reads is not required.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import attrs

from faas_cache.model.builders import BUILDX
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.faults import FaultCollector
from faas_cache.model.masking import masked
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.function_names import check_name
from faas_cache.planning.options import BuildOptions
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.preparation import check_conflicts, prepare_function, prepare_push
from faas_cache.planning.remote_builders import check_remote_builder
from faas_cache.planning.requests import PlanInputs, Purpose, Request
from faas_cache.planning.resolution import BUILDKIT_ENABLED, resolve
from faas_cache.planning.run_rules import check_default, check_scope_reach
from faas_cache.planning.template_options import check_agent, mounts_ssh
from faas_cache.stack.stack_file import Stack

__all__ = ["FunctionPlans", "plan_functions", "plan_others", "with_buildx"]


@attrs.define
class FunctionPlans:
    """What planning the functions of a stack collects.

    Attributes:
        stack: The stack.
        request: What is planned; its cache flags say whether caches are exported (D10).
        inputs: What was read for it.
        faults: Everything that is wrong.
        specs: The spec behind each plan by the function's name, with options and template applied.
        plans: The plans of the functions without a fault of their own.
    """

    stack: Stack
    request: Request
    inputs: PlanInputs
    faults: FaultCollector
    specs: dict[str, FunctionSpec] = attrs.field(factory=dict)
    plans: list[BuildPlan] = attrs.field(factory=list)


# Longer names are cut in messages.
_MAX_SHOWN = 60

_Planner: TypeAlias = Callable[[FunctionPlans, tuple[FunctionSpec, ...]], None]


def plan_functions(planning: FunctionPlans, selected: Iterable[FunctionSpec]) -> None:
    """Plans the selected functions for the purpose of the request."""
    _PLANNERS[planning.request.purpose](planning, tuple(selected))


def plan_others(planning: FunctionPlans, selected: Iterable[str]) -> tuple[BuildPlan, ...]:
    """The plans of the functions that are not selected, for the rules between functions."""
    names = set(selected)
    if not names or planning.request.purpose != "build":
        return ()
    stack, request = planning.stack, planning.request
    options = attrs.evolve(request.options, tag="latest")
    request = attrs.evolve(request, options=options)
    plans: list[BuildPlan] = []
    ignored = FaultCollector()  # the faults of functions that are not built now
    for spec in stack.built_functions:
        if spec.name not in names:
            with ignored.catch():
                prepared = _prepare(stack, spec, options, planning.inputs)
                plans.append(_resolve(spec, prepared, request, planning.inputs))
    return tuple(plans)


def with_buildx(plan: BuildPlan) -> BuildPlan:
    """The plan for a front end that is buildx."""
    return attrs.evolve(plan, needs=plan.needs | {BUILDX})


def _plan_builds(planning: FunctionPlans, selected: tuple[FunctionSpec, ...]) -> None:
    stack, request, faults = planning.stack, planning.request, planning.faults
    flags, options, inputs = request.flags, request.options, planning.inputs
    faults.add(*check_remote_builder(inputs.environ))
    check_conflicts(flags, faults)
    check_default(stack.build_cache, flags, faults)
    check_scope_reach(selected, flags, faults)
    for spec in selected:
        _check_name(planning, spec)
        with faults.catch():
            prepared = planning.specs[spec.name] = _prepare(stack, spec, options, inputs)
            planning.plans.append(_resolve(spec, prepared, request, inputs))
            faults.add(*check_agent(spec, inputs))


def _plan_pushes(planning: FunctionPlans, selected: tuple[FunctionSpec, ...]) -> None:
    """Plans only the image of each function."""
    for spec in selected:
        if spec.image and "/" not in spec.image:
            planning.faults.add(_unpushable(spec))
            continue
        with planning.faults.catch():
            prepared = prepare_push(spec, planning.request.options, planning.inputs)
            planning.specs[spec.name] = prepared
            planning.plans.append(resolve(prepared))


def _plan_contexts(planning: FunctionPlans, selected: tuple[FunctionSpec, ...]) -> None:
    """Plans only the sources of each function."""
    for spec in selected:
        _check_name(planning, spec)
        planning.specs[spec.name] = spec
        plan = BuildPlan(
            function=spec.name,
            tags=(),
            context=spec.context_path,
            lang=spec.lang,
            handler=spec.handler,
        )
        planning.plans.append(plan)


_PLANNERS: dict[Purpose, _Planner] = {
    "build": _plan_builds,
    "push": _plan_pushes,
    "contexts": _plan_contexts,
}


def _check_name(planning: FunctionPlans, spec: FunctionSpec) -> None:
    """What is wrong with the name of a function whose context has that name."""
    if spec.context is None:
        location = Location(path=("functions", spec.name))
        named = check_name(planning.stack.own_name(spec.name))
        planning.faults.add(*(attrs.evolve(d, location=location) for d in named))


def _prepare(
    stack: Stack, spec: FunctionSpec, options: BuildOptions, inputs: PlanInputs
) -> FunctionSpec:
    """The spec with options and template; its context has the name of the function in its file."""
    prepared = prepare_function(spec, options, inputs)
    own = stack.own_name(spec.name)
    if prepared.context is not None or own == spec.name:
        return prepared
    return attrs.evolve(prepared, context=attrs.evolve(spec, name=own).context_path)


def _resolve(
    spec: FunctionSpec, prepared: FunctionSpec, request: Request, inputs: PlanInputs
) -> BuildPlan:
    """The plan of one function; what `publish` does needs buildx, with caching or without."""
    plan, options = resolve(prepared, request.flags), request.options
    if options.address is not None:
        plan = attrs.evolve(plan, address=options.address)
    if mounts_ssh(spec, inputs):  # A1, without an agent too
        plan = attrs.evolve(plan, env=BUILDKIT_ENABLED)
    return with_buildx(plan) if options.publish else plan


def _unpushable(spec: FunctionSpec) -> Diagnostic:
    """The error for an image that has neither a registry nor a user, as for faas-cli."""
    image = masked(spec.image)[:_MAX_SHOWN]
    return Diagnostic(
        name="default-registry",
        rule="",
        message=f"cannot push `{image}`, because its name has no registry and no user",
        hint=f"write `image: REGISTRY/USER/{image}`",
        location=Location(path=("functions", spec.name, "image")),
    )
