"""Image references: the grammar, normal form and limits of `distribution/reference` 0.6 (rule E1).

    reference  := name [ ":" tag ] [ "@" digest ]
    name       := [ domain "/" ] path
    domain     := host [ ":" port ]
    host       := label ( "." label )*  |  "[" hex-or-colon+ "]"
    label      := alnum+ ( "-"+ alnum+ )*
    port       := [0-9]+
    path       := component ( "/" component )*
    component  := [a-z0-9]+ ( separator [a-z0-9]+ )*
    separator  := "."  |  "_"  |  "__"  |  "-"+
    tag        := [A-Za-z0-9_] [A-Za-z0-9_.-]{0,127}
    digest     := "sha256:" 64 hex | "sha384:" 96 hex | "sha512:" 128 hex      (lower-case)

A name without a domain belongs to Docker Hub: `fn` is `docker.io/library/fn`. The part before the
first slash is a domain if it is `localhost`, or has a dot, a colon or an upper-case letter.
"""

from __future__ import annotations

import re
from functools import cache

import attrs

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidReference
from faas_cache.model.masking import masked, masked_part
from faas_cache.model.value import Value

__all__ = ["DOCKER_HUB", "MAX_PATH", "MAX_TEXT", "Reference"]

# distribution/reference: RepositoryNameTotalLengthMax, since v0.6 of the path alone.
MAX_PATH = 255
# Longer texts are not parsed: the longest valid reference has a domain (253), the path, a tag (128)
# and a digest (135).
MAX_TEXT = 4096
DOCKER_HUB = "docker.io"
# distribution/reference: legacyDefaultDomain, the only other name of Docker Hub that it replaces.
_OLD_DOCKER_HUB = "index.docker.io"

# Every quantifier is possessive or atomic, and no alternatives share a first character: a match
# takes linear time. Groups are atomic, because CPython before 3.11.5 matches (?:…)*+ wrongly.
_LABEL = r"[A-Za-z0-9]++(?>(?:-++[A-Za-z0-9]++)*)"
_DOMAIN = rf"(?>{_LABEL}(?>(?:\.{_LABEL})*)|\[[A-Fa-f0-9:]++\])(?::[0-9]++)?+"
_COMPONENT = r"[a-z0-9]++(?>(?:(?:\.|__?+|-++)[a-z0-9]++)*)"
_PATH = rf"{_COMPONENT}(?>(?:/{_COMPONENT})*)"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}+"
_DIGEST = r"sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}"
_REFERENCE = rf"(?:({_DOMAIN})/)?({_PATH})(?::({_TAG}))?+(?:@({_DIGEST}))?+"
# An image id is the SHA-256 of its configuration in hexadecimal digits.
_ID_LENGTH = 64
_HEX = frozenset("0123456789abcdef")


