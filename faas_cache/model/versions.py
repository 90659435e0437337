"""Versions of docker, buildx and BuildKit in all spellings; the only user of `packaging`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

__all__ = ["Version", "at_least", "parse_version"]

if TYPE_CHECKING:
    from packaging.version import Version
else:
    Version = object  # `packaging` is imported when a version is parsed

_NUMBERS = r"(?s)\s*v?(?P<release>[0-9]+(?:\.[0-9]+)*)(?P<suffix>.*)"
# Longer texts are not versions; Python refuses to read the longest numbers.
_MAX_LENGTH = 100


@lru_cache(maxsize=64)
def parse_version(text: str | None) -> Version | None:
    """A version as docker, buildx, BuildKit, Debian or git spell it; `None` for an unknown one.

    >>> str(parse_version("v0.36.0-54-gabc")), str(parse_version("28.5.2+dfsg4"))
    ('0.36.0', '28.5.2+dfsg4')
    >>> parse_version("v0.0.0+unknown") is None
    True
    """
    match = re.match(_NUMBERS, text) if text else None
    if match is None or len(match[0]) > _MAX_LENGTH:
        return None
    from packaging.version import InvalidVersion, Version

    try:
        version = Version(f"{match['release']}{match['suffix']}".strip())
    except InvalidVersion:
        version = Version(match["release"])
    if "-" in match["suffix"] and version.post is not None:
        version = Version(match["release"])  # commits after a tag, as `git describe` counts them
    return version if version.release != (0,) * len(version.release) else None


def at_least(text: str | None, least: str, *, unknown: bool) -> bool:
    """Whether a version is `least` or newer; the value of `unknown` for an unknown version.

    >>> at_least("0.13.1+ds1", "0.13", unknown=False), at_least("", "0.13", unknown=True)
    (True, True)
    """
    version = parse_version(text)
    required = None if version is None else parse_version(least)
    return unknown if version is None or required is None else version >= required
