"""Cache entries: one value of `--cache-from` or `--cache-to`, read as buildx 0.36 reads it (rule C10).

    text    := refs | fields                          no "=" anywhere: a list of references; else one entry
    refs    := ref ( "," ref )*                       each an entry of its own: type=registry,ref=…
    fields  := key "=" value ( "," key "=" value )*   the first "=" splits; one key is `type`
    field   := bare | '"' ( any but '"' | '""' )* '"'  CSV as Go writes it: a quote counts only as a field's first
    bare    := any but ',' and '"'                    character, and nothing is trimmed

One newline or CRLF at the end is dropped. Keys are lower-cased rune by rune, values never change, and of a key that is
given twice the last value counts. Unknown types and fields pass: judging them is for those who know the builder.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidEntry
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.go import quote, to_lower
from faas_cache.model.masking import MASK, masked, masked_part

# Linux refuses a longer argument: MAX_ARG_STRLEN is 128 KiB, the final NUL included.
MAX_TEXT = 131071
# How much of a refused entry is shown.
_SHOWN = 200


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CacheEntry:
    """One cache import or export: its type, its fields in written order, and the text the builder is given.

    `str(entry)` is that text to the byte, credentials included; `repr(entry)` masks them. Two entries are equal when type
    and fields are, in any order.
    """

    text: str
    type: str
    attrs: FrozenMap[str]

    @property
    def bare(self) -> bool:
        """Whether the text is a bare reference: the only form a docker without buildx understands (C2)."""
        return "=" not in self.text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"CacheEntry({masked(self.text)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CacheEntry):
            return NotImplemented
        return self.type == other.type and self.attrs == other.attrs

    def __hash__(self) -> int:
        return hash((self.type, self.attrs))


def parse_entries(texts: Iterable[str] | str) -> tuple[CacheEntry, ...]:
    """The entries that buildx would make of these flag values, in order; raises `InvalidEntry` for what it refuses.

    An empty text is skipped, as buildx does since 0.21.2. A single text stands for a list of one.

    >>> [entry.attrs["ref"] for entry in parse_entries(["a/b:c,d/e:f"])]
    ['a/b:c', 'd/e:f']
    """
    texts = (texts,) if isinstance(texts, str) else texts
    return tuple(entry for text in texts if text for entry in parse_value(text))


def parse_value(text: str) -> tuple[CacheEntry, ...]:
    """The entries of one flag value that is not empty: several only for a list of references (C7)."""
    if "=" in text:
        return (typed(text, parse_fields(text)),)
    if "," not in text and '"' not in text and not text.endswith("\n"):
        return (_reference_or_fields(text, whole=text),)
    refs = split(text)
    return tuple(
        _reference_or_fields(ref, whole=text if len(refs) == 1 else csv_field(ref)) for ref in refs
    )


def typed(text: str, fields: FrozenMap[str]) -> CacheEntry:
    """The entry of a text whose fields are known; raises `InvalidEntry` where none is a type."""
    kind = fields.get("type")
    if not kind:
        raise invalid(
            text,
            f"type required for {_quoted(masked(text))}",
            "write the type first: `type=registry,ref=…`",
        )
    return CacheEntry(
        text=text, type=kind, attrs=FrozenMap({k: v for k, v in fields.items() if k != "type"})
    )


def reference_entry(ref: str, *, text: str | None = None) -> CacheEntry:
    """The entry that a bare reference stands for, written as `text` where it is not left bare."""
    return CacheEntry(text=ref if text is None else text, type="registry", attrs=FrozenMap(ref=ref))


def parse_fields(text: str) -> FrozenMap[str]:
    """The fields of an entry, `type` among them, keys folded; raises `InvalidEntry` where buildx cannot read them."""
    return _fields(split(text), text)


def split(text: str) -> list[str]:
    """The fields of one CSV record as Go's strict reader sees them; raises `InvalidEntry`.

    >>> split('type=local,"dest=/a,b"')
    ['type=local', 'dest=/a,b']
    """
    if len(text) > MAX_TEXT:
        raise invalid(text, f"it is longer than {MAX_TEXT} characters", "")
    line = without_newline(text)
    if not line:
        raise invalid(text, "EOF", "it is empty: remove it, or give it a value")
    return _quoted_fields(text, line) if '"' in line else line.split(",")


def csv_field(field: str) -> str:
    """One field as CSV holds it, quoted where it must be: a newline at its end would be dropped.

    >>> csv_field("dest=/a,b")
    '"dest=/a,b"'
    """
    return (
        '"' + field.replace('"', '""') + '"'
        if "," in field or '"' in field or field.endswith("\n")
        else field
    )


def without_newline(text: str) -> str:
    """The text less one newline or CRLF at its end, which buildx drops."""
    return text[: -2 if text.endswith("\r\n") else -1] if text.endswith("\n") else text


def _quoted_fields(text: str, line: str) -> list[str]:
    """The slow path of `split`, for a line that holds a quote: `line` is the text without its newline."""
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
    """The field whose opening quote stands before `at`, and where its end is: a comma or the end of the line."""
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
    """One item of a list of references: buildx reads it again as an entry of its own, a second time what it just split."""
    fields = split(ref)
    if len(fields) == 1:
        return reference_entry(fields[0], text=whole)
    return typed(ref, _fields(fields, ref))


def _fields(fields: list[str], text: str) -> FrozenMap[str]:
    found: dict[str, str] = {}
    for field in fields:
        key, equals, value = field.partition("=")
        if not equals:
            raise invalid(text, f"invalid value {masked_part(field, text)}", _no_equals_hint(field))
        found[to_lower(key)] = value
    return FrozenMap(found) if found else EMPTY


def _no_equals_hint(field: str) -> str:
    if field.strip():
        return 'every field of an entry is `key=value`; a value with a comma is quoted with its key: `"dest=/a,b"`'
    return "two commas in a row, or one at an end: remove it"


def invalid(text: str, cause: str, hint: str) -> InvalidEntry:
    """What is raised for a refused entry: buildx's words for the cause, after the entry up to its first secret.

    Where an entry is broken, nobody can say where its secret ends.
    """
    before, secret, after = masked(text).partition(MASK)
    shown = f"{before}{secret}…" if after else before + secret
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return InvalidEntry(
        Diagnostic(name="C10", message=f"buildx refuses the entry {shown!r}: {cause}", hint=hint)
    )


def _unreadable(text: str, line: str, at: int, cause: str) -> InvalidEntry:
    column = len(line[:at].encode("utf-8", "surrogatepass")) + 1
    return invalid(
        text,
        f"parse error on line 1, column {column}: {cause}",
        'a quote may only open a field, and is closed before the comma: `"dest=/a,b"`; inside, write it twice',
    )


def _quoted(text: str) -> str:
    """The text as Go's %q shows it, as far as people see the difference."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(c, c) for c in text) + '"'
