"""References against upstream's answers, then the laws."""

import json
import pickle
import string
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import FaasCacheError, InvalidReference
from faas_cache.model.references import MAX_TEXT, Reference

HERE = Path(__file__).parents[1] / "vectors"
SHARED = Path(__file__).parents[3] / "shared" / "vectors"


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a file of vectors; none if it does not exist."""
    path = folder / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


PARSED = [*rows(HERE, "references.jsonl"), *rows(SHARED, "references.jsonl")]
RETAGGED = [*rows(HERE, "retags.jsonl"), *rows(SHARED, "reference_retag.jsonl")]


@pytest.mark.parametrize(
    "row", PARSED, ids=[row.get("id", f"upstream-{i}") for i, row in enumerate(PARSED)]
)
def test_e1_parse_agrees_with_upstream(row: dict[str, Any]) -> None:
    """E1: acceptance, every part and the familiar form are those of distribution/reference."""
    try:
        reference = Reference.parse(row["input"])
    except InvalidReference:
        assert row.get("error")
        return
    assert {
        part: getattr(reference, part) for part in ("domain", "path", "tag", "digest", "familiar")
    } == row["expected"]


@pytest.mark.parametrize(
    "row", RETAGGED, ids=[row.get("id", f"upstream-{i}") for i, row in enumerate(RETAGGED)]
)
def test_e1_with_tag_agrees_with_upstream(row: dict[str, Any]) -> None:
    """E1: a new tag replaces tag and digest, and a port is not a tag."""
    try:
        reference = Reference.parse(row["input"]).with_tag(row["tag"])
    except InvalidReference:
        assert row.get("error")
        return
    assert (reference.canonical, reference.familiar) == (
        row["expected_canonical"],
        row["expected_familiar"],
    )
    assert Reference.parse(str(reference)) == reference


def test_every_case_says_why() -> None:
    """Each of our own cases has a name of its own, which begins with its rule, and a reason."""
    ours = [*rows(HERE, "references.jsonl"), *rows(HERE, "retags.jsonl")]
    assert len({row["id"] for row in ours}) == len(ours)
    assert [
        row for row in ours if row["id"].partition("-")[0] not in {"E1", "B2"} or not row["why"]
    ] == []


TAG_HINT = "use 1 to 128 letters, digits, `_`, `.` and `-`, beginning with a letter, a digit or `_`"
CAUSES = {
    "": ("it is empty", "write an image, as `ghcr.io/owner/name:tag`"),
    "a" * (MAX_TEXT + 1): (f"it has more than {MAX_TEXT} characters", ""),
    "https://ghcr.io/a/b": ("a reference has no scheme", "remove the text up to `://`"),
    "a/b c": ("it contains white space", "remove the white space"),
    "a/b\n": ("it contains white space", "remove the white space"),
    "localhost:5000/Fn": ("the repository must be in lower case", "write `fn`"),
    "token=ABC": ("the repository must be in lower case", "write `***`"),
    "a/b@sha256:12": (
        "invalid digest",
        "write `sha256:` and 64 lower-case hexadecimal digits (`sha384:` and 96, `sha512:` and 128)",
    ),
    "ghcr.io/Owner/Fn": ("the repository must be in lower case", "write `owner/fn`"),
    "a/b:-x": ("invalid tag", TAG_HINT),
    "a//b": (
        "invalid repository name",
        "use a-z and 0-9, with single `.`, `_`, `__` or dashes between them, and `/` between the parts",
    ),
    "0" * 64: ("64 hexadecimal digits are an image id", ""),
    "a/" + "b" * 254: ("the path has more than 255 characters", ""),
}


@pytest.mark.parametrize("text", CAUSES, ids=lambda text: text[:20] or "empty")
def test_e1_an_error_names_its_cause(text: str) -> None:
    """E1: the message says why, the hint what to write, and long texts are cut."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)
    error = caught.value.diagnostics[0]
    assert (error.message.partition("`: ")[2], error.hint) == CAUSES[text]
    assert len(error.message) < 500


def test_e1_an_error_is_a_diagnostic() -> None:
    """E1: the error has its name in the catalogue, and the text without its password."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse("https://me:hunter2@ghcr.io/a")
    message = "invalid image reference `https://***@ghcr.io/a`: a reference has no scheme"
    error = Diagnostic(
        name="invalid-reference", message=message, hint="remove the text up to `://`"
    )
    assert caught.value == InvalidReference(error)


HOSTILE = {
    "newline": "x:tag\n",
    "letter": "x:t\u00e4g",
    "digit-in-tag": "x:\u0661",
    "digit": "\u0661",
    "digit-in-port": "x:\u0661/y",
    "nul": "x\0",
    "surrogate": "x\ud800",
    "dashes": "a-a-" * 1000 + "!",
    "components": "ghcr.io/" + "a/" * 2000,
    "labels": "a." * 2000 + "/x",
    "brackets": "[" * 4000,
    "4096": "a" * 4096,
    "4097": "a" * 4097,
    "megabyte": "a-a-" * 250_000,
    "megabyte-of-proxies": "_proxy=" * 150_000 + "@",
    "megabyte-of-urls": "url=" * 250_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_e1_hostile_texts_are_rejected(name: str) -> None:
    """E1: what Python would accept, near misses and texts of any size are rejected in few words."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(HOSTILE[name])
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("fn", "docker.io/library/fn:latest"),
        ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
        ("ex_ample.com/x", "ex_ample.com/x:latest"),
        ("a/b:1@sha256:" + 64 * "0", "docker.io/a/b@sha256:" + 64 * "0"),
    ],
)
def test_target_is_what_a_registry_serves(text: str, target: str) -> None:
    """E4, E5: the digest, else the tag, else `latest`."""
    assert Reference.parse(text).target == target


