"""Copying files into a context, and removing folders.

A copy keeps the bytes of a file, its modification time and whether its owner may execute it;
everything else about its mode is fixed, so that a context is the same for every user and umask.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from faas_cache.contexts.tree import ContextTree, Identity, SourceFile

__all__ = [
    "FOLDER_FLAGS",
    "READ_FLAGS",
    "SMALL",
    "SourceChanged",
    "copied_mode",
    "copy_file",
    "copy_rest",
    "identity_of",
    "read_small",
    "remove_tree",
    "write_all",
    "write_tree",
]

# Windows has none of these flags but O_BINARY, which only Windows has.
_BINARY = getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# Opening a FIFO that has replaced a file must not block.
READ_FLAGS = os.O_RDONLY | _BINARY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0)
FOLDER_FLAGS = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_DIRECTORY", 0)
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY

# Whether times can be set through a file descriptor; Windows needs the path.
_BY_DESCRIPTOR = os.utime in os.supports_fd

# A smaller file is read and written in one call, and may be cached.
SMALL = 2**16
# One call of copy_file_range, and one block where there is no such call.
_RANGE, _BLOCK = 2**30, 2**20
# The largest ignore file that is read.
MAX_READ = 2**20
# `remove_tree` moves folders that are nested more deeply to the top: paths have a maximal length.
_FLAT_DEPTH = 64


class SourceChanged(OSError):
    """A source is no longer the file or folder that was checked."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.ESTALE, "changed while it was copied", path)


def identity_of(status: os.stat_result) -> Identity:
    """The identity of a file or folder."""
    return status.st_dev, status.st_ino


def write_tree(
    tree: ContextTree, folder: str, contents: dict[str, bytes], *, exact: bool, limit: int
) -> None:
    """Writes a tree into an empty folder.

    `contents` caches what is marked as cached. `exact` is true if the umask and the parent folder
    leave modes unchanged. A file that grows beyond `limit` bytes while it is copied is an error.
    """
    for name in tree.folders:
        path = f"{folder}/{name}"
        os.mkdir(path, 0o755)
        if not exact:
            os.chmod(path, 0o755)
    for name, source in tree.files.items():
        data = contents.get(source.path)
        if data is None:
            copy_file(source, f"{folder}/{name}", contents, exact=exact, limit=limit)
            continue
        target = f"{folder}/{name}"
        to = os.open(target, _CREATE_FLAGS, source.mode)
        try:
            write_all(to, data)
            _set_attributes(to, target, source.mode, source.mtime_ns, exact=exact)
        finally:
            os.close(to)


def copy_file(
    source: SourceFile, target: str, contents: dict[str, bytes], *, exact: bool, limit: int
) -> None:
    """Copies one file; raises `SourceChanged` if it has been replaced since it was checked."""
    origin = os.open(source.path, READ_FLAGS)
    try:
        status = os.fstat(origin)
        if identity_of(status) != source.identity:
            raise SourceChanged(source.path)
        mode = copied_mode(status)
        to = os.open(target, _CREATE_FLAGS, mode)
        try:
            data = os.read(origin, SMALL)
            write_all(to, data)
            if len(data) == SMALL:
                copy_rest(origin, to, limit)
            elif source.cached:
                contents[source.path] = data
            _set_attributes(to, target, mode, status.st_mtime_ns, exact=exact)
        finally:
            os.close(to)
    finally:
        os.close(origin)


def read_small(path: str) -> bytes | None:
    """The bytes of a file; None if it is not a file, or is larger than `MAX_READ`."""
    try:
        descriptor = os.open(path, READ_FLAGS)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        is_small = stat.S_ISREG(status.st_mode) and status.st_size <= MAX_READ
        return os.read(descriptor, MAX_READ) if is_small else None
    finally:
        os.close(descriptor)


def copied_mode(status: os.stat_result) -> int:
    """The mode of the copy of a file."""
    return 0o755 if status.st_mode & stat.S_IXUSR else 0o644


def _set_attributes(to: int, target: str, mode: int, mtime_ns: int, *, exact: bool) -> None:
    if not exact:
        os.chmod(target, mode)
    os.utime(to if _BY_DESCRIPTOR else target, ns=(mtime_ns, mtime_ns))


def write_all(to: int, data: bytes) -> None:
    """Writes all bytes to a file descriptor."""
    while data:
        data = data[os.write(to, data) :]


def copy_rest(source: int, to: int, limit: int) -> None:
    """Copies from the current position of one file to that of another, up to the end.

    The kernel copies (or clones) where it can. More than `limit` bytes are an error.
    """
    copy = getattr(os, "copy_file_range", _copy_block)
    while limit > 0:
        try:
            count = copy(source, to, min(limit, _RANGE))
        except OSError:
            if copy is _copy_block:
                raise
            copy = _copy_block
            continue
        if not count:
            return
        limit -= count
    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))


def _copy_block(source: int, to: int, count: int) -> int:
    data = os.read(source, min(count, _BLOCK))
    write_all(to, data)
    return len(data)


def remove_tree(top: str) -> None:
    """Removes a folder and everything below it, or a file or link; what cannot be removed stays.

    No link is followed, and no depth is too great.
    """
    try:
        if not stat.S_ISDIR(os.lstat(top).st_mode):
            os.unlink(top)
            return
    except OSError:
        return
    waiting, folders = [(top, 0)], []
    while waiting:
        folder, depth = waiting.pop()
        folders.append(folder)
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                try:
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.path)
                    elif depth < _FLAT_DEPTH:
                        waiting.append((entry.path, depth + 1))
                    else:
                        new_path = f"{top}/{os.urandom(8).hex()}"
                        os.rename(entry.path, new_path)
                        waiting.append((new_path, 1))
                except OSError:
                    continue
    for folder in reversed(folders):
        with suppress(OSError):
            os.rmdir(folder)
