"""Text of other programs in our messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.runner.messages import first_line, last_line, printable


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("", "", ""),
        ("one", "one", "one"),
        ("\n one \ntwo\n\n", "one", "two"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07", "\\x1b[31mred\\x07"),
        ("a\u202eb\u2028", "a\\u202eb", "a\\u202eb"),
        ("x" * 400, "x" * 300 + "…", "x" * 300 + "…"),
        ("https://me:pw@host/x?token=1", "https://***@host/x?***", "https://***@host/x?***"),
    ],
)
def test_one_line_is_escaped_masked_and_cut(text: str, first: str, last: str) -> None:
    """The first or the last one with text in it."""
    assert (first_line(text), last_line(text)) == (first, last)


@given(st.text())
def test_what_is_printable_is_shown_as_it_is(text: str) -> None:
    """No control character is left, and nothing is escaped twice."""
    shown = printable(text)
    assert shown.isprintable()
    assert printable(shown) == shown
