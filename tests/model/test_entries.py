"""Entries against buildx's answers, then the laws."""

import json
import pickle
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.diagnostics import Diagnostic, path_text
from faas_cache.model.entries import (
    MAX_TEXT,
    CacheEntry,
    csv_field,
    parse_entries,
    reference_entry,
    split,
)
from faas_cache.model.errors import FaasCacheError, InvalidEntry

HERE = Path(__file__).parents[1] / "vectors" / "entries.jsonl"
SHARED = Path(__file__).parents[3] / "shared" / "vectors" / "cache_entries.jsonl"


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of vectors; none if it does not exist."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


ROWS = [*rows(HERE), *rows(SHARED)]


def test_every_case_says_why() -> None:
    """Each of our own cases has a name of its own, which begins with its rule, and a reason."""
    ours = rows(HERE)
    assert len({row["id"] for row in ours}) == len(ours)
    assert [
        row
        for row in ours
        if row["id"].partition("-")[0] not in {"C2", "C7", "C10", "C11"} or not row["why"]
    ] == []


@pytest.mark.parametrize(
    "row", ROWS, ids=[row.get("id", f"buildx-{i}") for i, row in enumerate(ROWS)]
)
def test_c10_parse_agrees_with_buildx(row: dict[str, Any]) -> None:
    """C10: acceptance, type, fields and the words of an error are buildx's."""
    try:
        entries = parse_entries(row["input"])
    except InvalidEntry as fault:
        assert fault.diagnostics[0].message.endswith(": " + row["error_text"])
        return
    assert [{"type": entry.type, "attrs": dict(entry.attrs)} for entry in entries] == row[
        "expected"
    ]
    assert parse_entries(map(str, entries)) == entries


def test_an_empty_text_is_skipped() -> None:
    """Buildx 0.21.2 skips an empty value; a single text is a list of one."""
    assert (parse_entries(["", "a/b"]), parse_entries("")) == (parse_entries("a/b"), ())


def test_an_entry_keeps_its_text() -> None:
    """C6: `str` is the text to the byte; only `key` lower-cases keys and ignores their order."""
    text = 'TYPE=local,"Dest=/a,b",x=1\n'
    entry = parse_entries([text])[0]
    assert (str(entry), dict(entry.attrs)) == (text, {"dest": "/a,b", "x": "1"})
    same = parse_entries(['x=1,"dest=/a,b",type=local'])[0]
    assert (entry.key, entry == same, entry == text) == (same.key, False, False)


def test_c10_an_error_is_a_diagnostic() -> None:
    """C10: the cause is in buildx's words, and the hint says what to write."""
    with pytest.raises(InvalidEntry) as caught:
        parse_entries(["type=registry,ref=a/b,insecure"])
    fault = Diagnostic(
        name="invalid-entry",
        message="buildx rejects the entry `type=registry,ref=a/b,insecure`: invalid value insecure",
        hint='write each field as `key=value`, and quote it if it has a comma: `"dest=/a,b"`',
    )
    assert caught.value == InvalidEntry(fault)


HINTS = {
    "type=x,": "remove the extra comma",
    "type=x, ,k=1": "remove the extra comma",
    "ref=x": "write the type first: `type=registry,ref=…`",
    "a,": "remove the empty entry, or give it a value",
    'type=x,k="a"': 'quote a whole field, `"dest=/a,b"`, and write a quote inside it twice',
}


@pytest.mark.parametrize("text", HINTS)
def test_c10_each_error_has_its_hint(text: str) -> None:
    """C10: the hint says what to write for each kind of error."""
    with pytest.raises(InvalidEntry) as caught:
        parse_entries([text])
    assert caught.value.diagnostics[0].hint == HINTS[text]


@pytest.mark.parametrize(
    ("text", "bare"),
    [("a/b:c", True), ("type=registry,ref=a/b:c", False), ('"a"', True), ("TYPE=gha", False)],
)
def test_c2_a_bare_reference_has_no_fields(text: str, bare: bool) -> None:  # noqa: FBT001  # a column of the table
    """C2: a text without any `=` is bare, and docker without buildx reads it."""
    assert parse_entries([text])[0].bare is bare


def test_c3_a_bare_reference_has_a_typed_form() -> None:
    """C3: a bare reference means the same as `type=registry` with that `ref`."""
    entry = reference_entry("a/b:c", text="type=registry,ref=a/b:c")
    short = reference_entry("a/b:c")
    assert (str(entry), str(short), entry.key) == ("type=registry,ref=a/b:c", "a/b:c", short.key)


def test_an_entry_cannot_change() -> None:
    """An entry is a value, and so are its fields."""
    entry = parse_entries(["type=gha,scope=a"])[0]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        entry.type = "s3"  # type: ignore[misc]  # the change is the point
    with pytest.raises(TypeError, match="a FrozenMap cannot change"):
        entry.attrs["scope"] = "b"


