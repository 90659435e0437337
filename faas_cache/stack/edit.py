"""Edits of a stack file: a setting is spliced into the text, and every other character stays as it is.

The positions are those of the parser; nothing is dumped. Each edit is checked by reading the result.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import attrs

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, nearest
from faas_cache.model.errors import InvalidInput, InvalidStack
from faas_cache.model.faults import FaultCollector
from faas_cache.model.masking import masked
from faas_cache.stack.positions import LINE_END, Mark
from faas_cache.stack.reading import decode, process_environment
from faas_cache.stack.substitution import Substitution, substitute
from faas_cache.stack.values import Document
from faas_cache.stack.yaml import read_document

__all__ = ["Edit", "edit_setting"]

KEY = "build_cache"
MODES = ("inline", "max", "none")
_DEFAULT: KeyPath = ("configuration", KEY)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@attrs.frozen(kw_only=True)
class Edit:
    """A change of a stack file: the file's name and its bytes before and after."""

    file: str
    before: bytes = attrs.field(repr=False)
    after: bytes = attrs.field(repr=False)

    @property
    def changed(self) -> bool:
        """Whether the file has to be written."""
        return self.before != self.after

    def diff(self) -> str:
        """The change as a unified diff; empty where nothing changes."""
        from difflib import unified_diff

        before, after = (
            _decode(data)[2].splitlines(keepends=True) for data in (self.before, self.after)
        )
        lines = unified_diff(before, after, self.file, self.file)
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        )


class _Splice(NamedTuple):
    """The text that replaces a part of the source."""

    start: int
    end: int
    text: str


def edit_setting(
    data: bytes,
    mode: str,
    names: Iterable[str] = (),
    *,
    default: bool = False,
    force: bool = False,
    file: str = "stack.yaml",
    environ: Mapping[str, str] | None = None,
) -> Edit:
    """Sets `build_cache` of functions, of all of them without names, or with `default` that of the stack.

    `mode` is `inline`, `max` or `none`. A setting in the object form is replaced only with `force`. `environ` is what
    `${…}` is replaced from while the file is read; the file keeps its expressions. Raises `InvalidInput` for a function
    that cannot be edited, `InvalidStack` for a file that cannot be read.
    """
    if mode not in MODES:
        hint = nearest(mode, MODES) or f"write one of {', '.join(MODES)}"
        message = f"invalid mode `{masked(mode)[:60]}`"
        raise InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint))
    bom, encoding, source = _decode(data)
    decode(data, file)  # the limits and errors of a stack file
    environ = process_environment() if environ is None else environ
    editor = _Editor(source, substitute(source, environ), file)
    paths = (
        [_DEFAULT]
        if default
        else [("functions", name, KEY) for name in names or editor.functions()]
    )
    faults = FaultCollector()
    splices: dict[int, _Splice] = {}
    for path in paths:
        with faults.catch():
            splice = editor.set_scalar(path, mode, force=force)
            splices[splice.start] = splice
    faults.raise_errors(InvalidInput)
    text = source
    for _, splice in sorted(splices.items(), reverse=True):
        text = text[: splice.start] + splice.text + text[splice.end :]
    _verify(editor.document, _read(substitute(text, environ), file), paths, mode)
    return Edit(file=file, before=data, after=bom + text.encode(encoding))


