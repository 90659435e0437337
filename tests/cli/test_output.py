"""What is printed: escaped, and without a traceback where nobody reads it."""

import io
import sys

import pytest

from faas_cache.cli.output import count, print_json, print_result, suggest, warn
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.text import escape


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain é ä\n\tend", "plain é ä\n\tend"),
        ("\x1b[31m\r\x00\x7f\x9b", "\\x1b[31m\\r\\x00\\x7f\\x9b"),
        ("\u202e\u2066\u200f\u061c", "\\u202e\\u2066\\u200f\\u061c"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
    ],
)
def test_control_characters_are_visible(text: str, escaped: str) -> None:
    """So are marks that reorder text, and line separators."""
    assert escape(text) == escaped


def test_results_and_messages_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """Each on its stream; JSON escapes by itself."""
    print_result("\x1b\n")
    print_json({"a": "\x1b"})
    warn("\x1b", 1)
    assert tuple(capsys.readouterr()) == ('\\x1b\n{\n  "a": "\\u001b"\n}\n', "\\x1b\n1\n")


def test_a_closed_stderr_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows is discarded."""
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    warn("one")
    warn("two")
    assert sys.stderr is not closed
    sys.stderr.close()


@pytest.mark.parametrize(
    ("severities", "text"),
    [
        ([], "0 errors, 0 warnings, 0 notes"),
        (["error", "warning", "warning", "note"], "1 error, 2 warnings, 1 note"),
    ],
)
def test_diagnostics_are_counted(severities: list[str], text: str) -> None:
    """In the singular where there is one."""
    items = [Diagnostic(name="x", severity=s, message="m") for s in severities]  # type: ignore[arg-type]  # they are severities
    assert count(items) == text


def test_a_suggestion_is_the_nearest_word() -> None:
    """And empty where none is near."""
    assert (suggest("paln", ["plan", "push"]), suggest("xyzzy", ["plan"])) == (
        "did you mean `plan`?",
        "",
    )
