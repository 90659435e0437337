"""Why a build failed, judged by the step that failed and by what BuildKit and docker say in the versions in use.

The step comes first, for a status says little: 401 may be of the cache, of the image or of its base. It is that of the vertex
whose error the last words repeat, else what the words themselves name. What is not recognised is `unknown`, and shown as it
is. The texts are of three eras of BuildKit: to 0.11 (no URL, no body), 0.12 to 0.29 (`unexpected status from PUT request to
URL: 400`, and since 0.23 the registry's own message on a second line), and since 0.30 (that message alone).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

import attrs

from faas_cache.buildkit.progress import IMPORTING, Progress, Step, step_of
from faas_cache.model.backends import BACKENDS
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.masking import masked_message

if TYPE_CHECKING:
    from faas_cache.planning.plan import BuildPlan

Where: TypeAlias = Literal[
    "cache-export",
    "cache-import",
    "image-push",
    "base-image",
    "dockerfile",
    "build-step",
    "entry",
    "front-end",
    "daemon",
]
Cause: TypeAlias = Literal[
    "refused",
    "unauthorized",
    "denied",
    "unreachable",
    "unsupported",
    "missing",
    "invalid",
    "disk-full",
    "failed",
    "unknown",
]


@attrs.frozen(kw_only=True)
class Explanation:
    """What went wrong, where, and what to do.

    `step` is None where the words name none. `image_pushed` is None where it is not known whether the image is in its
    registry already. `message` holds the builder's own words, masked.
    """

    function: str = ""
    severity: str = "error"
    step: Where | None
    cause: Cause
    image_pushed: bool | None
    message: str
    fix: str
    url: str

    def diagnostic(self, severity: Literal["error", "warning", "note"] = "error") -> Diagnostic:
        """The explanation as something to say."""
        pushed = {True: "; the image was pushed already", False: "", None: ""}[self.image_pushed]
        return Diagnostic(
            name="G2", severity=severity, message=self.message + pushed, hint=self.fix, url=self.url
        )


@attrs.frozen(kw_only=True)
class Explained:
    """Why a build failed, None where it did not, and what went wrong besides."""

    failure: Explanation | None
    notes: tuple[Explanation, ...] = ()


class Ended(Protocol):
    """What is asked of a build that has ended."""

    @property
    def exit_code(self) -> int | None:
        """The builder's exit code; None where only a log is left."""

    @property
    def progress(self) -> Progress:
        """What the builder said."""


def explain_old(ended: Ended, plan: BuildPlan | None = None, *, pushing: bool = False) -> Explained:
    """What failed and what to do about it, and the trouble that was not fatal: missed imports, ignored export errors.

    With an `exit_code` it alone says whether the build failed, else its last words do. `plan` is what was to be built;
    `pushing` says that it was a `docker push`.
    """
    progress, code = ended.progress, ended.exit_code
    steps = progress.steps
    words = _last_words(progress, steps, pushing=pushing) if code != 0 else None
    if words is None and code:
        said = [line for line in map(str.strip, progress.text) if line]
        words = _Words(masked_message(said[-1]) if said else "", pushing=pushing)
    culprit = _culprit(words, steps, progress) if words else None
    failure = _failure(words, culprit, progress.pushed, plan) if words is not None else None
    notes = tuple(
        _note(step)
        for step in steps
        if step.failed and step is not culprit and step.kind in ("import", "export")
    )
    return Explained(failure=failure, notes=tuple(dict.fromkeys((*notes, *_warnings(progress)))))


# What was said last.


class _Words(NamedTuple):
    """The builder's last words: the message, without what is always before it, and the registry's own lines behind it."""

    message: str
    more: tuple[str, ...] = ()
    pushing: bool = False
    end: int = -1


