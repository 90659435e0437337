"""Digests of a build context, file by file: what a `COPY` of it depends on."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import attrs

from faas_cache.contexts.files import READ_FLAGS
from faas_cache.contexts.sources import Limits
from faas_cache.model.errors import InvalidInput
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.inputs import BuildInputs, ContextFile

if TYPE_CHECKING:
    from faas_cache.planning.ignore_files import IgnoredFolder

__all__ = ["MAX_FILES", "digest_context", "read_dockerfile"]

# The files of a context of more are not recorded one by one.
MAX_FILES = 10_000
_BLOCK = 2**20
# A longer Dockerfile is not read to its end, in bytes.
_MAX_DOCKERFILE = 2**20


class _UnknownError(Exception):
    """A context without a digest: it is too large, or the run was stopped."""


def read_dockerfile(root: str, path: str) -> bytes | None:
    """The beginning of a Dockerfile or an ignore file; `None` if there is none."""
    path = os.path.join(root, path)
    if not os.path.isfile(path):  # a pipe would not end
        return None
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_DOCKERFILE)
    except OSError:
        return None


def digest_context(  # noqa: PLR0913  # what is read, and its limits
    root: str,
    folder: str,
    inputs: BuildInputs,
    *,
    dockerfile: str | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    stopped: Callable[[], bool] = lambda: False,
) -> BuildInputs:
    """The inputs with the digests of a context, a folder of the project `root`.

    Owners and times do not count, as for a builder; links are not followed, and what the ignore
    file excludes is left out (`dockerfile` is the path of the Dockerfile, which may have its own).
    The inputs stay as they are if the context cannot be read or exceeds the limits, or once
    `stopped` is true.
    """
    from hashlib import sha256

    whole, top = sha256(), os.path.join(root, folder)
    try:
        files = dict(_files(top, _ignored(root, folder, dockerfile), limits, stopped))
    except (OSError, InvalidInput, _UnknownError):
        return inputs
    for path in sorted(files):
        text = f"{path}\0{files[path].mode}\0{files[path].digest}\n"
        whole.update(text.encode("utf-8", "surrogateescape"))
    count = sum(not path.endswith("/") for path in files)
    recorded = {path: files[path] for path in sorted(files)} if count <= MAX_FILES else {}
    return attrs.evolve(inputs, context=f"sha256:{whole.hexdigest()}", files=FrozenMap(recorded))


def _ignored(root: str, folder: str, dockerfile: str | None) -> IgnoredFolder | None:
    """The root of a context that has an ignore file, which is that of its Dockerfile if any."""
    for path in (
        *([f"{dockerfile}.dockerignore"] if dockerfile else ()),
        f"{folder}/.dockerignore",
    ):
        data = read_dockerfile(root, path)
        if data is not None:
            from faas_cache.planning.ignore_files import parse_ignore_file

            return parse_ignore_file(data).root
    return None


def _files(
    top: str, ignored: IgnoredFolder | None, limits: Limits, stopped: Callable[[], bool]
) -> Iterator[tuple[str, ContextFile]]:
    waiting = [("", ignored, 0)]
    entries, size = 0, 0
    while waiting:
        prefix, ignored, depth = waiting.pop()
        with os.scandir(f"{top}/{prefix}") as listing:
            for entry in listing:
                entries += 1
                if entries > limits.entries or depth > limits.depth or stopped():
                    raise _UnknownError
                path, status = f"{prefix}{entry.name}", entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    inner = None if ignored is None else ignored.enter(entry.name)
                    if inner is None or inner.may_include:
                        waiting.append((f"{path}/", inner, depth + 1))
                    if inner is None or not inner.is_excluded:
                        yield f"{path}/", _digest(entry.path, status, stopped)
                    continue
                if ignored is not None and ignored.excludes(entry.name):
                    continue
                size += status.st_size
                if size > limits.size:
                    raise _UnknownError
                yield path, _digest(entry.path, status, stopped)


def _digest(path: str, status: os.stat_result, stopped: Callable[[], bool]) -> ContextFile:
    from hashlib import sha256

    digest = sha256()
    mode = f"{stat.S_IMODE(status.st_mode):04o}"
    if stat.S_ISDIR(status.st_mode):
        return ContextFile(mode=mode)
    if stat.S_ISLNK(status.st_mode):
        mode = "link"
        digest.update(os.fsencode(os.readlink(path)))
    elif stat.S_ISREG(status.st_mode):
        descriptor = os.open(path, READ_FLAGS)
        try:
            while data := os.read(descriptor, _BLOCK):
                digest.update(data)
                if stopped():
                    raise _UnknownError
        finally:
            os.close(descriptor)
    return ContextFile(mode=mode, digest=f"sha256:{digest.hexdigest()}")
