"""The README's examples, run: the YAML and its command, the outputs that it shows, the flags that it lists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from documents import PAGES, ROOT, Fence, fences

import faas_cache
from faas_cache.cli.arguments import COMMANDS
from faas_cache.cli.main import main
from faas_cache.model.flags import CacheFlags
from faas_cache.planning.resolution import resolve
from faas_cache.render.buildx import buildx_build
from faas_cache.stack.stack_file import Stack

README = PAGES["README.md"].read_text()
CONCEPTS = PAGES["concepts.md"].read_text()
IMG = "ghcr.io/lucasroesler/my-function:latest"
BC = "ghcr.io/lucasroesler/my-function:buildcache"
HEAD = "provider: {name: openfaas}\nfunctions:\n  fn:\n"


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return [fence.text for fence in fences(README) if fence.info == language]


def marked(name: str) -> Fence:
    """The fenced block after a comment such as `<!-- check -->`."""
    return fences(README.partition(f"<!-- {name} -->\n")[2])[0]


def test_three_lines_become_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The YAML lines at the top give the command below them, to the byte."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stack.yaml").write_text(HEAD + blocks("yaml")[0])
    prompt, expected = blocks("console")[0].splitlines()
    assert prompt == "$ faas-cache plan fn"
    assert main(prompt.split()[2:]) == 0
    assert capsys.readouterr().out == expected + "\n"


def test_the_first_stack_file_plans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole stack file of the first cache has no problem, and each command of its section can be planned."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello/Dockerfile").write_text(blocks("dockerfile")[0])
    (tmp_path / "hello/index.py").touch()
    (tmp_path / "stack.yaml").write_text(blocks("yaml")[1])
    assert main(["check", "--strict"]) == 0
    assert capsys.readouterr().out == ""
    commands = re.findall(r"^\$ faas-cache build (--builder .*)$", README, re.MULTILINE)
    assert len(commands) == 2
    for flags in commands:
        assert main(["plan", *flags.split()]) == 0
        assert capsys.readouterr().out.startswith("DOCKER_BUILDKIT=1 docker buildx build --push")


CASES = [
    [cell.strip() for cell in row.strip("|").split("|")]
    for row in re.findall(r"^\| [1-8] \|.*$", CONCEPTS, re.MULTILINE)
]


@pytest.mark.parametrize(
    ("number", "setting", "imports", "exports"), CASES, ids=[f"case-{row[0]}" for row in CASES]
)
def test_worked_case(number: str, setting: str, imports: str, exports: str) -> None:
    """Each row of the table in concepts.md gives the arguments that it shows, read from a stack file."""
    setting = setting.strip("`")
    flags = CacheFlags(cache_from=["A/a,b"]) if setting.startswith("flag") else CacheFlags()
    line = setting if setting.startswith("builder_flags") else f"build_cache: {setting}"
    if setting.startswith("flag"):
        line, imports = "lang: x", "`A/a`, `b`"
    text = f"{HEAD}    image: {IMG}\n    {line}\n"
    for short, long in (("IMG", IMG), ("BC", BC)):
        text, imports, exports = (
            re.sub(rf"\b{short}\b", long, part) for part in (text, imports, exports)
        )
    plan = resolve(Stack.loads(text).functions["fn"], flags)
    if number == "8":
        assert "--cache-from=A,B" in buildx_build(plan).argv
        assert (plan.cache_from, plan.cache_to, dict(plan.env)) == ((), (), {})
        return
    assert [list(map(str, plan.cache_from)), list(map(str, plan.cache_to))] == [
        re.findall(r"`([^`]+)`", imports),
        re.findall(r"`([^`]+)`", exports),
    ]
    assert (dict(plan.env), dict(plan.build_args)) == (
        {"DOCKER_BUILDKIT": "1"},
        {"BUILDKIT_INLINE_CACHE": "1"},
    )


def test_the_table_has_its_eight_rows() -> None:
    """No worked case is lost from the documentation."""
    assert [row[0] for row in CASES] == list("12345678")


@pytest.mark.parametrize("name", ["short program", "long program"])
def test_the_programs_use_public_names(name: str) -> None:
    """What both programs import is public; the engine tests run them."""
    imports = [
        node for node in ast.walk(ast.parse(marked(name).text)) if isinstance(node, ast.ImportFrom)
    ]
    assert [node.module for node in imports] == ["faas_cache"]
    assert {alias.name for node in imports for alias in node.names} <= set(faas_cache.__all__)


def test_every_flag_is_in_the_readme() -> None:
    """Each flag of each command is described."""
    flags = {
        flag.name
        for command in COMMANDS.values()
        for _, group in command.groups
        for flag in group
        if flag.name != "--yaml"  # it is listed as -f
    }
    assert sorted(name for name in flags if not re.search(rf"`[^`]*{name}\b", README)) == []


def test_every_command_is_in_the_readme() -> None:
    """Each command is mentioned."""
    assert [name for name in COMMANDS if not re.search(rf"`(?:faas-cache )?{name}\b", README)] == []


def test_the_check_that_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shown output of `check` is what a misspelled mode gives."""
    monkeypatch.chdir(tmp_path)
    entry = "type=registry,ref=ghcr.io/acme/fn:buildcache,mode=medium"
    (tmp_path / "stack.yaml").write_text(
        f"{HEAD}    image: ghcr.io/acme/fn:1\n"
        f"    build_cache: {{from: [ghcr.io/acme/fn:buildcache], to: [\n      '{entry}']}}\n"
        "    context: .\n"
    )
    prompt, _, expected = marked("check").text.partition("\n")
    assert main(prompt.split()[2:]) == 0
    assert capsys.readouterr().out == expected


def test_the_explanation_that_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shown explanation is that of a registry that rejects a cache."""
    monkeypatch.chdir(tmp_path)
    prompt, _, expected = marked("explain").text.partition("\n")
    block = "------\n > exporting cache to registry:\n------\n"
    message = "error writing manifest blob: unknown: manifest invalid"
    assert message in expected
    (tmp_path / "build.log").write_text(
        f"{block}ERROR: failed to build: failed to solve: {message}\n"
    )
    assert main(prompt.split()[2:]) == 0
    assert capsys.readouterr().out == expected


def test_the_real_stack_plans(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The main command prints one command for each function of a real stack file, with reasons."""
    monkeypatch.chdir(ROOT)
    command = re.search(r"faas-cache (plan .*tests/examples/stack.yaml)", README)
    assert command
    assert main(command[1].split()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines if not line.startswith("#")] == [
        "build/fn",
        "build/thumbnails",
        "build/reports",
        "build/hello",
    ]
    assert (
        "#   --cache-from type=registry,ref=ghcr.io/acme/fn:buildcache   B2, tests/examples/stack.yaml:12:5"
        in "\n".join(lines)
    )
