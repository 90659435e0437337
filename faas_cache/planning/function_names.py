"""The names of functions: each is also the name of a folder, and of a deployment."""

from __future__ import annotations

import re

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.masking import masked

__all__ = ["STATE_FOLDER", "check_name", "is_folder_name"]

# Where locks and unfinished contexts are, below `build`: no function or template has such a name.
STATE_FOLDER = ".faas-cache"

# Linux: NAME_MAX, in bytes.
_MAX_BYTES = 255
# RFC 1123: a DNS label, which Kubernetes requires of names.
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_MAX_SHOWN = 60


def check_name(name: str) -> tuple[Diagnostic, ...]:
    """What is wrong with the name of a function as the name of a folder or of a deployment.

    >>> [diagnostic.name for diagnostic in check_name("a/b")]
    ['invalid-function-name']
    """
    shown = masked(name)[:_MAX_SHOWN]
    location = Location(path=("functions", name))
    if not is_folder_name(name):
        invalid = Diagnostic(
            name="invalid-function-name",
            message=f"the function name `{shown}` is not a valid folder name",
            hint="use at most 63 letters, digits and dashes",
            location=location,
        )
        return (invalid,)
    if _LABEL.fullmatch(name):
        return ()
    undeployable = Diagnostic(
        name="undeployable-name",
        severity="warning",
        message=f"the function name `{shown}` is not a valid DNS label, so it cannot be deployed",
        hint="use at most 63 of a-z, 0-9 and dashes",
        location=location,
    )
    return (undeployable,)


def is_folder_name(name: str) -> bool:
    """Whether a name is one component of a path, on every platform.

    >>> [is_folder_name(name) for name in ("fn", "py@v1", "..", "a/b", ".faas-cache")]
    [True, True, False, False, False]
    """
    try:
        size = len(name.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return False
    if name in ("", ".", "..") or any(c in name for c in "/\\\0"):
        return False
    return size <= _MAX_BYTES and not name.casefold().startswith(STATE_FOLDER)
