"""Replaces a file of the user's as a whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.masking import masked_message

__all__ = ["replace_file"]

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def replace_file(path: str, data: bytes, *, expected: bytes | None = None) -> None:
    """Writes `data` to a file beside `path` and renames it, so that a reader sees one or the other.

    A link is followed: the file that it names is replaced. The mode of a file that exists is kept.
    A path that is not a file (`/dev/null`, a pipe) is written to, and not replaced.
    With `expected`, the file must still hold these bytes; otherwise `InvalidInput` is raised and
    nothing is written. Raises `OSError` where the file cannot be written.
    """
    from secrets import token_hex

    target = os.path.realpath(path)
    exists = os.path.exists(target)
    if exists and not os.path.isfile(target):
        with open(target, "wb") as file:
            file.write(data)
        return
    beside = os.path.join(os.path.dirname(target), f".faas-cache-{token_hex(8)}")
    descriptor = os.open(beside, _NEW, 0o600 if exists else 0o666)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        if exists:
            os.chmod(beside, os.stat(target).st_mode & 0o7777)
        if expected is not None:
            _require_content(target, expected, path)
        os.replace(beside, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def _require_content(target: str, expected: bytes, shown: str) -> None:
    with open(target, "rb") as file:
        if file.read(len(expected) + 1) == expected:
            return
    raise InvalidInput(
        Diagnostic(
            name="invalid-argument",
            message=f"`{masked_message(shown)}` changed while it was being edited",
            hint="run the command again",
        )
    )
