"""Diagnostics: what can be said of a stack, a plan or a builder, as data, and the catalogue of their codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import attrs

from faas_cache.mapping import FrozenMap
from faas_cache.masking import masked, shown

Severity: TypeAlias = Literal["error", "warning", "note"]
Path: TypeAlias = tuple[str | int, ...]

RULES = "https://github.com/openfaas/faas-cli/issues/940"

# Keys longer than this are cut when they are shown.
_SHOWN_KEY = 60


def path_text(path: Path) -> str:
    """A path as people read it.

    >>> path_text(("functions", "fn", "build_cache", "to", 1))
    'functions.fn.build_cache.to[1]'
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("-", "").replace("_", "").isalnum() and len(step) <= _SHOWN_KEY:
            text += f".{step}" if text else step
        else:
            key = masked(step)
            cut = key if len(key) <= _SHOWN_KEY else key[:_SHOWN_KEY] + "…"
            text += f"[{cut!r}]"
    return text


@attrs.frozen(kw_only=True)
class Place:
    """Where something was written.

    `path` holds the keys and positions that lead to it, from the top of the stack file or from a flag's name. `line` and
    `column` count from 1 and are `None` until somebody has read the file for them; so is `file`.
    """

    path: Path = attrs.field(default=(), repr=shown)
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        spot = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return ": ".join(part for part in (spot, path_text(self.path)) if part)

    def under(self, *path: str | int) -> Place:
        """The same place, seen from further up: the path with `path` before it."""
        return attrs.evolve(self, path=(*path, *self.path))


NOWHERE = Place()


@attrs.frozen(kw_only=True)
class Diagnostic:
    """One thing to say: a stable code, how bad it is, where, the sentence, what to do, and where to read more.

    `code` is the number of the rule behind it, or a word where no rule has a number; `CODES` has them all. Without a `url` of
    its own, the code's is taken.
    """

    code: str
    severity: Severity = "error"
    message: str
    place: Place = NOWHERE
    hint: str = ""
    url: str = attrs.field()

    @url.default
    def _url_of_code(self) -> str:
        return CODES[self.code].url if self.code in CODES else ""

    def __str__(self) -> str:
        where = str(self.place)
        head = f"{where}: " if where else ""
        lines = [f"{head}{self.severity}: {self.message} [{self.code}]"]
        return "\n    ".join([*lines, *filter(None, (self.hint, self.url))])

    def under(self, *path: str | int) -> Diagnostic:
        """The same diagnostic with `path` before its own."""
        return attrs.evolve(self, place=self.place.under(*path))


