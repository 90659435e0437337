"""The names of functions: each is also the name of a folder, and of a deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.masking import masked

__all__ = ["check_name"]

# Linux: NAME_MAX, in bytes.
_MAX_BYTES = 255
# RFC 1123: a DNS label, which Kubernetes requires of names.
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_MAX_SHOWN = 60


def check_name(name: str) -> Iterator[Diagnostic]:
    """What is wrong with the name of a function as the name of a folder or of a deployment.

    >>> [diagnostic.name for diagnostic in check_name("a/b")]
    ['invalid-function-name']
    """
    shown = masked(name)[:_MAX_SHOWN]
    location = Location(path=("functions", name))
    if not _is_folder_name(name):
        yield Diagnostic(
            name="invalid-function-name",
            message=f"the function name `{shown}` is not a valid folder name",
            hint="use at most 63 letters, digits and dashes",
            location=location,
        )
    elif not _LABEL.fullmatch(name):
        yield Diagnostic(
            name="undeployable-name",
            severity="warning",
            message=f"the function name `{shown}` is not a valid DNS label: it cannot be deployed",
            hint="use at most 63 of a-z, 0-9 and dashes",
            location=location,
        )


def _is_folder_name(name: str) -> bool:
    if name in ("", ".", "..") or any(c in name for c in "/\\\0"):
        return False
    return len(name.encode("utf-8", "surrogateescape")) <= _MAX_BYTES
