"""The files in build contexts that docker reads, and those that keep a cache from being hit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import attrs

from faas_cache.model.value import Value

__all__ = ["ALWAYS_COPIED", "IGNORE_FILES", "VOLATILE_NAMES", "ContextFiles", "ReadFiles"]

# What docker looks for at the root of a context: only the first one that exists is read.
IGNORE_FILES = ("Dockerfile.dockerignore", ".dockerignore")
# What it reads there, whether it is excluded or not.
ALWAYS_COPIED = frozenset({"Dockerfile", "dockerfile", *IGNORE_FILES})
# What differs on every machine or changes all the time; `.env` is a file, the others are folders.
VOLATILE_NAMES = frozenset({".git", ".env", "node_modules", "__pycache__"})


@attrs.frozen(kw_only=True, eq=False, repr=False, init=False)
class ContextFiles(Value):
    """What a check needs of the files of a build context.

    Attributes:
        ignore_file: The ignore file that docker reads, as a path in the project; empty for none.
        ignore_text: Its text; bytes that are not UTF-8 are surrogates.
        unread: Ignore files of the handler that docker does not read, as paths in the project.
        volatile: Paths in the context whose names are in `VOLATILE_NAMES`.
        modes: Paths in an own context with a mode that a checkout does not have, and the mode.
        home: Where an ignore file would be read from, as a path in the project.
    """

    ignore_file: str = ""
    ignore_text: str = ""
    unread: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    modes: tuple[tuple[str, int], ...] = ()
    home: str = ""

    def __init__(  # noqa: PLR0913  # a parameter for each field
        self,
        *,
        ignore_file: str = "",
        ignore_text: str = "",
        unread: Iterable[str] = (),
        volatile: Iterable[str] = (),
        modes: Iterable[tuple[str, int]] = (),
        home: str = "",
    ) -> None:
        self.__attrs_init__(
            ignore_file=ignore_file,
            ignore_text=ignore_text,
            unread=tuple(unread),
            volatile=tuple(volatile),
            modes=tuple((path, mode) for path, mode in modes),
            home=home,
        )


# Dockerfiles, and the files of contexts, by the name of the function.
ReadFiles: TypeAlias = tuple[Mapping[str, str], Mapping[str, ContextFiles]]
