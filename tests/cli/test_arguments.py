"""Words as arguments, read the way pflag reads them."""

import re

import pytest

from faas_cache.cli.arguments import command_help, overview, parse_arguments
from faas_cache.cli.commands import COMMANDS
from faas_cache.model.errors import InvalidInput

BUILD = parse_arguments(["build"])


def parsed(*words: str) -> dict[str, object]:
    """The arguments of `build` that differ from those without a word."""
    result = parse_arguments(["build", *words])
    assert isinstance(result, tuple)
    assert isinstance(BUILD, tuple)
    before = vars(BUILD[1]) | {"has_flags": result[1].has_flags}
    return {key: value for key, value in vars(result[1]).items() if value != before[key]}


def test_arguments_know_their_command() -> None:
    """And whether a flag was given."""
    for words, has_flags in ((["build", "fn"], False), (["build", "fn", "--push"], True)):
        result = parse_arguments(words)
        assert isinstance(result, tuple)
        assert (result[1].command, result[1].has_flags) == ("build", has_flags)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {}),
        ("--push", {"push": True}),
        ("--push=false", {}),
        ("--envsubst=0", {"envsubst": False}),
        ("fn --push two", {"operands": ["fn", "two"], "push": True}),
        ("--filter --push", {"filter": "--push"}),
        ("--filter=", {"filter": ""}),
        ("-q -f a.yml", {"quiet": True, "files": ["a.yml"]}),
        ("-fa.yml", {"files": ["a.yml"]}),
        ("-f=a.yml", {"files": ["a.yml"]}),
        ("-q=false", {}),
        ("-b A=1 -bB=x=y --build-arg C=3", {"build_arg": [("A", "1"), ("B", "x=y"), ("C", "3")]}),
        ("--cache-from a,b --cache-from c", {"cache_from": ["a,b", "c"]}),
        ("-- --push -x", {"operands": ["--push", "-x"]}),
        ("- fn", {"operands": ["-", "fn"]}),
        ("--parallel 999", {"parallel": 999}),
        ("--timeout 90", {"timeout": 90.0}),
        ("--timeout 90s", {"timeout": 90.0}),
        ("--timeout 1h2m3s", {"timeout": 3723.0}),
        ("--tag SHA", {"tag": "sha"}),
        ("--tag default", {"tag": "latest"}),
        ("--report-format github", {"report_format": "github"}),
    ],
)
def test_words_are_arguments(words: str, expected: dict[str, object]) -> None:
    """Flags and names mix; a value is the next word, whatever it begins with."""
    assert parsed(*words.split()) == expected


def test_values_are_trimmed_as_by_faas_cli() -> None:
    """Those of build arguments and labels, at both sides of the first `=`."""
    assert parsed("-b", " A = 1 ", "--build-label", "l= x=y") == {
        "build_arg": [("A", "1")],
        "build_label": [("l", "x=y")],
    }


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["paln"], "unknown command `paln`", "did you mean `plan`?"),
        (["xyzzy"], "unknown command `xyzzy`", "run `faas-cache --help` for the list of commands"),
        (["plan", "--fliter", "x"], "unknown flag `--fliter`", "did you mean `--filter`?"),
        (["plan", "--no-cac"], "unknown flag `--no-cac`", "did you mean `--no-cache`?"),
        (["plan", "-z"], "unknown flag `-z`", "run `faas-cache plan --help`"),
        (["bake", "--report"], "unknown flag `--report`", "did you mean `--cache-export`?"),
        (["plan", "--filter"], "the flag `--filter` needs a value", "write `--filter GLOB`"),
        (["plan", "-f"], "the flag `-f` needs a value", "write `-f FILE`"),
    ],
)
def test_unknown_words_are_errors(words: list[str], message: str, hint: str) -> None:
    """With what was probably meant."""
    with pytest.raises(InvalidInput) as caught:
        parse_arguments(words)
    assert [(d.name, d.message, d.hint) for d in caught.value.diagnostics] == [
        ("invalid-argument", message, hint)
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--push=maybe", "--push: error: expected a boolean, got `maybe`"),
        ("--build-arg A", "--build-arg: error: expected KEY=VALUE, got `A`"),
        ("-b =x", "--build-arg: error: expected KEY=VALUE, got `=x`"),
        ("-b A=", "--build-arg: error: expected KEY=VALUE, got `A=`"),
        ("--parallel 0", "--parallel: error: expected a number from 1 to 999, got `0`"),
        ("--parallel 1000", "--parallel: error: expected a number from 1 to 999, got `1000`"),
        ("--timeout 1d", "--timeout: error: expected a duration, got `1d`"),
        ("--timeout 0", "--timeout: error: expected a duration, got `0`"),
        (
            "--tag shah",
            "--tag: error: expected one of latest, sha, branch, describe, digest, got `shah`",
        ),
        ("--report-format x", "--report-format: error: expected one of json, github, got `x`"),
        ("--build-arg TOKEN", "--build-arg: error: expected KEY=VALUE, got `TOKEN`"),
    ],
)
def test_invalid_values_are_errors(words: str, message: str) -> None:
    """Each names its flag, and the value in backticks."""
    with pytest.raises(InvalidInput) as caught:
        parsed(*words.split())
    assert [str(d).partition(" [")[0] for d in caught.value.diagnostics] == [message]