# What the builders put before a message, in all their versions: `ERROR: target two: failed to build: failed to solve: …`.
_BEFORE = re.compile(
    r"(?:(?:ERROR|error|Error): |buildx (?:bake )?failed with: |target [\w-]+: |failed to build: "
    r"|failed to solve(?: with frontend [\w.]+)?: |failed to create LLB definition: |rpc error: code = \w+ desc = )+"
)
_FINAL = re.compile(
    r"(?:Error: )?(?:buildx (?:bake )?failed with: )?(?:ERROR|error): (?P<said>\S.*)|failed to solve(?: |:).*"
)
# How failures begin that no vertex has and no `ERROR:` stands before: docker's own, and those of the legacy builder.
_BARE = re.compile(
    r"The command '.*' returned a non-zero code: [0-9]+"
    r"|(?:Error response from daemon|error during connect|unable to prepare context|invalid argument|unknown flag"
    r"|unknown shorthand flag|failed to connect to the docker API|permission denied while trying to connect)\b.*"
    r"|(?:docker: )?(?:Cannot connect to the Docker daemon|unknown command: docker buildx)\b.*"
    r"|(?:docker: )?'buildx' is not a docker command.*"
    r"|(?:.*: )?docker: (?:command )?not found"
    r"|(?:ADD|COPY) failed: .*|invalid value \".*"
    r"|no basic auth credentials|unauthorized: .*|denied: .*"
)
# What `faas-cache build` says of a failure, behind the builder's words.
_OURS = re.compile(r"(?:error|warning|note): .* \[G[12]\]")
_PUSHING = re.compile(r"The push refers to repository \[")
_LAST_OF_A_PUSH = re.compile(
    r"(?:denied|unsupported|unauthorized|unknown|EOF|received unexpected HTTP status)\b.*|(?:Get|Put|Head|Post) \".*"
)
_OF_THE_REGISTRY = re.compile(
    r"(?:errors|unknown|unsupported|unauthorized|denied|unavailable|toomanyrequests)(?::.*)?",
    re.IGNORECASE,
)
_SUCCESS = re.compile(r"Successfully (?:built|tagged) |\S+: digest: sha256:[0-9a-f]{64} size: ")


def _last_words(progress: Progress, steps: Sequence[Step], *, pushing: bool) -> _Words | None:
    """The message that the build ended with; None where it did not fail, or does not say so."""
    errors = {
        step.error.partition("\n")[0] for step in steps if step.failed and step.kind != "import"
    }
    lines = [masked_message(line.strip()) for line in progress.text]
    found: _Words | None = None
    block = False
    for at, line in enumerate(lines):
        if (found is not None and at <= found.end) or _OURS.fullmatch(line):
            continue
        if line.startswith("---"):
            block = not block and line == "------"
        elif _SUCCESS.match(line):
            found, pushing = None, False
        elif _PUSHING.match(line):
            pushing = True
        elif not block and _is_final(line, errors, pushing=pushing):
            more = []
            for after in lines[at + 1 :]:
                if not _OF_THE_REGISTRY.fullmatch(after):
                    break
                more.append(after)
            found = _Words(_BEFORE.sub("", line, count=1), tuple(more), pushing, at + len(more))
    return found


def _is_final(line: str, errors: Iterable[str], *, pushing: bool) -> bool:
    if (
        _FINAL.fullmatch(line)
        or _BARE.fullmatch(line)
        or (pushing and _LAST_OF_A_PUSH.fullmatch(line))
    ):
        return True
    # BuildKit without buildx (docker 20) says no more than the error of the step
    return any(line.endswith(error) for error in errors if error)


def _culprit(words: _Words, steps: Sequence[Step], progress: Progress) -> Step | None:
    """The step that the build failed with: the one whose error was said last, else the last that is set apart."""
    for step in reversed([step for step in steps if step.failed and step.kind != "import"]):
        said = _BEFORE.sub("", step.error.partition("\n")[0], count=1)
        if said and (said in words.message or words.message in said):
            return step
    blocks = [
        line.strip()[2:-1]
        for line in progress.text
        if line.startswith(" > ") and line.endswith(":")
    ]
    named = [name for name in blocks if IMPORTING not in name]
    known = {step.name: step for step in steps}
    if not named or _has_own_step(words.message):
        return None
    return known.get(named[-1]) or step_of(named[-1])


