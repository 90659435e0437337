"""References against upstream's answers, then the laws."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.exceptions import FaasCacheError, InvalidReference
from faas_cache.reference import MAX_TEXT, Reference

HERE = Path(__file__).parent / "vectors"
SHARED = Path(__file__).parents[2] / "shared" / "vectors"


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a file of vectors; none where the folder is not there."""
    path = folder / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


PARSED = [*rows(HERE, "references.jsonl"), *rows(SHARED, "references.jsonl")]
RETAGGED = [*rows(HERE, "retags.jsonl"), *rows(SHARED, "reference_retag.jsonl")]


@pytest.mark.parametrize("row", PARSED, ids=[row.get("id", f"upstream-{i}") for i, row in enumerate(PARSED)])
def test_e1_parse_agrees_with_upstream(row: dict[str, Any]) -> None:
    """E1: acceptance, every part and the familiar form are those of distribution/reference."""
    try:
        found = Reference.parse(row["input"])
    except InvalidReference:
        assert row.get("error")
        return
    assert {part: getattr(found, part) for part in ("domain", "path", "tag", "digest", "familiar")} == row["expected"]


@pytest.mark.parametrize("row", RETAGGED, ids=[row.get("id", f"upstream-{i}") for i, row in enumerate(RETAGGED)])
def test_e1_with_tag_agrees_with_upstream(row: dict[str, Any]) -> None:
    """E1: a new tag replaces tag and digest, and a port is no tag."""
    try:
        found = Reference.parse(row["input"]).with_tag(row["tag"])
    except InvalidReference:
        assert row.get("error")
        return
    assert (found.canonical, found.familiar) == (row["expected_canonical"], row["expected_familiar"])
    assert Reference.parse(str(found)) == found


CAUSES = {
    "": "it is empty",
    "a" * (MAX_TEXT + 1): f"it is longer than {MAX_TEXT} characters",
    "https://ghcr.io/a/b": "a reference has no scheme; leave out everything up to `://`",
    "a/b c": "it holds white space",
    "a/b@sha256:12": "a digest is `sha256:` and 64 lower-case hexadecimal digits (sha384: 96, sha512: 128)",
    "ghcr.io/Owner/Fn": "the repository name must be in lower case: `owner/fn`",
    "a/b:-x": "a tag is 1 to 128 letters, digits, `_`, `.` and `-`, and begins with a letter, a digit or `_`",
    "a//b": "a repository name is made of a-z, 0-9 and single `.`, `_`, `__` or dashes between them, with `/` between its parts",
    "0" * 64: "64 hexadecimal digits are an image id, not a name",
    "a/" + "b" * 254: "its repository path is longer than 255 characters",
}


@pytest.mark.parametrize("text", CAUSES, ids=lambda text: text[:20] or "empty")
def test_a_refusal_names_its_cause(text: str) -> None:
    """E1: the message says why, and shows no more than is of use."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)
    message = caught.value.diagnostics[0].message
    assert message.partition(" is no image reference: ")[2] == CAUSES[text]
    assert len(message) < 500


def test_a_refusal_shows_no_password() -> None:
    """The userinfo of a URL that was given for a reference is masked."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse("https://me:hunter2@ghcr.io/a")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["x:tag\n", "x:t\u00e4g", "x:\u0661", "\u0661", "x\0", "a-a-" * 1000 + "!", "ghcr.io/" + "a/" * 2000]
)
def test_what_python_would_let_pass_is_refused(text: str) -> None:
    """E1: a newline at the end, digits of other scripts, NUL and long near misses are no references."""
    with pytest.raises(InvalidReference):
        Reference.parse(text)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("fn", "docker.io/library/fn:latest"),
        ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
        ("ex_ample.com/x", "ex_ample.com/x:latest"),
        ("a/b:1@sha256:" + 64 * "0", "docker.io/a/b@sha256:" + 64 * "0"),
    ],
)
def test_target_is_what_a_registry_is_asked_for(text: str, target: str) -> None:
    """E4, E5: the digest before the tag, and latest where nothing is said."""
    assert Reference.parse(text).target == target


def test_name_keeps_the_users_spelling() -> None:
    """B2: the name is the text without tag and digest."""
    names = [Reference.parse(text).name for text in ("localhost:5000/fn", "fn:1", "fn:1@sha256:" + 64 * "0")]
    assert names == ["localhost:5000/fn", "fn", "fn"]


def test_a_bad_tag_is_refused() -> None:
    """E1: `with_tag` takes only tags."""
    with pytest.raises(InvalidReference):
        Reference.parse("fn").with_tag("a b")


texts = st.text(max_size=40) | st.from_regex(r"[a-zA-Z0-9._:/@\[\]-]{0,60}", fullmatch=True)


@given(texts)
def test_any_text_parses_or_raises_our_error(text: str) -> None:
    """Any text is a reference that means itself, or our error and no other."""
    try:
        found = Reference.parse(text)
    except FaasCacheError:
        return
    assert str(found) == text
    for again in (str(found), found.canonical, found.familiar):
        assert Reference.parse(again) == found
        assert hash(Reference.parse(again)) == hash(found)
    assert pickle.loads(pickle.dumps(found)) == found
    assert found != text


@given(texts, texts)
def test_equality_is_that_of_canonical_forms(one: str, other: str) -> None:
    """Two references are equal exactly when their canonical forms are."""
    try:
        first, second = Reference.parse(one), Reference.parse(other)
    except FaasCacheError:
        return
    assert (first == second) == (first.canonical == second.canonical)