class _Editor:
    """One file with the marks of everything in it."""

    def __init__(self, source: str, substitution: Substitution, file: str) -> None:
        self.source = source
        self.substitution = substitution
        self.file = file
        self.document = _read(substitution, file)
        self.marks = self.document.marks

    def functions(self) -> list[str]:
        """The names of all functions."""
        functions = self._mapping(self.document.value, "functions")
        return [str(name) for name in functions if name is not None]

    def set_scalar(self, path: KeyPath, value: str, *, force: bool) -> _Splice:
        """The splice that gives a key path this value."""
        parent: Any = self.document.value
        mark = Mark(0, 0, len(self.substitution.text))
        for depth, key in enumerate(path[:-1], start=1):
            if not isinstance(parent, dict) or key not in parent:
                if path == _DEFAULT and isinstance(parent, dict):
                    return self._insert(parent, mark, "configuration", self._nested(value))
                hint = nearest(str(key), map(str, parent or ())) or "name a function of the file"
                self._refuse(
                    "unknown-function",
                    f"unknown function `{masked(str(key))[:60]}`",
                    path[:depth],
                    hint,
                )
            mark = self._own_mark(parent, key, mark, path[:depth])
            parent = parent[key]
        key = path[-1]
        if parent is None and path == _DEFAULT:
            at = self._offset(mark.value_end)
            return _Splice(at, at, f"{self._line_end(at)}  {key}: {value}")
        if not isinstance(parent, dict):
            self._refuse(
                "invalid-type",
                "expected a mapping",
                path[:-1],
                "write the keys of the function first",
            )
        if key not in parent or not self._is_own(parent, key, mark):
            return self._insert(parent, mark, str(key), f" {value}")
        return self._replace(parent, path, value, force=force)

    # Marks.

    def _own_mark(self, parent: dict[Any, Any], key: Any, outer: Mark, path: KeyPath) -> Mark:  # noqa: ANN401  # a YAML key
        """The mark of an item that is written inside its parent, and not where an alias or a merge leads."""
        mark = self.marks.of(parent)[key]
        if not self._is_own(parent, key, outer) or mark.value_start < mark.start:
            message = "the value comes from an alias or a merge key"
            self._refuse("invalid-argument", message, path, "edit the mapping that the alias names")
        return mark

    def _is_own(self, parent: dict[Any, Any], key: Any, outer: Mark) -> bool:  # noqa: ANN401  # a YAML key
        start = self.marks.of(parent)[key].start
        return outer.value_start <= start < max(outer.value_end, outer.value_start + 1)

    def _mapping(self, value: Any, key: str) -> dict[Any, Any]:  # noqa: ANN401  # any YAML value
        child = value.get(key) if isinstance(value, dict) else None
        return child if isinstance(child, dict) else {}

    def _offset(self, offset: int) -> int:
        """The offset in the source of an offset in the text that was parsed."""
        return self.substitution.offsets.source_offset(offset)

    # Splices.

    def _replace(
        self, parent: dict[Any, Any], path: KeyPath, value: str, *, force: bool
    ) -> _Splice:
        """Replaces the value of a key that exists."""
        mark = self.marks.of(parent)[path[-1]]
        old = parent[path[-1]]
        if isinstance(old, (dict, list)) and not force:
            message = "the setting has the object form"
            self._refuse("invalid-argument", message, path, "replace it with `--force`")
        if mark.value_start < mark.start:
            message = "the setting comes from an alias"
            self._refuse("invalid-argument", message, path, "edit the value that the alias names")
        start, end = self._offset(mark.value_start), self._offset(self._content_end(old, mark))
        if old is None and start == end:
            return _Splice(start, end, f" {value}")
        if isinstance(old, (dict, list)) and LINE_END.search(
            self.source, self._offset(mark.start), start
        ):
            colon = self.source.rindex(":", 0, start)
            return _Splice(colon + 1, end, f" {value}")
        return _Splice(start, end, value)

    def _insert(self, parent: dict[Any, Any], mark: Mark, key: str, rest: str) -> _Splice:
        """Adds a key to a mapping: behind its image, else before its first key; in a flow mapping, first."""
        start = self._offset(mark.value_start)
        brace = self.source.find("{", start, start + 1) if not self._is_block(parent, mark) else -1
        if brace >= 0:
            comma = ", " if parent else ""
            return _Splice(
                brace + 1, brace + 1, f"{key}:{rest.strip(chr(10)) if comma else rest}{comma}"
            )
        own = [k for k in parent if self._is_own(parent, k, mark)]
        anchor = "functions" if "functions" in own and key == "configuration" else own[0]
        first = self._offset(self.marks.of(parent)[anchor].start)
        indent = self._indent(first)
        if "image" in own:
            image = self.marks.of(parent)["image"]
            end = self._offset(image.value_end)
            line_end = LINE_END.search(self.source, end)
            single = not LINE_END.search(self.source, self._offset(image.start), end)
            if single and line_end is not None and image.value_start > image.start:
                at = line_end.start()
                return _Splice(at, at, f"{line_end[0]}{indent}{key}:{rest}")
        return _Splice(first, first, f"{key}:{rest}{self._line_end(first)}{indent}")

    def _nested(self, value: str) -> str:
        return f"{self._line_end(0)}  {KEY}: {value}"

    def _is_block(self, parent: dict[Any, Any], mark: Mark) -> bool:
        start = self._offset(mark.value_start)
        return not self.source.startswith("{", start)

    def _content_end(self, value: Any, mark: Mark) -> int:  # noqa: ANN401  # any YAML value
        """Where the last scalar inside a value ends: a block mapping ends only at the next token."""
        if not isinstance(value, (dict, list)) or self.substitution.text[mark.value_start] in "{[":
            return mark.value_end
        marks = self.marks.of(value)
        ends = [
            self._content_end(value[key], item)
            for key, item in marks.items()
            if item.start >= mark.value_start
        ]
        return max(ends, default=mark.value_end)

    def _indent(self, offset: int) -> str:
        """The white space before a key that begins its line."""
        before = LINE_END.split(self.source[:offset])[-1]
        if before.strip(" "):
            message = "the first key of the mapping does not begin its line"
            self._refuse("invalid-argument", message, (), "write each key on a line of its own")
        return before

    def _line_end(self, offset: int) -> str:
        """The line end that the file uses."""
        match = LINE_END.search(self.source, offset) or LINE_END.search(self.source)
        return match[0] if match else "\n"

    def _refuse(self, name: str, message: str, path: KeyPath, hint: str) -> Any:  # noqa: ANN401  # it raises
        location = self.document.location(path) if path else Location(file=self.file)
        raise InvalidInput(Diagnostic(name=name, message=message, hint=hint, location=location))


