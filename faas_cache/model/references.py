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

A name without a domain belongs to Docker Hub: `fn` is `docker.io/library/fn`. What stands before the first slash is a
domain when it is `localhost`, or holds a dot, a colon or an upper-case letter.
"""

from __future__ import annotations

import re
from functools import cache

import attrs

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidReference
from faas_cache.model.masking import masked, masked_part

# distribution/reference: RepositoryNameTotalLengthMax, since v0.6 of the path alone.
MAX_PATH = 255
# Longer texts are refused unread: the longest legal reference is a domain (253), the path, a tag (128) and a digest (135).
MAX_TEXT = 4096
DOCKER_HUB = "docker.io"
# distribution/reference: legacyDefaultDomain, the only other spelling of Docker Hub that it folds.
_OLD_DOCKER_HUB = "index.docker.io"

# Every quantifier is possessive or atomic and no alternatives share a first character, so a match takes linear time.
# Atomic groups, not possessive ones: CPython before 3.11.5 matches (?:…)*+ wrongly.
_LABEL = r"[A-Za-z0-9]++(?>(?:-++[A-Za-z0-9]++)*)"
_DOMAIN = rf"(?>{_LABEL}(?>(?:\.{_LABEL})*)|\[[A-Fa-f0-9:]++\])(?::[0-9]++)?+"
_COMPONENT = r"[a-z0-9]++(?>(?:(?:\.|__?+|-++)[a-z0-9]++)*)"
_PATH = rf"{_COMPONENT}(?>(?:/{_COMPONENT})*)"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}+"
_DIGEST = r"sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}"
_REFERENCE = rf"(?:({_DOMAIN})/)?({_PATH})(?::({_TAG}))?+(?:@({_DIGEST}))?+"
# An image id is the hexadecimal SHA-256 of its config.
_ID_LENGTH = 64
_HEX = frozenset("0123456789abcdef")


@cache
def _pattern(grammar: str) -> re.Pattern[str]:
    """The compiled grammar, made on first use: compiling costs more than a hundred matches."""
    return re.compile(grammar)


@attrs.frozen(kw_only=True, eq=False)
class Reference:
    """An image reference, normalised; equal to another when their canonical forms are equal.

    `domain` is empty where upstream's is: for a first component that looks like a host and cannot be one (`a_b.c/fn`).
    """

    text: str
    domain: str
    path: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Reads a reference; raises `InvalidReference` with the cause.

        >>> Reference.parse("localhost:5000/fn").tag is None
        True
        >>> Reference.parse("fn:1").canonical
        'docker.io/library/fn:1'
        """
        match = _pattern(_REFERENCE).fullmatch(text) if len(text) <= MAX_TEXT else None
        if match is None:
            raise _invalid(text, _cause(text))
        domain, path, tag, digest = match.groups()
        if domain is None:
            first, slash, _ = path.partition("/")
            # Upstream takes a first component with a dot for a host, then finds that it is none: no domain at all.
            domain = "" if slash and "." in first else DOCKER_HUB
        elif domain == _OLD_DOCKER_HUB:
            domain = DOCKER_HUB
        elif not _is_host(domain):
            domain, path = DOCKER_HUB, f"{domain}/{path}"
        if domain == DOCKER_HUB and "/" not in path:
            path = f"library/{path}"
        if len(path) > MAX_PATH:
            raise _invalid(text, f"its repository path is longer than {MAX_PATH} characters")
        if len(text) == _ID_LENGTH and _HEX.issuperset(text):
            raise _invalid(text, "64 hexadecimal digits are an image id, not a name")
        return cls(text=text, domain=domain, path=path, tag=tag, digest=digest)

    @property
    def name(self) -> str:
        """The text without tag and digest, in the user's spelling."""
        text = self.text if self.digest is None else self.text[: -len(self.digest) - 1]
        return text if self.tag is None else text[: -len(self.tag) - 1]

    @property
    def canonical(self) -> str:
        """The normal form, with the domain spelled out: what two equal references share."""
        return self._with_domain(self.domain, self.path)

    @property
    def familiar(self) -> str:
        """The short form that Docker prints: no `docker.io/`, no `library/`."""
        if self.domain != DOCKER_HUB:
            return self.canonical
        rest = self.path.removeprefix("library/")
        return self._with_domain("", self.path if "/" in rest else rest)

    @property
    def target(self) -> str:
        """What a registry would be asked for: the digest, else the tag, else `latest`; E4 and E5 compare these."""
        name = f"{self.domain}/{self.path}" if self.domain else self.path
        return f"{name}@{self.digest}" if self.digest else f"{name}:{self.tag or 'latest'}"

    def with_tag(self, tag: str) -> Reference:
        """The same name with that tag and no digest; raises `InvalidReference` for what is no tag.

        >>> str(Reference.parse("fn@sha256:" + 64 * "0").with_tag("buildcache"))
        'fn:buildcache'
        """
        if not _pattern(_TAG).fullmatch(tag):
            raise _invalid(tag, _TAG_RULE)
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
    """Whether the first component of a name is a registry and not a user of Docker Hub."""
    return first == "localhost" or "." in first or ":" in first or first != first.lower()


_TAG_RULE = (
    "a tag is 1 to 128 letters, digits, `_`, `.` and `-`, and begins with a letter, a digit or `_`"
)


def _invalid(text: str, cause: str) -> InvalidReference:
    shown = masked(text) if len(text) <= MAX_PATH else f"{masked(text)[:MAX_PATH]}…"
    return InvalidReference(
        Diagnostic(name="E1", message=f"{shown!r} is no image reference: {cause}")
    )


def _cause(text: str) -> str:  # noqa: PLR0911  # one line for each thing that people get wrong
    """Why the grammar does not take the text: the first cause that fits."""
    if not text:
        return "it is empty"
    if len(text) > MAX_TEXT:
        return f"it is longer than {MAX_TEXT} characters"
    if "://" in text:
        return "a reference has no scheme; leave out everything up to `://`"
    if text != text.strip() or any(c.isspace() for c in text):
        return "it holds white space"
    name, at, digest = text.partition("@")
    if at and not _pattern(_DIGEST).fullmatch(digest):
        return (
            "a digest is `sha256:` and 64 lower-case hexadecimal digits (sha384: 96, sha512: 128)"
        )
    first, slash, rest = name.partition("/")
    path, colon, tag = (rest if slash and _is_host(first) else name).partition(":")
    if path != path.lower():
        return f"the repository name must be in lower case: `{masked_part(path, text).lower()}`"
    if colon and not _pattern(_TAG).fullmatch(tag):
        return _TAG_RULE
    return "a repository name is made of a-z, 0-9 and single `.`, `_`, `__` or dashes between them, with `/` between its parts"
