"""Parses the error messages of registries, services and builders.

An error can name its step, a cause, and the registry that it is about.
"""

from __future__ import annotations

import re

from faas_cache.buildkit.cache_sentences import LOGIN
from faas_cache.buildkit.last_words import shorten, without_prefix
from faas_cache.buildkit.messages import STATUSES, WORDS, Cause, FailedStep, Words
from faas_cache.model.text import printable

__all__ = ["cause_of", "cause_of_import", "find_words", "registry_of", "with_login"]


def find_words(message: str) -> Words | None:
    """The step and the cause that the text of an error names."""
    return next((words for words in WORDS if re.search(words.pattern, message)), None)


# Names and addresses are chosen by the user: words in them are not part of the error.
_NAMES = re.compile(r"\w+://\S+|\"[^\"]*\"|\S*[0-9a-z]/\S+:(?= )|sha256:[0-9a-f]+")
# A manifest that a registry rejects: nothing else is written to `…/manifests/…`, and layers went
# before it.
_MANIFEST = re.compile(r"error writing manifest blob|PUT request to \S+/manifests/")
_REJECTED = re.compile(
    r"\b(?:400 Bad Request|404 Not Found|415 Unsupported Media Type|unsupported status)"
    r"|(?i:manifest[_ ]invalid|manifest unknown|unsupported|media type|blob unknown"
    r"|required property|\bunknown: )"
)
# What a read-only registry answers where the status is lost: distribution's code for it.
_READ_ONLY = re.compile(r"\bunsupported(?::|$)|UNSUPPORTED", re.MULTILINE)
_INVALID = re.compile(
    r"invalid reference format|repository name .*must be lowercase|invalid checksum digest"
    r"|InvalidResourceName|OutOfRangeInput|was not a valid URI|illegal base64|not a directory"
    r"|invalid character|unexpected end of JSON input"
)
_MISSING = re.compile(
    r"not found|manifest unknown|no match for platform|does not exist|(?i:name[_ ]unknown)"
    r"|\b404 Not Found|\bNoSuch(?:Bucket|Key)\b|StatusCode: 404|no such file or directory"
)


def cause_of(text: str, step: FailedStep | None) -> Cause:
    """What a registry, a service, a network or a disk answered."""
    bare = _NAMES.sub("", text)
    for cause, pattern in STATUSES:
        if re.search(pattern, bare) and not (step is None and bare.strip() == "EOF"):
            return cause
    writing = step in ("cache-export", "image-push")
    if writing and _MANIFEST.search(text) and _REJECTED.search(bare):
        return "refused"
    if writing and _READ_ONLY.search(bare):
        return "denied"
    if _INVALID.search(bare):
        return "invalid"
    return "missing" if _MISSING.search(bare) else "unknown"


_CONFIGURING = re.compile(r"^failed to configure \w+ cache importer: ")


def cause_of_import(error: str) -> Cause:
    """The cause of a failed import, from the error of that step.

    >>> cause_of_import("failed to configure registry cache importer: a/fn:cache: not found")
    'missing'
    """
    message = _CONFIGURING.sub("", shorten(without_prefix(error.partition("\n")[0])))
    if message.startswith("unknown cache importer: "):
        return "unsupported"
    return cause_of(message, "cache-import")


# The registry of a request, or of the reference that was pushed or pulled.
_REQUEST = re.compile(r"https?://(?P<host>[^\s/@?#\"]+)/v2/")
_REFERENCE = re.compile(
    r"failed to (?:push|resolve source metadata for) (?P<host>[^\s/.:]*[.:][^\s/]*)/"
)


def registry_of(error: str) -> str | None:
    """The registry that an error is about; `None` if it does not name one."""
    match = _REQUEST.search(error) or _REFERENCE.search(error)
    return match["host"] if match else None


def with_login(fix: str, registry: str) -> str:
    """The text with the command that logs in to this registry.

    >>> with_login("run `docker login` for this registry", "ghcr.io")
    'run `docker login ghcr.io`'
    """
    hub = registry == "docker.io" or registry.endswith(".docker.io")
    host = "" if hub else f" {printable(registry)}"
    return fix.replace(LOGIN, f"run `docker login{host}`")
