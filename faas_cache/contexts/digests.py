"""`handler_digest`: what `--tag digest` adds to the tag of an image."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from faas_cache.contexts.files import READ_FLAGS
from faas_cache.contexts.names import BUILD_FOLDER, TEMPLATE_FOLDER, quoted
from faas_cache.contexts.sources import Limits
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidFunction

if TYPE_CHECKING:
    from hashlib import _Hash

__all__ = ["handler_digest"]

_BLOCK = 2**20
# What a build and faas-cli write into the folder of a project.
_GENERATED = frozenset({BUILD_FOLDER, TEMPLATE_FOLDER})


def handler_digest(handler: str, limits: Limits = Limits(), *, root: str = "") -> str:  # noqa: B008  # frozen
    """The digest of a handler as faas-cli computes it: the MD5 of the MD5s of its regular files.

    `handler` is a folder, relative to the project in `root`. The files are in the order of their
    paths. Names, modes and links do not count, and a handler that is a link has no files. Of a
    handler that is the project itself, `build` and `template` do not count, so that a build does
    not change the digest; for faas-cli they do. Raises `InvalidFunction`, with a key path relative
    to the function, if there is no such folder, a file cannot be read, or a limit is exceeded.
    """
    from hashlib import md5

    if not handler:
        raise _invalid("`--tag digest` needs a handler", "write `handler: FOLDER`, or another tag")
    handler = os.path.join(root, handler)
    if not os.path.isdir(handler):
        shown = quoted(os.path.relpath(handler, root or "."))
        raise _invalid(
            f"`--tag digest` needs the handler {shown}, which is not a folder",
            "create it, or correct `handler`",
        )
    skipped = _GENERATED if os.path.realpath(handler) == os.path.realpath(root) else frozenset()
    digest = md5(usedforsecurity=False)
    size = 0
    try:
        for path in _regular_files(handler, skipped, limits):
            one = md5(usedforsecurity=False)
            size += _update(one, path, limits.size - size)
            digest.update(one.hexdigest().encode())
    except OSError as error:
        shown = quoted(str(error.filename or handler))
        raise _invalid(f"cannot read the handler: {error.strerror} ({shown})") from error
    return digest.hexdigest()


def _regular_files(handler: str, skipped: frozenset[str], limits: Limits) -> list[str]:
    """The paths of all regular files below a folder, in the order of their bytes.

    Entries of the folder itself that are `skipped` do not count.
    """
    files: list[str] = []
    waiting = [(os.path.normpath(handler), 0)]
    count = 0
    if os.path.islink(os.path.normpath(handler)):
        waiting = []
    while waiting:
        folder, depth = waiting.pop()
        if depth > limits.depth:
            raise _invalid(f"the handler is nested more than {limits.depth} folders deep")
        with os.scandir(folder) as entries:
            for entry in entries:
                if depth == 0 and entry.name in skipped:
                    continue
                count += 1
                if count > limits.entries:
                    raise _invalid(f"the handler has more than {limits.entries} files and folders")
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, depth + 1))
                elif entry.is_file(follow_symlinks=False):
                    files.append(entry.path)
    return sorted(files, key=os.fsencode)


def _update(digest: _Hash, path: str, limit: int) -> int:
    """Adds the bytes of a file, and returns their number."""
    descriptor = os.open(path, READ_FLAGS)
    size = 0
    try:
        # A FIFO that has replaced the file would be read as an empty one.
        while stat.S_ISREG(os.fstat(descriptor).st_mode) and (data := os.read(descriptor, _BLOCK)):
            digest.update(data)
            size += len(data)
            if size > limit:
                raise _invalid("the files of the handler are too large for a digest")
    finally:
        os.close(descriptor)
    return size


def _invalid(
    message: str, hint: str = "remove generated or unreadable files from the handler"
) -> InvalidFunction:
    return InvalidFunction(
        Diagnostic(
            name="invalid-context",
            message=message,
            hint=hint,
            location=Location(path=("handler",)),
        )
    )