def errors(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Those that stop a build."""
    return tuple(d for d in diagnostics if d.severity == "error")


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, as ``did you mean `max`?``, or nothing.

    >>> nearest("build_caches", ["build_cache", "build_args"])
    'did you mean `build_cache`?'
    """
    from difflib import get_close_matches

    found = get_close_matches(word[:_SHOWN_KEY].lower(), list(known), n=1)
    return f"did you mean `{found[0]}`?" if found else ""


# The catalogue.

_CACHE = "https://docs.docker.com/build/cache/backends/"
_REGISTRY, _INLINE, _LOCAL = f"{_CACHE}registry/", f"{_CACHE}inline/", f"{_CACHE}local/"
_GHA, _DRIVERS = f"{_CACHE}gha/", "https://docs.docker.com/build/builders/drivers/"
_YAML = "https://docs.openfaas.com/reference/yaml/"
_REFERENCE = "https://pkg.go.dev/github.com/distribution/reference"
_PLATFORMS = "https://docs.docker.com/build/building/multi-platform/"
_SECRETS = "https://docs.docker.com/build/building/secrets/"
_BUILD = "https://docs.docker.com/reference/cli/docker/buildx/build/"


@attrs.frozen
class Code:
    """One code of the catalogue: how bad it can be, what it says, and where to read more."""

    severities: tuple[Severity, ...]
    title: str
    url: str


_E: tuple[Severity, ...] = ("error",)
_W: tuple[Severity, ...] = ("warning",)
_EW: tuple[Severity, ...] = ("error", "warning")

# Every code there is. Those with a letter and a number are the rules of `build_cache`; a code is never given another meaning.
CODES: FrozenMap[Code] = FrozenMap(
    {
        "A3": Code(_W, "the build argument `BUILDKIT_INLINE_CACHE` has a value that switches the inline cache off", _INLINE),
        "A4": Code(_E, "the inline cache is exported twice, by the argument and by an entry", _INLINE),
        "B3": Code(_E, "`build_cache` is neither a mode nor a mapping", RULES),
        "C1": Code(_E, "the mapping has a key or a value of the wrong kind, or says nothing", RULES),
        "C5": Code(_E, "an entry has neither `type` nor `ref`", _CACHE),
        "C10": Code(_E, "buildx cannot read the entry", _CACHE),
        "C11": Code(_E, "a bare word would be an image on Docker Hub", _CACHE),
        "C12": Code(_EW, "a setting, a side or an entry is empty or null", RULES),
        "C13": Code(_E, "YAML split one entry at its commas", RULES),
        "D2": Code(_E, "a builder flag does not begin with a dash", _BUILD),
        "D6": Code(_EW, "a cache scope is empty, or names nothing here", RULES),
        "D7": Code(_E, "a scope names platforms, and there are none", _PLATFORMS),
        "E1": Code(_E, "a text is no image reference", _REFERENCE),
        "E2": Code(_EW, "the image or the `ref` of an entry cannot be used", _REFERENCE),
        "E3": Code(_W, "`inline` imports another tag than the build pushes", _INLINE),
        "E4": Code(_E, "a cache would be written over an image", _REGISTRY),
        "E5": Code(_E, "two exports write to one place", _CACHE),
        "E6": Code(_W, "the registry refuses the default form of a cache", _REGISTRY),
        "F2": Code(("error", "note"), "the builder lacks what a build needs, or its version is unknown", _DRIVERS),
        "F5": Code(_E, "an image for several platforms goes nowhere", _PLATFORMS),
        "G1": Code(_W, "a build with cache entries failed", _REGISTRY),
        "G2": Code(("error", "warning", "note"), "what failed in a build, or was lost without failing it", _CACHE),
        "bad-boolean": Code(_EW, "a field is neither true nor false as Go reads them", _CACHE),
        "bad-compression": Code(_E, "a compression that BuildKit does not have", _REGISTRY),
        "bad-mode": Code(_W, "a mode that BuildKit takes for `min`", _CACHE),
        "bad-value": Code(_EW, "a number, a duration or a word that its field does not take", _CACHE),
        "context": Code(("error", "note"), "the build context is no folder, or cannot be made", _BUILD),
        "dest-in-context": Code(_W, "a local cache lies inside a build context", _LOCAL),
        "duplicate-key": Code(_E, "a key is written twice", _YAML),
        "gha-environment": Code(_W, "`type=gha` outside GitHub Actions is dropped without a word", _GHA),
        "gha-service": Code(_W, "the builder is older than the cache service of GitHub Actions", _GHA),
        "inline-import": Code(_W, "`type=inline` imports nothing", _INLINE),
        "inline-stages": Code(_W, "`inline` keeps only the last stage of the Dockerfile", _INLINE),
        "lost": Code(("error", "note"), "the chosen front end cannot say a part of the plan", _BUILD),
        "missing-field": Code(_EW, "an entry lacks a field that its type requires", _CACHE),
        "git": Code(_E, "git cannot say what a tag or a template needs", "https://git-scm.com/docs"),
        "name": Code(_EW, "the name of a function is none of a folder, or of a deployment", _YAML),
        "new-field": Code(_W, "a field is newer than the builder", _CACHE),
        "no-function": Code(_E, "no function has that name", _YAML),
        "oci-mediatypes": Code(_E, "an image manifest needs OCI media types", _REGISTRY),
        "provider": Code(_E, "the stack file is for another provider", _YAML),
        "second-document": Code(_W, "only the first document of the file is read", _YAML),
        "secret-file": Code(_E, "the file of a build secret is not there", _SECRETS),
        "secret-in-file": Code(_W, "a credential is written in the stack file", _SECRETS),
        "slow-parser": Code(("note",), "the C part of ruamel.yaml is not installed", "https://pypi.org/project/ruamel.yaml/"),
        "stack-file": Code(_E, "the stack file cannot be read", _YAML),
        "substitution": Code(_EW, "a `${…}` that faas-cli cannot read, or reads unlike a shell", _YAML),
        "template": Code(
            _EW, "a template is not there, or lacks what is asked of it", "https://docs.openfaas.com/cli/templates/"
        ),
        "type": Code(_E, "a value has the wrong type", _YAML),
        "unknown-field": Code(_W, "a field that BuildKit ignores", _CACHE),
        "unknown-key": Code(_W, "a key of a function that nobody reads", _YAML),
        "unknown-type": Code(_EW, "a cache backend that BuildKit does not have", _CACHE),
        "usage": Code(_E, "flags contradict one another", RULES),
        "version": Code(_E, "the stack file has another version than 1.0", _YAML),
        "wrong-direction": Code(_W, "a field that only the other direction reads", _CACHE),
        "yaml": Code(_E, "the stack file is no YAML that can be read", "https://yaml.org/spec/1.2.2/"),
    }
)
