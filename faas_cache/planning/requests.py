"""What a stack is planned for, and what was read from the machine for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, get_args

import attrs

from faas_cache.model.converters import (
    Reader,
    read_boolean,
    read_fields,
    read_list,
    read_optional_string,
)
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.errors import InvalidInput
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked
from faas_cache.model.value import Value
from faas_cache.planning.context_files import ContextFiles
from faas_cache.planning.options import BuildOptions
from faas_cache.stack.templates import Template

__all__ = ["PURPOSES", "PlanInputs", "Purpose", "Request"]

Purpose: TypeAlias = Literal["build", "push", "contexts"]
PURPOSES: tuple[str, ...] = get_args(Purpose)
_MAX_SHOWN = 60

_NO_FLAGS = CacheFlags()
_NO_OPTIONS = BuildOptions()
_NO_TEMPLATES: FrozenMap[Template] = FrozenMap()
_NO_CONTEXTS: FrozenMap[ContextFiles] = FrozenMap()


def _read_purpose(value: object, path: KeyPath) -> Purpose:
    if value in PURPOSES:
        return value  # type: ignore[return-value]  # one of the three
    raise InvalidInput(
        Diagnostic(
            name="invalid-argument",
            message=f"unknown purpose `{masked(str(value))[:_MAX_SHOWN]}`",
            hint=f"use one of {', '.join(PURPOSES)}",
            location=Location(path=path),
        )
    )


_READERS: dict[str, Reader] = {
    "names": read_list,
    "filter": read_optional_string,
    "regex": read_optional_string,
    "strict": read_boolean,
    "purpose": _read_purpose,
}


@attrs.frozen(kw_only=True, eq=False, repr=False, init=False)
class Request(Value):
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

    names: tuple[str, ...] = ()
    filter: str | None = None
    regex: str | None = None
    flags: CacheFlags = _NO_FLAGS
    options: BuildOptions = _NO_OPTIONS
    strict: bool = False
    purpose: Purpose = "build"

    def __init__(  # noqa: PLR0913  # a parameter for each field
        self,
        *,
        names: Iterable[str] = (),
        filter: str | None = None,  # noqa: A002  # the name of the flag
        regex: str | None = None,
        flags: CacheFlags = _NO_FLAGS,
        options: BuildOptions = _NO_OPTIONS,
        strict: bool = False,
        purpose: Purpose = "build",
    ) -> None:
        values = {name: value for name, value in locals().items() if name in _READERS}
        fields = read_fields(values, _READERS)
        self.__attrs_init__(flags=flags, options=options, **fields)


@attrs.frozen(kw_only=True, eq=False, repr=False, init=False)
class PlanInputs(Value):
    """What was read from the machine for a plan, as data.

    Attributes:
        environ: The variables of `PLANNING_VARIABLES`; `None` means that they were not read.
        templates: The templates of the functions by their `lang`, as far as they exist.
        dockerfiles: The Dockerfile of a function by its name.
        context_files: What checks need of the files of contexts, by the name of the function.
        tags: What `--tag` adds to the image of a function, by the function's name.
        diagnostics: Faults of what was read.
        root: The folder of the project, in which commands run; empty is the current one.
    """

    environ: FrozenMap[str] | None = None
    templates: FrozenMap[Template] = _NO_TEMPLATES
    dockerfiles: FrozenMap[str] = attrs.field(default=EMPTY, repr=False)
    context_files: FrozenMap[ContextFiles] = attrs.field(default=_NO_CONTEXTS, repr=False)
    tags: FrozenMap[str] = EMPTY
    diagnostics: tuple[Diagnostic, ...] = ()
    root: str = ""

    def __init__(  # noqa: PLR0913  # a parameter for each field
        self,
        *,
        environ: Mapping[str, str] | None = None,
        templates: Mapping[str, Template] = _NO_TEMPLATES,
        dockerfiles: Mapping[str, str] = EMPTY,
        context_files: Mapping[str, ContextFiles] = _NO_CONTEXTS,
        tags: Mapping[str, str] = EMPTY,
        diagnostics: Iterable[Diagnostic] = (),
        root: str = "",
    ) -> None:
        self.__attrs_init__(
            environ=None if environ is None else FrozenMap(environ),
            templates=FrozenMap(templates),
            dockerfiles=FrozenMap(dockerfiles),
            context_files=FrozenMap(context_files),
            tags=FrozenMap(tags),
            diagnostics=tuple(diagnostics),
            root=root,
        )
