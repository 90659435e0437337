# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""Mistakes that type checkers report: a comment that excuses none is an error itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faas_cache import CacheFlags, FunctionSpec

if TYPE_CHECKING:
    from faas_cache import resovle  # type: ignore[attr-defined]  # noqa: F401  # the mistake


def mistakes() -> None:
    """Arguments that do not exist or have another type."""
    CacheFlags(no_cach=True)  # type: ignore[call-arg]
    CacheFlags(no_cache="maybe")  # type: ignore[arg-type]
    FunctionSpec()  # type: ignore[call-arg]
    FunctionSpec(name="fn").image = "acme/fn"  # type: ignore[misc]
