"""Build contexts: template, handler and extra paths, laid into `build/NAME` as faas-cli does, and reproducible.

The template is copied whole, the handler into its `handler_folder` (for `dockerfile`, into the context itself), then the extra
paths below the handler. A later file takes the place of an earlier one. Links are followed, and lead nowhere outside the
project but within a handler. Of a file's mode only whether it may be executed is kept: folders are 0755, files 0644 or 0755, as
a checkout under umask 022 has them. Nothing is written but `build/NAME`, which is put together beside it and swapped in whole.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import md5
from typing import NamedTuple, NoReturn

import attrs

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, Severity
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.masking import masked
from faas_cache.model.specs import FunctionSpec
from faas_cache.stack.templates import Template

BUILD, TEMPLATES = "build", "template"
DOCKERFILE = "dockerfile"
# faas-cli's name for the build argument that carries the packages of build options.
PACKAGES = "ADDITIONAL_PACKAGE"
# What a handler's folder may hold of a project that it is the root of, and is not copied.
_SKIPPED = frozenset({BUILD, TEMPLATES})
# What faas-cli writes into a template that it pulls: the time is in it, and would be new in every context.
_META = "meta.json"
# Linux: NAME_MAX.
_MAX_NAME = 255
# RFC 1123, which Kubernetes asks of names.
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
# A file that is not larger is read and written in one go, and a template's is kept for the next function.
_SMALL = 2**16
_BESIDE = ".faas-cache-"


class _File(NamedTuple):
    """A regular file to copy: where it is, and what the copy takes over."""

    source: str
    executable: bool
    mtime: int
    kept: bool


class _Tree(NamedTuple):
    """What a context will hold, by path: folders in the order in which they can be made, and files."""

    folders: dict[str, None]
    files: dict[str, _File]


def judged_name(name: str) -> Iterator[Diagnostic]:
    """What is wrong with a function's name as the name of a folder, and what a deployment will say of it."""
    place: KeyPath = ("functions", name)
    shown = masked(name)[:60]
    if (
        name in ("", ".", "..")
        or any(c in name for c in "/\\\0")
        or len(os.fsencode(name)) > _MAX_NAME
    ):
        message = f"the function's name {shown!r} is no name of a folder: its context would lie elsewhere than in `build/NAME`"
        yield _found("name", message, place, "use letters, digits and dashes, at most 63")
    elif not _LABEL.fullmatch(name):
        message = f"the function's name {shown!r} is no DNS label: it can be built, and deploying it will fail"
        yield _found("name", message, place, "use a-z, 0-9 and dashes, at most 63", "warning")


def prepared(spec: FunctionSpec, template: Template | None) -> FunctionSpec:
    """The spec with what is made for it: its context, packages of its build options, the agent of SSH where it is mounted.

    `template` is None where it is not known: then only the function's own packages are. Raises `InvalidFunction` for a build
    option that the template does not have.
    """
    words = set(spec.build_args.get(PACKAGES, "").split())
    for option in spec.build_options if template is not None else ():
        if template is not None and option not in template.build_options:
            known = ", ".join(template.build_options) or "none"
            message = f"the template {template.name!r} has no build option {masked(option)[:60]!r}"
            raise InvalidFunction(
                _found(
                    "template",
                    message,
                    ("functions", spec.name, "build_options"),
                    f"it has: {known}",
                )
            )
        words.update(template.build_options[option] if template is not None else ())
    ordered = " ".join(sorted(words, key=os.fsencode))
    ssh = ("default",) if template is not None and template.mount_ssh and not spec.ssh else spec.ssh
    return attrs.evolve(
        spec,
        build_args={**spec.build_args, PACKAGES: ordered},
        ssh=ssh,
        context=f"{BUILD}/{spec.name}",
    )


def handler_digest(handler: str) -> str:
    """The MD5 that `--tag digest` takes: that of the MD5s of the handler's regular files, in the order of their paths.

    As in faas-cli, names, modes and links do not count, and a handler that is a link has no files.
    """
    paths: list[str] = []
    if not os.path.islink(handler):
        for folder, _, names in os.walk(handler):
            paths += [
                path
                for name in names
                if stat.S_ISREG(os.lstat(path := os.path.join(folder, name)).st_mode)
            ]
    whole = md5(usedforsecurity=False)
    for path in sorted(paths, key=lambda path: os.fsencode(os.path.normpath(path))):
        with open(path, "rb") as file:
            whole.update(md5(file.read(), usedforsecurity=False).hexdigest().encode())
    return whole.hexdigest()


