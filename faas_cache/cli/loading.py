"""From arguments to a `Project` and a plan."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.flags import CacheFlags
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.options import BuildOptions
from faas_cache.project import Project, default_stack_file

if TYPE_CHECKING:
    from faas_cache.stack_plan import StackPlan

__all__ = ["load_project", "plan_functions"]

_DESCRIPTION = ("name", "image", "handler", "lang")


def load_project(arguments: Namespace) -> Project:
    """The project of a stack file, or of the one function that the flags describe.

    As with faas-cli, `--name`, `--image`, `--handler` and `--lang` count where there is no stack file, or none with a
    function in it; `-f ""` means that there is no file.
    """
    given = {key: getattr(arguments, key) for key in _DESCRIPTION}
    described = any(given.values())
    file = arguments.file
    without_file = file == "" or (
        described and file is None and not os.path.exists(default_stack_file("."))
    )
    if not without_file:
        files = () if file is None else (file,)
        project = Project.load(*files, envsubst=arguments.envsubst)
        if project.stack.functions or not described:
            return project
    if not described:
        return Project.of()
    missing = [f"`--{key}`" for key in _DESCRIPTION if not given[key]]
    if missing:
        raise InvalidInput(
            Diagnostic(
                name="conflicting-flags",
                message=f"a function without a stack file needs {', '.join(missing)}, too",
                hint="give all four flags, or name a stack file with -f",
            )
        )
    return Project.of(FunctionSpec(**given))


def plan_functions(project: Project, arguments: Namespace, *, publish: bool = False) -> StackPlan:
    """The plan of the functions that the arguments select."""
    return project.plan(
        *arguments.operands,
        filter=arguments.filter,
        regex=arguments.regex,
        flags=cache_flags(project, arguments),
        options=build_options(arguments, publish=publish),
        strict=getattr(arguments, "strict", False),
    )


def cache_flags(project: Project, arguments: Namespace) -> CacheFlags:
    """What the arguments and the environment say about caching."""
    given = {
        "build_cache": arguments.build_cache,
        "cache_from": arguments.cache_from or None,
        "cache_to": arguments.cache_to or None,
        "scope": arguments.cache_scope,
        "fallback_scopes": arguments.cache_scope_fallback or None,
        "no_cache": arguments.no_cache or None,
        "export": _export(arguments),
        "ignore_export_errors": arguments.ignore_cache_errors or None,
        "enabled": False if arguments.no_build_cache else None,
    }
    chosen = {key: value for key, value in given.items() if value is not None}
    if arguments.no_build_cache:
        conflicts = [key for key in ("build_cache", "cache_from", "cache_to") if key in chosen]
        if conflicts:
            names = ", ".join(f"`--{key.replace('_', '-')}`" for key in conflicts)
            raise InvalidInput(
                Diagnostic(
                    name="conflicting-flags",
                    message=f"`--no-build-cache` disables caching, and {names} enables it",
                    hint="remove one of them",
                )
            )
    return CacheFlags.from_environ(project.environ, **chosen)


def _export(arguments: Namespace) -> str | bool | None:
    """D10: `--cache-export`, of which `--no-cache-export` is `off`."""
    if arguments.no_cache_export and arguments.cache_export in ("on", "auto"):
        raise InvalidInput(
            Diagnostic(
                name="conflicting-flags",
                message=f"`--no-cache-export` conflicts with `--cache-export {arguments.cache_export}`",
                hint="remove one of them",
            )
        )
    chosen: str | None = arguments.cache_export
    return False if arguments.no_cache_export else chosen


def build_options(arguments: Namespace, *, publish: bool) -> BuildOptions:
    """What the build flags say for every function."""
    return BuildOptions(
        build_args=_joined(arguments.build_arg),
        build_labels=dict(arguments.build_label),
        build_options=arguments.build_option,
        builder_flags=arguments.builder_flag,
        copy_extra=arguments.copy_extra,
        extra_tags=arguments.extra_tag,
        tag=arguments.tag,
        platforms=arguments.platforms,
        builder=arguments.builder or "",
        pull=arguments.pull,
        squash=arguments.squash,
        push=arguments.push,
        publish=publish,
        allow_outside_links=arguments.allow_outside_links,
    )


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Build arguments by name; several `ADDITIONAL_PACKAGE` are one list of packages, as for faas-cli."""
    arguments = dict(pairs)
    packages = [value for key, value in pairs if key == "ADDITIONAL_PACKAGE"]
    return arguments | ({"ADDITIONAL_PACKAGE": " ".join(packages)} if packages else {})