# What the words say by themselves. The first that is found decides; a step of None is that of the culprit.

_PROCESS = r"process \".*\" did not complete successfully|executor failed running \[|The command '.*' returned a non-zero code: "
_RULES: tuple[tuple[Where, Cause, str], ...] = (
    ("build-step", "failed", _PROCESS),
    ("cache-export", "unsupported", r"(?i)cache export (?:feature )?is (?:currently )?not supported"),
    ("cache-export", "unsupported", r"specifying multiple cache exports is not supported"),
    ("entry", "invalid", r"type required(?: for[>m]?>?)?|duplicate cache exports \["),
    ("entry", "invalid", r"^invalid value \S*$|parse error on line [0-9]+, column"),
    ("entry", "invalid", r"\w+ cache (?:exporter|importer) requires (?:ref|dest|src)|cache with type gha requires"),
    ("entry", "invalid", r"failed to configure .* cache exporter: |invalid configuration for remote cache"),
    ("front-end", "missing", r"'?buildx'? is not a docker command|unknown command: docker buildx"),
    ("front-end", "missing", r"buildx component is missing or broken|docker: (?:command )?not found"),
    ("front-end", "missing", r"no builder \"?.*\"? found|failed to find (?:builder|driver)"),
    ("front-end", "unsupported", r"unknown (?:shorthand )?flag|passed to --progress, valid values"),
    ("daemon", "denied", r"permission denied while trying to connect to the (?:Docker daemon|docker API)"),
    ("daemon", "unreachable", r"(?i)Cannot connect to the Docker daemon|failed to connect to the docker API"),
    ("daemon", "unreachable", r"(?i)error during connect"),
    ("daemon", "unreachable", r"error reading from server: |code = Unavailable|^Unavailable: "),
    ("daemon", "unreachable", r"transport is closing|closing transport"),
    ("front-end", "invalid", r"invalid tag \"|for \"(?:-\w, )?--[\w-]+\" flag|requires exactly 1 argument"),
    ("front-end", "missing", r"failed to stat .*: no such file or directory|invalid empty ssh agent socket"),
    ("front-end", "missing", r"could not parse ssh"),
    ("front-end", "unsupported", r"additional privileges requested|exporter does not currently support"),
    ("front-end", "unsupported", r"[Mm]ulti-platform build is not supported"),
    ("dockerfile", "missing", r"failed to read dockerfile: .*(?:no such file|not found)"),
    ("dockerfile", "missing", r"unable to prepare context: .*not found"),
    ("dockerfile", "missing", r"target stage .* could not be found|unable to evaluate symlinks in Dockerfile path"),
    ("dockerfile", "invalid", r"(?i)dockerfile parse error|unable to prepare context"),
    ("dockerfile", "invalid", r"(?i)failed to parse stage name|the Dockerfile .* cannot be empty"),
    ("dockerfile", "invalid", r"base name \(.*\) should not be blank|file with no instructions"),
    ("dockerfile", "invalid", r"circular dependency detected|failed to process \""),
    ("image-push", "unknown", r"failed to push "),
    ("base-image", "unknown", r"failed to resolve source metadata for|failed to load metadata for|pull access denied"),
    ("cache-export", "unknown", r"error writing (?:layer|config|manifest) blob|missing blob sha256|invalid incomplete links"),
    ("build-step", "missing", r"failed to (?:compute cache key|calculate checksum of ref).*not found"),
    ("build-step", "missing", r"(?:ADD|COPY) failed: .*(?:no such file|not found|stat )"),
    ("build-step", "missing", r"secret \S+: not found|^\"/.*\" not found: not found"),
)  # fmt: skip
_UNKNOWN_EXPORTER = re.compile(r"unknown cache (?:exporter|importer): \"?(?P<type>[^\"]*)")

