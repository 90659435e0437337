"""`explain`: why a build failed, and what went wrong without failing it.

The structure of the log decides first, because a status is ambiguous: 401 may be about the cache,
the image or the base image. The step that failed is the one whose whole error ends the final error
of the builder; if there is none, the words of the error decide. An unrecognized error is `unknown`,
and is shown unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import attrs

from faas_cache.buildkit.answers import (
    cause_of,
    cause_of_import,
    find_words,
    registry_of,
    with_login,
)
from faas_cache.buildkit.events import Event
from faas_cache.buildkit.evidence import Build, Vertex
from faas_cache.buildkit.last_words import Final, shorten
from faas_cache.buildkit.logs import stream_log
from faas_cache.buildkit.messages import Cause, FailedStep
from faas_cache.buildkit.names import import_source
from faas_cache.buildkit.sentences import SENTENCES
from faas_cache.model.diagnostics import Diagnostic, Location, Severity
from faas_cache.model.masking import masked_message
from faas_cache.model.text import printable
from faas_cache.model.value import Value

__all__ = ["Explanation", "explain", "explain_text"]

# The mark of lines that belong to no target of a bake.
_BAKE = "bake"
# The maximal length of the builder's own error that is kept.
_MAX_ERROR = 1000


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Explanation(Value):
    """What went wrong in the build of one function, and what to do.

    `severity` is `error` for what failed the build, `warning` for a cache that could not be read or
    written though the build went on, `note` for a cache that does not exist yet. `step` is `None`
    where it is not known, and so is `image_pushed`, which is true only if the log shows that the
    push ended well. `error` holds the builder's own words, masked. `name` is that of its
    diagnostic; empty is that of its step.
    """

    function: str = ""
    severity: Severity = "error"
    step: FailedStep | None
    cause: Cause
    image_pushed: bool | None
    message: str
    fix: str
    url: str
    error: str = ""
    name: str = ""

    def __str__(self) -> str:
        return self.block()

    def block(self, *more: str) -> str:
        """The explanation as lines: function and cause, error, what to do, `more`, a page."""
        first = str(attrs.evolve(self.diagnostic(), hint="", url="", location=Location()))
        head = f"{printable(self.function)}: {first}" if self.function else first
        return "\n    ".join(filter(None, (head, self.error, self.fix, *more, self.url)))

    def diagnostic(self) -> Diagnostic:
        """The explanation as a diagnostic: `build-failed`, `export-failed` or `import-failed`."""
        name = "build-failed"
        if self.severity != "error":
            name = "export-failed" if self.step == "cache-export" else "import-failed"
        pushed = "; the image was already pushed" if self.image_pushed else ""
        return Diagnostic(
            name=self.name or name,
            severity=self.severity,
            message=self.message + (pushed if self.severity == "error" else ""),
            hint=self.fix,
            url=self.url,
            location=Location(path=("functions", self.function) if self.function else ()),
        )


def explain(
    log: str | bytes | Iterable[Event], exit_code: int | None = None
) -> tuple[Explanation, ...]:
    """What failed in a log and why: failures first, then what did not fail the build.

    `log` is what builders printed, from anywhere, or the events of builds. With an `exit_code` it
    alone says whether the build failed; without, the events do, or the last words of the builder.

    >>> [explanation] = explain("ERROR: failed to solve: dockerfile parse error on line 1")
    >>> explanation.step, explanation.cause
    ('dockerfile', 'invalid')
    """
    return _explain_all(_builds(log), exit_code)


def explain_text(log: bytes) -> tuple[tuple[Explanation, ...], bool]:
    """What `explain` returns, and whether the text is the log of a builder.

    >>> explain_text(b"Error: no such user")[1], explain_text(b"#1 DONE 0.1s")[1]
    (False, True)
    """
    builds = _builds(log)
    explanations = _explain_all(builds, None)
    explained = any(e.severity == "error" and e.cause != "unknown" for e in explanations)
    return explanations, explained or any(build.recognized for build in builds)


def _explain_all(builds: Sequence[Build], exit_code: int | None) -> tuple[Explanation, ...]:
    """The explanations of some builds: failures first."""
    failures = list(_failures(builds, exit_code))
    if not failures and exit_code:
        failures = [_explain_last(builds)]
    culprits = {id(step) for build in builds for step in build.culprits}
    notes = [note for build in builds for note in _notes(build, culprits)]
    return tuple(dict.fromkeys((*failures, *notes)))


def _builds(log: str | bytes | Iterable[Event]) -> list[Build]:
    """The builds in a log; of events, one for each function."""
    builds: dict[object, Build] = {}
    if isinstance(log, str | bytes):
        data = log.encode(errors="replace") if isinstance(log, str) else log
        for number, event in stream_log(data):
            if number not in builds:
                builds[number] = Build(event.function)
            builds[number].add(event)
        # The last words of a bake have a mark of their own.
        bakes = [b for b in builds.values() if b.function == _BAKE and not b.has_steps]
        for build in bakes if len(bakes) == 1 else ():
            build.shared = True
    else:
        for event in log:
            if event.function not in builds:
                builds[event.function] = Build(event.function, of_events=True)
            builds[event.function].add(event)
    return list(builds.values())


def _failures(builds: Sequence[Build], exit_code: int | None) -> Iterator[Explanation]:
    """The failure of each build that failed."""
    failed = [build for build in builds if build.may_have_failed(exit_code)]
    ended = [(build, final) for build in failed if (final := build.final) is not None]
    yield from (_explain(build, builds, final) for build, final in ended)
    for build in failed:
        if build.final is not None or build.culprits:
            continue
        if build.exit_code or not build.has_text:
            final = build.error_of_steps()
            if final is None and build.exit_code and not ended:
                final = build.last_words()
            if final is not None:
                yield _explain(build, builds, final)


# One failure.


def _explain_last(builds: Sequence[Build]) -> Explanation:
    """The failure of builds without an error in their log."""
    last = builds[-1] if builds else Build()
    if last.of_events and len(builds) > 1:  # a bake: it is not known which function failed
        last = next((build for build in builds if not build.function), Build(of_events=True))
    return _explain(last, builds, last.last_words())


def _explain(build: Build, builds: Sequence[Build], final: Final) -> Explanation:
    """The explanation of the error that a build ended with."""
    owner, culprit = _culprit(build, builds, final)
    final = attrs.evolve(final, message=shorten(final.message))
    own = find_words(final.message)
    step: FailedStep | None = own.step if own else None
    cause = own.cause if own else None
    variant = own.variant if own else ""
    if step is None:
        step = "image-push" if final.pushing else _step_of(culprit)
    elif culprit is not None and culprit.kind in ("export", "image") and step != "build-step":
        step = _step_of(culprit)
    elif _step_of(culprit) == "daemon":
        step, variant = "daemon", ""
    if cause is None:
        cause = cause_of(f"{final.message}\n{final.more}", step)
    if _step_of(culprit) == "daemon" and cause not in ("denied", "disk-full"):
        cause = "unreachable"  # it does not start, whatever its words are
    if step in ("build-step", "base-image", "image-push", "cache-export", "daemon"):
        broken = _broken_cache(owner, culprit, final.message)
        if broken is not None:
            step, cause, variant = *broken, "broken"
    variant = variant or _special(step, cause, culprit, final)
    function = owner.function or build.function or final.target or build.explained_function
    return _sentence(
        function,
        "error",
        step,
        cause,
        variant,
        owner.pushed(step, culprit, final),
        final.message,
        owner.imported if variant == "broken" else (),
    )


def _special(step: FailedStep | None, cause: Cause, culprit: Vertex | None, final: Final) -> str:
    """The variant of a failure whose sentence depends on what failed, and not on its words."""
    if (step, cause) == ("cache-export", "refused") and culprit and culprit.image_manifest:
        return "image-manifest"
    if cause == "denied" and "immutable" in final.message:
        return "immutable"
    return "service" if _SERVICE.search(culprit.name if culprit else final.message) else ""


def _culprit(build: Build, builds: Sequence[Build], final: Final) -> tuple[Build, Vertex | None]:
    """The step that failed, and its build: in a bake, that of the function of the step."""
    for candidate in builds if build.shared else [build]:
        vertex = candidate.culprit(final)
        if vertex is not None:
            candidate.culprits.append(vertex)
            return candidate, vertex
    if final.block and find_words(shorten(final.message)) is None:
        return build, build.named(final.block)
    return build, None


# The variants of errors about a name that is not that of a builder.
_NO_BUILDER = frozenset({"builder", "context"})
# A cache in S3, Azure or GitHub Actions, by the name of its step, its own name, or an error.
_SERVICE = re.compile(
    r"(?i)to Amazon S3|to GitHub|to Azure|^(?:s3|gha|azblob):|operation error S3"
    r"|(?:azblob|gha) cache"
)
# Steps that BuildKit calls internal, by what their names hold.
_INTERNAL: tuple[tuple[str, FailedStep], ...] = (
    ("load metadata for", "base-image"),
    ("load build definition", "dockerfile"),
    ("load .dockerignore", "dockerfile"),
    ("load build context", "dockerfile"),
    ("load remote build context", "dockerfile"),
    ("resolve image config", "dockerfile"),
    ("waiting for connection", "daemon"),
    ("booting buildkit", "daemon"),
    ("[internal] pushing ", "image-push"),
    ("LINK COPY ", "build-step"),
    ("LINK ADD ", "build-step"),
)
_KINDS: dict[str, FailedStep] = {
    "export": "cache-export",
    "import": "cache-import",
    "image": "image-push",
    "base": "base-image",
    "build": "build-step",
}


def _step_of(vertex: Vertex | None) -> FailedStep | None:
    if vertex is None:
        return None
    if vertex.kind == "internal":
        return next((step for part, step in _INTERNAL if part in vertex.name), None)
    return _KINDS[vertex.kind]


# A layer that an imported cache lists and that cannot be read. A file that a step lacks is a path
# in quotes, without digest.
_LAYER = re.compile(
    r"could not fetch content descriptor sha256:|content sha256:[0-9a-f]+: not found"
    r"|parent snapshot \S+ does not exist|failed to copy: (?:httpReadSeeker|operation error S3): "
    r"|\bblob not found|BlobNotFound"
)
_GONE = re.compile(r"not found|does not exist|NoSuchKey|BlobNotFound|StatusCode: 404")


def _broken_cache(
    build: Build, culprit: Vertex | None, message: str
) -> tuple[FailedStep, Cause] | None:
    """Whether a layer of the cache, or of the base image, could not be read (G3)."""
    if culprit is None or culprit.kind == "internal" or not _LAYER.search(message):
        return None
    cause = cause_of(message, None)
    gone: Cause = "missing" if cause == "unknown" and _GONE.search(message) else cause
    if build.imported or not build.whole:
        return "cache-import", gone
    return None if "parent snapshot" in message else ("base-image", gone)


# What did not fail the build.


def _notes(build: Build, culprits: set[int]) -> Iterator[Explanation]:
    """The imports and the exports that failed although the build went on."""
    pushed = build.pushed(None, None, Final("")) or None
    for vertex in build.failed:
        if id(vertex) in culprits or vertex.kind not in ("import", "export"):
            continue
        step = _KINDS[vertex.kind]
        message = shorten(vertex.bare)
        cause = cause_of_import(message) if vertex.kind == "import" else cause_of(message, step)
        name = import_source(vertex.name)
        yield _note(build.function, pushed, step, cause, message, name)
    for vertex in build.failed:  # G3: BuildKit itself has run such a step once more
        message = shorten(vertex.bare)
        lost = id(vertex) not in culprits and _broken_cache(build, vertex, message)
        if lost and build.imported:
            yield _sentence(
                build.function, "warning", *lost, "broken", pushed, message, build.imported
            )
    for name, message in build.lost_imports:
        cause = cause_of(message, "cache-import")
        yield _note(build.function, pushed, "cache-import", cause, message, name)


def _note(  # noqa: PLR0913  # the parts of a note
    function: str,
    pushed: bool | None,  # noqa: FBT001  # three values
    step: FailedStep,
    cause: Cause,
    error: str,
    name: str,
) -> Explanation:
    severity: Severity = "note" if (step, cause) == ("cache-import", "missing") else "warning"
    variant = "service" if _SERVICE.search(f"{name}\n{error}") else ""
    return _sentence(function, severity, step, cause, variant, pushed, error, (name,))


def _sentence(  # noqa: PLR0913  # the parts of an explanation
    function: str,
    severity: Severity,
    step: FailedStep | None,
    cause: Cause,
    variant: str,
    pushed: bool | None,  # noqa: FBT001  # three values
    error: str,
    caches: Sequence[str],
) -> Explanation:
    """The sentence that is written for a step and a cause; `unknown` if there is none."""
    key = f"{step or ''} {cause}"
    sentence = SENTENCES.get(f"{key} {variant}") or SENTENCES.get(key)
    if sentence is None:
        cause = "unknown"
        sentence = SENTENCES[f"{step or ''} unknown"]
    registry = registry_of(error)
    name = "unknown-builder" if variant in _NO_BUILDER and step == "front-end" else ""
    names = ", ".join(f"`{masked_message(c)}`" for c in dict.fromkeys(caches)) or "in use"
    error = masked_message(error)
    return Explanation(
        function=function,
        severity=severity,
        step=step,
        cause=cause,
        image_pushed=pushed,
        message=sentence.message.replace("{cache}", names),
        fix=sentence.fix if registry is None else with_login(sentence.fix, registry),
        url=sentence.url,
        error=error if len(error) <= _MAX_ERROR else f"{error[:_MAX_ERROR]}…",
        name=name,
    )
