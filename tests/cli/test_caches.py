"""`faas-cache caches`: the caches of a stack, or of several."""

import json
from pathlib import Path
from typing import Any

import pytest
from stack_files import HEAD, write_files

from faas_cache.cli.main import main
from faas_cache.serialization import from_dict
from faas_cache.stack_plan import CacheUse

A = f"{HEAD}  fn: {{image: r.test/a, context: ., build_cache: max, platforms: linux/arm64}}\n"
B = (
    f"{HEAD}  fn: {{image: r.test/b, context: ., build_cache: inline}}\n"
    "  none: {image: r.test/none, context: .}\n"
)


@pytest.fixture(autouse=True)
def _files(project: Path) -> None:
    """Two stack files."""
    write_files(project, {"a.yml": A, "b.yml": B})


TABLE = """\
function   side  type      cache
a.yml: fn  from  registry  r.test/a:buildcache
a.yml: fn  to    registry  r.test/a:buildcache
b.yml: fn  from  registry  r.test/b:latest
b.yml: fn  to    inline    r.test/b:latest
"""


@pytest.mark.parametrize(
    "words",
    [["-f", "*.yml"], ["-f", "a.yml", "-f", "b.yml"], ["-f", "[ab].yml", "--no-cache-export"],
     ["-f", "*.yml", "-f", "./a.yml", "--no-cache", "--cache-export", "off"]],
)  # fmt: skip
def test_caches_are_listed(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """By function and side, whatever this run would export, each file once."""
    assert main(["caches", *words]) == 0
    assert capsys.readouterr().out == TABLE


def test_a_variable_does_not_hide_an_export(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A laptop lists what CI writes."""
    monkeypatch.setenv("FAAS_CACHE_EXPORT", "off")
    assert main(["caches", "-f", "*.yml"]) == 0
    assert capsys.readouterr().out == TABLE


def test_one_file_has_short_names(capsys: pytest.CaptureFixture[str]) -> None:
    """A scope is one of the flags that change what is listed."""
    assert main(["caches", "-f", "a.yml", "--cache-scope", "main", "fn"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "fn        from  registry  r.test/a:buildcache-main",
        "fn        to    registry  r.test/a:buildcache-main",
    ]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """For programs; secrets are masked."""
    entry = "type=s3,bucket=b,region=r,name=n,access_key_id=s3cr3t"
    assert main(["caches", "-f", "a.yml", "--json", "--cache-from", entry]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["masked"], first["direction"], first["names"], first["entry"]["text"]) == (
        True,
        "from",
        ["type=s3 b manifests/ n"],
        "type=s3,bucket=b,region=r,name=n,access_key_id=***",
    )
    use = from_dict(second)
    assert (type(use), use.function, use.direction, use.names, use.location.line) == (
        CacheUse,
        "fn",
        "to",
        ("r.test/a:buildcache",),
        4,
    )
    assert "s3cr3t" not in str(first)


def test_without_caches_there_is_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing below it."""
    assert main(["caches", "-f", "b.yml", "none"]) == 0
    assert capsys.readouterr().out == "function  side  type  cache\n"


def test_a_function_with_an_error_is_not_listed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are; the exit code is that of a build."""
    write_files(
        project, {"c.yml": f"{HEAD}  bad: {{image: r.test/c, context: ., build_cache: x}}\n"}
    )
    assert main(["caches", "-f", "*.yml"]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("error: ")) == (TABLE, 1)


@pytest.mark.parametrize("command", ["caches", "check", "doctor", "build"])
def test_a_pattern_without_a_match_is_an_error(
    command: str, docker: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reported with every other file that cannot be read."""
    assert docker is not None
    words = [] if command == "build" else ["-f", "z.yml", "-f", "a.yml"]
    assert main([command, "-f", "*.json", *words]) == 2
    captured = capsys.readouterr()
    text = captured.out + captured.err
    expected = ["no stack file matches `*.json`", *(["stack file `z.yml`"] if words else [])]
    assert [message for message in expected if message not in text] == []
    assert text.count("error: ") == len(expected)


@pytest.mark.parametrize(
    "words", [["build"], ["build", "--dry-run"], ["plan"], ["bake"]], ids=" ".join
)
def test_a_build_accepts_a_pattern_of_one_file(
    words: list[str], docker: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of several, it says what to do."""
    assert docker is not None
    assert main([*words, "-f", "b*.yml"]) == 0
    capsys.readouterr()
    assert main([*words, "-f", "*.yml"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[0]) == (
        "",
        f"error: `faas-cache {words[0]}` accepts one stack file [invalid-argument]",
    )


def test_the_rules_between_functions_hold_between_files(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """E5 and E7 name both functions with their files; E9 finds a reader in another file."""
    write_files(project, {"a/Dockerfile": "FROM a\n", "b/Dockerfile": "FROM a\n"})
    shared = "{to: ['r.test/shared:cache'], from: ['r.test/shared:cache']}"
    files = {
        "e5/a.yml": f"{HEAD}  fn: {{image: r.test/a, context: ./a, build_cache: {shared}}}\n",
        "e5/b.yml": f"{HEAD}  fn: {{image: r.test/b, context: ./b, build_cache: {shared}}}\n",
        "e7/a.yml": f"{HEAD}  fn: {{image: r.test/a, context: ./a}}\n",
        "e7/b.yml": f"{HEAD}  fn: {{image: r.test/a, context: ./b}}\n",
        "e9/a.yml": f"{HEAD}  fn: {{image: r.test/a, context: ., build_cache: {{to: ['r.test/c:1']}}}}\n",
        "e9/b.yml": f"{HEAD}  fn: {{image: r.test/b, context: ., build_cache: {{from: ['r.test/c:1']}}}}\n",
    }
    write_files(project, files)
    rules = {
        name: [(item["rule"], item["location"]["file"]) for item in checked(name, capsys)]
        for name in ("e5/*.yml", "e7/*.yml", "e9/*.yml", "e9/a.yml")
    }
    assert rules == {
        "e5/*.yml": [("E5", "e5/b.yml")],
        "e7/*.yml": [("E7", "e7/b.yml")],
        "e9/*.yml": [],
        "e9/a.yml": [("E9", "e9/a.yml")],
    }


def checked(pattern: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The diagnostics of the stack files that match."""
    main(["check", "-f", pattern, "--format", "json"])
    data: dict[str, list[dict[str, Any]]] = json.loads(capsys.readouterr().out)
    return data["diagnostics"]