def _decode(data: bytes) -> tuple[bytes, str, str]:
    """The byte order mark, the encoding and the text of a file."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return bom, encoding, data[len(bom) :].decode(encoding, "surrogateescape")
    return b"", "utf-8", data.decode("utf-8", "surrogateescape")


def _read(substitution: Substitution, file: str) -> Document:
    """The document with its marks; raises `InvalidStack` where it cannot be read."""
    document = read_document(substitution, file, marking=True)
    if not document.complete or document.faults or not isinstance(document.value, dict):
        diagnostics = [fault.diagnostic for fault in document.faults]
        message = "the file cannot be edited, because it is not a stack file"
        raise InvalidStack(*diagnostics or [Diagnostic(name="invalid-yaml", message=message)])
    return document


def _verify(before: Document, after: Document, paths: Iterable[KeyPath], mode: str) -> None:
    """Raises where the result does not read as intended: everything else must be what it was."""
    paths = set(paths)
    settings = dict(_leaves(after.value))
    wanted = {path: value for path, value in _leaves(before.value) if not _is_below(path, paths)}
    wanted |= dict.fromkeys(paths, mode)
    if settings != wanted:
        message = "the file cannot be edited without changing more than the setting"
        hint = "edit it by hand"
        raise InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint))


def _is_below(path: KeyPath, paths: set[KeyPath]) -> bool:
    return any(path[:end] in paths for end in range(1, len(path) + 1)) or (
        path == ("configuration",) and _DEFAULT in paths
    )


def _leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:  # noqa: ANN401  # any YAML value
    """Every scalar and every empty container with its key path."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    if not items or (isinstance(value, list) and not value):
        yield path, value
        return
    for key, item in items:
        yield from _leaves(item, (*path, "" if key is None else key))
