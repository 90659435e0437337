"""`faas-cache publish`: builds the functions with buildx, and pushes them."""

from __future__ import annotations

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.build import build

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Like `build --push` of functions in a stack file: faas-cli publishes no others."""
    for key in ("name", "image", "handler", "lang"):
        setattr(arguments, key, "")
    return build(arguments, publish=True)
