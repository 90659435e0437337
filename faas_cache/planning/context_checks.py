"""Checks of the files of build contexts, and of ignore files that docker does not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from faas_cache.model.diagnostics import Diagnostic, Location, Severity
from faas_cache.model.dockerfile_inputs import ContextCopy, context_copies
from faas_cache.model.dockerfiles import Dockerfile
from faas_cache.model.errors import InvalidInput
from faas_cache.model.masking import masked
from faas_cache.planning.builder_flags import target_stage
from faas_cache.planning.context_files import ContextFiles
from faas_cache.planning.ignore_files import IgnoreFile, parse_ignore_file
from faas_cache.planning.ignore_patterns import IgnorePattern, is_valid_glob
from faas_cache.planning.plan import BuildPlan

__all__ = ["check_context_files"]

_MAX_SHOWN = 60
# Why each name keeps a cache from being hit, and how much that matters.
_REASONS: dict[str, tuple[Severity, str]] = {
    ".git": ("warning", "it changes with each commit, so the step runs in each build"),
    ".env": ("note", "it differs on each machine, and it is in the image"),
    "node_modules": ("note", "it differs on each machine, and its files are sent to the builder"),
    "__pycache__": ("note", "it changes whenever the code runs"),
}


def check_context_files(
    plans: Iterable[BuildPlan],
    contexts: Mapping[str, ContextFiles],
    dockerfiles: Mapping[str, str],
) -> Iterator[Diagnostic]:
    """What is wrong with the files of the contexts of these plans.

    `contexts` and `dockerfiles` hold what was read, by function. What concerns the cache is
    reported for functions with caching whose Dockerfile is known.
    """
    for plan in plans:
        files = contexts.get(plan.function)
        if files is None:
            continue
        yield from _check_unread(plan, files)
        ignore = IgnoreFile()
        try:
            ignore = parse_ignore_file(files.ignore_text, files.ignore_file)
        except InvalidInput as error:
            yield from error.diagnostics
        yield from ignore.check()
        text = dockerfiles.get(plan.function, "") if plan.caching else ""
        if text and (files.volatile or files.modes):
            dockerfile = Dockerfile.parse(text, plan.build_args)
            copies = tuple(context_copies(dockerfile, target_stage(plan)))
            yield from _check_volatile(plan, files, copies, ignore)
            yield from _check_modes(plan, files, copies, ignore)


def _check_unread(plan: BuildPlan, files: ContextFiles) -> Iterator[Diagnostic]:
    """A note for each ignore file of a handler that is not the root of the context."""
    for path in files.unread:
        yield Diagnostic(
            name="unread-dockerignore",
            severity="note",
            message=f"docker does not read `{_shown(path)}`, because it is not at the root of the"
            " build context",
            hint=f"move its patterns to `{_shown(files.home)}/.dockerignore`, and prefix them"
            " with the handler's folder",
            location=Location(path=("functions", plan.function, "handler")),
        )


def _check_volatile(
    plan: BuildPlan, files: ContextFiles, copies: tuple[ContextCopy, ...], ignore: IgnoreFile
) -> Iterator[Diagnostic]:
    """One diagnostic for each name of which the Dockerfile copies something."""
    reported: set[str] = set()
    for path in files.volatile:
        name = path.rpartition("/")[2]
        copied = next((copy for copy in copies if _copies(copy, path, itself=False)), None)
        if name in reported or copied is None or _is_excluded(ignore, path):
            continue
        reported.add(name)
        severity, reason = _REASONS[name]
        instruction = copied.step.instruction
        yield Diagnostic(
            name="volatile-file",
            severity=severity,
            message=f"line {instruction.line} of the Dockerfile copies `{_shown(path)}`: {reason}",
            hint=f"write `**/{name}` into"
            f" `{_shown(files.ignore_file or f'{files.home}/.dockerignore')}`",
            location=Location(path=("functions", plan.function, "build_cache")),
        )


def _check_modes(
    plan: BuildPlan, files: ContextFiles, copies: tuple[ContextCopy, ...], ignore: IgnoreFile
) -> Iterator[Diagnostic]:
    """A note on an own context: modes are a part of what BuildKit compares."""
    modes = [
        (path, mode)
        for path, mode in files.modes
        if any(_copies(copy, path, itself=True) for copy in copies)
        and not _is_excluded(ignore, path)
    ]
    if modes:
        path, mode = modes[0]
        others = f" (and {len(modes) - 1} more)" if len(modes) > 1 else ""
        yield Diagnostic(
            name="unportable-modes",
            severity="note",
            message=f"the mode of `{_shown(path)}` is {mode:04o}{others}: modes are a part of the"
            " cache key, and a checkout has 0644 or 0755",
            hint=f"run `chmod -R u=rwX,go=rX {_shown(plan.context)}`, or remove `context`, because"
            " faas-cache writes contexts with fixed modes",
            location=Location(path=("functions", plan.function, "context")),
        )


def _copies(copy: ContextCopy, path: str, *, itself: bool) -> bool:
    """Whether a step copies a path with a folder that it is in; or with `itself`, by its name."""
    for source in copy.paths:
        if (
            source == "."
            or (source != path and _matches((source,), path))
            or (source == path and itself)
        ):
            relative = path.removeprefix(f"{source}/")
            if not _matches(copy.excludes, path) and not _matches(copy.excludes, relative):
                return True
    return False


def _matches(patterns: Iterable[str], path: str) -> bool:
    """Whether one of some patterns of a Dockerfile matches a path or a folder that it is in."""
    valid = [pattern.strip("/") for pattern in patterns if is_valid_glob(pattern)]
    location = Location()
    compiled = tuple(IgnorePattern(p, location, is_exception=False) for p in valid if p)
    return _is_excluded(IgnoreFile(patterns=compiled), path)


def _is_excluded(ignore: IgnoreFile, path: str) -> bool:
    try:
        return ignore.excludes(path)
    except InvalidInput:  # docker fails, and the check of the ignore file reports it
        return True


def _shown(path: str) -> str:
    return masked(path)[:_MAX_SHOWN]
