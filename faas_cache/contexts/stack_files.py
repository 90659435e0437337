"""`expand_names`: the stack files that names and patterns match."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeAlias

from faas_cache.model.faults import FaultCollector
from faas_cache.model.masking import masked_message

__all__ = ["expand_names"]

FilePath: TypeAlias = str | os.PathLike[str]

_WILDCARDS = frozenset("*?[")


def expand_names(
    names: Iterable[FilePath], root: FilePath, faults: FaultCollector
) -> tuple[str, ...]:
    """The stack files that names match, each file once; those of a pattern are sorted.

    `*`, `?`, `[…]` and `**` have their usual meaning. The name of a file that exists stands for
    itself. A pattern that matches no file is a fault.
    """
    by_path: dict[str, str] = {}
    for given in names:
        name = os.fspath(given)
        files = _expand(name, root)
        if not files:
            shown = masked_message(repr(name)[1:-1])
            faults.report(
                "unreadable-stack-file",
                f"no stack file matches `{shown}`",
                hint="check the pattern, or name the stack file with `-f`",
            )
        for file in files:
            by_path.setdefault(os.path.normpath(file), file)
    return tuple(by_path.values())


def _expand(name: str, root: FilePath) -> list[str]:
    is_name = not _WILDCARDS & set(name) or name.startswith(("http://", "https://"))
    if is_name or os.path.exists(os.path.join(root, name)):
        return [name]
    from glob import glob

    matches = sorted(glob(name, root_dir=root, recursive=True))
    return [match for match in matches if not os.path.isdir(os.path.join(root, match))]
