"""Build contexts: template, handler and extra paths, written to `build/NAME` as faas-cli does.

The template is copied as a whole, the handler into its `handler_folder` (for `dockerfile`, into the
context itself), then the extra paths below the handler. A later file replaces an earlier one. What
an ignore file at the root of the context excludes is left out where that is asked for. Links are
followed, and lead nowhere outside the project except within a handler. Folders have the mode 0755,
files 0644 or 0755, as a checkout under umask 022 has them. A context is written beside `build/NAME`
and swapped in as a whole.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NoReturn, TypeVar

import attrs

from faas_cache.contexts.extras import extra_fault
from faas_cache.contexts.files import read_small, write_tree
from faas_cache.contexts.ignore_sources import find_ignore_file, root_folders
from faas_cache.contexts.locks import (
    ContextLock,
    StopSignal,
    lock_context,
)
from faas_cache.contexts.names import (
    BUILD_FOLDER,
    TEMPLATE_FOLDER,
    quoted,
    require_name,
)
from faas_cache.contexts.prebuilt import is_prebuilt
from faas_cache.contexts.sources import Limits, SourceWalker, is_within, relative_path
from faas_cache.contexts.staging import remove_leftovers, staging_directory, swap
from faas_cache.contexts.stamps import Stamp, stamp_folder
from faas_cache.contexts.state import build_folder, cannot_write
from faas_cache.contexts.templates import DOCKERFILE, missing_template, template_folder
from faas_cache.contexts.tree import ContextTree
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.faults import FaultCollector
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.ignore_files import IgnoreFile, parse_ignore_file
from faas_cache.stack.templates import Template

__all__ = ["ContextBuilder", "Contexts"]

T = TypeVar("T")

# What is not copied of a handler that is the root of the project.
_SKIPPED = frozenset({BUILD_FOLDER, TEMPLATE_FOLDER})
# faas-cli writes it into each template that it pulls; it holds the time, so no context would be
# cached.
_TEMPLATE_METADATA = frozenset({"meta.json"})
# How often to start again when another program changes a source, or deletes `build`, while a
# context is written.
_REPETITIONS = 3
_CHANGED = frozenset({errno.ESTALE, errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO})


class Contexts:
    """The contexts of one run in one project; what they have in common is read once.

    `root` is the folder of the project; `extras` are the paths to copy into every context, relative
    to it. `outside_links` allows links that lead outside the project.
    """

    def __init__(
        self,
        root: str = ".",
        extras: Iterable[str] = (),
        *,
        outside_links: bool = False,
        limits: Limits = Limits(),  # noqa: B008  # frozen
    ) -> None:
        self.root: str = os.path.realpath(root)
        self.extras: tuple[str, ...] = tuple(dict.fromkeys(extras))
        self.outside_links = outside_links
        self.limits = limits
        self.template_trees: dict[tuple[str, IgnoreFile | None], ContextTree] = {}
        self._ignore_files: dict[tuple[str, bytes], IgnoreFile] = {}
        self._contents: dict[str, bytes] = {}
        self._parents: dict[str, str] = {}
        self._build: str | None = None
        self._cleaned = False

    def write(
        self,
        spec: FunctionSpec,
        template: Template,
        lock: ContextLock | None = None,
        stop: StopSignal | None = None,
        *,
        ignore_names: tuple[str, ...] = (),
    ) -> Stamp:
        """Writes the context `build/NAME` of a function; the last one stays if that fails.

        What the first of the ignore files `ignore_names` excludes that the context has is left out.
        Pass the `lock` of the context if the caller holds it. Otherwise it is acquired, and held
        until the context is written; `stop` ends the wait for another run. Raises `InvalidFunction`
        with every fault.
        """
        require_name(spec.name)
        try:
            # Before the lock: faults of the sources are reported without waiting.
            trees = [self._repeat(lambda: self.tree(spec, template, ignore_names))]

            def attempt() -> Stamp:
                tree = trees.pop() if trees else self.tree(spec, template, ignore_names)
                return self._write(spec.name, tree)

            if lock is not None:
                return self._repeat(attempt)
            with lock_context(self.root, spec.name, stop=stop) as held:
                if held.waited:
                    trees.clear()
                return self._repeat(attempt)
        except OSError as error:
            raise cannot_write(self.root, spec.name, error) from error

    def tree(
        self, spec: FunctionSpec, template: Template, ignore_names: tuple[str, ...] = ()
    ) -> ContextTree:
        """What the context of a function will hold."""
        return ContextBuilder(self, spec, template, ignore_names).build()

    def ignore_file(self, path: str, data: bytes) -> IgnoreFile:
        """The ignore file of a source, which is the same value for the same text."""
        key = path, data
        if key not in self._ignore_files:
            self._ignore_files[key] = parse_ignore_file(data, relative_path(path, self.root))
        return self._ignore_files[key]

    def forget(self) -> None:
        """Discards what contexts have in common, so that it is read again."""
        self._build = None
        self._parents.clear()
        self.template_trees.clear()
        self._contents.clear()

    def _repeat(self, step: Callable[[], T]) -> T:
        """The result of a step; it is repeated if another program changes what it uses."""
        for _ in range(_REPETITIONS):
            try:
                return step()
            except OSError as error:
                if error.errno not in _CHANGED:
                    raise
            self.forget()
        return step()

    def _write(self, name: str, tree: ContextTree) -> Stamp:
        build = self._build
        if build is None:
            build = self._build = build_folder(self.root, name)
            if not self._cleaned:
                self._cleaned = True
                remove_leftovers(build)
        with staging_directory(build) as staging:
            write_tree(
                tree, staging.path, self._contents, exact=staging.exact, limit=self.limits.size
            )
            stamp = stamp_folder(staging.path, name)
            swap(self.root, name, staging.path)
        return stamp

    def real_path(self, path: str) -> tuple[str, os.stat_result]:
        """The real path and the status of a handler; the folder that it is in is resolved once."""
        parent, name = os.path.split(path.rstrip("/"))
        if name in ("", ".", ".."):
            real = os.path.realpath(path)
            return real, os.stat(real)
        real_parent = self._parents.get(parent)
        if real_parent is None:
            real_parent = self._parents[parent] = os.path.realpath(parent)
        real = os.path.join(real_parent, name)
        status = os.lstat(real)
        if stat.S_ISLNK(status.st_mode):
            real = os.path.realpath(real)
            status = os.stat(real)
        return real, status


@attrs.define
class ContextBuilder:
    """Combines the sources of one context."""

    contexts: Contexts
    spec: FunctionSpec
    template: Template
    ignore_names: tuple[str, ...] = ()
    _ignore_file: IgnoreFile | None = attrs.field(default=None, init=False)

    def build(self) -> ContextTree:
        """What the context will hold; raises `InvalidFunction` with the faults of all sources."""
        faults = FaultCollector()
        function: KeyPath = ("functions", self.spec.name)
        tree, inside = ContextTree(), ""
        with faults.catch(*function):
            inside = self._handler_folder()
            self._ignore_file = self._find_ignore_file(inside)
            tree = self._template_tree()
        with faults.catch(*function):
            self._add_handler(inside, tree)
        for extra in self.contexts.extras:
            with faults.catch(*function):
                self._add_extra(extra, inside, tree)
        if faults.errors:  # several sources may run into one pattern of the ignore file
            raise InvalidFunction(*dict.fromkeys(faults.diagnostics))
        return tree

    def _template_tree(self) -> ContextTree:
        """What the template contributes; it is walked once for all functions of a run."""
        name, contexts = self.template.name, self.contexts
        if name == DOCKERFILE:
            return ContextTree()
        key = name, self._ignore_file
        tree = contexts.template_trees.get(key)
        if tree is None:
            folder = template_folder(contexts.root, name, outside_links=contexts.outside_links)
            if folder is None:
                raise InvalidFunction(missing_template(name))
            tree = ContextTree()
            walker = self._walker("lang")
            walker.skipped, walker.cached = _TEMPLATE_METADATA, True
            walker.add(folder, "", tree)
            contexts.template_trees[key] = tree
        return tree.copy()

    def _handler_folder(self) -> str:
        """Where the handler goes, as a path in the context; empty for the context itself."""
        given = self.template.handler_folder
        folder = posixpath.normpath(given) if given else "."
        if folder.startswith("/") or folder.split("/")[0] == ".." or "\0" in folder:
            self._refuse(
                f"`handler_folder` {quoted(given)} of template {quoted(self.template.name)}"
                " is outside the build context",
                "write a relative path into its template.yml",
                "lang",
            )
        return "" if folder == "." else folder

    def _add_handler(self, inside: str, tree: ContextTree) -> None:
        root, handler = self.contexts.root, self.spec.handler
        try:
            real, status = self.contexts.real_path(os.path.join(root, handler))
        except (FileNotFoundError, NotADirectoryError):
            self._refuse_handler("does not exist", self._missing_hint())
        if not handler or not stat.S_ISDIR(status.st_mode):
            self._refuse_handler("is not a folder", "write the folder of the function as `handler`")
        build = f"{root}/{BUILD_FOLDER}"
        if is_within(real, f"{build}/{self.spec.name}"):
            self._refuse_handler("is inside its own build context", "move it to another folder")
        if real == build:
            self._refuse_handler("contains the build contexts", "move it to another folder")
        walker = self._walker("handler", real)
        walker.skipped = _SKIPPED
        walker.add_checked(real, status, inside, tree)

    def _add_extra(self, extra: str, inside: str, tree: ContextTree) -> None:
        """Adds a path of `configuration.copy` or `--copy-extra` below the handler."""
        root = self.contexts.root
        if fault := extra_fault(root, extra):
            self._refuse(*fault)
        path = os.path.normpath(os.path.join(root, extra))
        target = relative_path(path, root)
        self._walker().add(path, f"{inside}/{target}" if inside else target, tree)

    def _walker(self, key: str = "", *allowed: str) -> SourceWalker:
        return SourceWalker(
            root=self.contexts.root,
            allowed=(self.contexts.root, *allowed),
            limits=self.contexts.limits,
            outside_links=self.contexts.outside_links,
            key=(key,) if key else (),
            ignored=None if self._ignore_file is None else self._ignore_file.root,
        )

    def _missing_hint(self) -> str:
        """What to do without a handler: what an earlier run left is only built on request."""
        hint, name = "create it, or correct `handler`", self.spec.name
        if not is_prebuilt(self.contexts.root, name):
            return hint
        context = quoted(f"{BUILD_FOLDER}/{name}")
        return f"{hint}, or pass `--prebuilt` to build {context} from an earlier run"

    def _find_ignore_file(self, inside: str) -> IgnoreFile | None:
        """The ignore file of the context; one that is too large to be read excludes nothing."""
        if not self.ignore_names:
            return None
        root, handler = self.contexts.root, self.spec.handler
        folders = root_folders(root, self.template.name, handler, inside)
        extras = () if inside else self.contexts.extras
        path = find_ignore_file(self.ignore_names, folders, root, extras)
        if path is None:
            return None
        walker = self._walker("handler", os.path.realpath(os.path.join(root, handler)))
        with suppress(InvalidFunction):  # a link that leads outside: reported when it is copied
            data = read_small(walker.follow(path)[0])
            return None if data is None else self.contexts.ignore_file(path, data)
        return None

    def _refuse_handler(self, problem: str, hint: str) -> NoReturn:
        self._refuse(f"the handler {quoted(self.spec.handler)} {problem}", hint, "handler")

    def _refuse(self, message: str, hint: str, *key: str) -> NoReturn:
        raise InvalidFunction(
            Diagnostic(
                name="invalid-context", message=message, hint=hint, location=Location(path=key)
            )
        )
