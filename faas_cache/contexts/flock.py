"""flock: a lock that the kernel releases when its holder ends. Not every platform has it."""

from __future__ import annotations

import errno
import os

import attrs

from faas_cache.contexts.files import identity_of

__all__ = ["FileLock"]


@attrs.define
class FileLock:
    """An open file or folder, on which a lock may be held."""

    descriptor: int

    def try_lock(self) -> bool:
        """Acquires the lock; False if another holds it.

        Raises `OSError` where the platform or the file system has no flock.
        """
        try:
            import fcntl
        except ImportError:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP)) from None
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def is_at(self, path: str) -> bool:
        """Whether the open file is still the one at `path`, so that its lock means something."""
        try:
            return identity_of(os.fstat(self.descriptor)) == identity_of(os.lstat(path))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Closes the file, which releases the lock; a second call does nothing."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor != -1:
            os.close(descriptor)

    # An interrupt between two instructions must not leave a lock held while the interpreter runs.
    __del__ = close