def test_all_invalid_values_are_reported_together() -> None:
    """Not the first alone."""
    with pytest.raises(InvalidInput) as caught:
        parsed("--parallel", "x", "--timeout", "y")
    assert [d.location.path for d in caught.value.diagnostics] == [("--parallel",), ("--timeout",)]


@pytest.mark.parametrize("name", COMMANDS)
def test_only_checks_accept_several_files(name: str) -> None:
    """Elsewhere a second one is an error with a hint."""
    words = [name, "-f", "a.yml", "--yaml", "b.yml"]
    if name in ("check", "caches", "doctor"):
        assert isinstance(parse_arguments(words), tuple)
        return
    with pytest.raises(InvalidInput) as caught:
        parse_arguments(words)
    (diagnostic,) = caught.value.diagnostics
    if any(flag.name == "--yaml" for _, group in COMMANDS[name].groups for flag in group):
        assert (diagnostic.message, diagnostic.hint) == (
            f"`faas-cache {name}` accepts one stack file",
            "run it once for each file (only `check`, `caches` and `doctor` accept several)",
        )
    else:
        assert diagnostic.message == "unknown flag `-f`"


# Help.


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"]])
def test_without_a_command_the_overview_is_shown(words: list[str]) -> None:
    """Every command with its summary."""
    assert parse_arguments(words) == overview()
    lines = overview().splitlines()
    for command in COMMANDS.values():
        assert f"  {command.name.ljust(10)}  {command.summary}" in lines


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_wins_over_what_follows(flag: str) -> None:
    """Also over an unknown flag."""
    assert parse_arguments(["push", "fn", flag, "--nonsense"]) == command_help(COMMANDS["push"])


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_is_whole(name: str) -> None:
    """Usage, summary, every flag and the examples, in lines of a terminal."""
    command = COMMANDS[name]
    text = command_help(command)
    flags = [flag.name for _, group in command.groups for flag in group]
    assert text.startswith(f"usage: faas-cache {name} [flags]")
    assert [flag for flag in flags if not re.search(rf"{flag}\b", text)] == []
    assert [line for line in command.examples if f"  {line}\n" not in text] == []
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_help_texts_are_plain(name: str) -> None:
    """They begin in lower case, and have no full stop."""
    texts = [flag.text for _, group in COMMANDS[name].groups for flag in group]
    assert [text for text in texts if text.endswith(".") or text[0].isupper()] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_the_help_are_valid(name: str) -> None:
    """Each can be typed."""
    lines = [re.sub(r"^eval \"\$\((.*)\)\"$", r"\1", line) for line in COMMANDS[name].examples]
    for line in lines:
        words = line.partition(" <")[0].split()[1:]
        assert isinstance(parse_arguments(words), tuple)
