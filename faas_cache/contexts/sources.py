"""Walking the sources of a context: files and folders, within limits and within the project.

Links are followed, and lead nowhere outside the folders that are allowed. What is checked is what
is copied: a folder is listed through its descriptor, and the identity of each file is compared
again when it is opened.
"""

from __future__ import annotations

import os
import stat
from itertools import islice
from typing import NamedTuple, NoReturn

import attrs

from faas_cache.contexts.files import FOLDER_FLAGS, SMALL, SourceChanged, copied_mode, identity_of
from faas_cache.contexts.names import BUILD_FOLDER, quoted
from faas_cache.contexts.tree import ContextTree, Identity, SourceFile
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.errors import InvalidFunction
from faas_cache.planning.context_files import ALWAYS_COPIED
from faas_cache.planning.ignore_files import IgnoredFolder

__all__ = [
    "Ancestor",
    "Limits",
    "SourceWalker",
    "ignored_folder",
    "is_within",
    "list_folder",
    "relative_path",
]

# All cached files of one template together.
_CACHE_SIZE = 2**25


@attrs.frozen(kw_only=True)
class Limits:
    """What one context may hold: files and folders, levels of folders, and bytes.

    The defaults are far above every real context: links in 20 folders can make 3^19 paths, and a
    sparse file of a few bytes can have a size of terabytes.
    """

    entries: int = 200_000
    depth: int = 200
    size: int = 2**34


class Ancestor(NamedTuple):
    """A folder and the one through which it was reached: how link cycles are detected."""

    identity: Identity
    parent: Ancestor | None
    depth: int

    def is_cycle(self) -> bool:
        """Whether this folder is one of its own ancestors."""
        ancestor = self.parent
        while ancestor is not None:
            if ancestor.identity == self.identity:
                return True
            ancestor = ancestor.parent
        return False


