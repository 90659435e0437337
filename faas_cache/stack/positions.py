"""Positions: the lines of a text, the offsets of its source, and the marks of its values.

Everything is an offset until it is reported. Each index is built once, and each look-up is a
bisection, so that locating n diagnostics takes time in proportion to the text and to n.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from functools import cache
from typing import Any, NamedTuple

from faas_cache.model.diagnostics import KeyPath, path_text

__all__ = ["LINE_ENDS", "LineIndex", "Mark", "Marks", "OffsetMap", "Position", "line_end_pattern"]

# What ends a line: the list of YAML 1.1, which libyaml and yaml.v3 follow.
LINE_ENDS = "\n\r\x85\u2028\u2029"


@cache
def line_end_pattern() -> re.Pattern[str]:
    """A line end, compiled when it is first searched for."""
    return re.compile(f"\r\n|[{LINE_ENDS}]")


class Position(NamedTuple):
    """A line and a column, both from 1."""

    line: int
    column: int


class LineIndex:
    """The lines of a text, which are searched for when the first position is asked for."""

    __slots__ = ("_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = array("Q")

    def position(self, offset: int) -> Position:
        r"""The line and column of an offset.

        >>> LineIndex("a: b\nc: d").position(8)
        Position(line=2, column=4)
        """
        if not self._starts:
            self._starts.append(0)
            self._starts.extend(match.end() for match in line_end_pattern().finditer(self._text))
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)


class OffsetMap:
    """Where each replaced part is in the source, and where its replacement is in the text.

    Four arrays rather than a list of tuples: a file of nothing but `$$` has eight million parts.
    """

    __slots__ = ("_source_ends", "_source_starts", "_text_ends", "_text_starts")

    def __init__(self) -> None:
        self._source_starts, self._source_ends = array("Q"), array("Q")
        self._text_starts, self._text_ends = array("Q"), array("Q")

    def append(self, source_start: int, source_end: int, text_start: int, text_end: int) -> None:
        """Adds a part that follows all others."""
        self._source_starts.append(source_start)
        self._source_ends.append(source_end)
        self._text_starts.append(text_start)
        self._text_ends.append(text_end)

    def source_offset(self, offset: int) -> int:
        """The offset in the source; for a replacement, where the replaced part begins."""
        index = bisect_right(self._text_starts, offset) - 1
        if index < 0:
            return offset
        after = offset - self._text_ends[index]
        return self._source_starts[index] if after < 0 else self._source_ends[index] + after


class Mark(NamedTuple):
    """Where an item begins (in a mapping, its key), and where its value begins and ends."""

    start: int
    value_start: int
    value_end: int


_TOP = Mark(0, 0, 0)


class Marks:
    """The marks of every item of every mapping and list of a document.

    They are kept by the identity of the container, so that aliases and merges lead to where a value
    is written. The containers are kept too, so that no other object gets the same identity.
    """

    __slots__ = ("_items", "_root")

    def __init__(self) -> None:
        self._items: dict[int, tuple[Any, dict[Any, Mark]]] = {}
        self._root: Any = None

    def set_root(self, root: object) -> None:
        """Sets the value that key paths begin at."""
        self._root = root

    def add(self, container: object, items: dict[Any, Mark]) -> None:
        """Keeps the marks of the items of a container."""
        self._items[id(container)] = (container, items)

    def of(self, container: object) -> dict[Any, Mark]:
        """The marks of the items of a container, by key or index."""
        return self._items.get(id(container), (None, {}))[1]

    def find(self, path: KeyPath) -> Mark:
        """The mark at a key path, or that of its nearest parent in the document."""
        node, mark = self._root, _TOP
        for step in path:
            items = self.of(node)
            # A null key reads as an empty one.
            key = None if step == "" and step not in items else step
            if key not in items:
                break
            mark = items[key]
            node = node.get(key) if isinstance(node, dict) else node[key]
        return mark

    def parse_path(self, text: str) -> KeyPath:
        """The key path that has this text, as far as the document has it."""
        path: list[str | int] = []
        node, rest = self._root, text if text.startswith("[") else f".{text}"
        while rest:
            for step in self.of(node):
                key = "" if step is None else step
                word = path_text((0, key)).removeprefix("[0]")
                if rest == word or rest.startswith((f"{word}.", f"{word}[")):
                    break
            else:
                break
            path.append(key)
            rest = rest[len(word) :]
            node = node.get(step) if isinstance(node, dict) else node[step]
        return tuple(path)
