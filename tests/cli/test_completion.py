"""`faas-cache completion`: the words that are offered, and bash itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from stack_files import HEAD, TWO, write_files, write_project

from faas_cache.cli.commands import COMMANDS
from faas_cache.cli.completion import MODES, candidates
from faas_cache.cli.documentation import topics
from faas_cache.cli.main import main
from faas_cache.model.catalogue import CATALOGUE

FLAGS = [f.name for _, group in COMMANDS["check"].groups for f in group]
FORMATS = ["text", "json", "github", "gitlab", "sarif"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [*COMMANDS]),
        ([""], [*COMMANDS]),
        (["p"], ["plan", "publish", "push"]),
        (["nonsense", ""], []),
        (["check", "-"], FLAGS),
        (["check", "--fo"], ["--format"]),
        (["check", "--format", ""], FORMATS),
        (["check", "--format", "g"], ["github", "gitlab"]),
        (["check", "--format=g"], ["--format=github", "--format=gitlab"]),
        (["check", "--format", "="], FORMATS),
        (["check", "--format", "=", "s"], ["sarif"]),
        (["check", "--filter", "o"], []),
        (["check", "--nonsense=", "o"], ["one"]),
        (["check", "--push", ""], ["one", "two", "bad"]),
        (["check", "-q", "t"], ["two"]),
        (["check", "-f", "other.yml", ""], ["three"]),
        (["check", "--yaml", "gone.yml", ""], []),
        (["check", "-f", "https://example.com/stack.yaml", ""], []),
        (["check", "-f", ""], []),
        (["set", ""], [*MODES, "one", "two", "bad"]),
        (["explain", ""], []),
        (["set", "max", ""], ["one", "two", "bad"]),
        (["set", "--dry-run", ""], ["inline", "max", "none", "one", "two", "bad"]),
        (["set", "-f", "max", ""], ["inline", "max", "none"]),
        (["build", "--build-cache", ""], ["inline", "max", "none"]),
        (["build", "--build-cache=m"], ["--build-cache=max"]),
        (["plan", "--tag", ""], ["latest", "sha", "branch", "describe", "digest"]),
        (["build", "--provenance", "m"], ["mode=min", "mode=max"]),
        (["publish", "--sbom", "=", ""], ["true", "false"]),
        (["registries", ""], []),
        (["completion", ""], ["bash", "zsh"]),
        (["help", "co"], ["compare", "completion", "concepts", "conformance"]),
        (["help", ""], [*COMMANDS, *topics()]),
        (["rule", "invalid-m"], ["invalid-mode"]),
        (["rule", "A"], ["A1", "A2", "A3", "A4"]),
    ],
)
def test_words_are_offered(project: Path, words: list[str], expected: list[str]) -> None:
    """Commands, flags, values, functions of the stack file, topics and names."""
    write_project(project, TWO + "  bad: 1\n")
    write_files(project, {"other.yml": f"{HEAD}  three: {{image: a}}\n"})
    assert candidates(words) == expected


def test_every_diagnostic_is_offered() -> None:
    """Beside every rule."""
    assert set(CATALOGUE) <= set(candidates(["rule", ""]))


def test_words_are_printed_one_a_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For the scripts, with control characters escaped."""
    write_project(project, '  "a\\eb": {image: a}\n')
    assert main(["completion", "words", "--", "plan", "--front-end", ""]) == 0
    assert main(["completion", "words", "--", "plan", ""]) == 0
    assert capsys.readouterr().out == (
        "docker_build\nbuildx_build\nbuildctl_build\nbuildah_build\na\\x1bb\n"
    )


@pytest.mark.parametrize(
    ("words", "name", "hint"),
    [
        (["csh"], "csh", "did you mean `zsh`?"),
        ([], "", "write `faas-cache completion bash` or `zsh`"),
    ],
)
def test_another_shell_is_an_error(
    capsys: pytest.CaptureFixture[str], words: list[str], name: str, hint: str
) -> None:
    """With what there is."""
    assert main(["completion", *words]) == 2
    assert capsys.readouterr().err.splitlines()[:2] == [
        f"error: no completion for `{name}` [invalid-argument]",
        f"    {hint}",
    ]


def faas_cache(folder: Path) -> dict[str, str]:
    """An environment with the program on PATH."""
    write_files(folder, {"faas-cache": f'#!/bin/sh\nexec {sys.executable} -m faas_cache "$@"\n'})
    (folder / "faas-cache").chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.program("bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["pl"], ["plan"]),
        (["check", "--format", "=", "g"], ["github", "gitlab"]),
        (["plan", "--push", "t"], ["two"]),
        (["rule", "invalid-mod"], ["invalid-mode"]),
    ],
)
def test_bash_completes(
    project: Path, tmp_path: Path, words: list[str], expected: list[str]
) -> None:
    """With the script, as when a key is pressed."""
    write_project(project, TWO)
    line = " ".join(f"'{word}'" for word in words)
    script = (
        'eval "$(faas-cache completion bash)"\n'
        f"COMP_WORDS=(faas-cache {line}); COMP_CWORD={len(words)}\n"
        '_faas_cache; printf "%s\\n" "${COMPREPLY[@]}"; complete -p faas-cache\n'
    )
    argv = ["bash", "--norc", "-c", script]
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, env=faas_cache(tmp_path / "bin")
    )
    assert (done.stdout.splitlines(), done.stderr) == (
        [*expected, "complete -o default -F _faas_cache faas-cache"],
        "",
    )


@pytest.mark.program("zsh")
def test_zsh_accepts_its_script(tmp_path: Path) -> None:
    """Its syntax."""
    (tmp_path / "bin").mkdir()
    argv = ["zsh", "-c", "faas-cache completion zsh | zsh -n"]
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, env=faas_cache(tmp_path / "bin")
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_script_of_zsh_asks_this_program(capsys: pytest.CaptureFixture[str]) -> None:
    """For the words up to the cursor."""
    assert main(["completion", "zsh"]) == 0
    out = capsys.readouterr().out
    assert (out.splitlines()[0], "faas-cache completion words --" in out) == (
        "#compdef faas-cache",
        True,
    )