def is_within(path: str, folder: str) -> bool:
    """Whether a path is a folder or is inside it; both are absolute and normalized."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def relative_path(path: str, root: str) -> str:
    """A path as a message shows it: relative to the project if it is inside."""
    if not is_within(path, root):
        return path
    return os.path.relpath(path, root).replace(os.sep, "/")


def list_folder(folder: str, identity: Identity, limit: int) -> list[tuple[str, os.stat_result]]:
    """The entries of the very folder that was checked, sorted by name, with their own status.

    At most one entry more than `limit` is returned. Raises `SourceChanged` if the folder has been
    replaced.
    """
    if os.scandir not in os.supports_fd or os.stat not in os.supports_dir_fd:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in islice(entries, limit + 1))
        return [(name, os.lstat(f"{folder}/{name}")) for name in names]
    descriptor = os.open(folder, FOLDER_FLAGS)
    try:
        if identity_of(os.fstat(descriptor)) != identity:
            raise SourceChanged(folder)
        with os.scandir(descriptor) as entries:
            names = sorted(entry.name for entry in islice(entries, limit + 1))
        return [(n, os.stat(n, dir_fd=descriptor, follow_symlinks=False)) for n in names]
    finally:
        os.close(descriptor)


@attrs.define(kw_only=True)
class SourceWalker:
    """Adds sources to a tree.

    `root` is the real path of the project, to which messages are relative; links may lead into
    `allowed` folders, and anywhere with `outside_links`. `skipped` names are left out at the top of
    a folder; `ignored` is the root of a context with an ignore file, of which what that excludes is
    left out; `cached` marks small files as those of several contexts. Faults have the name
    `condition` and the key path `key`, which is relative to the function; `scope` and `advice` are
    words of the message about a link that leads outside.
    """

    root: str
    allowed: tuple[str, ...]
    limits: Limits = Limits()
    outside_links: bool = False
    condition: str = "invalid-context"
    key: KeyPath = ()
    scope: str = "the project"
    advice: str = "copy its target into the project, or pass --allow-outside-links"
    skipped: frozenset[str] = frozenset()
    ignored: IgnoredFolder | None = None
    cached: bool = False
    cache_size: int = _CACHE_SIZE
    _forbidden: tuple[Identity | None, ...] | None = attrs.field(default=None, init=False)
    # Links can lead to the same folder, and so to each other, in a great many ways.
    _followed: dict[str, tuple[str, os.stat_result]] = attrs.field(factory=dict, init=False)
    _visited: int = attrs.field(default=0, init=False)

    def add(self, path: str, target: str, tree: ContextTree) -> None:
        """Adds a file, or what a folder holds, to the path `target` of the tree."""
        self.add_checked(*self.follow(path), target, tree)

    def add_checked(
        self, path: str, status: os.stat_result, target: str, tree: ContextTree
    ) -> None:
        """Adds a file, or what a folder holds; `path` is real, and may be in any folder."""
        ignored = ignored_folder(self.ignored, target)
        if ignored is not None and _is_left_out(ignored, path, status):
            return
        if not stat.S_ISDIR(status.st_mode):
            tree.add_folder(target.rpartition("/")[0])
            self._add_file(path, target, status, tree)
            self._check_limits(tree)
            return
        if ignored is None or not ignored.is_excluded:
            tree.add_folder(target)
        start = Ancestor(identity_of(status), None, target.count("/"))
        self._walk(path, target, start, ignored, tree)

    def _walk(
        self,
        folder: str,
        target: str,
        ancestor: Ancestor,
        ignored: IgnoredFolder | None,
        tree: ContextTree,
    ) -> None:
        skipped = self.skipped
        waiting = [(folder, target, ancestor, ignored)]
        while waiting:
            folder, target, ancestor, ignored = waiting.pop()
            for name, own_status in list_folder(folder, ancestor.identity, self.limits.entries):
                if name in skipped:
                    continue
                path, status = f"{folder}/{name}", own_status
                inside = f"{target}/{name}" if target else name
                below = None
                if ignored is not None and inside not in ALWAYS_COPIED:
                    below = ignored.enter(name)
                    self._visited += 1
                    if _is_left_out(below, path, status):
                        continue
                if stat.S_ISLNK(status.st_mode):
                    if path not in self._followed:
                        self._followed[path] = self.follow(path)
                    path, status = self._followed[path]
                if not stat.S_ISDIR(status.st_mode):
                    tree.add_folder(target)  # if only this file in it is not excluded
                    self._add_file(path, inside, status, tree)
                    continue
                child = Ancestor(identity_of(status), ancestor, ancestor.depth + 1)
                self._check_folder(child, f"{folder}/{name}")
                if below is None or not below.is_excluded:
                    tree.add_folder(inside)
                waiting.append((path, inside, child, below))
            skipped = frozenset()
            self._check_limits(tree)

    def follow(self, path: str) -> tuple[str, os.stat_result]:
        """The real path and the status of what a path leads to, if it is allowed."""
        try:
            real = os.path.realpath(path, strict=True)
        except OSError as error:
            self.refuse(
                f"{self.shown(path)} is a broken link: {error.strerror}",
                "remove the link, or create its target",
            )
        allowed = next((folder for folder in self.allowed if is_within(real, folder)), None)
        if allowed is not None:
            return real, _status_below(allowed, real)
        if not self.outside_links:
            self.refuse(f"{self.shown(path)} leads outside {self.scope}", self.advice)
        return real, os.lstat(real)

    def _add_file(self, path: str, target: str, status: os.stat_result, tree: ContextTree) -> None:
        if not stat.S_ISREG(status.st_mode):
            self.refuse(
                f"{self.shown(path)} is neither a file nor a folder",
                "remove it: a FIFO, a socket or a device cannot be copied",
            )
        size = status.st_size
        cached = self.cached and size < SMALL and size <= self.cache_size
        if cached:
            self.cache_size -= size
        source = SourceFile(
            path, identity_of(status), copied_mode(status), status.st_mtime_ns, cached
        )
        tree.add_file(target, source, size)

    def _check_folder(self, folder: Ancestor, path: str) -> None:
        if folder.is_cycle():
            self.refuse(
                f"{self.shown(path)} is a link to a folder that contains it", "remove the link"
            )
        if self._forbidden is None:
            self._forbidden = (_identity(self.root), _identity(f"{self.root}/{BUILD_FOLDER}"))
        if folder.identity in self._forbidden:
            self.refuse(
                f"{self.shown(path)} contains the folder `{BUILD_FOLDER}` of this project",
                "move what the context needs into a folder of its own",
            )
        if folder.depth >= self.limits.depth:
            self.refuse(
                f"{self.shown(path)} is nested more than {self.limits.depth} folders deep",
                "remove the links or folders that are nested in each other",
            )

    def _check_limits(self, tree: ContextTree) -> None:
        if max(len(tree.files) + len(tree.folders), self._visited) > self.limits.entries:
            self.refuse(
                f"the build context has more than {self.limits.entries} files and folders",
                "remove links that lead to the same folders again, or generated files",
            )
        if tree.size > self.limits.size:
            self.refuse(
                f"the build context is larger than {self.limits.size} bytes",
                "remove large files from the handler, the template and the extra paths",
            )

    def shown(self, path: str) -> str:
        """A path as a message shows it."""
        return quoted(relative_path(path, self.root))

    def refuse(self, message: str, hint: str) -> NoReturn:
        """Raises `InvalidFunction`; its key path is relative to the function."""
        raise InvalidFunction(
            Diagnostic(
                name=self.condition,
                message=message,
                hint=hint,
                location=Location(path=self.key),
            )
        )


def ignored_folder(root: IgnoredFolder | None, path: str) -> IgnoredFolder | None:
    """Whether an ignore file excludes a path of the context; None without an ignore file."""
    if root is not None and path and path not in ALWAYS_COPIED:
        for name in path.split("/"):
            root = root.enter(name)
    return root if path not in ALWAYS_COPIED else None


def _is_left_out(ignored: IgnoredFolder, path: str, status: os.stat_result) -> bool:
    """Whether a path is not copied: it is excluded, and no exception can match inside it.

    An excluded link is followed only then.
    """
    if not ignored.is_excluded:
        return False
    is_link = stat.S_ISLNK(status.st_mode)
    is_folder = os.path.isdir(path) if is_link else stat.S_ISDIR(status.st_mode)
    return not (is_folder and ignored.may_include)


def _identity(path: str) -> Identity | None:
    try:
        return identity_of(os.stat(path))
    except OSError:
        return None


def _status_below(folder: str, path: str) -> os.stat_result:
    """The status of a real path below a real folder; no folder between them is a link by now."""
    parts = path[len(folder) :].split(os.sep)
    parts = [part for part in parts if part]
    if not parts or os.open not in os.supports_dir_fd:
        return os.lstat(path)
    descriptor = os.open(folder, FOLDER_FLAGS)
    try:
        for part in parts[:-1]:
            below = os.open(part, FOLDER_FLAGS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        return os.stat(parts[-1], dir_fd=descriptor, follow_symlinks=False)
    finally:
        os.close(descriptor)
