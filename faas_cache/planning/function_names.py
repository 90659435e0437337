"""The names of functions: each is also the name of a folder, and of a deployment."""

from __future__ import annotations

import re

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.masking import masked

__all__ = ["STATE_PREFIX", "check_name", "is_folder_name"]

# The prefix of locks and unfinished folders: names of functions must not start with it.
STATE_PREFIX = ".faas-cache-"

# Linux: NAME_MAX, in bytes.
_MAX_BYTES = 255
# RFC 1123: a DNS label, which Kubernetes requires of names.
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_MAX_SHOWN = 60


def check_name(name: str) -> tuple[Diagnostic, ...]:
    """The diagnostics of a function's name: as the folder of its context, and for its deployment.

    >>> [diagnostic.name for name in ("fn", "Fn", "../fn") for diagnostic in check_name(name)]
    ['undeployable-name', 'invalid-function-name']
    """
    if _LABEL.fullmatch(name):
        return ()
    shown = masked(name)[:_MAX_SHOWN]
    location = Location(path=("functions", name))
    if not is_folder_name(name):
        return (
            Diagnostic(
                name="invalid-function-name",
                message=f"invalid function name `{shown}`: not a valid folder name",
                hint="use at most 63 lower-case letters, digits and dashes",
                location=location,
            ),
        )
    return (
        Diagnostic(
            name="undeployable-name",
            severity="warning",
            message=f"function `{shown}` cannot be deployed: its name is not a DNS label",
            hint="use at most 63 lower-case letters, digits and dashes",
            location=location,
        ),
    )


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
