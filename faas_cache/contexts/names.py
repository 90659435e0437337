"""Names of functions and templates: each is the name of one folder."""

from __future__ import annotations

import re

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.masking import masked

__all__ = [
    "BUILD_FOLDER",
    "STATE_PREFIX",
    "TEMPLATE_FOLDER",
    "check_name",
    "is_folder_name",
    "quoted",
    "require_name",
]

# Where faas-cli keeps contexts and templates, below the project.
BUILD_FOLDER = "build"
TEMPLATE_FOLDER = "template"
# Locks and unfinished folders, beside contexts and templates, whose names must not start with it.
STATE_PREFIX = ".faas-cache-"

# Linux: NAME_MAX.
_MAX_BYTES = 255
# Messages cut longer texts.
_SHOWN = 60
# RFC 1123, which Kubernetes requires of names.
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")


def quoted(text: str) -> str:
    """A name or path in backticks for a message: masked, and cut to 60 characters."""
    return f"`{masked(text)[:_SHOWN]}`"


def is_folder_name(name: str) -> bool:
    """Whether a name is one component of a path.

    >>> [is_folder_name(name) for name in ("fn", "py@v1", "..", "a/b", ".faas-cache-1")]
    [True, True, False, False, False]
    """
    try:
        size = len(name.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return False
    return (
        name not in ("", ".", "..")
        and not any(character in name for character in "/\\\0")
        and size <= _MAX_BYTES
        and not name.casefold().startswith(STATE_PREFIX)
    )


def check_name(name: str) -> tuple[Diagnostic, ...]:
    """The diagnostics of a function's name: as the folder of its context, and for its deployment.

    >>> [diagnostic.name for name in ("fn", "Fn", "../fn") for diagnostic in check_name(name)]
    ['undeployable-name', 'invalid-function-name']
    """
    if _LABEL.fullmatch(name):
        return ()
    location = Location(path=("functions", name))
    if not is_folder_name(name):
        return (
            Diagnostic(
                name="invalid-function-name",
                message=f"invalid function name {quoted(name)}: not a valid folder name",
                hint="use at most 63 lower-case letters, digits and dashes",
                location=location,
            ),
        )
    return (
        Diagnostic(
            name="undeployable-name",
            severity="warning",
            message=f"function {quoted(name)} cannot be deployed: its name is not a DNS label",
            hint="use at most 63 lower-case letters, digits and dashes",
            location=location,
        ),
    )


def require_name(name: str) -> None:
    """Raises `InvalidFunction` if a function's name is not a valid folder name."""
    errors = [diagnostic for diagnostic in check_name(name) if diagnostic.severity == "error"]
    if errors:
        raise InvalidFunction(*errors)
