"""Versions of docker, buildx and BuildKit, in every spelling in use; the only user of `packaging`."""

from __future__ import annotations

import re
from functools import lru_cache

_NUMBERS = re.compile(r"\s*v?(?P<release>[0-9]+(?:\.[0-9]+)*)(?P<suffix>.*)", re.DOTALL)
# Longer numbers are no version; Python refuses to read the longest of them.
_MAX_VERSION = 100


@lru_cache(maxsize=64)
def parsed(text: str | None) -> object | None:
    """A version in any spelling in use, or None where it is unknown.

    >>> str(parsed("v0.36.0-54-gabc")), parsed("v0.0.0+unknown"), str(parsed("28.5.2+dfsg4"))
    ('0.36.0', None, '28.5.2+dfsg4')
    """
    from packaging.version import InvalidVersion, Version

    match = _NUMBERS.match(text or "")
    if match is None or len(match[0]) > _MAX_VERSION:
        return None
    try:
        version = Version(f"{match['release']}{match['suffix']}".strip())
    except InvalidVersion:
        version = Version(match["release"])
    if "-" in match["suffix"] and version.post is not None:
        version = Version(match["release"])  # a count of commits after a tag, as git describes it
    return version if version.release != (0,) * len(version.release) else None


def at_least(text: str | None, least: str, *, unknown: bool) -> bool:
    """Whether a version is `least` or newer; `unknown` where it is not known."""
    from packaging.version import Version

    version = parsed(text)
    return unknown if version is None else version >= Version(least)  # type: ignore[operator]  # it is a Version
