"""Text of files, registries and builders as it is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.text import (
    display,
    escape,
    escape_json,
    escape_line,
    first_line,
    last_line,
    printable,
)


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


@pytest.mark.parametrize(
    ("text", "lines", "line"),
    [
        ("a\tb\r\nc", "a\tb\\r\nc", "a\\tb\\r\\nc"),
        ("\x1b]0;x\x07", "\\x1b]0;x\\x07", "\\x1b]0;x\\x07"),
        ("\x85\u061c\u200b\u2029\ufeff", *["\\x85\\u061c\\u200b\\u2029\\ufeff"] * 2),
        ("\udc80\U000e0041", *["\\udc80\\U000e0041"] * 2),
        ("::error::x\n \t::stop", "\\x3a:error::x\n \t\\x3a:stop", "\\x3a:error::x\\n \\t::stop"),
        ("a ##[set-output]", *["a \\x23#[set-output]"] * 2),
        ("##vso[task] ### a::b", *["\\x23#vso[task] ### a::b"] * 2),
    ],
)
def test_control_characters_and_commands_are_escaped(text: str, lines: str, line: str) -> None:
    """Line feeds and tabs stay in text that has lines of its own."""
    assert (escape(text), escape_line(text)) == (lines, line)


def test_credentials_are_masked() -> None:
    """In one line or several."""
    text = "fatal: https://me:pw@host/x?private_token=abc\nNPM_TOKEN=abc"
    shown = "fatal: https://***@host/x?***\nNPM_TOKEN=***"
    assert (display(text), printable(text)) == (shown, shown.replace("\n", "\\n"))


def is_command(line: str) -> bool:
    """Whether GitHub Actions or Azure Pipelines takes a line for a command."""
    return line.lstrip().startswith("::") or "##[" in line or "##vso[" in line


PARTS = st.text() | st.lists(
    st.sampled_from(["::", "##", "#", "[", "vso[", " ", "\t", "\n", "\x1b", "\udc80", "a"])
).map("".join)


@given(PARTS)
def test_no_text_moves_a_cursor_or_commands_a_ci_system(text: str) -> None:
    """Nothing is escaped twice, and the text can be encoded."""
    line, lines = escape_line(text), escape(text)
    assert line.isprintable()
    assert lines.replace("\n", "").replace("\t", "").isprintable()
    assert not any(map(is_command, (line, *lines.split("\n"))))
    assert (escape_line(line), escape(lines)) == (line, lines)


@given(PARTS, PARTS, PARTS)
def test_a_diagnostic_is_escaped(message: str, hint: str, file: str) -> None:
    """Its message, its hint and the name of its file are one line each."""
    diagnostic = Diagnostic(
        name="mine", message=message, hint=hint, location=Location(file=file, path=(message, 0))
    )
    lines = str(diagnostic).split("\n")
    assert len(lines) == 1 + bool(hint)
    assert all(line.isprintable() and not is_command(line) for line in lines)


@pytest.mark.cpu_time
@pytest.mark.parametrize(
    "make",
    [
        lambda n: "\n" * n + "x ::",
        lambda n: " \t" * (n // 2) + "x::",
        lambda n: "#" * n + "[",
        lambda n: "\x1b" * n,
        lambda n: "http://" * (n // 7) + "?@=",
    ],
    ids=["line ends", "spaces", "hashes", "control characters", "URLs"],
)
def test_time_grows_with_the_text(make: Callable[[int], str]) -> None:
    """Four times as much takes about four times as long."""

    def seconds(text: str) -> float:
        start = process_time()
        printable(text)
        display(text)
        return process_time() - start

    n = 50_000
    seconds(make(100))
    small = min(seconds(make(n)) for _ in range(2))
    assert seconds(make(4 * n)) <= 9 * small + 0.15


@pytest.mark.parametrize(
    "message",
    [
        "invalid value `NPM_TOKEN=***`: expected a number",
        '`type=gha,token=***`: no, "x"',
        "cannot read `https://host/x?***`: not found, `y`",
        '`type=gha,url=https://host/?***`: no, "x"',
    ],
)
def test_a_quoted_secret_is_not_masked_twice(message: str) -> None:
    """What follows it in the message stays."""
    assert printable(message) == message


@given(st.text(st.sampled_from("#a[\x1b")) | st.text())
def test_json_holds_no_command_of_azure_pipelines(text: str) -> None:
    """It means the same."""
    shown = escape_json(json.dumps([text, {text: text}]))
    assert "##" not in shown
    assert json.loads(shown) == [text, {text: text}]
