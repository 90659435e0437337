"""Names of functions and templates: each is the name of one folder."""

from __future__ import annotations

import os

from faas_cache.model.errors import InvalidFunction
from faas_cache.model.masking import masked
from faas_cache.planning.function_names import STATE_PREFIX, check_name, is_folder_name

__all__ = [
    "BUILD_FOLDER",
    "STATE_PREFIX",
    "TEMPLATE_FOLDER",
    "check_name",
    "is_folder_name",
    "quoted",
    "require_name",
    "template_names",
]

# Where faas-cli keeps contexts and templates, below the project.
BUILD_FOLDER = "build"
TEMPLATE_FOLDER = "template"

# Messages cut longer texts.
_SHOWN = 60


def quoted(text: str) -> str:
    """A name or path in backticks for a message: masked, and cut to 60 characters."""
    return f"`{masked(text)[:_SHOWN]}`"


def template_names(root: str) -> tuple[str, ...]:
    """The names of the templates of a project, sorted."""
    try:
        with os.scandir(os.path.join(root, TEMPLATE_FOLDER)) as entries:
            return tuple(sorted(entry.name for entry in entries if entry.is_dir()))
    except OSError:
        return ()


def require_name(name: str) -> None:
    """Raises `InvalidFunction` if a function's name is not a valid folder name."""
    errors = [diagnostic for diagnostic in check_name(name) if diagnostic.severity == "error"]
    if errors:
        raise InvalidFunction(*errors)
