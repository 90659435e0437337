"""`# faas-cache: ignore=NAME`: comments of a stack file that switch warnings and notes off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from faas_cache.model.diagnostics import Diagnostic, KeyPath
from faas_cache.stack.positions import LINE_END
from faas_cache.stack.values import Document

__all__ = ["has_comments", "ignored_names", "not_ignored"]

_MARK = "faas-cache:"
_NAMES = r"[a-z0-9-]+(?:[ \t]*,[ \t]*[a-z0-9-]+)*+"
_COMMENT = re.compile(rf"(?:^|\s)#[ \t]*{_MARK}[ \t]*ignore=(?P<names>{_NAMES})")


def has_comments(source: str) -> bool:
    """Whether a text may have such a comment, which is rare."""
    return _MARK in source


def ignored_names(source: str) -> dict[int, frozenset[str]]:
    r"""The names of the diagnostics that are switched off, by line.

    A comment applies to its line; one on a line of its own to the next line that is not a comment.

    >>> ignored_names("a:  # faas-cache: ignore=x,y\n# faas-cache: ignore=z\n# why\nb: 1")[4]
    frozenset({'z'})
    """
    ignored: dict[int, frozenset[str]] = {}
    pending: set[str] = set()
    for number, line in enumerate(LINE_END.split(source), 1):
        match = _COMMENT.search(line)
        pending |= {name.strip() for name in match["names"].split(",")} if match else set()
        if line.strip() and not line.lstrip().startswith("#"):
            if pending:
                ignored[number] = frozenset(pending)
            pending = set()
    return ignored


def not_ignored(
    document: Document,
    diagnostics: Iterable[Diagnostic],
    own_path: Callable[[KeyPath], KeyPath] = lambda path: path,
) -> Iterator[Diagnostic]:
    """The diagnostics that no comment switches off; errors are among them.

    A comment switches off what is at the line of its key, or below that key. The document has
    marks; `own_path` turns the key path of a diagnostic into one of the document.
    """
    ignored = ignored_names(document.substitution.source)
    for diagnostic in diagnostics:
        path = own_path(diagnostic.location.path)
        lines = {document.location(path[:end]).line for end in range(1, len(path) + 1)}
        lines.add(diagnostic.location.line)
        names = (ignored.get(line or 0, ()) for line in lines)
        if diagnostic.severity == "error" or all(diagnostic.name not in given for given in names):
            yield diagnostic