class Contexts:
    """The contexts of one run in one project: what they share is read once.

    `root` is the project's folder; `extras` are the paths to copy into every context, relative to it. `outside_links` allows
    links that lead outside the project. Where a context cannot be made, `InvalidFunction` is raised and the last one stays.
    """

    def __init__(
        self, root: str = ".", *, extras: Iterable[str] = (), outside_links: bool = False
    ) -> None:
        self.root = os.path.realpath(root)
        self.shown = root
        self.extras = tuple(dict.fromkeys(extras))
        self.outside_links = outside_links
        self._known: dict[str, Template | None] = {}
        self._templates: dict[str, _Tree] = {}
        self._contents: dict[str, bytes] = {}
        self._made: dict[str, int] = {}
        self._build: tuple[int, int] | None = None
        umask = os.umask(0o022)
        os.umask(umask)
        # What the umask leaves alone needs no chmod: two calls less for each file.
        self._exact = not umask & 0o755

    def build_identity(self) -> tuple[int, int] | None:
        """The folder that holds the contexts, where there is one yet: it is no source of any."""
        if self._build is None and os.path.isdir(build := os.path.join(self.root, BUILD)):
            self._build = _identity(os.stat(build))
        return self._build

    def template(self, lang: str) -> Template | None:
        """The template of a language, as its `template.yml` describes it; None where there is none."""
        if lang not in self._known:
            self._known[lang] = self._template(lang)
        return self._known[lang]

    def _template(self, lang: str) -> Template | None:
        if lang.lower() == DOCKERFILE:
            return Template(name=DOCKERFILE, handler_folder="")
        if not lang or lang in (".", "..") or "/" in lang or "\0" in lang:
            return None
        folder = os.path.join(self.shown, TEMPLATES, lang)
        return Template.load(folder, lang) if os.path.isdir(folder) else None

    def assemble(self, spec: FunctionSpec, template: Template) -> str:
        """Writes the context of a function, and returns its path: `build/NAME`."""
        for found in judged_name(spec.name):
            if found.severity == "error":
                raise InvalidFunction(found)
        making = _Making(self, spec)
        try:
            tree = making.tree(template)
            with self._beside(spec.name) as folder:
                self._write(tree, folder)
        except OSError as fault:
            making.refuse(
                f"its context cannot be written: {fault.strerror}: {masked(str(fault.filename or ''))}",
                "",
            )
        return (
            os.path.join(self.shown, BUILD, spec.name)
            if self.shown != "."
            else f"{BUILD}/{spec.name}"
        )

    def take_template(self, lang: str, found: str, source: str, name: str) -> None:
        """Copies the template `name` of a folder of templates, as that of a language; one that is there stays."""
        place: KeyPath = ("configuration", "templates")
        folder = os.path.join(found, TEMPLATES, name)
        if not os.path.isdir(folder):
            names = (
                sorted(os.listdir(os.path.join(found, TEMPLATES)))
                if os.path.isdir(os.path.join(found, TEMPLATES))
                else []
            )
            message = f"{masked(source)[:200]} holds no template {name!r}"
            raise InvalidFunction(
                _found("template", message, place, f"it holds: {', '.join(names) or 'none'}")
            )
        making = _Making(self, FunctionSpec(name=lang))
        tree = _Tree({}, {})
        making.roots = [os.path.realpath(found)]
        making.walk(folder, "", tree)
        beside = self._new_folder(TEMPLATES)
        try:
            self._write(tree, beside)
            os.rename(beside, os.path.join(self.root, TEMPLATES, lang))
        finally:
            _removed(beside)
        self._known.pop(lang, None)

    @contextmanager
    def _beside(self, name: str) -> Iterator[str]:
        """A new folder that takes the place of `build/NAME` when all went well, and is gone when it did not."""
        target = os.path.join(self.root, BUILD, name)
        new = self._new_folder(BUILD)
        try:
            yield new
            if os.path.lexists(target):
                old = os.path.join(self._new_folder(BUILD), "old")
                _exchanged(new, target, old)
            else:
                os.rename(new, target)
        except BaseException:
            _removed(new)
            raise

    def _new_folder(self, within: str) -> str:
        """An empty folder beside those that are written; one of that name was left by a process that was killed."""
        folder = os.path.join(self.root, within)
        if within not in self._made:
            os.makedirs(folder, mode=0o755, exist_ok=True)
            self._made[within] = 0
        self._made[within] += 1
        new = f"{folder}/{_BESIDE}{os.getpid()}-{self._made[within]}"
        try:
            os.mkdir(new)
        except FileExistsError:
            _removed(new)
            os.mkdir(new)
        return new

    def _write(self, tree: _Tree, folder: str) -> None:
        os.chmod(folder, 0o755)
        for name in tree.folders:
            path = f"{folder}/{name}"
            os.mkdir(path, 0o755)
            if not self._exact:
                os.chmod(path, 0o755)
        for name, file in tree.files.items():
            self._copy(file, f"{folder}/{name}")

    def _copy(self, file: _File, target: str) -> None:
        """One file: its bytes, whether it may be executed, and its time."""
        mode = 0o755 if file.executable else 0o644
        to = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            data = self._contents.get(file.source)
            if data is None:
                # a FIFO that took the file's place since it was looked at must not hold us up
                source = os.open(file.source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
                try:
                    data = os.read(source, _SMALL)
                    _all_written(to, data)
                    if len(data) == _SMALL:
                        _rest_copied(source, to)
                    elif file.kept:
                        self._contents[file.source] = data
                finally:
                    os.close(source)
            else:
                _all_written(to, data)
            if not self._exact:
                os.fchmod(to, mode)
            os.utime(to, ns=(file.mtime, file.mtime))
        finally:
            os.close(to)


class _Making:
    """One context in the making: what it may be made of."""

    def __init__(self, contexts: Contexts, spec: FunctionSpec) -> None:
        self.contexts = contexts
        self.spec = spec
        self.roots = [contexts.root]
        self.build = os.path.join(contexts.root, BUILD)
        self.target = os.path.join(self.build, spec.name)

    def tree(self, template: Template) -> _Tree:
        """What the context will hold."""
        root = self.contexts.root
        if os.path.islink(self.build):
            self.refuse(
                f"`{BUILD}` is a link: contexts are written into the project alone",
                f"remove the link `{BUILD}`",
            )
        inside = self.handler_folder(template)
        tree = self.of_template(template)
        _folders(tree, inside, self.conflict)
        handler = os.path.join(root, self.spec.handler)
        real = os.path.realpath(handler)
        if not self.spec.handler or not os.path.isdir(real):
            cause = "is no folder" if os.path.lexists(handler) else "is not there"
            self.refuse(
                f"the handler {self.spec.handler!r} {cause}", "write `handler: ./FOLDER`", "handler"
            )
        if _within(real, self.target):
            self.refuse(
                "the handler lies in the context that is to be written",
                "keep it elsewhere",
                "handler",
            )
        self.roots = [root, real]
        self.walk(handler, inside, tree, skipped=_SKIPPED)
        self.roots = [root]
        for extra in self.contexts.extras:
            self.extra(extra, inside, tree)
        return tree

    def handler_folder(self, template: Template) -> str:
        """Where the handler goes, as a path within the context; empty for the context itself."""
        folder = os.path.normpath(template.handler_folder) if template.handler_folder else ""
        if os.path.isabs(folder) or folder.split("/")[0] == ".." or "\0" in folder:
            self.refuse(
                f"the handler_folder {folder!r} of the template {template.name!r} leads out of the context",
                "",
                "lang",
            )
        return "" if folder == "." else folder

    def of_template(self, template: Template) -> _Tree:
        """What the template brings: walked once for all functions of a run."""
        if template.name == DOCKERFILE:
            return _Tree({}, {})
        known = self.contexts._templates  # noqa: SLF001  # the other half of this class
        if template.name not in known:
            tree = _Tree({}, {})
            folder = os.path.join(self.contexts.root, TEMPLATES, template.name)
            self.inside(folder, "lang")
            self.walk(folder, "", tree, skipped=frozenset({_META}), kept=True)
            known[template.name] = tree
        folders, files = known[template.name]
        return _Tree(dict(folders), dict(files))

    def extra(self, extra: str, inside: str, tree: _Tree) -> None:
        """One path of `configuration.copy` or `--copy-extra`, with its own path below the handler."""
        root = self.contexts.root
        path = os.path.normpath(os.path.join(root, extra))
        name = os.path.relpath(path, root)
        if not extra or "\0" in extra or not _within(path, root) or path == root:
            self.refuse(
                f"the extra path {extra!r} is not a part of the project",
                "name a file or folder within it",
            )
        if _within(path, self.build):
            self.refuse(
                f"the extra path {extra!r} lies in `{BUILD}`, which is written anew",
                "keep it elsewhere",
            )
        if not os.path.lexists(path):
            self.refuse(
                f"the extra path {extra!r} is not there",
                "see `configuration.copy` and --copy-extra",
            )
        target = f"{inside}/{name}" if inside else name
        _folders(tree, os.path.dirname(target), self.conflict)
        self.inside(path, None)
        if os.path.isdir(path):
            _folders(tree, target, self.conflict)
            self.walk(path, target, tree)
        else:
            self.file(path, target, os.stat(path), tree, kept=False)

    def walk(
        self,
        folder: str,
        inside: str,
        tree: _Tree,
        *,
        skipped: frozenset[str] = frozenset(),
        kept: bool = False,
    ) -> None:
        """Adds what a folder holds; `skipped` names are left out at its top."""
        above = _Above(_identity(os.stat(folder)), None)
        waiting: list[tuple[str, str, _Above, frozenset[str]]] = [(folder, inside, above, skipped)]
        build = self.contexts.build_identity()
        while waiting:
            folder, inside, above, left_out = waiting.pop()
            with os.scandir(folder) as found:
                entries = sorted(
                    (entry for entry in found if entry.name not in left_out),
                    key=lambda entry: entry.name,
                )
            for entry in entries:
                target = f"{inside}/{entry.name}" if inside else entry.name
                if entry.is_symlink():
                    self.inside(entry.path, "handler")
                    status = os.stat(entry.path)
                else:
                    status = entry.stat(follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode):
                    self.file(entry.path, target, status, tree, kept=kept)
                    continue
                here = _Above(_identity(status), above)
                if here.is_within_itself():
                    self.refuse(
                        f"the link {self.name(entry.path)!r} leads to a folder that it lies in",
                        "remove the link",
                    )
                if here.identity == build:
                    self.refuse(
                        f"{self.name(entry.path)!r} holds the folder `{BUILD}` of the project",
                        "move it apart",
                    )
                _folders(tree, target, self.conflict)
                waiting.append((entry.path, target, here, frozenset()))

    def inside(self, path: str, key: str | None) -> None:
        """Refuses what leads outside the project, or nowhere."""
        try:
            real = os.path.realpath(path, strict=True)
        except OSError as fault:
            self.refuse(
                f"{self.name(path)!r} leads nowhere: {fault.strerror}",
                "remove the link, or make what it names",
                key,
            )
        if not self.contexts.outside_links and not any(_within(real, root) for root in self.roots):
            hint = "copy it into the project, or allow it with --allow-outside-links"
            self.refuse(f"{self.name(path)!r} leads outside the project, to {real!r}", hint, key)

    def file(
        self, path: str, target: str, status: os.stat_result, tree: _Tree, *, kept: bool
    ) -> None:
        """Adds a regular file, and refuses anything else."""
        if not stat.S_ISREG(status.st_mode):
            self.refuse(
                f"{self.name(path)!r} is neither a file nor a folder",
                "a FIFO, a socket or a device is no source",
            )
        if target in tree.folders:
            self.conflict(target)
        small = kept and status.st_size < _SMALL
        tree.files[target] = _File(
            path, bool(status.st_mode & stat.S_IXUSR), status.st_mtime_ns, small
        )

    def conflict(self, target: str) -> NoReturn:
        """A file of one source is a folder of another."""
        self.refuse(
            f"{target!r} is a file in one place and a folder in another: template, handler and extras are merged",
            "",
        )

    def name(self, path: str) -> str:
        """A path as the user knows it."""
        return (
            os.path.relpath(path, self.contexts.root) if _within(path, self.contexts.root) else path
        )

    def refuse(self, message: str, hint: str, key: str | None = None) -> NoReturn:
        """Raises with the function's place."""
        path: KeyPath = ("functions", self.spec.name, *((key,) if key else ()))
        raise InvalidFunction(_found("context", message, path, hint))


class _Above(NamedTuple):
    """A folder and those that it was reached through: how link cycles are found."""

    identity: tuple[int, int]
    parent: _Above | None

    def is_within_itself(self) -> bool:
        """Whether this folder was passed already."""
        passed = self.parent
        while passed is not None:
            if passed.identity == self.identity:
                return True
            passed = passed.parent
        return False


def _found(
    code: str, message: str, path: KeyPath, hint: str, severity: Severity = "error"
) -> Diagnostic:
    return Diagnostic(
        name=code, severity=severity, message=message, location=Location(path=path), hint=hint
    )


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _within(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it; both are absolute and normal."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _folders(tree: _Tree, folder: str, conflict: Callable[[str], NoReturn]) -> None:
    """Adds a folder of the context, and those that it lies in."""
    if not folder or folder in tree.folders:
        return
    steps = folder.split("/")
    for end in range(1, len(steps) + 1):
        name = "/".join(steps[:end])
        if name in tree.files:
            conflict(name)
        tree.folders[name] = None


def _exchanged(new: str, target: str, old: str) -> None:
    """Puts a folder in the place of what is there, or all is as it was."""
    try:
        os.rename(target, old)
        try:
            os.rename(new, target)
        except OSError:
            os.rename(old, target)
            raise
    finally:
        _removed(os.path.dirname(old))


def _removed(folder: str) -> None:
    from shutil import rmtree

    rmtree(folder, ignore_errors=True)


def _all_written(to: int, data: bytes) -> None:
    while data:
        data = data[os.write(to, data) :]


def _rest_copied(source: int, to: int) -> None:
    """Copies from where both are to the end: as a reflink or within the kernel where it can, through us where it cannot."""
    try:
        while os.copy_file_range(source, to, 2**30):
            pass
    except OSError:
        while data := os.read(source, 2**20):
            _all_written(to, data)
