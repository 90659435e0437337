"""The files in build contexts that docker reads, and those that keep a cache from being hit."""

from __future__ import annotations

__all__ = ["ALWAYS_COPIED", "IGNORE_FILES"]

# What docker looks for at the root of a context: only the first one that exists is read.
IGNORE_FILES = ("Dockerfile.dockerignore", ".dockerignore")
# What it reads there, whether it is excluded or not.
ALWAYS_COPIED = frozenset({"Dockerfile", "dockerfile", *IGNORE_FILES})
