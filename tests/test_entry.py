"""Entries against buildx's answers, then the laws."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.entry import MAX_TEXT, CacheEntry, csv_field, parse_entries, split
from faas_cache.exceptions import FaasCacheError, InvalidEntry

HERE = Path(__file__).parent / "vectors" / "entries.jsonl"
SHARED = Path(__file__).parents[2] / "shared" / "vectors" / "cache_entries.jsonl"
ROWS: list[dict[str, Any]] = [
    json.loads(line) for path in (HERE, SHARED) if path.exists() for line in path.read_text().splitlines()
]


@pytest.mark.parametrize("row", ROWS, ids=[row.get("id", f"buildx-{i}") for i, row in enumerate(ROWS)])
def test_c10_parse_agrees_with_buildx(row: dict[str, Any]) -> None:
    """C10: acceptance, type, fields and the words of a refusal are buildx's."""
    try:
        found = parse_entries(row["input"])
    except InvalidEntry as fault:
        assert fault.diagnostics[0].message.endswith(": " + row["error_text"])
        return
    assert [{"type": entry.type, "attrs": dict(entry.attrs)} for entry in found] == row["expected"]
    assert parse_entries(map(str, found)) == found


def test_an_empty_text_is_skipped() -> None:
    """Buildx 0.21.2 skips an empty value; a single text is a list of one."""
    assert (parse_entries(["", "a/b"]), parse_entries("")) == (parse_entries("a/b"), ())


def test_an_entry_keeps_its_text() -> None:
    """C6: `str` is the flag's text to the byte, though keys are folded and the order of fields does not count."""
    text = 'TYPE=local,"Dest=/a,b",x=1\n'
    entry = parse_entries([text])[0]
    assert (str(entry), dict(entry.attrs)) == (text, {"dest": "/a,b", "x": "1"})
    assert entry == parse_entries(['x=1,"dest=/a,b",type=local'])[0]
    assert entry != "x"


def test_a_long_entry_is_refused() -> None:
    """A text that no command line can carry is refused, and not shown whole."""
    with pytest.raises(InvalidEntry) as caught:
        parse_entries([f"type=local,dest={'a' * MAX_TEXT}"])
    assert caught.value.diagnostics[0].message.endswith(f": it is longer than {MAX_TEXT} characters")
    assert len(str(caught.value)) < 1000


FIELDS = ["token", "ghtoken", "secret_access_key", "access_key_id", "session_token", "ACCESS_KEY_\u0130D", " token"]


@pytest.mark.parametrize("field", FIELDS)
def test_no_secret_is_shown(field: str) -> None:
    """A credential is in no repr, also of a refused entry."""
    entry = parse_entries([f"type=s3,{field}=hunter2,name=x"])[0]
    assert "hunter2" not in repr(entry)
    assert repr(entry).endswith(",name=x')")
    for text in (f"{field}=hunter2", f'type=s3,"{field}=a,hunter2",x', f'type=s3,{field}="hunter2,hunter2"'):
        with pytest.raises(InvalidEntry) as caught:
            parse_entries([text])
        assert "hunter2" not in str(caught.value) + repr(caught.value)


pieces = st.sampled_from([",", '"', "=", "type", "type=", "registry", "ref=", "a/b", "\n", "\r\n", " ", "\u0130", "x"])
texts = st.text(max_size=20) | st.lists(pieces, max_size=10).map("".join)


@given(st.lists(texts, max_size=3))
def test_any_texts_parse_or_raise_our_error(given_texts: list[str]) -> None:
    """Any texts are entries whose own texts mean the same, or our error and no other."""
    try:
        found = parse_entries(given_texts)
    except FaasCacheError:
        return
    for entry in found:
        assert isinstance(entry, CacheEntry)
        again = parse_entries([str(entry)])
        assert again == ((entry,) if str(entry) else ())
    assert pickle.loads(pickle.dumps(found)) == found
    assert hash(found) == hash(pickle.loads(pickle.dumps(found)))


@given(st.lists(st.text(), min_size=1))
def test_csv_fields_are_read_back(fields: list[str]) -> None:
    """What `csv_field` writes, `split` reads, but for a record that is empty and for one final newline."""
    record = ",".join(map(csv_field, fields))
    if record and not record.endswith("\n"):
        assert split(record) == fields
