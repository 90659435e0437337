"""`faas-cache help` and `faas-cache rule`: the documentation in the terminal."""

import pytest
from documents import DOCS

from faas_cache.cli.arguments import command_help, overview
from faas_cache.cli.commands import COMMANDS
from faas_cache.cli.documentation import read_topic, sections, topics
from faas_cache.cli.main import main
from faas_cache.model.catalogue import CATALOGUE


def test_the_topics_are_the_pages() -> None:
    """In alphabetical order."""
    assert topics() == tuple(sorted(path.stem for path in DOCS.glob("*.md")))


def test_help_without_a_word_is_the_overview(capsys: pytest.CaptureFixture[str]) -> None:
    """And names the topics."""
    assert main(["help"]) == 0
    assert capsys.readouterr().out == (
        f"{overview()}\nTopics for `faas-cache help TOPIC`: {', '.join(topics())}\n"
    )


@pytest.mark.parametrize("word", ["build", "concepts"])
def test_help_prints_what_a_word_names(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The help of a command, or a page."""
    assert main(["help", word]) == 0
    expected = command_help(COMMANDS[word]) if word in COMMANDS else read_topic(word)
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(
    ("word", "hint"),
    [("concept", "did you mean `concepts`?"), ("xyzzy", f"choose from {', '.join(topics())}")],
)
def test_an_unknown_topic_is_an_error(
    word: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what was probably meant."""
    assert main(["help", word]) == 2
    assert capsys.readouterr().err.splitlines()[:2] == [
        f"error: no command or topic is named `{word}` [invalid-argument]",
        f"    {hint}",
    ]


@pytest.mark.parametrize("name", [*CATALOGUE, "A1", "G4"])
def test_every_name_and_number_has_a_section(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`rule` prints it, in whatever case."""
    assert main(["rule", name.upper()]) == 0
    assert capsys.readouterr().out.startswith(f"## {name}")


def test_several_names_are_printed_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """With an empty line between them."""
    page = sections(read_topic("rules"))
    assert main(["rule", "E4", "a1"]) == 0
    assert capsys.readouterr().out == f"{page['E4']}\n{page['A1']}"


def test_without_a_name_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Rules, then diagnostics."""
    assert main(["rule"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0], set(CATALOGUE) <= set(lines)) == ("A1", True)


def test_unknown_rules_are_errors(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, each with a hint."""
    assert main(["rule", "invalid-mod", "xyzzy", "A1"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line for line in err.splitlines() if "http" not in line] == [
        "error: no rule or diagnostic is named `invalid-mod` [invalid-argument]",
        "    did you mean `invalid-mode`?",
        "error: no rule or diagnostic is named `xyzzy` [invalid-argument]",
        "    run `faas-cache rule` for the list of names",
    ]
