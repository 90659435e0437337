"""`faas-cache publish`: builds the functions with buildx, for one or several platforms, and pushes them."""

from __future__ import annotations

from argparse import Namespace

from faas_cache.cli.build import build

__all__ = ["run"]


def run(arguments: Namespace) -> int:
    """Like `build --push` of every function in the stack file, which is all that faas-cli publishes."""
    for key in ("name", "image", "handler", "lang"):
        setattr(arguments, key, "")
    return build(arguments, publish=True)
