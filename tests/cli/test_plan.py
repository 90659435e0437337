"""`faas-cache plan`: it prints what the library plans."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from documents import PAGES, completed, fences
from fake_docker import FakeDocker
from stack_files import CACHE, CACHED, HANDLER, HEAD, PYTHON, TEMPLATE, write_files, write_project

from faas_cache import __version__
from faas_cache.cli.main import main
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.planning.options import BuildOptions
from faas_cache.planning.plan import BuildPlan
from faas_cache.project import Project
from faas_cache.render.front_ends import FRONT_ENDS
from faas_cache.serialization import to_dict
from faas_cache.stack_plan import StackPlan

# Flags of the command line, and the arguments of `Project.plan` that are the same.
FLAGS: Mapping[str, Mapping[str, Any]] = {
    "": {},
    "--push --pull --platforms linux/amd64": {
        "options": BuildOptions(push=True, pull=True, platforms="linux/amd64")
    },
    "--build-cache inline --cache-scope main --cache-scope-fallback dev": {
        "flags": CacheFlags(build_cache="inline", scope="main", fallback_scopes=["dev"])
    },
    "--cache-from x/a --cache-from type=s3,bucket=b,region=r,secret_access_key=hunter2"
    " --cache-to x/b --ignore-cache-errors": {
        "flags": CacheFlags(
            cache_from=["x/a", "type=s3,bucket=b,region=r,secret_access_key=hunter2"],
            cache_to=["x/b"],
            ignore_export_errors=True,
        )
    },
    "--cache-export auto --provenance false --sbom true": {
        "flags": CacheFlags(export="auto"),
        "options": BuildOptions(provenance="false", sbom="true"),
    },
    "--cache-export off --no-cache-export": {"flags": CacheFlags(export=False)},
    "--no-cache --no-cache-export --squash": {
        "flags": CacheFlags(no_cache=True, export=False),
        "options": BuildOptions(squash=True),
    },
    "--no-build-cache -b A=1 -b ADDITIONAL_PACKAGE=a -b ADDITIONAL_PACKAGE=b --build-label l=1": {
        "flags": CacheFlags(enabled=False),
        "options": BuildOptions(
            build_args={"A": "1", "ADDITIONAL_PACKAGE": "a b"}, build_labels={"l": "1"}
        ),
    },
    "--no-build-cache --build-cache max": {"flags": CacheFlags(enabled=False, build_cache="max")},
    "--strict --builder mine --builder-flag=--network=host --extra-tag v1 -o dev": {
        "strict": True,
        "options": BuildOptions(
            builder="mine",
            builder_flags=["--network=host"],
            extra_tags=["v1"],
            build_options=["dev"],
        ),
    },
    "--tag digest --copy-extra a --allow-outside-links": {
        "options": BuildOptions(tag="digest", copy_extra=["a"], allow_outside_links=True)
    },
    "--filter f*": {"filter": "f*"},
    "--regex ^f --filter x": {"regex": "^f", "filter": "x"},
    "fn fm": {"names": ("fn", "fm")},
}
EXAMPLES = [fence for fence in fences(PAGES["diagnostics.md"].read_text()) if "yaml " in fence.info]
STACKS = {
    "example": (Path(__file__).parents[1] / "examples" / "stack.yaml").read_text(),
    "template": HEAD + PYTHON + "    # a comment\n" + CACHED.replace("fn:", "other:"),
    **{f"diagnostics.md-{fence.line}": completed(fence.text) for fence in EXAMPLES},
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no variable of ours."""
    for name in os.environ:
        if name.lower().endswith("_proxy") or name.startswith(("FAAS_", "ACTIONS_")):
            monkeypatch.delenv(name)


def planned(root: Path, names: tuple[str, ...] = (), **arguments: Any) -> StackPlan:  # noqa: ANN401  # those of `plan`
    """What the library plans."""
    return Project.load(root=root).plan(*names, **arguments)


def printed(plan: StackPlan) -> tuple[int, str]:
    """The exit code and what is to be printed for a plan."""
    try:
        commands = plan.commands()
    except FaasCacheError as error:
        return error.exit_code, ""
    return 0, "".join(f"{command.masked().shell()}\n" for command in commands)