HOSTILE = {
    "commas": "type=x," + "," * 100_000,
    "quotes": "type=x," + '"' * 100_001,
    "open": 'type=x,"k=' + '""' * 60_000,
    "fields": "type=x," + "a" * 100_000,
    "megabyte": "type=x,k=" + "a" * 1_000_000,
    "megabyte-of-urls": "url=" * 250_000,
    "megabyte-of-proxies": "_proxy=" * 150_000 + "@",
    "megabyte-of-references": "a," * 500_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_rejected(name: str) -> None:
    """C10: texts of any size are read and rejected."""
    with pytest.raises(InvalidEntry):
        parse_entries([HOSTILE[name]])


@pytest.mark.parametrize("text", ["type=x,k=\0", "a\0b", "a\u0661", "type=x,\ud800=1"], ids=ascii)
def test_odd_characters_are_data(text: str) -> None:
    """C10: only the comma, the quote, the `=` and the last newline mean something to buildx."""
    assert str(parse_entries([text])[0]) == text


def test_a_long_entry_is_rejected() -> None:
    """A text that no command line can carry is rejected, and cut in the message."""
    with pytest.raises(InvalidEntry) as caught:
        parse_entries([f"type=local,dest={'a' * MAX_TEXT}"])
    assert caught.value.diagnostics[0].message.endswith(f": it has more than {MAX_TEXT} characters")
    assert len(str(caught.value)) < 1000


FIELDS = [
    "token",
    "ghtoken",
    "secret_access_key",
    "access_key_id",
    "session_token",
    "ACCESS_KEY_\u0130D",
    " token",
]


@pytest.mark.parametrize("field", FIELDS)
def test_no_secret_is_shown(field: str) -> None:
    """A credential is in no repr, and in no error."""
    entry = parse_entries([f"type=s3,{field}=hunter2,name=x"])[0]
    assert "hunter2" not in repr(entry)
    assert repr(entry).endswith(",name=x')")
    for text in (
        f"{field}=hunter2",
        f'type=s3,"{field}=a,hunter2",x',
        f'type=s3,{field}="hunter2,hunter2"',
    ):
        with pytest.raises(InvalidEntry) as caught:
            parse_entries([text])
        assert "hunter2" not in str(caught.value) + repr(caught.value)


pieces = st.sampled_from(
    [",", '"', "=", "type", "type=", "registry", "ref=", "a/b", "\n", "\r\n", " ", "\u0130", "x"]
)
texts = st.text(max_size=20) | st.lists(pieces, max_size=10).map("".join)


@pytest.mark.parametrize("text", ["a/b,c/d\n\n\n,e", '"""a,b""",c', '"""a""",c', "a\r\n,b\n"])
def test_c7_each_item_of_a_list_stands_alone(text: str) -> None:
    """C7: the text of each item, given by itself, means what it meant in the list."""
    entries = parse_entries([text])
    assert len(entries) > 1
    assert parse_entries([entry.text for entry in entries]) == entries


@given(st.lists(texts, max_size=3))
def test_any_texts_parse_or_raise_our_error(given_texts: list[str]) -> None:
    """Any texts are entries whose own texts mean the same, or our error and no other."""
    try:
        entries = parse_entries(given_texts)
    except FaasCacheError:
        return
    for entry in entries:
        assert isinstance(entry, CacheEntry)
        again = parse_entries([str(entry)])
        assert again == ((entry,) if str(entry) else ())
    copies = pickle.loads(pickle.dumps(entries))
    assert (copies, hash(copies)) == (entries, hash(entries))


@given(st.lists(st.text(), min_size=1))
def test_csv_fields_are_read_back(fields: list[str]) -> None:
    """What `csv_field` writes, `split` reads, but for a record that is empty."""
    record = ",".join(map(csv_field, fields))
    if record:
        assert split(record) == fields


fields = st.dictionaries(
    st.text("abk-._", min_size=1, max_size=3), st.text('ab,"= ', max_size=4), max_size=4
)


@given(
    fields.flatmap(
        lambda values: st.tuples(st.just(values), st.permutations([*values.items(), ("type", "x")]))
    )
)
def test_fields_mean_the_same_in_any_order(
    case: tuple[dict[str, str], list[tuple[str, str]]],
) -> None:
    """C9: two entries have one `key` if their types and fields are equal, in any order."""
    values, order = case
    entry = parse_entries([",".join(csv_field(f"{key}={value}") for key, value in order)])[0]
    plain = parse_entries(
        [",".join(["type=x", *(csv_field(f"{key}={value}") for key, value in values.items())])]
    )[0]
    assert (entry.key, hash(entry.key), dict(entry.attrs)) == (plain.key, hash(plain.key), values)
    assert (entry == plain) == (str(entry) == str(plain))
    assert list(entry.attrs) == [key for key, _ in order if key != "type"]
    others = parse_entries([f"{entry},other=1", f"{entry},type=y"])
    assert entry.key not in [other.key for other in others]


def test_an_entry_is_made_from_its_parts() -> None:
    """The constructor takes any mapping as the fields, and names a part of the wrong type."""
    entry = CacheEntry(text="type=gha,scope=a", type="gha", attrs={"scope": "a"})
    assert [(entry, entry.key)] == [(same, same.key) for same in parse_entries(str(entry))]
    wrong: list[dict[str, Any]] = [{"text": 1}, {"type": None}, {"attrs": ["scope"]}]
    errors: list[Diagnostic] = []
    for argument in wrong:
        with pytest.raises(InvalidEntry) as caught:
            CacheEntry(**{"text": "a", "type": "registry", "attrs": {}, **argument})
        errors += caught.value.diagnostics
    assert [(d.name, path_text(d.location.path), d.message) for d in errors] == [
        ("invalid-type", "text", "expected a string, got an integer"),
        ("invalid-type", "type", "expected a string, got null"),
        ("invalid-type", "attrs", "expected a mapping of strings, got a list"),
    ]
