"""What a context will hold: folders, and the source of each file."""

from __future__ import annotations

from typing import NamedTuple, NoReturn, TypeAlias

import attrs

from faas_cache.contexts.names import quoted
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidFunction

__all__ = ["ContextTree", "Identity", "SourceFile"]

# The device and inode of a file: what stays the same while it is renamed, and differs once it is
# replaced.
Identity: TypeAlias = tuple[int, int]


class SourceFile(NamedTuple):
    """A regular file to copy; `mode` is that of the copy, `cached` ones are read once."""

    path: str
    identity: Identity
    mode: int
    mtime_ns: int
    cached: bool


@attrs.define
class ContextTree:
    """Folders and files by their path in the context; folders are in the order of their creation.

    `size` is the sum of the sizes of all sources.
    """

    folders: dict[str, None] = attrs.field(factory=dict)
    files: dict[str, SourceFile] = attrs.field(factory=dict)
    size: int = 0

    def copy(self) -> ContextTree:
        """An independent copy."""
        return ContextTree(dict(self.folders), dict(self.files), self.size)

    def add_folder(self, folder: str) -> None:
        """Adds a folder and its parents; the empty path is the context itself."""
        if not folder or folder in self.folders:
            return
        parts = folder.split("/")
        for end in range(1, len(parts) + 1):
            path = "/".join(parts[:end])
            if path in self.files:
                _raise_conflict(path)
            self.folders[path] = None

    def add_file(self, target: str, source: SourceFile, size: int) -> None:
        """Adds a file; it replaces one that was added before."""
        if target in self.folders:
            _raise_conflict(target)
        self.files[target] = source
        self.size += size


def _raise_conflict(path: str) -> NoReturn:
    raise InvalidFunction(
        Diagnostic(
            name="invalid-context",
            message=f"{quoted(path)} is a file in one source and a folder in another",
            hint="rename it in the template, the handler or the extra paths",
        )
    )