@pytest.mark.parametrize("name", STACKS)
def test_the_library_plans_what_the_command_line_prints(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same commands, exit codes and errors for every stack and flag, from any current folder."""
    root = write_files(tmp_path / "project", {"stack.yaml": STACKS[name], **TEMPLATE, **HANDLER})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for flags, arguments in FLAGS.items():
        monkeypatch.chdir(elsewhere)
        try:
            plan = planned(root, **arguments)
            expected, messages = printed(plan), plan.errors or plan.diagnostics
        except FaasCacheError as error:
            expected, messages = (error.exit_code, ""), error.diagnostics
        monkeypatch.chdir(root)
        code = main(["plan", *flags.split()])
        out, err = capsys.readouterr()
        assert (code, out) == expected, flags
        said = "".join(f"{diagnostic}\n" for diagnostic in messages)
        said = said.replace(f"{root}/stack.yaml", "stack.yaml")
        assert err in (said, f"{said}{MASKED}"), flags


MASKED = "secrets are masked with ***: --show-secrets prints the commands as they run\n"


@pytest.mark.parametrize("name", ["example", "template"])
def test_the_json_is_the_form_of_the_plan(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From any current folder, with secrets where they are asked for."""
    root = write_files(tmp_path / "project", {"stack.yaml": STACKS[name], **TEMPLATE, **HANDLER})
    for flags, arguments in FLAGS.items():
        monkeypatch.chdir(tmp_path)
        plan = planned(root, **arguments)
        for secrets in (False, True):
            monkeypatch.chdir(root)
            words = ["--json", *(["--show-secrets"] if secrets else [])]
            code = main(["plan", *flags.split(), *words])
            out = capsys.readouterr().out
            assert (code, bool(out)) == (2 if plan.errors else 0, not plan.errors)
            if out:
                assert json.loads(out) == json.loads(json.dumps(to_dict(plan, secrets=secrets)))


def test_secrets_are_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless `--show-secrets` asks for them; a note says that the command has masked values."""
    monkeypatch.chdir(write_project(tmp_path, CACHED))
    words = ["plan", "--cache-from", "type=s3,bucket=b,region=r,session_token=hunter2"]
    outputs = []
    for extra in ([], ["--json"], ["--explain"], ["--show-secrets"]):
        assert main([*words, *extra]) == 0
        out, err = capsys.readouterr()
        outputs.append(("hunter2" in out + err, err))
    assert outputs == [(False, MASKED), (False, MASKED), (False, MASKED), (True, "")]


def test_reasons_are_comments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rule and the line behind each cache argument, so that the output is still a script."""
    monkeypatch.chdir(write_project(tmp_path, CACHED))
    assert main(["plan", "--explain", "--cache-from", "x", "--push"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "#   DOCKER_BUILDKIT=1   A2, stack.yaml:4:33: functions.fn.build_cache",
        "#   --cache-from type=registry,ref=x   C3, --cache-from[0]",
        (
            "#   --cache-to type=registry,ref=a/fn:buildcache,mode=max"
            "   B2, stack.yaml:4:33: functions.fn.build_cache"
        ),
        "#   --build-arg BUILDKIT_INLINE_CACHE=1   A2, stack.yaml:4:33: functions.fn.build_cache",
    ]


def test_a_comment_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a value or the name of the file holds: nothing of it is a command."""
    write_files(tmp_path, {"a\nid.yaml": HEAD + CACHED})
    monkeypatch.chdir(tmp_path)
    assert main(["plan", "--explain", "-f", "a\nid.yaml", "--cache-from", "x:c"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line for line in lines if not line.startswith("#")] == []


def test_pushes_follow_their_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A front end that does not push by itself has commands of its own for that."""
    monkeypatch.chdir(write_project(tmp_path, "  fn: {image: a/fn, context: .}\n"))
    assert main(["plan", "--push", "--front-end", "docker_build", "--explain"]) == 0
    assert capsys.readouterr().out == (
        "docker build --tag a/fn:latest .\ndocker push a/fn:latest\n"
    )


def test_another_front_end_can_be_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same as `StackPlan.using`, with what it does not support."""
    root = write_project(tmp_path, CACHED)
    monkeypatch.chdir(root)
    plan = planned(root).using(FRONT_ENDS["docker_build"])
    code = main(["plan", "--front-end", "docker_build"])
    out, err = capsys.readouterr()
    assert ((code, out), err) == (printed(plan), "".join(f"{d}\n" for d in plan.errors))


@pytest.mark.parametrize(
    ("server", "code"), [("28.5.2", 0), ("20.10.24", 3)], ids=["current", "without buildx"]
)
def test_inspect_asks_this_machine(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fake_docker: FakeDocker,
    server: str,
    code: int,
) -> None:
    """It prints what a build would run here, and exits as one would before it starts."""
    fake_docker.describe(client=server, buildx="v0.29.1" if code == 0 else "")
    monkeypatch.setenv("PATH", fake_docker.environ["PATH"])
    monkeypatch.setenv("DOCKER_CONFIG", fake_docker.environ["DOCKER_CONFIG"])
    monkeypatch.chdir(write_project(tmp_path / "p", CACHED))
    assert main(["plan", "--inspect"]) == code
    out, err = capsys.readouterr()
    assert out == (
        f"DOCKER_BUILDKIT=1 docker buildx build --load {CACHE} --tag a/fn:latest .\n"
        if code == 0
        else ""
    )
    assert bool(err) is (code == 3)


def test_errors_are_known_before_the_builder_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_docker: FakeDocker
) -> None:
    """As for a build."""
    fake_docker.describe()
    monkeypatch.setenv("PATH", fake_docker.environ["PATH"])
    monkeypatch.setenv("DOCKER_CONFIG", fake_docker.environ["DOCKER_CONFIG"])
    monkeypatch.chdir(write_project(tmp_path / "p", "  fn: {context: .}\n"))
    assert (main(["plan", "--inspect"]), fake_docker.calls) == (2, [])


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    """As a flag and as a command."""
    assert [main(["--version"]), main(["version"])] == [0, 0]
    assert capsys.readouterr().out == f"{__version__}\n" * 2


@pytest.mark.parametrize("word", ["on", "auto"])
def test_d10_two_values_of_one_flag(
    project: Path, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    """D10: `--no-cache-export` is `off`."""
    write_project(project, CACHED)
    assert main(["plan", "--no-cache-export", "--cache-export", word]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"error: `--no-cache-export` conflicts with `--cache-export {word}` [conflicting-flags]",
        "    remove one of them",
        "    https://github.com/openfaas/faas-cli/issues/940",
    ]


def test_e8_equal_builds_are_one_command(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """E8: with a line that names the others, which a shell skips."""
    line = "{image: a/x, lang: dockerfile, handler: x}"
    write_project(project, f"  one: {line}\n  two: {line}\n  three: {line}\n")
    assert main(["plan"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "docker build --build-arg ADDITIONAL_PACKAGE= --tag a/x:latest build/one",
        "# the same build: two, three",
    ]


@pytest.mark.parametrize("functions", [2, 20])
def test_equal_builds_are_looked_for_once(
    functions: int, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many functions there are: for the commands, and for the lines about them."""
    searches: list[int] = []

    def count(plans: Iterable[BuildPlan]) -> FrozenMap[str]:
        searches.append(len(tuple(plans)))
        return EMPTY

    monkeypatch.setattr("faas_cache.stack_plan.equal_builds", count)
    write_project(
        project, "".join(f"  f{i}: {{image: a/f{i}, context: .}}\n" for i in range(functions))
    )
    assert main(["plan"]) == 0
    assert searches == [functions, functions]


def test_d9_explain_names_a_variable(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """D9: each variable that changed a plan."""
    write_project(project, CACHED)
    monkeypatch.setenv("FAAS_CACHE_EXPORT", "off")
    assert main(["plan", "--explain"]) == 0
    assert "#   FAAS_CACHE_EXPORT   D9, FAAS_CACHE_EXPORT\n" in capsys.readouterr().out


def test_plan_in_a_shell_runs_what_a_build_runs(
    project: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """To the byte, whatever is in a value; nothing else in the output is a command."""
    value = "a'b\n touch pwned\n#\x1b[31m\u202e$(touch pwned)`touch pwned`\\ é"
    function = {"image": "a/b", "build_cache": "max", "build_args": {"A": value}, "context": "."}
    name = "x\ntouch pwned\n#\x1b.yaml"
    text = json.dumps({"provider": {"name": "openfaas"}, "functions": {"fn": function}})
    (project / name).write_text(text)
    (project / "docker").write_text("#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done\n")
    (project / "docker").chmod(0o755)
    assert main(["plan", "--explain", "--envsubst=false", "-f", name]) == 0
    script = capfdbinary.readouterr().out
    done = subprocess.run(
        ["sh"],
        check=True,
        input=script,
        capture_output=True,
        env={**os.environ, "PATH": f"{project}:{os.environ['PATH']}"},
    )
    assert f"A={value}" in done.stdout.decode().split("\0")
    assert not (project / "pwned").exists()


def test_a_terminal_shows_escapes(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody can copy a control character from it anyway."""
    write_project(project, '  fn: {image: a/b, context: ., build_args: {A: "\\e[31m"}}\n')
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    assert main(["plan"]) == 0
    assert "\x1b" not in capsys.readouterr().out