@cache
def _pattern(grammar: str) -> re.Pattern[str]:
    """The compiled grammar, on first use: compiling takes as long as a hundred matches."""
    return re.compile(grammar)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Reference(Value):
    """An image reference; two are equal if their canonical forms are.

    `parse` is the way to make one; `str(reference)` is the text as written.

    Attributes:
        text: The reference as written.
        domain: The host of the registry, with its port (`docker.io`); empty where
            distribution/reference has none, for a first part that looks like a host and cannot be
            one (`a_b.c/fn`).
        path: The repository in the registry (`library/fn`).
        tag: The tag, or `None`.
        digest: The digest with its algorithm, or `None`.
    """

    text: str
    domain: str
    path: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """The reference of a text; raises `InvalidReference` with the cause.

        >>> Reference.parse("localhost:5000/fn").tag is None
        True
        >>> Reference.parse("fn:1").canonical
        'docker.io/library/fn:1'
        """
        match = _pattern(_REFERENCE).fullmatch(text) if len(text) <= MAX_TEXT else None
        if match is None:
            raise _invalid(text, *_cause(text))
        domain, path, tag, digest = match.groups()
        if domain is None:
            first, slash, _ = path.partition("/")
            # distribution/reference reads a first part with a dot as a host, which this is not, so
            # that there is no domain at all.
            domain = "" if slash and "." in first else DOCKER_HUB
        elif domain == _OLD_DOCKER_HUB:
            domain = DOCKER_HUB
        elif not _is_host(domain):
            domain, path = DOCKER_HUB, f"{domain}/{path}"
        if domain == DOCKER_HUB and "/" not in path:
            path = f"library/{path}"
        if len(path) > MAX_PATH:
            raise _invalid(text, f"the path has more than {MAX_PATH} characters")
        if len(text) == _ID_LENGTH and _HEX.issuperset(text):
            raise _invalid(text, "64 hexadecimal digits are an image id")
        return cls(text=text, domain=domain, path=path, tag=tag, digest=digest)

    @property
    def name(self) -> str:
        """The text without tag and digest, as written."""
        text = self.text if self.digest is None else self.text[: -len(self.digest) - 1]
        return text if self.tag is None else text[: -len(self.tag) - 1]

    @property
    def canonical(self) -> str:
        """The normal form with the domain, the same for all spellings of one reference."""
        return self._with_domain(self.domain, self.path)

    @property
    def familiar(self) -> str:
        """The short form that Docker prints, without `docker.io/` and `library/`."""
        if self.domain != DOCKER_HUB:
            return self.canonical
        rest = self.path.removeprefix("library/")
        return self._with_domain("", self.path if "/" in rest else rest)

    @property
    def target(self) -> str:
        """What a registry serves: the digest, else the tag, else `latest` (E4, E5)."""
        name = f"{self.domain}/{self.path}" if self.domain else self.path
        return f"{name}@{self.digest}" if self.digest else f"{name}:{self.tag or 'latest'}"

    def with_tag(self, tag: str) -> Reference:
        """The same name with another tag and no digest; raises `InvalidReference`.

        >>> str(Reference.parse("fn@sha256:" + 64 * "0").with_tag("buildcache"))
        'fn:buildcache'
        """
        if not _pattern(_TAG).fullmatch(tag):
            raise _invalid_tag(tag)
        return Reference(
            text=f"{self.name}:{tag}", domain=self.domain, path=self.path, tag=tag, digest=None
        )

    def _with_domain(self, domain: str, path: str) -> str:
        name = f"{domain}/{path}" if domain else path
        return (
            name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")
        )

    def _parts(self) -> tuple[str, str, str | None, str | None]:
        return self.domain, self.path, self.tag, self.digest

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return self._parts() == other._parts() if isinstance(other, Reference) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._parts())


def _is_host(first: str) -> bool:
    """Whether the first part of a name is a registry, and not a user of Docker Hub."""
    return first == "localhost" or "." in first or ":" in first or first != first.lower()


_TAG_HINT = (
    "use 1 to 128 letters, digits, `_`, `.` and `-`, beginning with a letter, a digit or `_`"
)
_NAME_HINT = (
    "use a-z and 0-9, with single `.`, `_`, `__` or dashes between them, and `/` between the parts"
)
_DIGEST_HINT = (
    "write `sha256:` and 64 lower-case hexadecimal digits (`sha384:` and 96, `sha512:` and 128)"
)


def _invalid(text: str, cause: str, hint: str = "") -> InvalidReference:
    shown = masked(text) if len(text) <= MAX_PATH else f"{masked(text)[:MAX_PATH]}…"
    message = f"invalid image reference `{shown}`: {cause}"
    return InvalidReference(Diagnostic(name="invalid-reference", message=message, hint=hint))


def _invalid_tag(tag: str) -> InvalidReference:
    shown = masked(tag) if len(tag) <= MAX_PATH else f"{masked(tag)[:MAX_PATH]}…"
    message = f"invalid tag `{shown}`"
    return InvalidReference(Diagnostic(name="invalid-reference", message=message, hint=_TAG_HINT))


def _cause(text: str) -> tuple[str, str]:  # noqa: PLR0911  # one line for each mistake
    """Why a text is not a reference, the first cause that applies, and a hint."""
    if not text:
        return "it is empty", "write an image, as `ghcr.io/owner/name:tag`"
    if len(text) > MAX_TEXT:
        return f"it has more than {MAX_TEXT} characters", ""
    if "://" in text:
        return "a reference has no scheme", "remove the text up to `://`"
    if any(c.isspace() for c in text):
        return "it contains white space", "remove the white space"
    name, at, digest = text.partition("@")
    if at and not _pattern(_DIGEST).fullmatch(digest):
        return "invalid digest", _DIGEST_HINT
    first, slash, rest = name.partition("/")
    path, colon, tag = (rest if slash and _is_host(first) else name).partition(":")
    if path != path.lower():
        lower = masked_part(path, text).lower()
        return "the repository must be in lower case", f"write `{lower}`"
    if colon and not _pattern(_TAG).fullmatch(tag):
        return "invalid tag", _TAG_HINT
    return "invalid repository name", _NAME_HINT
