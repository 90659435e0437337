"""Cache entries: one value of `--cache-from` or `--cache-to`, as buildx 0.36 reads it (rule C10).

    text    := refs | fields                          without any "=", a list of references
    refs    := ref ( "," ref )*                       each is an entry: type=registry,ref=…
    fields  := key "=" value ( "," key "=" value )*   split at the first "="; one key is `type`
    field   := bare | '"' ( any but '"' | '""' )* '"'
    bare    := any but ',' and '"'

It is CSV as Go reads it: a quote counts only as the first character of a field, nothing is trimmed.

One newline or CRLF at the end is removed. Keys are lower-cased rune by rune, values never change,
and the last of several equal keys counts. Unknown types and fields are accepted: `check` knows
what a builder does with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from faas_cache.model.diagnostics import Diagnostic, Location, type_name
from faas_cache.model.errors import InvalidEntry
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.go import quote, to_lower
from faas_cache.model.masking import MASK, masked, masked_part

__all__ = [
    "MAX_TEXT",
    "CacheEntry",
    "csv_field",
    "invalid_entry",
    "parse_entries",
    "parse_fields",
    "parse_value",
    "reference_entry",
    "split",
    "typed_entry",
    "without_newline",
]

# Linux accepts no longer argument: MAX_ARG_STRLEN is 128 KiB, with the final NUL.
MAX_TEXT = 131071
# Longer entries are cut in messages.
_MAX_SHOWN = 200


@attrs.frozen(kw_only=True, eq=False, repr=False, init=False)
class CacheEntry:
    """One cache import or export.

    `str(entry)` is the text to the byte, with credentials; `repr(entry)` masks them. Two entries
    are equal if their texts are; `key` compares their meaning. `parse_entries` makes entries from
    text; the constructor takes the parts as they are, and raises `InvalidEntry` for wrong types.

    Attributes:
        text: The text that the builder is given as the value of `--cache-from` or `--cache-to`.
        type: The cache backend: `registry`, `gha` …
        attrs: The fields but `type`, in written order, with lower-case keys.
    """

    text: str
    type: str
    attrs: FrozenMap[str]

    def __init__(self, *, text: str, type: str, attrs: Mapping[str, str]) -> None:  # noqa: A002  # the name of the field
        if not (isinstance(text, str) and isinstance(type, str) and isinstance(attrs, FrozenMap)):  # type: ignore[redundant-expr]  # not for a caller without a type checker
            attrs = _checked_fields(text, type, attrs)
        self.__attrs_init__(text=text, type=type, attrs=attrs)

    @property
    def bare(self) -> bool:
        """Whether the text is a bare reference, which docker without buildx understands (C2)."""
        return "=" not in self.text

    @property
    def key(self) -> tuple[str, frozenset[tuple[str, str]]]:
        """The type and the fields in any order: equal for two entries that mean the same (C9, E5).

        >>> one, other = parse_entries(["type=gha,scope=a,mode=max", "type=gha,mode=max,scope=a"])
        >>> one.key == other.key, one == other
        (True, False)
        """
        return self.type, frozenset(self.attrs.items())

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"CacheEntry({masked(self.text)!r})"

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, CacheEntry) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)


def parse_entries(texts: Iterable[str] | str) -> tuple[CacheEntry, ...]:
    """The entries that buildx reads from these flag values, in order.

    Raises `InvalidEntry` for a text that buildx rejects. An empty text is skipped, as buildx does
    since 0.21.2. A single text stands for a list of one.

    >>> [entry.attrs["ref"] for entry in parse_entries(["a/b:c,d/e:f"])]
    ['a/b:c', 'd/e:f']
    """
    texts = (texts,) if isinstance(texts, str) else texts
    return tuple(entry for text in texts if text for entry in parse_value(text))


def parse_value(text: str) -> tuple[CacheEntry, ...]:
    """The entries of one flag value that is not empty; several for a list of references (C7)."""
    if "=" in text:
        return (typed_entry(text, parse_fields(text)),)
    if "," not in text and '"' not in text and not text.endswith("\n"):
        return (_reference_or_fields(text, whole=text),)
    refs = split(text)
    return tuple(
        _reference_or_fields(ref, whole=text if len(refs) == 1 else csv_field(ref)) for ref in refs
    )


def typed_entry(text: str, fields: FrozenMap[str]) -> CacheEntry:
    """The entry of a text with known fields; raises `InvalidEntry` if none is its type."""
    backend = fields.get("type")
    if not backend:
        raise invalid_entry(
            text,
            f"type required for {quote(masked(text))}",
            "write the type first: `type=registry,ref=…`",
        )
    others = FrozenMap({key: value for key, value in fields.items() if key != "type"})
    return CacheEntry(text=text, type=backend, attrs=others)


def reference_entry(ref: str, *, text: str | None = None) -> CacheEntry:
    """The entry of a bare reference; `text` is what the builder is given, by default `ref`."""
    return CacheEntry(text=ref if text is None else text, type="registry", attrs=FrozenMap(ref=ref))


def parse_fields(text: str) -> FrozenMap[str]:
    """The fields of an entry with `type`, with lower-case keys; raises `InvalidEntry`."""
    return _fields(split(text), text)


def split(text: str) -> list[str]:
    """The fields of one CSV record as Go's strict reader splits it; raises `InvalidEntry`.

    >>> split('type=local,"dest=/a,b"')
    ['type=local', 'dest=/a,b']
    """
    if len(text) > MAX_TEXT:
        raise invalid_entry(
            text, f"it has more than {MAX_TEXT} characters", "shorten it, or split it into several"
        )
    line = without_newline(text)
    if not line:
        raise invalid_entry(text, "EOF", "remove the empty entry, or give it a value")
    return _quoted_fields(text, line) if '"' in line else line.split(",")


def csv_field(field: str) -> str:
    """One field as CSV, quoted if it must be; buildx would remove a newline at the end.

    >>> csv_field("dest=/a,b")
    '"dest=/a,b"'
    """
    return (
        '"' + field.replace('"', '""') + '"'
        if "," in field or '"' in field or field.endswith("\n")
        else field
    )


def without_newline(text: str) -> str:
    """The text without one newline or CRLF at its end, as buildx reads it."""
    return text[: -2 if text.endswith("\r\n") else -1] if text.endswith("\n") else text


def _quoted_fields(text: str, line: str) -> list[str]:
    """`split` for a line with a quote; `line` is the text without its newline."""
    fields, at = [], 0
    while True:
        if not line.startswith('"', at):
            end = line.find(",", at)
            field = line[at:] if end < 0 else line[at:end]
            if '"' in field:
                raise _unreadable(text, line, at + field.index('"'), 'bare " in non-quoted-field')
            fields.append(field)
            if end < 0:
                return fields
            at = end + 1
            continue
        field, at = _quoted_field(text, line, at + 1)
        fields.append(field)
        if at == len(line):
            return fields
        at += 1


def _quoted_field(text: str, line: str, at: int) -> tuple[str, int]:
    """The field whose opening quote is before `at`, and the offset of the comma or end after it."""
    parts = []
    while True:
        quote = line.find('"', at)
        if quote < 0:
            raise _unreadable(text, line, at, 'extraneous or missing " in quoted-field')
        parts.append(line[at:quote])
        at = quote + 1
        if line.startswith('"', at):
            parts.append('"')
            at += 1
        elif at == len(line) or line[at] == ",":
            return "".join(parts), at
        else:
            raise _unreadable(text, line, quote, 'extraneous or missing " in quoted-field')


def _reference_or_fields(ref: str, whole: str) -> CacheEntry:
    """One item of a list of references, which buildx splits a second time."""
    fields = split(ref)
    if len(fields) == 1:
        return reference_entry(fields[0], text=whole)
    return typed_entry(ref, _fields(fields, ref))


def _fields(fields: list[str], text: str) -> FrozenMap[str]:
    values: dict[str, str] = {}
    for field in fields:
        key, equals, value = field.partition("=")
        if not equals:
            cause = f"invalid value {masked_part(field, text)}"
            raise invalid_entry(text, cause, _no_equals_hint(field))
        values[to_lower(key)] = value
    return FrozenMap(values) if values else EMPTY


def _no_equals_hint(field: str) -> str:
    if field.strip():
        return 'write each field as `key=value`, and quote it if it has a comma: `"dest=/a,b"`'
    return "remove the extra comma"


def invalid_entry(text: str, cause: str, hint: str) -> InvalidEntry:
    """The error for an entry that buildx rejects, with buildx's own words for the cause.

    The entry is shown up to its first secret: in a broken entry, the end of a secret is unknown.
    """
    before, secret, after = masked(text).partition(MASK)
    shown = f"{before}{secret}…" if after else before + secret
    shown = shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"
    message = f"buildx rejects the entry `{shown}`: {cause}"
    return InvalidEntry(Diagnostic(name="invalid-entry", message=message, hint=hint))


def _unreadable(text: str, line: str, at: int, cause: str) -> InvalidEntry:
    column = len(line[:at].encode("utf-8", "surrogatepass")) + 1
    return invalid_entry(
        text,
        f"parse error on line 1, column {column}: {cause}",
        'quote a whole field, `"dest=/a,b"`, and write a quote inside it twice',
    )


def _checked_fields(text: object, backend: object, fields: object) -> FrozenMap[str]:
    """The fields of an entry, for parts whose types are not known to be right."""
    for name, value in (("text", text), ("type", backend)):
        if not isinstance(value, str):
            raise _invalid_field(name, "a string", value)
    if not isinstance(fields, Mapping):
        raise _invalid_field("attrs", "a mapping of strings", fields)
    return FrozenMap(fields)


def _invalid_field(field: str, expected: str, value: object) -> InvalidEntry:
    message = f"expected {expected}, got {type_name(value)}"
    location = Location(path=(field,))
    return InvalidEntry(Diagnostic(name="invalid-type", message=message, location=location))
