"""The instructions of Dockerfiles: lines, flags, lists, here-documents."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.dockerfile_lines import Heredoc, Instruction, read_instructions


def shown(text: str) -> list[tuple[Any, ...]]:
    """The parts of each instruction, without those that are empty."""
    rows: list[tuple[Any, ...]] = []
    for i in read_instructions(text)[1]:
        parts = (i.keyword, *(f"--{n}={v}" for n, v in i.flags), *i.words)
        rows.append((*parts, *((h.name, h.text) for h in i.heredocs)))
    return rows


# All were compared with BuildKit's own parser.
CASES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "nothing": ("", []),
    "comments": ("# a\n\n  # b\nFROM a", [("FROM", "a")]),
    "byte-order-mark": ("\ufeffFROM a", [("FROM", "a")]),
    "case": ("from a\nRun make", [("FROM", "a"), ("RUN", "make")]),
    "indented": ("  FROM\t a  ", [("FROM", "a")]),
    "windows": ("FROM a\r\nRUN b \\\r\n c\r\n", [("FROM", "a"), ("RUN", "b  c")]),
    "continued": ("RUN a \\\n  b\\\nc", [("RUN", "a   bc")]),
    "continued-with-blanks": ("RUN a \\ \t\nb", [("RUN", "a b")]),
    "continued-over-comments": ("RUN a \\\n# c\n  # d\nb", [("RUN", "a b")]),
    "continued-over-empty-lines": ("RUN a \\\n\n  \nb", [("RUN", "a b")]),
    "continued-to-the-end": ("RUN a \\", [("RUN", "a")]),
    "continued-to-comments": ("RUN a \\\n# b", [("RUN", "a")]),
    "continued-from-nothing": ("\\\nRUN a", [("RUN", "a")]),
    "not-continued": ("RUN a \\\\\nRUN b", [("RUN", "a \\\\"), ("RUN", "b")]),
    "keyword-continued": ("FR\\\nOM a", [("FROM", "a")]),
    "escape": ("# escape=`\nRUN a `\n b \\\nRUN c", [("RUN", "a  b \\"), ("RUN", "c")]),
    "escape-among-directives": (
        "#syntax=x\n# Escape = ` \n# check=skip=all\nRUN a `\nb",
        [("RUN", "a b")],
    ),
    "escape-alone": ("# escape=`", []),
    "escape-too-late": ("# a\n# escape=`\nRUN a `", [("RUN", "a `")]),
    "escape-unknown": ("# escape=x\nRUN a \\\nb", [("RUN", "a b")]),
    "escape-twice": ("# escape=`\n# escape=\\\nRUN a `\nb", [("RUN", "a b")]),
    "other-directive": ("# a=b\n# escape=`\nRUN a `", [("RUN", "a `")]),
    "flags": (
        "COPY --from=b --chown=1:2 --link a b",
        [("COPY", "--from=b", "--chown=1:2", "--link=", "a", "b")],
    ),
    "flags-in-quotes": (
        "COPY --from=\"a 'b\" '--chown=1' c d",
        [("COPY", "--from=a 'b", "'--chown=1'", "c", "d")],
    ),
    "flags-with-escapes": (r"COPY --from=a\ b'\'c' d", [("COPY", "--from=a b'c", "d")]),
    "flags-end": ("RUN --mount=type=tmpfs -- --a", [("RUN", "--mount=type=tmpfs", "--a")]),
    "flags-alone": ('RUN --a="b\\', [("RUN", "--a=b")]),
    "words-after-flags": ("RUN a --b", [("RUN", "a --b")]),
    "list": ('RUN ["a", "b c"]', [("RUN", "a", "b c")]),
    "list-of-a-copy": ('COPY ["a b", "c"]', [("COPY", "a b", "c")]),
    "list-of-others": (
        "RUN [1]\nRUN ['a']\nRUN [",
        [("RUN", "[1]"), ("RUN", "['a']"), ("RUN", "[")],
    ),
    "list-too-deep": (f"RUN {'[' * 100_000}", [("RUN", "[" * 100_000)]),
    "list-with-half-a-pair": ('RUN ["\\ud800"]', [("RUN", "\ufffd")]),
    "empty-list": ("CMD []", [("CMD",)]),
    "no-arguments": ("RUN\nFROM", [("RUN",), ("FROM",)]),
    "unknown": ("WHAT a  b", [("WHAT", "a  b")]),
    "assignments": ("ARG A B=1\nENV C='d e' F=", [("ARG", "A", "B=1"), ("ENV", "C='d e'", "F=")]),
    "here-document": (
        "RUN <<EOF\na\n  b\nEOF\nRUN c",
        [("RUN", "<<EOF", ("EOF", "a\n  b\n")), ("RUN", "c")],
    ),
    "here-document-with-tabs": ("RUN <<-EOF\n\ta\n\tEOF", [("RUN", "<<-EOF", ("EOF", "a\n"))]),
    "here-document-quoted": (
        "COPY <<'E F' /f\n$a\nE F",
        [("COPY", "<<'E", "F'", "/f", ("E F", "$a\n"))],
    ),
    "here-documents": (
        "COPY <<a <<b /\n1\na\n2\nb",
        [("COPY", "<<a", "<<b", "/", ("a", "1\n"), ("b", "2\n"))],
    ),
    "here-document-in-a-command": (
        "RUN cat <<EOF > /f && make\nx\nEOF",
        [("RUN", "cat <<EOF > /f && make", ("EOF", "x\n"))],
    ),
    "here-document-of-onbuild": (
        "ONBUILD RUN <<EOF\nx\nEOF",
        [("ONBUILD", "RUN <<EOF", ("EOF", "x\n"))],
    ),
    "here-document-without-end": ("RUN <<EOF\nFROM b", [("RUN", "<<EOF", ("EOF", "FROM b\n"))]),
    "not-a-here-document": (
        "RUN a <<<b\nRUN echo $((1<<2))\nRUN x < y\nENV A=<<B",
        [("RUN", "a <<<b"), ("RUN", "echo $((1<<2))"), ("RUN", "x < y"), ("ENV", "A=<<B")],
    ),
    "here-document-beside-an-open-quote": (
        "RUN echo it's <<EOF\nRUN b",
        [("RUN", "echo it's <<EOF"), ("RUN", "b")],
    ),
    "here-document-beside-an-invalid-variable": (
        "RUN <<EOF ${\nRUN <<EOF ${}\nRUN b",
        [("RUN", "<<EOF ${"), ("RUN", "<<EOF ${}"), ("RUN", "b")],
    ),
    "here-document-beside-variables": (
        "RUN <<EOF ${A} ${B:-c} ${D##e} $@\nx\nEOF",
        [("RUN", "<<EOF ${A} ${B:-c} ${D##e} $@", ("EOF", "x\n"))],
    ),
    "here-document-of-a-list": ('RUN ["<<EOF"]\nRUN b', [("RUN", "<<EOF"), ("RUN", "b")]),
}


@pytest.mark.parametrize("name", CASES)
def test_read_instructions(name: str) -> None:
    """Keyword, flags, arguments and here-documents of each instruction."""
    text, expected = CASES[name]
    assert shown(text) == expected


def test_lines() -> None:
    """The first and the last line of each instruction, here-documents and continuations included."""
    text = "# c\nFROM a\nRUN b \\\n# c\n  c\n\nRUN <<E\nx\nE\nONBUILD COPY a \\\n b"
    instructions = read_instructions(text)[1]
    assert [(i.line, i.last_line) for i in instructions] == [(2, 2), (3, 5), (7, 9), (10, 11)]
    trigger = instructions[-1].trigger
    assert trigger is not None
    assert (trigger.keyword, trigger.words, trigger.line, trigger.last_line) == (
        "COPY",
        ("a", "b"),
        10,
        11,
    )


def only(line: str) -> Instruction:
    """The one instruction of a line."""
    (instruction,) = read_instructions(line)[1]
    return instruction


@pytest.mark.parametrize("trigger", ["FROM a", "ONBUILD RUN a", "MAINTAINER me", ""])
def test_triggers_that_the_builder_rejects(trigger: str) -> None:
    """ONBUILD with these has no trigger."""
    assert only(f"ONBUILD {trigger}").trigger is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ARG A", (("A", None),)),
        ("ARG A= B='c'", (("A", ""), ("B", "'c'"))),
        ("ENV A=1 B=2", (("A", "1"), ("B", "2"))),
        ("ENV A b  c", (("A", "b  c"),)),
        ("ENV A", (("A", ""),)),
        ("ENV", ()),
        ("RUN A=1", ()),
    ],
)
def test_assignments(line: str, expected: tuple[tuple[str, str | None], ...]) -> None:
    """The names and values of ARG and ENV, in the old form too."""
    assert only(line).assignments == expected


@pytest.mark.parametrize(
    ("line", "sources", "origins"),
    [
        ("COPY a b /c", ("a", "b"), ()),
        ("ADD https://x /c", ("https://x",), ()),
        ("COPY --from=0 a /c", ("a",), ("0",)),
        ("COPY <<EOF a /c\nEOF", ("a",), ()),
        ("RUN cp a /c", (), ()),
        ("RUN --mount=from=b,target=/b --mount=type=cache,target=/c x", (), ("b",)),
    ],
)
def test_sources(line: str, sources: tuple[str, ...], origins: tuple[str, ...]) -> None:
    """What COPY and ADD copy, and from where; what RUN mounts."""
    assert (only(line).sources, only(line).origins) == (sources, origins)


def test_mounts() -> None:
    """The fields of a mount, read as CSV; broken ones are divided at their commas."""
    line = "RUN --mount=TYPE=cache,target=/c --mount=target=/b,ro --mount='\"target=/x,y\",id=z' --mount='a=\",b=c' x"
    assert only(line).mounts == (
        {"type": "cache", "target": "/c"},
        {"type": "bind", "target": "/b", "ro": ""},
        {"type": "bind", "target": "/x,y", "id": "z"},
        {"type": "bind", "a": '"', "b": "c"},
    )
    assert only("COPY a b").mounts == ()


def test_variables_in_here_documents() -> None:
    """They are replaced unless the word has quotes."""
    plain, quoted = (only(f"RUN <<{word}\n$A\nE").heredocs[0] for word in ("E", "'E'"))
    assert (plain, quoted) == (
        Heredoc(name="E", text="$A\n", expands=True),
        Heredoc(name="E", text="$A\n", expands=False),
    )


PARTS = st.sampled_from(
    [
        "FROM ",
        "RUN ",
        "COPY ",
        "ENV ",
        "ARG ",
        "ONBUILD ",
        "a",
        "=",
        " ",
        "\n",
        "\\\n",
        "`\n",
        "#",
        "\\",
        "<<E",
        "<<-'E'",
        "E\n",
        "--x=",
        "--",
        "'",
        '"',
        "[",
        "]",
        "${",
        "}",
        "\t",
        "\r\n",
        "\x0b",
        "\x85",
    ]
)


@given(st.lists(PARTS, max_size=40).map("".join))
def test_any_text_is_a_dockerfile(text: str) -> None:
    """No text is rejected; instructions do not overlap, and no line of them is lost."""
    instructions = read_instructions(text)[1]
    assert all(i.keyword == i.keyword.upper() != "" for i in instructions)
    assert all(i.line <= i.last_line for i in instructions)
    assert all(a.last_line < b.line for a, b in pairwise(instructions))
    assert all(i.last_line <= text.count("\n") + 1 for i in instructions)


@given(st.text(max_size=200))
def test_any_characters_are_a_dockerfile(text: str) -> None:
    """Whatever the characters are."""
    for instruction in read_instructions(text)[1]:
        assert instruction.assignments is not None
        assert instruction.mounts is not None
