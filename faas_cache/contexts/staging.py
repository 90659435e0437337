"""Folders that are written next to their final path, and swapped in as a whole.

A staging folder has a random name, and an flock that its writer holds: a run that can lock it may
remove it. The kernel releases the lock of a writer that was killed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple

from faas_cache.contexts.files import READ_FLAGS, remove_tree
from faas_cache.contexts.flock import FileLock
from faas_cache.contexts.names import BUILD_FOLDER, STATE_PREFIX
from faas_cache.contexts.state import state_path

__all__ = ["Staging", "remove_leftovers", "restore_previous", "staging_directory", "swap"]

_ATTEMPTS = 20
# Linux: AT_FDCWD and RENAME_EXCHANGE of renameat2(2), which exists since 3.15 and glibc 2.28.
_CURRENT_FOLDER, _EXCHANGE = -100, 2
# renameat2's answers where the kernel or the file system cannot exchange.
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM})


class Staging(NamedTuple):
    """A staging folder; `exact` is true if new files in it get the modes that `open` is given."""

    path: str
    exact: bool


@contextmanager
def staging_directory(parent: str) -> Iterator[Staging]:
    """A new folder in `parent`; what is left of it at the end is removed."""
    staging, lock = _new_folder(parent)
    try:
        yield staging
    finally:
        remove_tree(staging.path)
        if lock is not None:
            lock.close()


def _new_folder(parent: str) -> tuple[Staging, FileLock | None]:
    for _ in range(_ATTEMPTS):
        path = f"{parent}/{STATE_PREFIX}{os.urandom(16).hex()}"
        os.mkdir(path, 0o755)
        try:
            lock = _lock(path)
            exact = stat.S_IMODE(os.lstat(path).st_mode) == 0o755  # noqa: PLR2004  # as created
        except (BlockingIOError, FileNotFoundError):  # taken for a leftover before it was locked
            continue
        if not exact:
            os.chmod(path, 0o755)
        return Staging(path, exact), lock
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _lock(path: str) -> FileLock | None:
    """The lock of a file or folder; None where there is no flock.

    Raises `BlockingIOError` if another holds the lock.
    """
    try:
        lock = FileLock(os.open(path, READ_FLAGS))
        free = lock.try_lock()
    except FileNotFoundError:
        raise
    except OSError:
        return None
    if not free:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), path)
    return lock


def remove_leftovers(parent: str) -> None:
    """Removes staging folders and locks of runs that were killed, where there is an flock."""
    with os.scandir(parent) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(STATE_PREFIX)]
    for name in names:
        path = f"{parent}/{name}"
        try:
            if name.endswith((".previous", ".held")):
                continue
            if os.path.islink(path):  # a link that a context has replaced
                os.unlink(path)
            elif (lock := _lock(path)) is not None and lock.is_at(path):
                remove_tree(path)
        except OSError:  # in use, or removed by another run
            continue


def swap(root: str, name: str, new: str) -> None:
    """Moves the folder `new` to `build/NAME`; the previous folder is then at `new`, or removed.

    The caller holds the lock of the context. Where the kernel can exchange two folders,
    `build/NAME` exists at any time if it existed before. Elsewhere it is restored after an
    exception, and by the next holder of the lock after a crash.
    """
    target = f"{root}/{BUILD_FOLDER}/{name}"
    for _ in range(_ATTEMPTS):
        try:
            os.rename(new, target)
        except OSError:
            if not os.path.lexists(target):
                raise
        else:
            return
        try:
            if not _exchange(new, target):
                _rename_twice(root, name, new)
        except FileNotFoundError:  # another program removes `build/NAME`
            continue
        return
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), target)


def _rename_twice(root: str, name: str, new: str) -> None:
    target, previous = f"{root}/{BUILD_FOLDER}/{name}", state_path(root, name, "previous")
    remove_tree(previous)
    try:
        os.rename(target, previous)
        os.rename(new, target)
    finally:
        restore_previous(root, name)


def restore_previous(root: str, name: str) -> None:
    """Completes a swap that was interrupted between two renames; the caller holds the lock.

    `build/NAME` is put back if it is missing.
    """
    previous = state_path(root, name, "previous")
    if not os.path.lexists(previous):
        return
    target = f"{root}/{BUILD_FOLDER}/{name}"
    if not os.path.lexists(target):
        os.rename(previous, target)
    remove_tree(previous)


def _exchange(one: str, other: str) -> bool:
    """Exchanges two paths in one step; False where the platform or the file system cannot."""
    rename = _renameat2()
    if rename is None:
        return False
    from ctypes import get_errno

    paths = _CURRENT_FOLDER, os.fsencode(one), _CURRENT_FOLDER, os.fsencode(other)
    if not rename(*paths, _EXCHANGE):
        return True
    code = get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), other)


@lru_cache(maxsize=1)
def _renameat2() -> Callable[..., int] | None:
    try:
        import ctypes

        function: Callable[..., int] = ctypes.CDLL(None, use_errno=True).renameat2
    except (ImportError, OSError, AttributeError, TypeError):  # Windows: CDLL(None) is a TypeError
        return None
    return function
