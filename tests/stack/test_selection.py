"""`--filter` and `--regex`: what they match, and what is rejected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.errors import InvalidInput
from faas_cache.stack import automaton
from faas_cache.stack.selection import match, match_glob, match_regex, no_match

GLOBS = [
    ("fn", "fn", True), ("fn", "fn1", False), ("fn", "Fn", False), ("*", "", True), ("fn*", "fn1", True), ("*2", "gn2", True),
    ("f?", "fn", False), ("f?", "f?", True), ("a*a", "a", False), ("a*b*c", "aXbYc", True), ("a*b*c", "acb", False),
    ("**", "x", True), ("a*bc*c", "abc", False), ("[a]", "a", False),
]  # fmt: skip
REGEXES = [
    ("n", "fn1", True), ("^n", "fn1", False), ("^fn$", "fn", True), ("^fn$", "fn\n", False), ("fn$", "my-fn", True),
    ("a|b", "xbx", True), ("(a|b)c", "bc", True), ("(?:ab)+$", "abab", True), ("(?P<x>a)(?<y>b)", "ab", True), ("[a-c]2", "b2", True),
    ("[^a-c]2", "b2", False), ("[]a]", "]", True), ("[a-]", "-", True), ("[\\]]", "]", True), ("[\\d]", "7", True), ("[\\D]", "7", False),
    ("a{2}", "aa", True), ("^a{2,}$", "aaaa", True), ("^a{2,3}$", "aaaa", False), ("^a{0}$", "a", False), ("a{", "a{", True), ("a{,3}", "a{,3}", True),
    ("a*?b", "b", True), ("a+?", "a", True), ("a??b", "b", True), (".", "\n", False), ("(?s).", "\n", True), ("(?s:.)", "\n", True), ("(?s:a).", "a\n", False),
    ("(?i)[A-Z]+1", "fn1", True), ("(?i)k", "\u212a", True), ("(?i)\u212a", "k", True), ("(?i)^[s]$", "\u017f", True), ("(?i)^I$", "\u0130", False),
    ("(?i)^i$", "\u0131", False), ("(?i)É", "é", True), ("(?i)a(?-i)B", "Ab", False), ("a(?i:B)c", "abc", True), ("(?i)[^k]", "\u212a", False), ("(?iU)a", "A", True),
    ("fn\\.a", "fn.a", True), ("fn\\.a", "fnxa", False), ("\\d", "٣", False), ("\\D", "٣", True), ("\\w", "é", False), ("[[:alpha:]]", "1", False),
    ("[[:^alpha:]x]", "1", True), ("[[:word:]]", "_", True), ("[[:alpha]", "[", True), ("\\s", "\v", False), ("[&&ab~~||]", "&", True), ("é", "é", True), ("()", "x", True),
    ("|a", "", True), ("\\t", "\t", True), ("\\Aa\\z", "a", True), ("\\Aa\\z", "ab", False), ("\\bfn\\b", "my-fn-a", True), ("\\bn", "fn", False), ("\\Bn", "fn", True),
    ("(?m)^b$", "a\nb\nc", True), ("(?m)^$", "a", False), ("\\x61\\x{62}\\143", "abc", True), ("\\0", "\0", True), ("[\\x61-\\x63]", "b", True), ("\\pL\\p{Lu}\\PL", "aB1", True),
    ("\\p{^L}", "a", False), ("[\\pN]", "1", True), ("\\p{Any}", "x", True), ("\\Qa.b*\\E+", "a.b**", True), ("\\Qa.", "a.", True), ("\\Q\\E", "", True), ("^*a", "a", True),
    ("a(?i)", "a", True), ("[\\-a]", "-", True), ("(?:a|b|c)?d", "cd", True), ("(a{2}){3}", "a" * 6, True), ("\\_\\-", "_-", True),
]  # fmt: skip
REJECTED = [
    ("(?=a)", "`(?=a` is not a group of RE2"), ("(?!a)", "`(?!a` is not a group of RE2"), ("(?<=a)", "`(?<=` is not a group of RE2"), ("(?x)a", "`(?x)` is not a group of RE2"),
    ("(?-)a", "`(?-)` is not a group of RE2"), ("a**", "`*` follows another repetition"), ("a*+", "`+` follows another repetition"),
    ("a{2}{3}", "`{3}` follows another repetition"), ("*a", "`*` has nothing to repeat"), ("(|+)", "`+` has nothing to repeat"), ("{2}", "`{2}` has nothing to repeat"),
    ("a{1001}", "`{1001}` is not a repetition of RE2, which counts to 1000"), ("a{3,2}", "`{3,2}` is not a repetition of RE2, which counts to 1000"),
    ("(a{100}){100}", "nested repetitions count to more than 1000"), ("(abcdefghijklmnopqrstuvwxyz){1000}", "it repeats too much"),
    ("(a", "missing `)`"), ("a)", "unmatched `)`"), ("[a", "missing `]`"), ("[]", "missing `]`"), ("[[:foo:]]", "`[:foo:]` is not a class of RE2"),
    ("[z-a]", "`z-a` is not a range"), ("[a-\\d]", "`\\d` is not an escape of RE2"), ("\\1", "`\\1` is not an escape of RE2"), ("\\Z", "`\\Z` is not an escape of RE2"), ("\\C", "`\\C` is not an escape of RE2"),
    ("a\\", "`\\` is not an escape of RE2"), ("[\\b]", "`\\b` is not an escape of RE2"), ("\\é", "`\\é` is not an escape of RE2"), ("\\x{110000}", "`\\x{110000}` is not a character of Unicode"),
    ("\\x6", "`\\x` is not an escape of RE2"), ("\\p{Greek}", "`\\p{Greek}` is not a general category of Unicode (scripts are not supported)"), ("\\p", "`\\p` is not an escape of RE2"),
    ("a" * 1001, "it is longer than 1000 characters"), ("(" * 200, "more than 100 nested groups"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "name", "expected"), GLOBS)
def test_a_glob(pattern: str, name: str, expected: bool) -> None:  # noqa: FBT001  # a column of the table
    """Only `*` is special, and the whole name counts."""
    assert match_glob(pattern)(name) is expected


@pytest.mark.parametrize(("pattern", "name", "expected"), REGEXES)
def test_a_regex(pattern: str, name: str, expected: bool) -> None:  # noqa: FBT001  # a column of the table
    """What RE2 matches anywhere in a name (compared with google-re2)."""
    assert match_regex(pattern)(name) is expected


@pytest.mark.parametrize(("pattern", "cause"), REJECTED, ids=[row[0][:20] for row in REJECTED])
def test_an_invalid_regex(pattern: str, cause: str) -> None:
    """What RE2 rejects, and our limits."""
    with pytest.raises(InvalidInput) as caught:
        match_regex(pattern)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.name, diagnostic.message) == (
        "invalid-argument",
        f"invalid regular expression `{pattern[:60]}`: {cause}",
    )


@given(st.text("ab(|)*+?{}1,[]^$.\\di-&:P<>QEpLx", max_size=12), st.text("abd1-\n", max_size=6))
def test_any_regex_is_read_or_rejected(pattern: str, name: str) -> None:
    """Any expression matches or does not, or raises our error."""
    try:
        matched = match_regex(pattern)(name)
    except InvalidInput:
        return
    assert isinstance(matched, bool)


@given(st.text(min_size=1, max_size=20))
def test_an_escaped_text_matches_itself(text: str) -> None:
    """An escaped text matches itself, inside of another."""
    escaped = "".join(f"\\{c}" if c.isascii() and not c.isalnum() and c != "_" else c for c in text)
    assert match_regex(escaped)(f"x{text}y")


def test_remembered_states_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A matcher forgets, and matches on."""
    monkeypatch.setattr(automaton, "_MAX_REMEMBERED", 2)
    matches = match_regex("a.c$")
    assert [matches(name) for name in ("xabc", "abx", "aac")] == [True, False, True]


def test_one_selection_at_a_time() -> None:
    """`--filter` or `--regex`, not both."""
    assert match("a*", None)("ab")
    assert match(None, "b$")("ab")
    with pytest.raises(InvalidInput) as caught:
        match("a", "b")
    assert [(d.name, d.message, d.hint) for d in caught.value.diagnostics] == [
        ("conflicting-flags", "conflicting flags `--filter` and `--regex`", "use one of the two")
    ]


def test_a_selection_without_a_match_shows_the_names() -> None:
    """The first twenty names, if there are any."""
    names = [f"f{i}" for i in range(30)]
    shown = ", ".join(f"`f{i}`" for i in range(20))
    assert (no_match("x", None, names).hint, no_match(None, "x", []).hint) == (
        f"choose from {shown}",
        "add functions to the stack file",
    )
    assert no_match(None, "x", []).message == "no function matches `--regex x`"