def test_b2_the_name_keeps_the_users_spelling() -> None:
    """B2: the name is the text without tag and digest."""
    names = [
        Reference.parse(text).name
        for text in ("localhost:5000/fn", "fn:1", "fn:1@sha256:" + 64 * "0")
    ]
    assert names == ["localhost:5000/fn", "fn", "fn"]


@pytest.mark.parametrize(
    "tag", ["", "a b", ".a", "-a", "a:b", "a/b", "t" * 129, "a\n", "\u0661", "a@sha256:0"], ids=repr
)
def test_e1_an_invalid_tag_is_rejected(tag: str) -> None:
    """E1: `with_tag` accepts only tags."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse("fn").with_tag(tag)
    error = Diagnostic(name="invalid-reference", message=f"invalid tag `{tag}`", hint=TAG_HINT)
    assert caught.value == InvalidReference(error)


def test_a_reference_cannot_change() -> None:
    """A reference is a value."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Reference.parse("fn").tag = "1"  # type: ignore[misc]  # the change is the point


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("fn", "docker.io/library/fn"),
        ("index.docker.io/a/b:1", "a/b:1"),
        ("library/fn@sha256:" + 64 * "0", "fn@sha256:" + 64 * "0"),
    ],
)
def test_spellings_of_one_reference_are_equal(one: str, other: str) -> None:
    """E4, E5: two spellings of the same image are equal."""
    first, second = Reference.parse(one), Reference.parse(other)
    assert (first, hash(first), first.canonical, first.familiar) == (
        second,
        hash(second),
        second.canonical,
        second.familiar,
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("fn", "fn:latest"),
        ("fn", "user/fn"),
        ("GHCR.io/a", "ghcr.io/a"),
        ("fn:1", "fn:1@sha256:" + 64 * "0"),
    ],
)
def test_different_references_are_not_equal(one: str, other: str) -> None:
    """E1: a missing tag is not `latest` until a registry is asked, and hosts keep their case."""
    assert Reference.parse(one) != Reference.parse(other)


# References made of the pieces of the grammar, most of them valid.
components = st.lists(st.text("ab0", min_size=1, max_size=3), min_size=1, max_size=3).flatmap(
    lambda parts: st.sampled_from([".", "_", "__", "-", "--"]).map(
        lambda separator: separator.join(parts)
    )
)
domains = st.sampled_from(
    [
        "",
        "localhost/",
        "ghcr.io/",
        "docker.io/",
        "index.docker.io/",
        "Reg:5000/",
        "[::1]/",
        "a_b.c/",
    ]
)
tags = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=4)
digests = st.sampled_from(["sha256:" + 64 * "0", "sha384:" + 96 * "f", "sha512:" + 128 * "1"])
spelled = st.builds(
    lambda domain, path, tag, digest: domain + "/".join(path) + tag + digest,
    domains,
    st.lists(components, min_size=1, max_size=3),
    st.just("") | tags.map(":{}".format),
    st.just("") | digests.map("@{}".format),
)


@given(spelled, tags)
def test_b2_with_tag_keeps_the_name(text: str, tag: str) -> None:
    """B2: the same name and spelling with the new tag and no digest; the text parses to the same reference."""
    reference = Reference.parse(text)
    tagged = reference.with_tag(tag)
    assert str(tagged) == f"{reference.name}:{tag}"
    assert text.startswith(reference.name)
    parts = (tagged.name, tagged.domain, tagged.path, tagged.tag, tagged.digest)
    assert parts == (reference.name, reference.domain, reference.path, tag, None)
    assert Reference.parse(str(tagged)) == tagged == tagged.with_tag(tag)


texts = (
    spelled | st.text(max_size=40) | st.from_regex(r"[a-zA-Z0-9._:/@\[\]-]{0,60}", fullmatch=True)
)


@given(texts)
def test_any_text_parses_or_raises_our_error(text: str) -> None:
    """Any text is a reference that parses to itself, or raises our error."""
    try:
        reference = Reference.parse(text)
    except FaasCacheError:
        return
    assert str(reference) == text
    for again in (str(reference), reference.canonical):
        assert Reference.parse(again) == reference
        assert hash(Reference.parse(again)) == hash(reference)
    assert pickle.loads(pickle.dumps(reference)) == reference
    assert reference != text


# The familiar form of these is another reference, or none.
UNFAMILIAR = [
    ("docker.io/localhost/fn", "localhost/fn"),
    ("docker.io/a.b/fn", "a.b/fn"),
    ("docker.io/index.docker.io/fn", "index.docker.io/fn"),
    ("docker.io/library/" + "ab" * 32, "ab" * 32),
]


@pytest.mark.parametrize(("text", "familiar"), UNFAMILIAR, ids=[text for text, _ in UNFAMILIAR])
def test_a_familiar_form_is_for_people(text: str, familiar: str) -> None:
    """E1: the familiar form is upstream's even where it means something else; only messages use it."""
    assert Reference.parse(text).familiar == familiar


@given(spelled)
def test_a_familiar_form_parses_to_the_same_reference(text: str) -> None:
    """E1: the familiar form is equal, unless a part of the path would become a host."""
    reference = Reference.parse(text)
    first = reference.path.partition("/")[0]
    if reference.domain != "docker.io" or not ("." in first or first == "localhost"):
        assert Reference.parse(reference.familiar) == reference


@given(texts, texts)
def test_equality_is_that_of_canonical_forms(one: str, other: str) -> None:
    """Two references are equal if and only if their canonical forms are."""
    try:
        first, second = Reference.parse(one), Reference.parse(other)
    except FaasCacheError:
        return
    assert (first == second) == (first.canonical == second.canonical)
