"""Stamps: whether `build/NAME` is still the context that a run wrote.

A stamp is the identity and the time of that folder. It needs no file, and nothing is added to the
context: every run writes a new folder, and every other program that changes what is in it changes
its time.
"""

from __future__ import annotations

import os
import stat
import time

import attrs

from faas_cache.contexts.names import BUILD_FOLDER, require_name

__all__ = ["Stamp", "current_stamp", "stamp_folder"]


@attrs.frozen(kw_only=True)
class Stamp:
    """One writing of one context: the inode of its folder, and the time in nanoseconds."""

    name: str
    inode: int
    mtime_ns: int


def stamp_folder(folder: str, name: str) -> Stamp:
    """Stamps a folder that is about to become `build/NAME`."""
    # The kernel's own times have a resolution of milliseconds only.
    now = time.time_ns()
    os.utime(folder, ns=(now, now))
    status = os.lstat(folder)
    return Stamp(name=name, inode=status.st_ino, mtime_ns=status.st_mtime_ns)


def current_stamp(root: str, name: str) -> Stamp | None:
    """The stamp of `build/NAME`, or None if there is no such folder.

    The answer holds as long as the caller holds the lock of the context.
    """
    require_name(name)
    try:
        status = os.lstat(f"{root}/{BUILD_FOLDER}/{name}")
    except OSError:
        return None
    if not stat.S_ISDIR(status.st_mode):
        return None
    return Stamp(name=name, inode=status.st_ino, mtime_ns=status.st_mtime_ns)
