"""Rule G4: a cache that was found, and matches no step."""

from __future__ import annotations

import re

from faas_cache.buildkit.explanations import Explanation
from faas_cache.buildkit.reports import CacheReport

__all__ = ["useless_import"]

_COPY = re.compile(r"\[[^\]]*\] (?:COPY|ADD) (?!.*--from=)", re.IGNORECASE)
_URL = "https://docs.docker.com/build/cache/invalidation/"


def useless_import(report: CacheReport) -> Explanation | None:
    """The note about a build whose cache was found, but matched no step."""
    miss = report.first_miss
    if miss is None or not report.useless_import:
        return None
    name = " ".join(miss.name.split())
    if _COPY.match(name):
        message = f"a cache was found and not used, because files of the step `{name}` changed"
        fix = "compare them, and the base image, with those of the build that wrote the cache"
    else:
        message = "a cache was found and not used, because it matches no step"
        fix = (
            "see whether the base image or the build arguments changed,"
            " or another function writes the cache"
        )
    return Explanation(
        name="useless-import",
        function=report.function,
        severity="note",
        step="cache-import",
        cause="missing",
        image_pushed=None,
        message=message,
        fix=fix,
        url=_URL,
    )
