"""The README's examples, run: the YAML and its command, the worked cases, the library."""

import re
from pathlib import Path

import pytest

from faas_cache.cli.main import main
from faas_cache.model.catalogue import CATALOGUE as CODES
from faas_cache.model.flags import CacheFlags
from faas_cache.planning.plan import resolve
from faas_cache.render.commands import buildx_build
from faas_cache.stack.stack_file import Stack

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
IMG = "ghcr.io/lucasroesler/my-function:latest"
BC = "ghcr.io/lucasroesler/my-function:buildcache"
HEAD = "provider: {name: openfaas}\nfunctions:\n  fn:\n"


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_three_lines_become_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The three YAML lines at the top give the command below them, to the byte."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stack.yaml").write_text(HEAD + blocks("yaml")[0])
    prompt, expected = blocks("console")[0].splitlines()
    assert prompt == "$ faas-cache plan fn"
    assert main(prompt.split()[2:]) == 0
    assert capsys.readouterr().out == expected + "\n"


CASES = [
    [cell.strip() for cell in row.strip("|").split("|")]
    for row in re.findall(r"^\| [1-8] \|.*$", README, re.MULTILINE)
]


@pytest.mark.parametrize(
    ("number", "setting", "imports", "exports"), CASES, ids=[f"case-{row[0]}" for row in CASES]
)
def test_worked_case(number: str, setting: str, imports: str, exports: str) -> None:
    """Each row of the table gives the arguments that it shows, read from a stack file."""
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
    """No worked case is lost from the README."""
    assert [row[0] for row in CASES] == list("12345678")


def test_the_library_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The five lines of Python run as they stand."""
    exec(compile(blocks("python")[0], "README.md", "exec"), {})
    assert capsys.readouterr().out == (
        "DOCKER_BUILDKIT=1 docker buildx build --load --cache-from ghcr.io/acme/fn:1.0 "
        "--build-arg BUILDKIT_INLINE_CACHE=1 --tag ghcr.io/acme/fn:1.0 .\n"
    )


def test_every_flag_is_in_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    """Each flag of each command is described."""
    for command in ("plan", "build", "publish", "push", "check", "doctor", "explain", "registries"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        for flag in re.findall(r"--[a-z-]+", capsys.readouterr().out):
            assert flag in README or flag in ("--help", "--yaml")


def test_the_catalogue_is_that_of_the_code() -> None:
    """The table of codes is made from `CODES`: what the failure prints is what to put there."""
    rows = [
        f"| `{code}` | {' or '.join(row.severities)} | {row.title} |" for code, row in CODES.items()
    ]
    table = "\n".join(["| code | severity | what it says |", "|---|---|---|", *rows])
    assert README.partition("<!-- codes -->\n")[2].partition("\n<!-- end of codes -->")[0] == table


def test_the_check_that_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shown output of `check` is what a misspelt mode gives."""
    monkeypatch.chdir(tmp_path)
    entry = "type=registry,ref=ghcr.io/acme/fn:buildcache,mode=medium"
    (tmp_path / "stack.yaml").write_text(
        f"{HEAD}    image: ghcr.io/acme/fn:1\n    build_cache: {{to: [\n      '{entry}']}}\n"
    )
    shown = README.partition("<!-- check -->\n```console\n")[2].partition("```")[0]
    prompt, _, expected = shown.partition("\n")
    assert main(prompt.split()[2:]) == 0
    assert capsys.readouterr().out == expected


def test_the_explanation_that_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shown explanation is that of a registry which refuses a cache."""
    shown = README.partition("<!-- explain -->\n```console\n")[2].partition("```")[0]
    prompt, _, expected = shown.partition("\n")
    block = "------\n > exporting cache to registry:\n------\n"
    (tmp_path / "build.log").write_text(
        f"{block}ERROR: failed to build: failed to solve: {expected.split(': ', 3)[3].split(' [')[0]}\n"
    )
    with (tmp_path / "build.log").open() as log:
        monkeypatch.setattr("sys.stdin", log)
        assert main(prompt.split()[2:3]) == 0
    assert capsys.readouterr().out == expected


def test_the_real_stack_plans(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The main command of the README prints one command for each function of a real stack file, with reasons."""
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
