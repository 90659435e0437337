"""The files in `build` besides the contexts while they are written: `build/.faas-cache-…`.

All of them are removed when a run ends; those of a killed run are removed by a later one. Other
programs may delete `build` at any time; it is created again when it is needed.
"""

from __future__ import annotations

import os
import stat

from faas_cache.contexts.names import BUILD_FOLDER, STATE_PREFIX, quoted
from faas_cache.contexts.sources import relative_path
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.errors import InvalidFunction

__all__ = ["build_folder", "cannot_write", "ensure_folder", "state_path"]

# Linux: NAME_MAX.
_MAX_BYTES = 255


def build_folder(root: str, name: str) -> str:
    """The folder `build` of a project; it is created if it does not exist."""
    folder = f"{root}/{BUILD_FOLDER}"
    ensure_folder(folder, root, "invalid-context", ("functions", name))
    return folder


def state_path(root: str, name: str, kind: str) -> str:
    """A path that belongs to the context `build/NAME`.

    The kinds are `lock` and `held` (see `locks`), and `previous` (see `staging`).
    """
    file = f"{STATE_PREFIX}{name}.{kind}"
    if len(os.fsencode(file)) > _MAX_BYTES:
        from hashlib import sha256

        file = f"{STATE_PREFIX}{sha256(os.fsencode(name)).hexdigest()}.{kind}"
    return f"{root}/{BUILD_FOLDER}/{file}"


def ensure_folder(folder: str, root: str, condition: str, key: KeyPath) -> None:
    """Creates a folder if it does not exist.

    Raises `InvalidFunction`, with the name `condition` and the key path `key`, for a file, and for
    a link, which could lead out of the project.
    """
    try:
        status = os.lstat(folder)
    except FileNotFoundError:
        try:
            os.mkdir(folder, 0o755)
        except FileExistsError:
            status = os.lstat(folder)
        else:
            return
    if stat.S_ISDIR(status.st_mode):
        return
    shown = quoted(relative_path(folder, root))
    if stat.S_ISLNK(status.st_mode):
        message = f"{shown} is a link, but files are written only inside the project"
    else:
        message = f"{shown} is not a folder"
    raise InvalidFunction(
        Diagnostic(
            name=condition,
            message=message,
            hint=f"remove {shown}",
            location=Location(path=key),
        )
    )


def cannot_write(root: str, name: str, error: OSError) -> InvalidFunction:
    """The error for a context that cannot be written because of the system."""
    path = error.filename if isinstance(error.filename, str) else ""
    cause = f"{error.strerror} ({quoted(relative_path(path, root))})" if path else error.strerror
    return InvalidFunction(
        Diagnostic(
            name="invalid-context",
            message=f"cannot write the build context {quoted(f'{BUILD_FOLDER}/{name}')}: {cause}",
            hint="check the permissions and the free space of the project",
            location=Location(path=("functions", name)),
        )
    )