_WHERE: FrozenMap[Where] = FrozenMap(
    {
        "export": "cache-export",
        "import": "cache-import",
        "image": "image-push",
        "base": "base-image",
        "build": "build-step",
    }
)
# BuildKit's internal steps, by what their names hold.
_INTERNAL: tuple[tuple[str, Where], ...] = (
    ("load metadata for", "base-image"),
    ("load build definition", "dockerfile"),
    ("load .dockerignore", "dockerfile"),
    ("load build context", "dockerfile"),
    ("load remote build context", "dockerfile"),
    ("resolve image config", "dockerfile"),
)

# What a registry, a network and a disk say, in any era. The first that is found decides.
_CAUSES: tuple[tuple[Cause, str], ...] = (
    ("disk-full", r"no space left on device|disk quota exceeded"),
    (
        "denied",
        r"\b(?:403 Forbidden|405 Method Not Allowed|429 Too Many Requests)|\btoomanyrequests\b|immutable",
    ),
    (
        "unauthorized",
        r"\b401 Unauthorized|no basic auth credentials|(?i:unauthorized|authentication required)|insufficient_scope",
    ),
    (
        "unauthorized",
        r"incorrect username or password|no active session|failed to fetch (?:oauth|anonymous) token",
    ),
    ("denied", r"(?i:\bdenied\b)"),
    (
        "unreachable",
        r"connection refused|connection reset|no such host|i/o timeout|\bEOF\b|broken pipe|no route to host",
    ),
    (
        "unreachable",
        r"network is unreachable|TLS handshake|\btls: |\bx509: |closed network connection|server misbehaving",
    ),
    (
        "unreachable",
        r"server gave HTTP response to HTTPS client|context deadline exceeded|proxyconnect|Client\.Timeout",
    ),
    (
        "unreachable",
        r"\b50[234] (?:Bad Gateway|Service Unavailable|Gateway Time-?out)|Temporary failure in name resolution",
    ),
)
_MISSING = re.compile(
    r"not found|manifest unknown|no match for platform|does not exist|(?i:name[_ ]unknown)|\b404 Not Found"
)
_INVALID = re.compile(
    r"invalid reference format|repository name .*must be lowercase|invalid checksum digest"
)
# A manifest that a registry does not take: nothing else is written to `…/manifests/…`, and layers went before it.
_MANIFEST = re.compile(r"error writing manifest blob|PUT request to \S+/manifests/")
_NOT_TAKEN = re.compile(
    r"\b(?:400 Bad Request|404 Not Found|415 Unsupported Media Type|unsupported status)|(?i:manifest[_ ]invalid"
    r"|manifest unknown|unsupported|media type|blob unknown|required property|\bunknown: )"
)
# What a read-only registry says where the status is lost: distribution's code for it.
_READ_ONLY = re.compile(r"\bunsupported(?::|$)|UNSUPPORTED", re.MULTILINE)
# Names and addresses are the user's: what they hold says nothing.
_NAMES = re.compile(r"\w+://\S+|\"[^\"]*\"|\S*[0-9a-z]/\S+:(?= )|sha256:[0-9a-f]+")


def _own_step(message: str) -> tuple[Where, Cause] | None:
    """What the words say by themselves."""
    if exporter := _UNKNOWN_EXPORTER.search(message):
        return (
            ("cache-export", "unsupported")
            if exporter["type"] in BACKENDS
            else ("entry", "invalid")
        )
    return next(
        ((where, cause) for where, cause, pattern in _RULES if re.search(pattern, message)), None
    )


def _has_own_step(message: str) -> bool:
    return _own_step(message) is not None


def _failure(
    words: _Words, culprit: Step | None, pushed: bool | None, plan: BuildPlan | None
) -> Explanation:  # noqa: FBT001  # three values
    """The explanation of a failure."""
    own = _own_step(words.message)
    where, cause = own or (None, "unknown")
    if where is None:
        where = "image-push" if words.pushing else (_where(culprit) if culprit else None)
    if culprit is not None and where != "build-step" and culprit.kind in ("export", "image"):
        where = _where(culprit)
    text = "\n".join((words.message, *words.more))
    if cause == "unknown":
        cause = _cause(text, where)
    if where == "image-push":
        pushed = None if pushed else False  # one of several tags is there
    elif where not in (None, "cache-export") or cause == "unsupported":
        pushed = False  # nothing is pushed before these
    return _explanation(where, cause, pushed, words.message or "the builder said nothing", plan)


