"""Edits of a stack file: a setting is spliced into the text, and every other character stays.

The positions are those of the parser; nothing is dumped. Each result is read again and checked.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import attrs

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, nearest
from faas_cache.model.errors import InvalidInput, InvalidStack
from faas_cache.model.faults import FaultCollector
from faas_cache.model.masking import masked
from faas_cache.stack.positions import LINE_ENDS, LineIndex, Mark, line_end_pattern
from faas_cache.stack.reading import decode, process_environment
from faas_cache.stack.substitution import Substitution, substitute
from faas_cache.stack.values import Document
from faas_cache.stack.yaml import read_document

__all__ = ["Edit", "edit_setting"]

KEY = "build_cache"
MODES = ("inline", "max", "none")
_DEFAULT: KeyPath = ("configuration", KEY)
# What may be before a value: an anchor and a tag.
_PROPERTIES = re.compile(rf"(?:[&!][^ \t{LINE_ENDS}]*[ \t]+)*")
# What may be before a document: comments, directives and its marker.
_PROLOGUE = re.compile(rf"(?:[ \t{LINE_ENDS}]+|#[^{LINE_ENDS}]*|%[^{LINE_ENDS}]*|---(?!\S))*")
_COLON = re.compile(rf"[\"']?(?:{KEY}|configuration)[\"']?[ \t]*:")
_SPACE = re.compile(r"[ \t]*")
_LINE = re.compile(rf"[^{LINE_ENDS}]*")
_SHOWN = 60
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


def edit_setting(  # noqa: PLR0913  # as many as the command has flags
    data: bytes,
    mode: str,
    names: Sequence[str] = (),
    *,
    default: bool = False,
    force: bool = False,
    file: str = "stack.yaml",
    environ: Mapping[str, str] | None = None,
) -> Edit:
    """Sets `build_cache` of functions, of all without names, or with `default` that of the stack.

    `mode` is `inline`, `max` or `none`. A setting in the object form is replaced only with `force`.
    `environ` is what `${…}` is replaced from while the file is read; the file keeps its
    expressions. Raises `InvalidInput` for a function that cannot be edited, `InvalidStack` for a
    file that cannot be read.
    """
    _check_arguments(mode, names, default=default)
    bom, encoding, source = _decode(data)
    decode(data, file)  # the limits and errors of a stack file
    environ = process_environment() if environ is None else environ
    editor = _Editor(source, substitute(source, environ), file)
    paths = [_DEFAULT] if default else _paths(names or editor.functions())
    faults = FaultCollector()
    splices: dict[int, _Splice] = {}
    for path in paths:
        with faults.catch():
            # Among all functions, an alias follows the mapping that it names.
            if default or names or not editor.is_alias(path[:-1]):
                splice = editor.set_scalar(path, mode, force=force)
                splices[splice.start] = splice
    faults.raise_errors(InvalidInput)
    text = _spliced(source, [splice for _, splice in sorted(splices.items())])
    _verify(editor.document, substitute(text, environ), set(paths), mode)
    return Edit(file=file, before=data, after=bom + text.encode(encoding, "surrogateescape"))


def _check_arguments(mode: str, names: Sequence[str], *, default: bool) -> None:
    if mode not in MODES:
        hint = nearest(mode, MODES) or f"write one of {', '.join(MODES)}"
        raise _invalid(f"invalid mode `{masked(mode)[:_SHOWN]}`", hint)
    if default and names:
        message = "the default of the stack is not a setting of functions"
        raise _invalid(message, "name no function with `--default`")


def _paths(names: Iterable[str]) -> list[KeyPath]:
    return [("functions", name, KEY) for name in names]


def _spliced(source: str, splices: Iterable[_Splice]) -> str:
    """The source with every splice, in the order of their offsets."""
    parts: list[str] = []
    end = 0
    for splice in splices:
        parts += (source[end : splice.start], splice.text)
        end = splice.end
    return "".join((*parts, source[end:]))


class _Editor:
    """One file with the marks of everything in it."""

    def __init__(self, source: str, substitution: Substitution, file: str) -> None:
        self.source = source
        self.substitution = substitution
        self.file = file
        self.document = _read(substitution, file)
        self.marks = self.document.marks
        self.lines = LineIndex(source)
        self.top = Mark(0, _end_of(_PROLOGUE, substitution.text, 0), len(substitution.text))

    def functions(self) -> list[str]:
        """The names of all functions."""
        functions = self.document.value.get("functions")
        return [str(name) for name in functions] if isinstance(functions, dict) else []

    def is_alias(self, path: KeyPath) -> bool:
        """Whether the value at a key path is written elsewhere."""
        return self._is_alias(self.marks.find(path))

    def set_scalar(self, path: KeyPath, value: str, *, force: bool) -> _Splice:
        """The splice that gives a key path this value."""
        parent, mark = self._parent(path)
        if parent is None and path == _DEFAULT:
            return self._fill(mark, value)
        if not isinstance(parent, dict):
            hint = "write the keys of the function first"
            self._refuse("expected a mapping", path[:-1], hint, name="invalid-type")
        if path == _DEFAULT and parent is self.document.value:
            return self._insert(parent, mark, "configuration", {KEY: value})
        if KEY in parent and self._is_own(parent, KEY, mark):
            return self._replace(parent, path, value, force=force)
        return self._insert(parent, mark, KEY, value)

    # Marks.

    def _parent(self, path: KeyPath) -> tuple[Any, Mark]:
        """The mapping that a setting is written into, and its mark."""
        parent, mark = self.document.value, self.top
        for depth, key in enumerate(path[:-1], start=1):
            if not isinstance(parent, dict) or key not in parent:
                if path == _DEFAULT:
                    return parent, mark
                known = map(str, parent) if isinstance(parent, dict) else ()
                hint = nearest(str(key), known) or "name a function of the file"
                message = f"unknown function `{masked(str(path[1]))[:_SHOWN]}`"
                self._refuse(message, path[:depth], hint, name="unknown-function")
            own = self._is_own(parent, key, mark)
            mark = self.marks.of(parent)[key]
            if not own or self._is_alias(mark):
                message = "the value comes from an alias or a merge key"
                self._refuse(message, path[:depth], "edit the mapping that the alias names")
            parent = parent[key]
        return parent, mark

    def _is_own(self, parent: dict[Any, Any], key: Any, outer: Mark) -> bool:  # noqa: ANN401  # a YAML key
        """Whether an item is written inside its mapping, and not where a merge key leads."""
        return outer.value_start <= self.marks.of(parent)[key].start < outer.value_end

    def _is_alias(self, mark: Mark) -> bool:
        return mark.value_start < mark.start or self.substitution.text.startswith(
            "*", mark.value_start
        )

    def _body(self, mark: Mark) -> int:
        """The offset of a value in the text, behind its anchor and its tag."""
        return _end_of(_PROPERTIES, self.substitution.text, mark.value_start)

    def _offset(self, offset: int) -> int:
        """The offset in the source of an offset in the text that was parsed."""
        return self.substitution.offsets.source_offset(offset)

    # Splices.

    def _replace(
        self, parent: dict[Any, Any], path: KeyPath, value: str, *, force: bool
    ) -> _Splice:
        """Replaces the value of a key that exists."""
        mark, old = self.marks.of(parent)[KEY], parent[KEY]
        if isinstance(old, (dict, list)) and not force:
            self._refuse("the setting has the object form", path, "replace it with `--force`")
        if self._is_alias(mark):
            message = "the setting comes from an alias"
            self._refuse(message, path, "edit the value that the alias names")
        colon = _end_of(_COLON, self.source, self._offset(mark.start))
        if isinstance(old, (dict, list)):
            return _Splice(colon, self._offset(self._content_end(old, mark)), f" {value}")
        start = self._offset(self._body(mark))
        old_text = self.source[start : self._offset(mark.value_end)].rstrip(f" \t{LINE_ENDS}")
        if not old_text:
            return self._fill_scalar(colon, path, value)
        quote = old_text[0] if old_text[0] in "\"'" and old_text[-1] == old_text[0] else ""
        return _Splice(start, start + len(old_text), f"{quote}{value}{quote}")

    def _fill_scalar(self, start: int, path: KeyPath, value: str) -> _Splice:
        """Writes a value behind the colon of a key if there is none."""
        rest = self.source[(at := _end_of(_SPACE, self.source, start)) : at + 1]
        if rest and rest not in f"#,}}{LINE_ENDS}":
            message = "the setting comes from a variable"
            self._refuse(message, path, "edit it by hand")
        return _Splice(start, start, f" {value}")

    def _fill(self, mark: Mark, value: str) -> _Splice:
        """Writes the default into a `configuration` without a value."""
        start, end = self._offset(mark.value_start), self._offset(mark.value_end)
        if start < end:
            return _Splice(start, end, f"{{{KEY}: {value}}}")
        colon = _end_of(_COLON, self.source, self._offset(mark.start))
        at = _end_of(_LINE, self.source, colon)  # behind a comment
        return _Splice(at, at, f"{self._line_end(at)}  {KEY}: {value}")

    def _insert(
        self, parent: dict[Any, Any], mark: Mark, key: str, value: str | dict[str, str]
    ) -> _Splice:
        """Adds a key to a mapping: behind its image, else in front; in a flow mapping, in front."""
        body = self._body(mark)
        own = [k for k in parent if self._is_own(parent, k, mark)]
        if self.substitution.text.startswith("{", body):
            at = self._offset(body) + 1
            quote = '"' if own and self._starts_with_quote(parent, own[0]) else ""
            return _Splice(at, at, _flow(key, value, quote) + (", " if parent else ""))
        if "image" in own and (splice := self._behind(self.marks.of(parent)["image"], key, value)):
            return splice
        next_key = "functions" if key == "configuration" and "functions" in own else None
        next_key = own[0] if next_key is None and own else next_key
        first = self._offset(self.marks.of(parent)[next_key].start if own else body)
        indent = self._indent(first)
        end = self._line_end(first)
        return _Splice(first, first, f"{_block(key, value, end)}{end}{indent}")

    def _behind(self, mark: Mark, key: str, value: str | dict[str, str]) -> _Splice | None:
        """Adds a key behind one whose value ends in its line; `None` where it does not."""
        start, end = self._offset(mark.start), self._offset(mark.value_end)
        line_end = line_end_pattern().search(self.source, end)
        several = line_end_pattern().search(self.source, start, end) is not None
        if line_end is None or several or self._is_alias(mark):
            return None
        text = f"{line_end[0]}{self._indent(start)}{_block(key, value, line_end[0])}"
        return _Splice(line_end.start(), line_end.start(), text)

    def _starts_with_quote(self, parent: dict[Any, Any], key: Any) -> bool:  # noqa: ANN401  # a YAML key
        """Whether a key is in double quotes, as in JSON."""
        return self.source.startswith('"', self._offset(self.marks.of(parent)[key].start))

    def _content_end(self, value: Any, mark: Mark) -> int:  # noqa: ANN401  # any YAML value
        """Where the last scalar inside a value ends: a block mapping ends at the next token."""
        if not isinstance(value, (dict, list)) or self.substitution.text[self._body(mark)] in "{[":
            return mark.value_end
        items = zip(
            value.values() if isinstance(value, dict) else value,
            self.marks.of(value).values(),
            strict=True,
        )
        return max(self._content_end(item, each) for item, each in items)

    def _indent(self, offset: int) -> str:
        """The white space before a key that begins its line."""
        _, column = self.lines.position(offset)
        before = self.source[offset - column + 1 : offset]
        if before.strip(" "):
            message = "the first key of the mapping does not begin its line"
            self._refuse(message, (), "write each key on a line of its own")
        return before

    def _line_end(self, offset: int) -> str:
        """The line end that the file uses."""
        pattern = line_end_pattern()
        match = pattern.search(self.source, offset) or pattern.search(self.source)
        return match[0] if match else "\n"

    def _refuse(
        self, message: str, path: KeyPath, hint: str, *, name: str = "invalid-argument"
    ) -> NoReturn:
        location = self.document.location(path) if path else Location(file=self.file)
        raise InvalidInput(Diagnostic(name=name, message=message, hint=hint, location=location))


def _flow(key: str, value: str | dict[str, str], quote: str) -> str:
    """A key and its value, a scalar or a mapping, in flow style."""
    if isinstance(value, str):
        return f"{quote}{key}{quote}: {quote}{value}{quote}"
    items = ", ".join(_flow(*item, quote) for item in value.items())
    return f"{quote}{key}{quote}: {{{items}}}"


def _block(key: str, value: str | dict[str, str], line_end: str) -> str:
    """A key and its value in block style."""
    if isinstance(value, str):
        return f"{key}: {value}"
    return f"{key}:" + "".join(f"{line_end}  {k}: {item}" for k, item in value.items())


def _end_of(pattern: re.Pattern[str], text: str, offset: int) -> int:
    """Where the match of a pattern ends that always matches."""
    match = pattern.match(text, offset)
    return match.end() if match else offset


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
        message = "the file is not a stack file, so it cannot be edited"
        raise InvalidStack(*diagnostics or [Diagnostic(name="invalid-yaml", message=message)])
    return document


def _verify(before: Document, substitution: Substitution, paths: set[KeyPath], mode: str) -> None:
    """Raises where the result does not read as intended: all else must be what it was."""
    after = read_document(substitution, before.file)
    settings = {path: value for path, value in _leaves(before.value) if not _is_near(path, paths)}
    settings |= dict.fromkeys(paths, mode)
    values = dict(_leaves(after.value))
    if after.faults or values != settings:
        changed = (path for path in settings if values.get(path) != settings[path])
        message = "the file cannot be edited without changing more than the setting"
        raise InvalidInput(
            Diagnostic(
                name="invalid-argument",
                message=message,
                hint="edit it by hand",
                location=before.location(next(changed, ())),
            )
        )


def _is_near(path: KeyPath, paths: set[KeyPath]) -> bool:
    """Whether a leaf is part of an old setting, or was an empty mapping that holds one now."""
    return (*path, KEY) in paths or any(path[:end] in paths for end in range(1, len(path) + 1))


def _leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:  # noqa: ANN401  # any YAML value
    """Every scalar and every empty container with its key path."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    empty = True
    for key, item in items:
        empty = False
        yield from _leaves(item, (*path, "" if key is None else key))
    if empty:
        yield path, value


def _invalid(message: str, hint: str) -> InvalidInput:
    return InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint))
