"""`read_context_files`: what the checks need of the files of the contexts of a plan."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from typing import NamedTuple

from faas_cache.contexts.extras import extra_paths
from faas_cache.contexts.files import copied_mode, read_small
from faas_cache.contexts.ignore_sources import find_ignore_file, root_folders
from faas_cache.contexts.names import BUILD_FOLDER, TEMPLATE_FOLDER
from faas_cache.contexts.sources import is_within, relative_path
from faas_cache.contexts.templates import DOCKERFILE
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.context_files import IGNORE_FILES, VOLATILE_NAMES, ContextFiles
from faas_cache.stack_plan import StackPlan

__all__ = ["read_context_files"]

# The limits of files and folders that are read, and of paths with other modes that are kept: a
# plan must be much faster than a build.
MAX_ENTRIES, MAX_MODES = 2000, 100
# A checkout under umask 022 has folders with this mode; files as `copied_mode` says.
_FOLDER_MODE = 0o755
# What is not copied of a handler that is the root of the project.
_SKIPPED = frozenset({BUILD_FOLDER, TEMPLATE_FOLDER})
# Modes mean nothing where the system has none.
_HAS_MODES = os.name == "posix"


class _Entry(NamedTuple):
    """A file or folder of a context, by its path in it."""

    path: str
    status: os.stat_result


def read_context_files(root: str, plan: StackPlan) -> dict[str, ContextFiles]:
    """The files of the contexts of a plan, by function; contexts without any are left out.

    Only for functions with caching the files themselves are looked at.
    """
    contexts: dict[str, ContextFiles] = {}
    root = os.path.realpath(root)
    for build_plan in () if plan.request.options.prebuilt else plan.plans:
        # That of the file: in a plan of several files, every other one names its context.
        spec = plan.stack.functions[build_plan.function]
        if spec.context is not None:
            files = _own_context(root, spec.context, caching=build_plan.caching)
        elif spec.lang:
            files = _written_context(root, plan, spec, caching=build_plan.caching)
        else:
            continue
        if files.ignore_file or files.unread or files.volatile or files.modes:
            contexts[build_plan.function] = files
    return contexts


def _own_context(root: str, context: str, *, caching: bool) -> ContextFiles:
    folder = os.path.join(root, context)
    if "://" in context or not os.path.isdir(folder):
        return ContextFiles()
    entries = list(_walk(folder, "")) if caching else []
    path = find_ignore_file(IGNORE_FILES, (folder,))
    modes = [
        (entry.path, mode)
        for entry in entries
        if (mode := stat.S_IMODE(entry.status.st_mode)) != _portable_mode(entry.status)
    ]
    return ContextFiles(
        ignore_file="" if path is None else _shown(path, root),
        ignore_text=_text(path, folder),
        volatile=[entry.path for entry in entries if _is_volatile(entry)],
        modes=modes[:MAX_MODES] if _HAS_MODES else (),
        home=_shown(folder, root),
    )


def _written_context(
    root: str, plan: StackPlan, spec: FunctionSpec, *, caching: bool
) -> ContextFiles:
    """The same for a context that is written: with fixed modes, from a template and a handler."""
    is_dockerfile = spec.lang.lower() == DOCKERFILE
    template = plan.inputs.templates.get(spec.lang)
    name = DOCKERFILE if is_dockerfile else spec.lang
    handler = os.path.join(root, spec.handler)
    if template is None or not spec.handler or not os.path.isdir(handler):
        return ContextFiles()
    inside = posixpath.normpath(template.handler_folder or ".").removeprefix(".")
    extras = () if inside else extra_paths(plan, spec.name)
    path = find_ignore_file(
        IGNORE_FILES, root_folders(root, name, spec.handler, inside), root, extras
    )
    entries = _walk(handler, inside, _SKIPPED) if caching else ()
    unread = [f"{handler}/{name}" for name in IGNORE_FILES if inside]
    return ContextFiles(
        ignore_file="" if path is None else _shown(path, root),
        ignore_text=_text(path, root, handler),
        unread=[_shown(path, root) for path in unread if os.path.isfile(path)],
        volatile=[entry.path for entry in entries if _is_volatile(entry)],
        home=_shown(handler if is_dockerfile else f"{root}/{TEMPLATE_FOLDER}/{name}", root),
    )


def _walk(top: str, inside: str, skipped: frozenset[str] = frozenset()) -> Iterator[_Entry]:
    """The files and folders in a folder, level by level, without what is in volatile ones.

    `inside` is the path of the folder in the context, `skipped` are names at its top. No link is
    followed, and what cannot be read is left out.
    """
    waiting, left = [(top, inside)], MAX_ENTRIES
    for folder, above in waiting:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names[:left]:
            path = f"{folder}/{name}"
            try:
                entry = _Entry(f"{above}/{name}" if above else name, os.lstat(path))
            except OSError:
                continue
            if name in skipped or stat.S_ISLNK(entry.status.st_mode):
                continue
            yield entry
            if stat.S_ISDIR(entry.status.st_mode) and name not in VOLATILE_NAMES:
                waiting.append((path, entry.path))
        skipped = frozenset()
        left = max(0, left - len(names))


def _portable_mode(status: os.stat_result) -> int:
    """The mode that a checkout has."""
    return _FOLDER_MODE if stat.S_ISDIR(status.st_mode) else copied_mode(status)


def _is_volatile(entry: _Entry) -> bool:
    name = entry.path.rpartition("/")[2]
    return name in VOLATILE_NAMES and (name == ".env") == stat.S_ISREG(entry.status.st_mode)


def _text(path: str | None, *folders: str) -> str:
    """The text of an ignore file, which is not read if it is a link that leads outside."""
    real = "" if path is None else os.path.realpath(path)
    if not any(is_within(real, os.path.realpath(folder)) for folder in folders):
        return ""
    return (read_small(real) or b"").decode(errors="surrogateescape")


def _shown(path: str, root: str) -> str:
    return relative_path(os.path.normpath(path), root)