def _where(step: Step) -> Where | None:
    if step.kind == "internal":
        return next((where for part, where in _INTERNAL if part in step.name), None)
    return _WHERE[step.kind]


def _cause(text: str, where: Where | None) -> Cause:
    """What a registry, a network or a disk said."""
    bare = _NAMES.sub("", text)
    found: Cause | None = next(
        (cause for cause, pattern in _CAUSES if re.search(pattern, bare)), None
    )
    if found is not None:
        return found
    if (
        where in ("cache-export", "image-push")
        and _MANIFEST.search(text)
        and _NOT_TAKEN.search(bare)
    ):
        return "refused"
    if where in ("cache-export", "image-push") and _READ_ONLY.search(bare):
        return "denied"
    if _INVALID.search(text):
        return "invalid"
    return "missing" if _MISSING.search(bare) else "unknown"


def _note(step: Step) -> Explanation:
    """Trouble that was not fatal: an import that was missed, or an export whose error was ignored."""
    message = _CONFIGURING.sub("", _BEFORE.sub("", step.error, count=1))
    where = _WHERE[step.kind]
    name = step.name.rpartition(IMPORTING)[2]
    own = _own_step(message)
    cause = own[1] if own and own[1] == "unsupported" else _cause(message, where)
    return _explanation(
        where,
        cause,
        None,
        message if message.startswith(f"{name}: ") else f"{name}: {message}",
        None,
    )


_CONFIGURING = re.compile(r"^failed to configure \w+ cache importer: ")
_NO_LOCAL = re.compile(r"WARNING: local cache import at (?P<path>.*) not found due to err: ")


def _warnings(progress: Progress) -> Iterator[Explanation]:
    """Missed imports that no vertex tells of."""
    for line in progress.text:
        if _NO_LOCAL.match(line):
            yield _explanation(
                "cache-import",
                "missing",
                None,
                masked_message(line.removeprefix("WARNING: ")),
                None,
            )


# The sentences.

