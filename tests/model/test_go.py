"""Go's scalars: tables of what Go's standard library does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.go import (
    FALSE,
    TRUE,
    format_scalar,
    parse_bool,
    parse_duration,
    parse_integer,
    quote,
    to_lower,
    to_upper,
)

LOWER = [
    ("KEY", "key"),
    ("\u0130", "i"),
    ("\u212a", "k"),
    ("\u00c4", "\u00e4"),
    ("\u017f", "\u017f"),
]
UPPER = [
    ("key", "KEY"),
    ("\u00df", "\u00df"),
    ("\u0131", "I"),
    ("\u00e4", "\u00c4"),
    ("\ufb03", "\ufb03"),
]


@pytest.mark.parametrize(("text", "lower"), LOWER)
def test_to_lower(text: str, lower: str) -> None:
    """strings.ToLower maps each rune to one rune."""
    assert to_lower(text) == lower


@pytest.mark.parametrize(("text", "upper"), UPPER)
def test_to_upper(text: str, upper: str) -> None:
    """strings.ToUpper maps each rune to one rune."""
    assert to_upper(text) == upper


@given(st.text())
def test_case_keeps_the_length(text: str) -> None:
    """Offsets in a text are offsets in its lower-case and upper-case forms."""
    assert len(to_lower(text)) == len(to_upper(text)) == len(text)


def test_parse_bool() -> None:
    """A3: strconv.ParseBool accepts twelve words; `yes` is not among them."""
    assert (sorted(TRUE), sorted(FALSE)) == (
        ["1", "T", "TRUE", "True", "t", "true"],
        ["0", "F", "FALSE", "False", "f", "false"],
    )
    assert [parse_bool(word) for word in ("1", "F", "yes", "tRUE", "")] == [
        True,
        False,
        None,
        None,
        None,
    ]


INTEGERS = [
    ("0", 0),
    ("-7", -7),
    ("+7", 7),
    ("007", 7),
    ("9" * 18, 10**18 - 1),
    ("9" * 19, None),
    ("1_000", None),
    (" 1", None),
    ("1.0", None),
    ("\u0661", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "value"), INTEGERS)
def test_parse_integer(text: str, value: int | None) -> None:
    """strconv.Atoi accepts a sign and ASCII digits."""
    assert parse_integer(text) == value


DURATIONS = [
    ("0", 0.0),
    ("10m", 600.0),
    ("1h30m", 5400.0),
    ("1.5s", 1.5),
    (".5s", 0.5),
    ("1.s", 1.0),
    ("-2ms", -0.002),
    ("+3us", 3e-6),
    ("3µs", 3e-6),
    ("3μs", 3e-6),
    ("4ns", 4e-9),
    ("90", None),
    ("s", None),
    ("1 s", None),
    ("1d", None),
    ("", None),
    ("1" * 100_000, None),
    ("1s" * 50_000 + "x", None),
]


@pytest.mark.parametrize(("text", "seconds"), DURATIONS, ids=[text[:9] for text, _ in DURATIONS])
def test_parse_duration(text: str, seconds: float | None) -> None:
    """time.ParseDuration needs a unit on every number but zero."""
    value = parse_duration(text)
    assert value == (seconds if seconds is None else pytest.approx(seconds))


SCALARS = [(True, "true"), (False, "false"), (None, ""), (1, "1"), ("on", "on"), (1.5, "1.5")]


@pytest.mark.parametrize(("value", "text"), SCALARS)
def test_format_scalar(value: object, text: str) -> None:
    """Booleans are lower-case, and null is empty."""
    assert format_scalar(value) == text


QUOTED = [
    ("", '""'),
    ("a b", '"a b"'),
    ('a"b', r'"a\"b"'),
    ("a\\b", r'"a\\b"'),
    ("\a\b\f\n\r\t\v", r'"\a\b\f\n\r\t\v"'),
    ("\x00\x7f", r'"\x00\x7f"'),
    ("\u00e4\u200b", '"\u00e4\\u200b"'),
    ("\U000e0001", r'"\U000e0001"'),
    ("\udc80", r'"\x80"'),
    ("\ud800", r'"\xed\xa0\x80"'),
]


@pytest.mark.parametrize(("text", "quoted"), QUOTED, ids=ascii)
def test_quote(text: str, quoted: str) -> None:
    """strconv.Quote escapes what cannot be printed; bytes that are not UTF-8 are shown as such."""
    assert quote(text) == quoted


@given(st.text())
def test_a_quoted_text_can_be_printed(text: str) -> None:
    """No control character is left."""
    assert quote(text).isprintable()
