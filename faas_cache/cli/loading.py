"""From arguments to a `Project` and a plan."""

from __future__ import annotations

import os
from typing import Any, Literal

from faas_cache.cli.arguments import COMMANDS, Arguments, check_several_files
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import FaasCacheError, InvalidInput
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import EMPTY
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.options import BuildOptions
from faas_cache.planning.preparation import check_empty
from faas_cache.planning.requests import Purpose
from faas_cache.project import Project, default_stack_file
from faas_cache.stack_plan import StackPlan

__all__ = ["exit_code_of", "is_empty", "load_project", "nothing_to_do", "plan_functions"]

_DESCRIPTION = ("name", "image", "handler", "lang")


def load_project(arguments: Arguments) -> Project:
    """The project of the stack files, or of the one function that the flags describe.

    As with faas-cli, `--name`, `--image`, `--handler` and `--lang` count where there is no stack
    file, or none with a function in it; `-f ""` means that there is no file.
    """
    given: dict[str, Any] = {key: getattr(arguments, key, "") for key in _DESCRIPTION}
    described = any(given.values())
    files = [file for file in arguments.files if file]
    without_file = not files and (
        bool(arguments.files) or (described and not os.path.exists(default_stack_file(".")))
    )
    if not without_file:
        project = Project.load(*files, envsubst=arguments.envsubst)
        if project.stack.is_combined:  # a pattern may stand for several files
            check_several_files(COMMANDS[arguments.command])
        if project.stack.functions or project.stack.invalid_functions or not described:
            return project
    if not described:
        return Project.of()
    missing = [f"`--{key}`" for key in _DESCRIPTION if not given[key]]
    if missing:
        raise InvalidInput(
            Diagnostic(
                name="conflicting-flags",
                message=f"a function without a stack file also needs {', '.join(missing)}",
                hint="give all four flags, or name a stack file with `-f`",
            )
        )
    return Project.of(FunctionSpec(**given))


def plan_functions(
    project: Project, arguments: Arguments, *, publish: bool = False, purpose: Purpose = "build"
) -> StackPlan:
    """The plan of the functions that the arguments select, for the front end that they name."""
    plan = project.plan(
        *arguments.operands,
        filter=arguments.filter,
        regex=arguments.regex,
        flags=cache_flags(project, arguments) if purpose == "build" else CacheFlags(),
        options=_push_options(arguments)
        if purpose == "push"
        else build_options(arguments, publish=publish),
        strict=getattr(arguments, "strict", False),
        purpose=purpose,
    )
    name = getattr(arguments, "front_end", None)
    if name is None:
        return plan
    from faas_cache.render.front_ends import FRONT_ENDS

    return plan.using(FRONT_ENDS[name])


def cache_flags(project: Project, arguments: Arguments) -> CacheFlags:
    """What the arguments and the environment say about caching."""
    return CacheFlags.from_environ(
        project.environ,
        build_cache=arguments.build_cache,
        cache_from=arguments.cache_from or None,
        cache_to=arguments.cache_to or None,
        scope=arguments.cache_scope,
        fallback_scopes=arguments.cache_scope_fallback or None,
        no_cache=arguments.no_cache or None,
        export=_export(arguments),
        ignore_export_errors=arguments.ignore_cache_errors or None,
        enabled=False if arguments.no_build_cache else None,
    )


def _export(arguments: Arguments) -> bool | Literal["on", "off", "auto"] | None:
    """D10: `--cache-export`, of which `--no-cache-export` is `off`."""
    chosen: Literal["on", "off", "auto"] | None = arguments.cache_export
    if arguments.no_cache_export and chosen not in (None, "off"):
        raise InvalidInput(
            Diagnostic(
                name="conflicting-flags",
                message=f"`--no-cache-export` conflicts with `--cache-export {chosen}`",
                hint="remove one of them",
            )
        )
    return False if arguments.no_cache_export else chosen


def _push_options(arguments: Arguments) -> BuildOptions:
    """What the flags of `push` say: which image, and nothing about its build."""
    return BuildOptions(tag=arguments.tag, extra_tags=arguments.extra_tag)


def build_options(arguments: Arguments, *, publish: bool) -> BuildOptions:
    """What the build flags say for every function."""
    return BuildOptions(
        build_args=arguments.build_arg or EMPTY,
        build_labels=arguments.build_label or EMPTY,
        build_options=arguments.build_option,
        builder_flags=arguments.builder_flag,
        copy_extra=arguments.copy_extra,
        extra_tags=arguments.extra_tag,
        tag=arguments.tag,
        platforms=arguments.platforms,
        builder=arguments.builder or None,
        address=getattr(arguments, "addr", None) or None,
        pull=arguments.pull,
        squash=arguments.squash,
        push=arguments.push,
        publish=publish,
        provenance=arguments.provenance,
        sbom=arguments.sbom,
        prebuilt=getattr(arguments, "prebuilt", False),
        allow_outside_links=arguments.allow_outside_links,
    )


def is_empty(plan: StackPlan) -> bool:
    """Whether there is no stack file, or no function in it."""
    return bool(check_empty(plan.stack))


def nothing_to_do(plan: StackPlan, verb: str) -> object:
    """The message for a plan without errors and without functions; else empty."""
    if plan.plans or plan.errors:
        return ""
    empty = check_empty(plan.stack)
    return empty[0] if empty else f"nothing to {verb}: every selected function is skipped"


def exit_code_of(plan: StackPlan) -> int:
    """The exit code of a build of this plan before it starts; 0 if nothing stops it."""
    try:
        plan.raise_errors()
    except FaasCacheError as error:
        return error.exit_code
    return 0