_NOUNS: FrozenMap[str] = FrozenMap(
    {
        "cache-export": "the cache could not be exported",
        "cache-import": "no cache was imported",
        "image-push": "the image could not be pushed",
        "base-image": "the base image could not be had",
        "dockerfile": "the Dockerfile or its context cannot be used",
        "build-step": "a step of the Dockerfile failed",
        "entry": "a cache entry cannot be used",
        "front-end": "docker cannot do what it was told",
        "daemon": "the Docker daemon could not do it",
        "": "the build failed",
    }
)
_BECAUSE: FrozenMap[str] = FrozenMap(
    {
        "refused": "the registry does not take this kind of manifest",
        "unauthorized": "the registry asks for a login, or does not know this one",
        "denied": "it is not allowed, or the registry is read-only",
        "unreachable": "it cannot be reached",
        "unsupported": "this builder cannot",
        "missing": "it is not there",
        "invalid": "it is not valid",
        "disk-full": "the disk is full",
        "failed": "its command ended with an error",
        "unknown": "for a reason that is not known here",
    }
)
_STORE = "turn on the containerd image store, or use a builder of `docker buildx create --driver docker-container`"
_READ_ONLY_RUN = "`--no-cache-export` builds with the cache and writes none"
_LOGIN = "log in to the registry with `docker login` in this job, and see that the name is right"
_IGNORE = "`--ignore-cache-errors` lets such a build pass"
# What to do, by step and cause; then by cause alone.
_FIXES: FrozenMap[str] = FrozenMap(
    {
        "cache-export refused": "write `image-manifest=true,oci-mediatypes=true` into the `to` entry (BuildKit 0.12 or newer),"
        f" or keep the cache in another registry; {_IGNORE}",
        "cache-export denied": "use a login that may write there, and a repository and a tag that can be written;"
        f" {_READ_ONLY_RUN}",
        "cache-export unauthorized": f"{_LOGIN}; {_READ_ONLY_RUN}",
        "cache-export unreachable": f"see that the registry answers from the builder, and try again; {_IGNORE}",
        "cache-export unsupported": f"{_STORE}; {_READ_ONLY_RUN}, `--no-build-cache` builds without",
        "cache-export missing": "make the repository first: some registries do not make it at a push",
        "cache-import missing": "a first build finds none; later, compare `from` with what `to` writes",
        "image-push denied": "use a login that may write there, and a repository and a tag that can be written",
        "base-image missing": "see that the image and its tag exist, for this platform too",
        "base-image denied": "use a login that may read it; a rate limit passes with time, or with a login",
        "dockerfile missing": "see that the file is in the context, and is spelt so in `handler`, `context` or the template",
        "dockerfile invalid": "correct the line that is named",
        "build-step missing": "see that the file is in the context, and that no .dockerignore leaves it out",
        "build-step failed": "correct the step: its output is above",
        "entry invalid": "`faas-cache check` names the entry and what to write",
        "front-end missing": "install docker and `docker-buildx-plugin`; `faas-cache doctor` shows what is there",
        "front-end unsupported": "`faas-cache doctor` shows what this docker can do",
        "daemon unreachable": "start it (`sudo systemctl start docker`, or Docker Desktop), or check DOCKER_HOST",
        "daemon denied": "use a user in the group `docker`, or rootless docker",
        "unauthorized": _LOGIN,
        "denied": "use a login that is allowed to",
        "unreachable": "see that the address is right and answers from the builder, and try again",
        "unsupported": _STORE,
        "missing": "see that the name is right",
        "invalid": "correct it",
        "disk-full": "make room where the daemon keeps its data: `docker builder prune`, `docker image prune`",
        "unknown": "read the builder's words above",
    }
)
_CACHE = "https://docs.docker.com/build/cache/backends/"
_URLS: FrozenMap[str] = FrozenMap(
    {
        "cache-export unsupported": "https://docs.docker.com/go/build-cache-backends/",
        "cache-export": f"{_CACHE}registry/",
        "cache-import": f"{_CACHE}registry/",
        "entry": _CACHE,
        "image-push": "https://docs.docker.com/reference/cli/docker/login/",
        "base-image": "https://docs.docker.com/reference/dockerfile/#from",
        "dockerfile": "https://docs.docker.com/reference/dockerfile/",
        "build-step": "https://docs.docker.com/reference/dockerfile/#run",
        "front-end": "https://docs.docker.com/build/install-buildx/",
        "daemon": "https://docs.docker.com/engine/daemon/troubleshoot/",
        "": "https://docs.docker.com/build/",
    }
)
_MAX_SAID = 1000


def _explanation(
    where: Where | None, cause: Cause, pushed: bool | None, said: str, plan: BuildPlan | None
) -> Explanation:  # noqa: FBT001  # three values
    """The sentences of one step and one cause, with the builder's own words."""
    key = f"{where or ''} {cause}"
    who = f"{plan.function}: " if plan else ""
    said = said if len(said) <= _MAX_SAID else f"{said[:_MAX_SAID]}…"
    return Explanation(
        step=where,
        cause=cause,
        image_pushed=pushed,
        message=f"{who}{_NOUNS[where or '']}: {_BECAUSE[cause]}: {said}",
        fix=_FIXES.get(key) or _FIXES[cause],
        url=_URLS.get(key) or _URLS[where or ""],
    )


def explain(log, exit_code=None):
    from faas_cache.buildkit.progress import read
    if not isinstance(log, bytes):
        log = b"".join(getattr(e, "data", b"") for e in log)
    class E:
        pass
    e = E(); e.exit_code = exit_code; e.progress = read(log)[-1]
    x = explain_old(e)
    return (*((x.failure,) if x.failure else ()), *(attrs.evolve(n, severity="note") for n in x.notes))
