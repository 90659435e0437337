"""`find_ignore_file`: the ignore file at the root of a context, in the sources of the context."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable

from faas_cache.contexts.names import TEMPLATE_FOLDER
from faas_cache.contexts.templates import DOCKERFILE

__all__ = ["find_ignore_file", "root_folders"]


def root_folders(root: str, template: str, handler: str, inside: str) -> tuple[str, ...]:
    """The folders whose files are at the root of a context; the last one goes first.

    `inside` is the path of the handler in the context.
    """
    folders = (f"{root}/{TEMPLATE_FOLDER}/{template}",) if template != DOCKERFILE else ()
    return folders if inside else (*folders, os.path.join(root, handler))


def find_ignore_file(
    names: Iterable[str], folders: tuple[str, ...], root: str = "", extras: Iterable[str] = ()
) -> str | None:
    """The path of the ignore file of a context; None where it has none of these names.

    `extras` are the paths in `root` that are copied to the root of the context, after the folders.
    """
    copied = frozenset(map(posixpath.normpath, extras))

    def find(name: str) -> str | None:
        paths = [f"{folder}/{name}" for folder in folders]
        paths += [f"{root}/{name}"] if name in copied else []
        return next(filter(os.path.exists, reversed(paths)), None)

    if find("Dockerfile") is None and find("dockerfile") is not None:
        return None  # docker reads `dockerfile.dockerignore` then
    return next(filter(os.path.isfile, filter(None, map(find, names))), None)
