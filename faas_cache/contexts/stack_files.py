"""`expand_names`: the stack files that a name or a pattern stands for."""

from __future__ import annotations

import os

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidStack
from faas_cache.model.masking import masked_message

__all__ = ["expand_names"]

_WILDCARDS = frozenset("*?[")


def expand_names(name: str | os.PathLike[str], root: str | os.PathLike[str]) -> tuple[str, ...]:
    """The stack files that a name stands for: of a pattern, those that match, in order.

    `*`, `?`, `[…]` and `**` have their usual meaning. The name of a file that exists stands for
    itself. Raises `InvalidStack` for a pattern that matches nothing.
    """
    text = os.fspath(name)
    is_name = not _WILDCARDS & set(text) or text.startswith(("http://", "https://"))
    if is_name or os.path.exists(os.path.join(root, text)):
        return (text,)
    from glob import glob

    matches = sorted(glob(text, root_dir=root, recursive=True))
    files = tuple(match for match in matches if not os.path.isdir(os.path.join(root, match)))
    if not files:
        raise InvalidStack(
            Diagnostic(
                name="unreadable-stack-file",
                message=f"no stack file matches `{masked_message(repr(text)[1:-1])}`",
                hint="check the pattern, or name the stack file with `-f`",
            )
        )
    return files
