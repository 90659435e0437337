"""`check`: what is known about plans before they run, because BuildKit silently ignores much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import attrs

from faas_cache.model.builders import Builder, missing_features
from faas_cache.model.ci import detect_job
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.frozen_map import EMPTY
from faas_cache.planning.context_files import ContextFiles
from faas_cache.planning.credential_checks import check_credentials
from faas_cache.planning.entry_checks import Environment
from faas_cache.planning.node_checks import check_loading, check_nodes
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.plan_checks import check_contexts, check_plan
from faas_cache.planning.stack_checks import check_between
from faas_cache.planning.untrusted import check_untrusted

__all__ = ["check", "check_builder", "check_each", "check_files"]


def check(
    plans: Iterable[BuildPlan],
    builder: Builder | None = None,
    environ: Mapping[str, str] | None = None,
    dockerfiles: Mapping[str, str] = EMPTY,
    context_files: Mapping[str, ContextFiles] = MappingProxyType({}),
) -> tuple[Diagnostic, ...]:
    """The diagnostics of these plans: of each one, then between them, then about the builder.

    `builder` and `environ` describe the machine; `None` means that it was not inspected. Of the
    environment only the variables of `type=gha` and of CI systems are read. `dockerfiles` holds the
    text of the Dockerfile of a function by its name, `context_files` what was found in its context.
    Raises nothing for plans that `resolve` made.

    >>> from faas_cache.model.specs import FunctionSpec
    >>> from faas_cache.planning.resolution import resolve
    >>> setting = {"to": ["type=local,dest=/c,mode=medium"]}
    >>> plan = resolve(FunctionSpec(name="fn", image="a/b", build_cache=setting))
    >>> [diagnostic.name for diagnostic in check([plan])]
    ['invalid-mode']
    """
    plans = tuple(plans)
    return (
        *check_each(plans, builder, environ, dockerfiles),
        *check_files(plans, dockerfiles, context_files=context_files),
        *check_between(plans),
        *check_builder(plans, builder, environ),
    )


def check_each(
    plans: Iterable[BuildPlan],
    builder: Builder | None = None,
    environ: Mapping[str, str] | None = None,
    dockerfiles: Mapping[str, str] = EMPTY,
) -> tuple[Diagnostic, ...]:
    """The diagnostics of each plan alone, and of its local caches in the contexts of all."""
    plans = tuple(plans)
    environment = Environment(builder, environ)
    diagnostics = [
        diagnostic
        for plan in plans
        for diagnostic in check_plan(plan, environment, dockerfiles.get(plan.function, ""))
    ]
    job = None if environ is None else detect_job(environ)
    diagnostics += [d for plan in plans for d in check_untrusted(plan, job)]
    return (*diagnostics, *check_contexts(plans))


def check_files(
    plans: Iterable[BuildPlan],
    dockerfiles: Mapping[str, str],
    variables: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType({}),
    common: Iterable[str] = (),
    context_files: Mapping[str, ContextFiles] = MappingProxyType({}),
) -> tuple[Diagnostic, ...]:
    """The diagnostics between the plans, their Dockerfiles and the files of their contexts.

    `variables` holds the names of the variables in build arguments, by function and argument;
    `common` the build arguments that every function gets.
    """
    plans = tuple(plans)
    diagnostics: list[Diagnostic] = []
    if dockerfiles:
        from faas_cache.planning.dockerfile_checks import check_dockerfiles

        diagnostics += check_dockerfiles(plans, dockerfiles, variables, common)
    if context_files:
        from faas_cache.planning.context_checks import check_context_files

        diagnostics += check_context_files(plans, context_files, dockerfiles)
    return tuple(diagnostics)


def check_builder(
    plans: Iterable[BuildPlan],
    builder: Builder | None,
    environ: Mapping[str, str] | None = None,
    *,
    publish: bool = False,
) -> tuple[Diagnostic, ...]:
    """F2, F5: what each plan needs and the builder lacks, and one note about unknown versions."""
    plans = tuple(plans)
    missing: list[Diagnostic] = []
    notes: dict[Diagnostic, None] = {}
    for plan in plans:
        for diagnostic in missing_features((plan,), builder, environ or EMPTY, publish=publish):
            if diagnostic.severity == "error":
                location = Location(path=("functions", plan.function))
                missing.append(attrs.evolve(diagnostic, location=location))
            else:
                notes[diagnostic] = None
    if builder is None:
        return (*missing, *notes)
    return (
        *missing,
        *check_loading(plans, builder),
        *check_nodes(plans, builder),
        *check_credentials(plans, builder),
        *notes,
    )
