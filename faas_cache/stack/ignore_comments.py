"""`# faas-cache: ignore=NAME`: comments of a stack file that disable warnings and notes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from faas_cache.model.diagnostics import Diagnostic, KeyPath
from faas_cache.stack.positions import line_end_pattern
from faas_cache.stack.values import Document

__all__ = ["has_comments", "ignored_names", "is_ignored"]

_MARK = "faas-cache:"
_NAMES = r"[a-z0-9-]+(?:[ \t]*,[ \t]*[a-z0-9-]+)*+"
_COMMENT = re.compile(rf"(?:^|\s)#[ \t]*{_MARK}[ \t]*ignore=(?P<names>{_NAMES})")


def has_comments(source: str) -> bool:
    """Whether a text may have such a comment, which is rare."""
    return _MARK in source


def ignored_names(source: str) -> dict[int, frozenset[str]]:
    r"""The names of the diagnostics that are disabled, by line.

    A comment applies to its line; one on a line of its own to the next line that is not a comment.

    >>> ignored_names("a:  # faas-cache: ignore=x,y\n# faas-cache: ignore=z\n# why\nb: 1")[4]
    frozenset({'z'})
    """
    ignored: dict[int, frozenset[str]] = {}
    pending: set[str] = set()
    for number, line in enumerate(line_end_pattern().split(source), 1):
        match = _COMMENT.search(line)
        pending |= {name.strip() for name in match["names"].split(",")} if match else set()
        if line.strip() and not line.lstrip().startswith("#"):
            if pending:
                ignored[number] = frozenset(pending)
            pending = set()
    return ignored


def is_ignored(
    document: Document,
    diagnostic: Diagnostic,
    path: KeyPath,
    ignored: Mapping[int, frozenset[str]],
) -> bool:
    """Whether a comment disables a diagnostic: at the line of its key, or of a key around it.

    The document has marks, and `path` is the key path in it. Errors cannot be disabled.
    """
    if diagnostic.severity == "error" or not ignored:
        return False
    lines = {document.location(path[:end]).line for end in range(1, len(path) + 1)}
    lines.add(diagnostic.location.line)
    return any(diagnostic.name in ignored.get(line or 0, ()) for line in lines)
