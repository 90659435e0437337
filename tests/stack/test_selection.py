"""`--filter` and `--regex`: what they match, and what is refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.errors import InvalidInput
from faas_cache.stack.selection import glob, regex

GLOBS = [
    ("fn", "fn", True), ("fn", "fn1", False), ("fn", "Fn", False), ("*", "", True), ("fn*", "fn1", True), ("*2", "gn2", True),
    ("f?", "fn", False), ("f?", "f?", True), ("a*a", "a", False), ("a*b*c", "aXbYc", True), ("a*b*c", "acb", False),
    ("**", "x", True), ("a*bc*c", "abc", False), ("[a]", "a", False),
]  # fmt: skip
REGEXES = [
    ("n", "fn1", True), ("^n", "fn1", False), ("^fn$", "fn", True), ("^fn$", "fn\n", False), ("fn$", "my-fn", True),
    ("a|b", "xbx", True), ("(a|b)c", "bc", True), ("(?:ab)+$", "abab", True), ("(?P<x>a)b", "ab", True), ("[a-c]2", "b2", True),
    ("[^a-c]2", "b2", False), ("[]a]", "]", True), ("[a-]", "-", True), ("[\\]]", "]", True), ("[\\d]", "7", True),
    ("a{2}", "aa", True), ("^a{2,}$", "aaaa", True), ("^a{2,3}$", "aaaa", False), ("a{", "a{", True), ("a{x}", "a{x}", True),
    ("a*?b", "b", True), ("a+?", "a", True), ("a??b", "b", True), (".", "\n", False), ("(?i)FN", "fn", True),
    ("(?i)[A-Z]+1", "fn1", True), ("(?i)k", "\u212a", True), ("(?i)^[s]$", "\u017f", True), ("(?i)^I$", "\u0130", False),
    ("fn\\.a", "fn.a", True), ("fn\\.a", "fnxa", False), ("\\d", "٣", False), ("\\D", "٣", True), ("\\w", "é", False),
    ("\\s", "\v", False), ("[&&ab~~||]", "&", True), ("é", "é", True), ("()", "x", True), ("|a", "", True), ("\\t", "\t", True),
]  # fmt: skip
REFUSED = [
    ("(?=a)", "`(?=a`"), ("(?!a)", "`(?!a`"), ("(?<=a)", "`(?<=`"), ("(?<x>a)", "`(?<x`"), ("a(?i)b", "`(?i)`"), ("(?s).", "`(?s)`"),
    ("a**", "`*` is repeated once more"), ("a*+", "`*` is repeated"), ("a*?*", "`*?` is repeated"), ("a{2}{3}", "`{2}` is repeated"),
    ("*a", "`*` has nothing to repeat"), ("(|+)", "`+` has nothing"), ("{2}", "`{` has nothing"), ("^*", "`*` repeats `^` or `$`"),
    ("a{,3}", "`{,` is text"), ("a{1001}", "`{1001}`"), ("a{3,2}", "`{3,2}`"), ("(a", "a `(` is not closed"), ("a)", "a `)` closes nothing"),
    ("[a", "a `[` is not closed"), ("[]", "a `[` is not closed"), ("[[:alpha:]]", "`[:`"), ("[z-a]", "`z-` begins no range"), ("[a-\\d]", "`a-`"),
    ("\\b", "`\\b`"), ("\\1", "`\\1`"), ("\\pL", "`\\p`"), ("\\Q", "`\\Q`"), ("a\\", "`\\`"), ("[\\b]", "`\\b`"), ("[\\D]", "`\\D`"), ("(?i)é", "not ASCII"),
    ("(?i)[à-é]", "not ASCII"), ("a" * 1001, "longer than 1000"), ("(" * 200, "nested too deeply"), ("\\é", "`\\é`"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "name", "expected"), GLOBS)
def test_a_glob(pattern: str, name: str, expected: bool) -> None:  # noqa: FBT001  # a column of the table
    """Only `*` is special, and the whole name counts."""
    assert glob(pattern)(name) is expected


@pytest.mark.parametrize(("pattern", "name", "expected"), REGEXES)
def test_a_regex(pattern: str, name: str, expected: bool) -> None:  # noqa: FBT001  # a column of the table
    """What RE2 finds anywhere in a name."""
    assert regex(pattern)(name) is expected


@pytest.mark.parametrize(("pattern", "cause"), REFUSED)
def test_what_is_not_read_alike_is_refused(pattern: str, cause: str) -> None:
    """What RE2 refuses or Python reads otherwise is an error that names it."""
    with pytest.raises(InvalidInput) as caught:
        regex(pattern)
    assert cause in caught.value.diagnostics[0].message


@given(st.text("ab(|)*+?{}1,[]^$.\\di-&:P<>", max_size=12), st.text("abd1-\n", max_size=6))
def test_any_pattern_is_read_or_refused(pattern: str, name: str) -> None:
    """Any pattern matches or does not, or is our error."""
    try:
        found = regex(pattern)(name)
    except InvalidInput:
        return
    assert isinstance(found, bool)


@given(st.text(max_size=20).filter(lambda text: len(text) > 0))
def test_a_text_that_is_escaped_finds_itself(text: str) -> None:
    """An escaped text is found in itself."""
    escaped = "".join(f"\\{c}" if c.isascii() and not c.isalnum() and c != "_" else c for c in text)
    assert regex(escaped)(f"x{text}y")
