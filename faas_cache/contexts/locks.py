"""Locks: a run holds the lock of each context that it writes or builds.

That holds for threads, processes and containers alike.

A lock is an flock on `build/.faas-cache-NAME.lock`. The kernel releases it when its holder ends,
however that happens, and it works between containers of one kernel, whose process ids may be equal.
Where there is no flock (Windows, some network file systems), the file `build/.faas-cache-NAME.held`
is the lock as long as it exists, as `index.lock` is for git: after a crash, it must be removed
it.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Protocol

import attrs

from faas_cache.contexts.flock import FileLock
from faas_cache.contexts.names import BUILD_FOLDER, quoted, require_name
from faas_cache.contexts.staging import restore_previous
from faas_cache.contexts.state import build_folder, cannot_write, state_path
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidFunction

__all__ = ["DEFAULT_WAIT", "ContextLock", "Holder", "StopSignal", "lock_context"]

# Seconds: a build holds the lock of its context, and a build takes minutes.
DEFAULT_WAIT = 600.0
# Seconds between two attempts: at first, and at last.
_POLL, _MAX_POLL = 0.01, 0.2
# How often a lock is acquired again whose file another program keeps deleting.
_ATTEMPTS = 20
_MAX_HOLDER = 1024
_OPTIONAL_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | _OPTIONAL_FLAGS
_EXCLUSIVE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class StopSignal(Protocol):
    """What can end the wait for a lock from another thread, such as `Stop`."""

    @property
    def stopped(self) -> bool:
        """Whether to stop."""


@attrs.frozen(kw_only=True)
class Holder:
    """The process that holds a lock, as it described itself; empty if it has not done so yet."""

    pid: str = ""
    host: str = ""
    since: str = ""

    def __str__(self) -> str:
        if not self.pid:
            return "another run"
        return f"process {self.pid} on {quoted(self.host)} since {self.since}"


@attrs.frozen(kw_only=True)
class ContextLock:
    """The lock of a context, held; `waited` is true if another run held it first."""

    root: str
    name: str
    waited: bool = False


@contextmanager
def lock_context(
    root: str,
    name: str,
    *,
    wait: float | None = DEFAULT_WAIT,
    stop: StopSignal | None = None,
    on_wait: Callable[[Holder], None] | None = None,
) -> Iterator[ContextLock]:
    """Holds the lock of the context `build/NAME` of a project.

    `wait` is the number of seconds to wait for another holder; 0 means not to wait, None to wait
    for ever. The wait ends early when `stop.stopped` becomes true. `on_wait` is called once, with
    the holder, before the wait. Raises `InvalidFunction` if the lock was not acquired.
    """
    require_name(name)
    try:
        lock, waited = _wait_for_lock(root, name, wait, stop, on_wait)
    except OSError as error:
        raise cannot_write(root, name, error) from error
    try:
        try:
            restore_previous(root, name)
        except OSError as error:
            raise cannot_write(root, name, error) from error
        yield ContextLock(root=root, name=name, waited=waited)
    finally:
        lock.release()


def _wait_for_lock(
    root: str,
    name: str,
    wait: float | None,
    stop: StopSignal | None,
    on_wait: Callable[[Holder], None] | None,
) -> tuple[_Lock, bool]:
    start = time.monotonic()
    pause = _POLL
    waited = False
    while isinstance(lock := _acquire(root, name), _Held):
        stopped = stop is not None and stop.stopped
        if stopped or (wait is not None and time.monotonic() - start >= wait):
            raise _not_acquired(name, lock, stopped=stopped)
        if not waited and on_wait is not None:
            on_wait(_read_holder(lock.path))
        waited = True
        time.sleep(pause)
        pause = min(pause * 2, _MAX_POLL)
    return lock, waited


@attrs.define
class _Lock:
    """A lock file that is held: by its flock, or, if `exclusive`, by its existence."""

    file: FileLock
    path: str
    exclusive: bool = False

    def release(self) -> None:
        """Removes the file, and the lock with it."""
        # Only our own: after `build` was deleted, the path may be the lock of another run.
        with suppress(OSError):
            if self.file.is_at(self.path):
                os.unlink(self.path)
        self.file.close()


@attrs.frozen
class _Held:
    """A lock that another run holds, and the file that describes that run."""

    path: str
    exclusive: bool


def _acquire(root: str, name: str) -> _Lock | _Held:
    for _ in range(_ATTEMPTS):
        build_folder(root, name)
        path = state_path(root, name, "lock")
        try:
            file = FileLock(os.open(path, _LOCK_FLAGS, 0o644))
        except FileNotFoundError:  # `build` was deleted meanwhile
            continue
        try:
            free = file.try_lock()
        except OSError:
            with suppress(FileNotFoundError):
                os.unlink(path)
            return _acquire_exclusive(root, name)
        if not free:
            return _Held(path, exclusive=False)
        if file.is_at(path):
            os.write(file.descriptor, _describe_this_process())
            return _Lock(file, path)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _acquire_exclusive(root: str, name: str) -> _Lock | _Held:
    path = state_path(root, name, "held")
    try:
        file = FileLock(os.open(path, _EXCLUSIVE_FLAGS, 0o644))
    except FileExistsError:
        return _Held(path, exclusive=True)
    os.write(file.descriptor, _describe_this_process())
    return _Lock(file, path, exclusive=True)


def _describe_this_process() -> bytes:
    return _describe_process(os.getpid())


@lru_cache(maxsize=1)
def _describe_process(pid: int) -> bytes:
    uname = getattr(os, "uname", None)
    host = uname().nodename if uname else os.environ.get("COMPUTERNAME", "")
    return f"{pid}\n{host}\n".encode()


def _read_holder(path: str) -> Holder:
    """What the holder of a lock wrote when it acquired it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _OPTIONAL_FLAGS)
    except OSError:
        return Holder()
    try:
        pid, host, *_ = [*os.read(descriptor, _MAX_HOLDER).decode(errors="replace").split("\n"), ""]
        since = time.gmtime(os.fstat(descriptor).st_mtime)
    finally:
        os.close(descriptor)
    if not pid.isdigit() or not host.isprintable():
        return Holder()
    return Holder(pid=pid, host=host, since=time.strftime("%Y-%m-%d %H:%M:%S UTC", since))


def _not_acquired(name: str, held: _Held, *, stopped: bool) -> InvalidFunction:
    holder = _read_holder(held.path)
    context = quoted(f"{BUILD_FOLDER}/{name}")
    if stopped:
        message = f"stopped waiting for the build context {context}, which is in use by {holder}"
    else:
        message = f"the build context {context} is in use by {holder}"
    hint = "wait until that run ends, or stop it"
    if held.exclusive:
        file = quoted(f"{BUILD_FOLDER}/{os.path.basename(held.path)}")
        hint = f"wait until that run ends, or remove {file} if it is no longer running"
    return InvalidFunction(
        Diagnostic(
            name="context-locked",
            message=message,
            hint=hint,
            location=Location(path=("functions", name)),
        )
    )
