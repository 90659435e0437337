"""All pages: links lead somewhere, command lines parse, YAML and JSON can be read, rules exist, and the English is plain."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from documents import (
    DOCS,
    PAGES,
    anchor,
    command_lines,
    fences,
    headings,
    links,
    parse_command,
    prose,
    sections,
)
from ruamel.yaml import YAML

from faas_cache.model.catalogue import CATALOGUE
from faas_cache.model.errors import FaasCacheError

TEXTS = {name: path.read_text() for name, path in PAGES.items()}
# The rules: the number of each in every group.
GROUPS = {"A": 4, "B": 5, "C": 13, "D": 11, "E": 10, "F": 5, "G": 4}
RULES = [f"{group}{number}" for group, last in GROUPS.items() for number in range(1, last + 1)]
# Words that our texts avoid, as regular expressions, and what to write instead.
AVOIDED = {
    r"(?<![Tt]here )\bis no (?!longer\b)": "invalid, not a valid",
    r"\bis not there\b": "not found, does not exist",
    r"\bin silence\b|\bwithout a word\b|\bsays? nothing\b": "silently",
    r"\bsee that\b": "check that",
    r"\bcould not be had\b": "could not be pulled",
    r"\bcannot say\b": "does not support",
    r"\bparted by\b": "comma-separated",
    r"\btime was up\b": "timed out",
    r"\bso many\b": "up to N",
    r"\btakes? (?:it|them) for\b": "falls back to",
    r"\bmust be a text\b|\ba text, not\b": "expected a string",
    r"\bnot known here\b": "unrecognized",
    r"\bis asked of\b": "the parts of",
    r"\bjudge[sd]?\b|\btold\b|\blies in\b": "check, report, is in",
}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_anchors(page: str) -> None:
    """Every link that is not to the web leads to an existing file, and to a heading of it."""
    broken = []
    for link in links(TEXTS[page]):
        if link.startswith("https://"):
            continue
        path, _, fragment = link.partition("#")
        target = (PAGES[page].parent / path).resolve() if path else PAGES[page]
        anchors = (
            {anchor(title) for _, title in headings(target.read_text())}
            if target.is_file() and fragment
            else set()
        )
        if not target.is_file() or (fragment and fragment not in anchors):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_headings_have_different_anchors(page: str) -> None:
    """No two headings of a page have the same anchor, so that a link is never ambiguous."""
    anchors = [anchor(title) for _, title in headings(TEXTS[page])]
    assert sorted(anchors) == sorted(set(anchors))


def test_the_readme_links_every_page() -> None:
    """Every page of the documentation can be reached from the README."""
    linked = {Path(link.partition("#")[0]).name for link in links(TEXTS["README.md"])}
    assert set(PAGES) - {"README.md"} <= linked


@pytest.mark.parametrize("page", PAGES)
def test_every_command_line_parses(page: str) -> None:
    """Every `faas-cache …` command line of a page is one that the command line accepts."""
    wrong = []
    for line in command_lines(TEXTS[page]):
        words = shlex.split(line)[1:]
        try:
            parse_command(["plan" if word == "COMMAND" else word for word in words])
        except FaasCacheError as error:
            wrong.append((line, [diagnostic.message for diagnostic in error.diagnostics]))
    assert wrong == []


def test_command_lines_are_found() -> None:
    """The number of command lines is plausible: a change of the syntax does not silently empty the test above."""
    assert {name: len(command_lines(text)) >= 5 for name, text in TEXTS.items()} == dict.fromkeys(
        TEXTS, True
    ) | {"rules.md": False, "conformance.md": False}


@pytest.mark.parametrize("page", PAGES)
def test_yaml_and_json_can_be_read(page: str) -> None:
    """Every YAML block that is not a bad example, and every JSON block, can be parsed."""
    for fence in fences(TEXTS[page]):
        if fence.info in ("yaml", "yaml good", "yaml stack"):
            YAML(typ="safe", pure=True).load(re.sub(r"\$\{\w+\}(?=\])", "x", fence.text))
        elif fence.info == "json":
            json.loads(fence.text)


def test_a_recipe_has_what_it_needs() -> None:
    """Each CI recipe installs the program, builds, and has a scope; GitHub's may write packages."""
    recipes = [
        fence.text
        for fence in fences(TEXTS["ci.md"])
        if "faas-cache build" in fence.text and fence.text.count("\n") > 10
    ]
    assert len(recipes) == 3
    assert all("--cache-scope" in recipe for recipe in recipes)
    assert "packages: write" in recipes[0]
    assert "CI_REGISTRY_PASSWORD" in recipes[1]
    assert TEXTS["ci.md"].count("pipx install") >= 3


def test_the_rules_are_complete_and_in_order() -> None:
    """Each rule has one section, in the order of the numbers."""
    assert [title.split()[0] for title in sections(TEXTS["rules.md"])] == RULES


@pytest.mark.parametrize("title", sections(TEXTS["rules.md"]))
def test_a_rule_has_a_source(title: str) -> None:
    """The last paragraph of a rule says where it comes from."""
    last = sections(TEXTS["rules.md"])[title].strip().split("\n\n")[-1]
    assert last.startswith(("Source: the proposal", "Source: this project"))


@pytest.mark.parametrize("page", PAGES)
def test_every_rule_that_is_mentioned_exists(page: str) -> None:
    """Numbers such as E4 in the text are numbers of rules."""
    assert set(re.findall(r"\b[A-G][0-9]{1,2}\b", prose(TEXTS[page]))) <= set(RULES)


def test_the_rules_of_the_catalogue_exist() -> None:
    """Each rule that a diagnostic cites has a section."""
    assert {row.rule for row in CATALOGUE.values()} - {""} <= set(RULES)


def test_the_contents_of_the_rules_link_each_rule() -> None:
    """The list at the top of the rules links every section once."""
    top = TEXTS["rules.md"].partition("\n## ")[0]
    assert re.findall(r"\[([A-G]\d+)\]", top) == RULES


@pytest.mark.parametrize("page", PAGES)
def test_the_english_is_plain(page: str) -> None:
    """No page has a word that our style avoids."""
    text = re.sub(r"`[^`\n]+`", "`…`", prose(TEXTS[page]))
    assert {
        (match[0], better)
        for words, better in AVOIDED.items()
        for match in re.finditer(words, text)
    } == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_starts_with_its_only_title(page: str) -> None:
    """A page has one heading of the first level, in its first line."""
    assert TEXTS[page].startswith("# ")
    assert [level for level, _ in headings(TEXTS[page])].count(1) == 1


def test_the_readme_is_short() -> None:
    """The README has at most 250 lines."""
    assert len(TEXTS["README.md"].splitlines()) <= 250


def test_the_pages_are_in_the_package() -> None:
    """The documentation is a folder of the package, so that the wheel contains it."""
    from importlib.resources import files

    folder = files("faas_cache") / "docs"
    assert sorted(path.name for path in folder.iterdir()) == sorted(p.name for p in DOCS.glob("*"))
    assert {path.suffix for path in DOCS.glob("*")} == {".md", ".json"}
