"""What a stack is planned for, and what was read from the machine for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, get_args

import attrs

from faas_cache.model.converters import read_boolean, read_list, read_optional_string
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidInput
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked, shown_fields
from faas_cache.planning.options import BuildOptions
from faas_cache.stack.templates import Template

__all__ = ["PURPOSES", "PlanInputs", "Purpose", "Request"]

Purpose: TypeAlias = Literal["build", "push", "contexts"]
PURPOSES: tuple[str, ...] = get_args(Purpose)
_MAX_SHOWN = 60

_NO_FLAGS = CacheFlags()
_NO_OPTIONS = BuildOptions()
_NO_TEMPLATES: FrozenMap[Template] = FrozenMap()


def _read_names(value: object) -> tuple[str, ...]:
    return read_list(value, ("names",))


def _read_filter(value: object) -> str | None:
    return read_optional_string(value, ("filter",))


def _read_regex(value: object) -> str | None:
    return read_optional_string(value, ("regex",))


def _read_strict(value: object) -> bool:
    return read_boolean(value, ("strict",))


def _read_purpose(value: object) -> Purpose:
    if value in PURPOSES:
        return value  # type: ignore[return-value]  # one of the three
    raise InvalidInput(
        Diagnostic(
            name="invalid-argument",
            message=f"unknown purpose `{masked(str(value))[:_MAX_SHOWN]}`",
            hint=f"use one of {', '.join(PURPOSES)}",
            location=Location(path=("purpose",)),
        )
    )


@attrs.frozen(kw_only=True, repr=False)
class Request:
    """The arguments of a plan, so that a stack can be planned again with them.

    Attributes:
        names: The functions to plan, in any order; none means all.
        filter: A pattern of names, in which `*` matches anything.
        regex: A regular expression of RE2 that names must contain.
        flags: The cache flags.
        options: The build options.
        strict: Whether warnings are errors.
        purpose: What is planned: `build`, `push`, which only needs images, or `contexts`, which
            only needs their sources.
    """

    names: tuple[str, ...] = attrs.field(default=(), converter=_read_names)
    filter: str | None = attrs.field(default=None, converter=_read_filter)
    regex: str | None = attrs.field(default=None, converter=_read_regex)
    flags: CacheFlags = _NO_FLAGS
    options: BuildOptions = _NO_OPTIONS
    strict: bool = attrs.field(default=False, converter=_read_strict)
    purpose: Purpose = attrs.field(default="build", converter=_read_purpose)

    __repr__ = shown_fields


def _freeze(value: Mapping[str, str]) -> FrozenMap[str]:
    return FrozenMap(value)


def _freeze_environ(value: Mapping[str, str] | None) -> FrozenMap[str] | None:
    return None if value is None else FrozenMap(value)


def _freeze_templates(value: Mapping[str, Template]) -> FrozenMap[Template]:
    return FrozenMap(value)


def _diagnostics(value: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(value)


@attrs.frozen(kw_only=True, repr=False)
class PlanInputs:
    """What was read from the machine for a plan, as data.

    Attributes:
        environ: The variables of `PLANNING_VARIABLES`; `None` means that they were not read.
        templates: The templates of the functions by their `lang`, as far as they exist.
        dockerfiles: The Dockerfile of a function by its name (`reads_dockerfile` says which).
        tags: What `--tag` adds to the image of a function, by the function's name.
        diagnostics: Faults of what was read.
        root: The folder of the project, in which commands run; empty is the current one.
    """

    environ: FrozenMap[str] | None = attrs.field(default=None, converter=_freeze_environ)
    templates: FrozenMap[Template] = attrs.field(default=_NO_TEMPLATES, converter=_freeze_templates)
    dockerfiles: FrozenMap[str] = attrs.field(default=EMPTY, converter=_freeze, repr=False)
    tags: FrozenMap[str] = attrs.field(default=EMPTY, converter=_freeze)
    diagnostics: tuple[Diagnostic, ...] = attrs.field(default=(), converter=_diagnostics)
    root: str = ""

    __repr__ = shown_fields
