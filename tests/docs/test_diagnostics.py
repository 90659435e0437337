"""`diagnostics.md`: one section for each name, and examples that raise what they claim to raise."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

import pytest
from documents import DOCS, anchor, completed, diagnose, fences, headings, parse_command, sections

from faas_cache.model.catalogue import CATALOGUE

if TYPE_CHECKING:
    from faas_cache.model.diagnostics import Diagnostic

PAGE = (DOCS / "diagnostics.md").read_text()
SECTIONS = sections(PAGE)
RULES = {
    title.split()[0]: f"rules.md#{anchor(title)}"
    for _, title in headings((DOCS / "rules.md").read_text())
}
# They depend on the machine, on the builder, on templates or on the selection, not on the text of a stack file.
WITHOUT_EXAMPLE = {
    "broken-cache",
    "build-failed",
    "cached-build-failed",
    "conflicting-flags",
    "context-locked",
    "daemon-unreachable",
    "deploy-only",
    "docker-not-found",
    "export-failed",
    "git-failed",
    "import-failed",
    "invalid-argument",
    "invalid-context",
    "invalid-data",
    "invalid-ignore-pattern",
    "invalid-template",
    "missing-context",
    "missing-credentials",
    "missing-feature",
    "missing-secret-file",
    "missing-template",
    "missing-ssh-agent",
    "no-functions",
    "outdated-gha-service",
    "program-failed",
    "remote-builder",
    "report-not-written",
    "slow-parser",
    "system-error",
    "unknown-build-option",
    "unknown-builder",
    "unknown-function",
    "unknown-version",
    "unportable-modes",
    "unread-dockerignore",
    "unreadable-stack-file",
    "unsupported-by-front-end",
    "unsupported-field",
    "useless-import",
    "volatile-file",
}


class Example(NamedTuple):
    """One example: the stack file, and the command line, with variables in front, and Dockerfile that belong to it."""

    stack_file: str
    command: str
    dockerfile: str


def examples(section: str) -> dict[str, Example]:
    """The `bad` and the `good` example of a section.

    A console block or a Dockerfile before both belongs to both; one after an example belongs to that example.
    """
    common = {"console": "$ faas-cache check\n", "dockerfile": ""}
    blocks: dict[str, dict[str, str]] = {}
    kind = ""
    for info, text, _ in fences(section):
        language, _, word = info.partition(" ")
        if language == "yaml" and word:
            kind = word
            assert kind not in blocks, f"two {kind} examples"
            blocks[kind] = {"yaml": text, **common}
        else:
            (blocks[kind] if kind else common)[language] = text
    return {
        kind: Example(parts["yaml"], parts["console"], parts["dockerfile"])
        for kind, parts in blocks.items()
    }


def run(example: Example) -> tuple[Diagnostic, ...]:
    """The diagnostics of an example, with the provider and the `lang` that it leaves out."""
    words = shlex.split(example.command.removeprefix("$ "))
    variables = dict(word.split("=", 1) for word in words[: words.index("faas-cache")])
    command = words[words.index("faas-cache") + 1 :]
    text = completed(example.stack_file)
    return diagnose(text, parse_command(command), variables, example.dockerfile)


def test_every_diagnostic_has_one_section() -> None:
    """The sections of the page are the names of the catalogue, in its order."""
    assert list(SECTIONS) == list(CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_section_says_what_why_and_how_to_fix(name: str) -> None:
    """Each section names severities and rule as the catalogue does, then what, why and how to fix it."""
    row = CATALOGUE[name]
    rule = f", rule [{row.rule}]({RULES[row.rule]})" if row.rule else ""
    head, meaning, why, *rest = SECTIONS[name].strip().split("\n\n")
    assert head == f"*{' or '.join(row.severities)}{rule}*"
    assert not meaning.startswith(("*", "`" * 3))
    assert why.startswith("**Why it matters.** ")
    assert rest[0].startswith("**Fix.** ")


def test_every_diagnostic_of_a_stack_file_has_examples() -> None:
    """Each section has a bad and a good example, or its name is in the list of those that cannot have one."""
    kinds = {name: set(examples(section)) for name, section in SECTIONS.items()}
    assert kinds == {
        name: set() if name in WITHOUT_EXAMPLE else {"bad", "good"} for name in CATALOGUE
    }


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in WITHOUT_EXAMPLE])
def test_the_bad_example_raises_exactly_this_diagnostic(name: str) -> None:
    """The bad example raises the diagnostic at a severity of the catalogue, and no other error or warning."""
    raised = {
        (d.name, d.severity)
        for d in run(examples(SECTIONS[name])["bad"])
        if d.name == name or d.severity != "note"
    }
    assert {n for n, _ in raised} == {name}
    assert {severity for _, severity in raised} <= set(CATALOGUE[name].severities)


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in WITHOUT_EXAMPLE])
def test_the_good_example_raises_nothing(name: str) -> None:
    """The good example raises neither the diagnostic nor any other error or warning."""
    diagnostics = run(examples(SECTIONS[name])["good"])
    assert [d for d in diagnostics if d.name == name or d.severity != "note"] == []
