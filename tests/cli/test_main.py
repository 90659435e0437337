"""The command line, as a user meets it: words in; output, advice and an exit code out."""

import json
import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from faas_cache import __version__
from faas_cache.cli.main import main

HEAD = "version: 1.0\nprovider: {name: openfaas}\nfunctions:\n"
FN = "  fn:\n    image: ghcr.io/a/fn\n    build_cache: max\n"
MAX = "--cache-from type=registry,ref=ghcr.io/a/fn:buildcache --cache-to type=registry,ref=ghcr.io/a/fn:buildcache,mode=max"
INLINE = "--build-arg BUILDKIT_INLINE_CACHE=1"
TAIL = "--tag ghcr.io/a/fn:latest build/fn"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with one function, to stand in, and no proxy around it."""
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stack.yaml").write_text(HEAD + FN)
    return tmp_path


def docker(project: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Puts a docker that is our script first on PATH; it notes its calls."""
    folder = project / "bin"
    folder.mkdir()
    (folder / "docker").write_text(f'#!/bin/sh\necho "$*" >> {project}/calls\n{script}\n')
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


ENGINE = """case "$1 $2" in
  "version --format") echo '{"Client": {"Version": "26.1.5"}, "Server": {"Version": "26.1.5"}}';;
  "info --format") echo '[["driver-type", "io.containerd.snapshotter.v1"]]';;
  "buildx version") echo 'github.com/docker/buildx 0.13.1 x';;
  "buildx inspect") printf 'Driver: docker\\n';;
  *) case "$*" in *broken*) exit 9;; esac;;
esac"""
DOCKER20 = """case "$1 $2" in
  "version --format") echo '{"Client": {"Version": "20.10.24"}, "Server": {"Version": "20.10.24"}}';;
  buildx*) exit 1;;
esac"""

PLANS = [
    ([], f"DOCKER_BUILDKIT=1 docker buildx build --load {MAX} {INLINE} {TAIL}"),
    (["--push", "fn"], f"DOCKER_BUILDKIT=1 docker buildx build --push {MAX} {INLINE} {TAIL}"),
    (["--push=false", "--no-build-cache=true"], f"docker buildx build --load {TAIL}"),
    (["--no-cache-export"], f"DOCKER_BUILDKIT=1 docker buildx build --load --cache-from ghcr.io/a/fn:buildcache {TAIL}"),
    (["--build-cache", "inline"], f"DOCKER_BUILDKIT=1 docker buildx build --load --cache-from ghcr.io/a/fn {INLINE} {TAIL}"),
    (["--no-build-cache", "--builder-flag", "--cache-from=a,b", "--", "fn"], f"docker buildx build --load --cache-from=a,b {TAIL}"),
    (["--no-build-cache", "-bA=1", "-b=B= 2 ", "--build-arg", "A=3"], f"docker buildx build --load --build-arg A=3 --build-arg B=2 {TAIL}"),
    (["--no-build-cache", "--front-end", "docker_build", "--filter", "f*"], f"docker build {TAIL}"),
    (["--no-cache", "--no-cache-export"], f"DOCKER_BUILDKIT=1 docker buildx build --load --no-cache {TAIL}"),
    (["-f", "stack.yaml", "--ignore-cache-errors", "--cache-to", "x:c"], f"DOCKER_BUILDKIT=1 docker buildx build --load --cache-from type=registry,ref=ghcr.io/a/fn:buildcache --cache-to type=registry,ref=x:c,mode=max,ignore-error=true {INLINE} {TAIL}"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "expected"), PLANS, ids=[" ".join(words) or "plain" for words, _ in PLANS]
)
def test_plan_prints_the_command(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Flags mean what they mean to faas-cli, and change the command as the rules say; nothing is run."""
    assert main(["plan", *words]) == 0
    assert tuple(capsys.readouterr()) == (expected + "\n", "")


def test_plan_explains(capsys: pytest.CaptureFixture[str]) -> None:
    """The rule and the line behind each cache argument are comments, so that the output can be pasted."""
    assert main(["plan", "--explain", "--cache-from", "x"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "#   DOCKER_BUILDKIT=1   A2, stack.yaml:6:5: functions.fn.build_cache",
        "#   --cache-from type=registry,ref=x   C3, --cache-from[0]",
        "#   --cache-to type=registry,ref=ghcr.io/a/fn:buildcache,mode=max   B2, stack.yaml:6:5: functions.fn.build_cache",
        "#   --build-arg BUILDKIT_INLINE_CACHE=1   A2, stack.yaml:6:5: functions.fn.build_cache",
    ]


def test_plan_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A program reads everything that a person does."""
    assert main(["plan", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    function = report["functions"][0]
    assert (report["diagnostics"], function["function"], function["argv"][-1]) == (
        [],
        "fn",
        "build/fn",
    )
    assert function["cache_from"] == ["type=registry,ref=ghcr.io/a/fn:buildcache"]
    assert function["why"][1] == {
        "part": "--cache-from type=registry,ref=ghcr.io/a/fn:buildcache",
        "rule": "B2",
        "path": ["functions", "fn", "build_cache"],
    }


def test_json_holds_the_diagnostics(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings and losses are data with their places."""
    (project / "stack.yaml").write_text(
        HEAD + "  fn:\n    image: a\n    build_cache: max\n    zz: 1\n"
    )
    assert main(["plan", "--json", "--front-end", "docker_build"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["diagnostics"] == []
    assert report["functions"][0]["diagnostics"][0]["place"] == {
        "path": ["functions", "fn", "zz"],
        "file": "stack.yaml",
        "line": 7,
        "column": 5,
    }
    assert [item["code"] for item in report["functions"][0]["lost"]] == ["lost", "lost"]


def test_secrets_are_masked_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Credentials are printed only where they were asked for."""
    words = [
        "plan",
        "--cache-from",
        "type=s3,bucket=b,region=r,session_token=hunter2",
        "--build-arg",
        "http_proxy=http://me:hunter2@p",
        "--json",
    ]
    for extra in (words, words[:-1], [*words[:-1], "--explain"]):
        assert main(extra) == 0
        out, err = capsys.readouterr()
        assert ("hunter2" in out + err, "***" in out) == (False, True)
        assert "secrets are masked with ***: --show-secrets prints what can be pasted" in err
    assert main([*words, "--show-secrets"]) == 0
    out, err = capsys.readouterr()
    assert ("hunter2" in out, err) == (True, "")


BAD: list[tuple[str, str | bytes, list[str], str]] = [
    ("empty-file", "", [], "the stack file is empty"),
    ("list", "- a", [], "a stack file is a mapping, not a list"),
    ("tabs", "a:\n\tb: c", [], "indent with spaces"),
    ("function-text", HEAD + "  fn: x\n", [], "this must be a mapping"),
    ("image-missing", HEAD + "  fn: {}\n", [], "the function names no image"),
    ("image-digest", HEAD + "  fn: {image: a@sha256:" + "0" * 64 + "}\n", [], "has a digest"),
    ("image-upper-case", HEAD + "  fn: {image: A/b/C}\n", [], "must be in lower case"),
    ("unknown-mode", HEAD + "  fn: {image: a, build_cache: mx}\n", [], "did you mean `max`?"),
    (
        "unknown-key",
        HEAD + "  fn: {image: a, build_cache: {form: b}}\n",
        [],
        "did you mean `from`?",
    ),
    (
        "src",
        HEAD + "  fn: {image: a, build_cache: {from: [src=x]}}\n",
        [],
        "write `type=local,src=x`",
    ),
    ("gha", HEAD + "  fn: {image: a, build_cache: {to: [gha]}}\n", [], "write `type=gha`"),
    ("nul", "a: \0", ["--envsubst=false"], "U+0000"),
    ("garbage", b"\x01\xff" * 500000, [], "it is not UTF-8 text"),
    ("no-file", HEAD, ["-f", "gone.yaml"], "'gone.yaml' cannot be read: No such file"),
    ("unknown-function", HEAD + FN, ["fnn", "other"], "did you mean `fn`?"),
    ("filter", HEAD + FN, ["--filter", "x"], "no function matches the filter 'x'"),
    (
        "contradiction",
        HEAD + FN,
        ["--no-build-cache", "--cache-from", "x"],
        "--no-build-cache takes caching away",
    ),
    ("several-platforms", HEAD + "  fn: {image: a, platforms: 'a/b,c/d'}\n", [], "--push"),
    ("empty-name", HEAD, [""], "there is no function ''"),
]


@pytest.mark.parametrize("command", ["plan", "build"])
@pytest.mark.parametrize(
    ("text", "words", "advice"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_bad_input_is_one_clear_error(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    text: str | bytes,
    words: list[str],
    advice: str,
) -> None:
    """Exit 2, nothing on stdout, and what to do on stderr; no traceback, and nothing is run."""
    (project / "stack.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    assert main([command, *words]) == 2
    out, err = capsys.readouterr()
    assert (out, advice in err, "Traceback" in err, len(err) < 2000) == ("", True, False, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["paln"], "invalid choice: 'paln'"),
        (["plan", "--fliter", "x"], "unrecognized arguments: --fliter"),
        (["plan", "--no-cac"], "unrecognized arguments: --no-cac"),
        (["plan", "--push=maybe"], "'maybe' is no boolean"),
        (["plan", "--build-arg", "A"], "'A' is not KEY=VALUE"),
        (["plan", "--build-arg", "=x"], "'=x' is not KEY=VALUE"),
        (["plan", "--filter"], "expected one argument"),
        (["plan", "--front-end", "podman"], "invalid choice"),
        (["build", "--explain"], "unrecognized arguments"),
    ],
)
def test_bad_flags_are_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 and the flag's name; there are no abbreviations."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert (caught.value.code, message in capsys.readouterr().err) == (2, True)


@pytest.mark.parametrize(
    ("words", "part"),
    [([], "usage: faas-cache"), (["--version"], __version__), (["build", "-h"], "--push")],
)
def test_help_and_version(words: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help is where it is looked for."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert (caught.value.code, part in capsys.readouterr().out) == (0, True)


def test_all_faults_of_all_functions_are_gathered(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each fault has its file, line and column, and they come together."""
    (project / "stack.yaml").unlink()
    (project / "stack.yml").write_text(
        HEAD + "  a: {}\n  b:\n    image: x\n    build_cache:\n      from: [gha]\n"
    )
    assert main(["plan"]) == 2
    heads = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert heads == [
        "stack.yml:4:3: functions.a.image: error: the function names no image [E2]",
        "stack.yml:8:14: functions.b.build_cache.from[0]: error: `gha` alone would be an image on Docker Hub [C11]",
    ]


def test_warnings_come_last_and_stop_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A warning names its line and the nearest key."""
    (project / "stack.yaml").write_text(
        HEAD + "  fn: {image: a, build_caches: max, skip_build: false}\n  off: {skip_build: true}\n"
    )
    assert main(["plan"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert err == (
        "stack.yaml:4:18: functions.fn.build_caches: warning: `build_caches` is no key of a function, and is ignored"
        " [unknown-key]\n    did you mean `build_cache`?\n    https://docs.openfaas.com/reference/yaml/\n"
    )


def test_plan_tells_what_a_front_end_loses(capsys: pytest.CaptureFixture[str]) -> None:
    """A form that cannot say everything says what it lost."""
    assert main(["plan", "--front-end", "docker_build"]) == 0
    assert capsys.readouterr().err.count("this front end cannot say") == 2


def test_plan_inspects(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--inspect` asks the machine, and refuses what it cannot do with exit 3."""
    docker(project, monkeypatch, DOCKER20)
    assert main(["plan", "--inspect", "--build-cache=inline"]) == 0
    assert (
        capsys.readouterr().out
        == f"DOCKER_BUILDKIT=1 docker build --cache-from ghcr.io/a/fn {INLINE} {TAIL}\n"
    )
    assert main(["plan", "--inspect"]) == 3
    assert "buildx is missing" in capsys.readouterr().err


def test_build_runs_what_plan_prints(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The builder is asked once, the command is the plan's, and the end is summed up."""
    docker(project, monkeypatch, ENGINE)
    (project / "build" / "fn").mkdir(parents=True)
    assert main(["build"]) == 0
    calls = (project / "calls").read_text().splitlines()
    assert sorted(calls[:-1]) == [
        "buildx inspect",
        "buildx version",
        "info --format {{json .DriverStatus}}",
        "version --format {{json .}}",
    ]
    assert calls[-1] == f"buildx build --load {MAX} {INLINE} {TAIL}"
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", "fn: built")


def test_a_named_builder_is_the_one_that_is_asked(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--builder=NAME` among the builder flags decides whose features count."""
    docker(project, monkeypatch, ENGINE)
    assert main(["plan", "--inspect", "--builder-flag", "--builder=big"]) == 0
    assert "buildx inspect big" in (project / "calls").read_text().splitlines()


def test_build_asks_nothing_without_caching(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A1: with caching off the builder is not asked, and the command is the plain one."""
    docker(project, monkeypatch, ENGINE)
    (project / "own").mkdir()
    (project / "stack.yaml").write_text(HEAD + "  fn: {image: ghcr.io/a/fn, context: own}\n")
    assert main(["build"]) == 0
    assert (project / "calls").read_text() == "build --tag ghcr.io/a/fn:latest own\n"


def test_one_failure_stops_no_other(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1 when a build failed, after all have run."""
    docker(project, monkeypatch, ENGINE)
    for name in ("broken", "fn"):
        (project / "build" / name).mkdir(parents=True)
    (project / "stack.yaml").write_text(
        HEAD + "  broken: {image: a/broken, build_cache: inline}\n" + FN
    )
    assert main(["build"]) == 1
    assert capsys.readouterr().err.splitlines()[-2:] == ["broken: failed", "fn: built"]


def test_push_without_buildx_is_a_build_and_a_push(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A docker without buildx builds first and pushes then."""
    docker(project, monkeypatch, DOCKER20)
    (project / "build" / "fn").mkdir(parents=True)
    assert main(["build", "--push", "--build-cache", "inline"]) == 0
    assert (project / "calls").read_text().splitlines()[-2:] == [
        f"build --cache-from ghcr.io/a/fn {INLINE} {TAIL}",
        "push ghcr.io/a/fn:latest",
    ]


def test_a_missing_context_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is built, a folder that is not there is named with what writes it; a URL is the builder's business."""
    docker(project, monkeypatch, ENGINE)
    assert main(["build"]) == 2
    assert "the function names no `lang`" in capsys.readouterr().err
    (project / "stack.yaml").write_text(HEAD + "  fn: {image: a, context: gone}\n")
    assert main(["build"]) == 2
    assert "the build context 'gone' of 'fn' is no folder" in capsys.readouterr().err
    (project / "stack.yaml").write_text(
        HEAD + "  fn: {image: a, context: 'https://example.com/x.git'}\n"
    )
    assert main(["build"]) == 0


def test_without_docker_nothing_is_built(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3 and what to install, with caching or without."""
    (project / "build" / "fn").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(project))
    for words in (["build"], ["build", "--no-build-cache"]):
        assert main(words) == 3
        assert "docker is not there" in capsys.readouterr().err


def test_a_dead_daemon_without_caching(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 3 where docker itself says that nobody answers."""
    docker(
        project,
        monkeypatch,
        "echo 'ERROR: Cannot connect to the Docker daemon at unix:///x.' >&2; exit 1",
    )
    (project / "build" / "fn").mkdir(parents=True)
    assert main(["build", "--no-build-cache"]) == 3


def cli(*words: str, **more: object) -> "subprocess.Popen[bytes]":
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "faas_cache", *words], stderr=subprocess.PIPE, **more
    )  # type: ignore[call-overload,no-any-return]  # Popen's many forms


def test_ctrl_c_ends_the_build(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C reaches the builder, no other function is begun, and the exit code says so."""
    docker(
        project,
        monkeypatch,
        f"trap 'exit 1' INT TERM; touch {project}/started; while :; do sleep 0.05; done",
    )
    (project / "own").mkdir()
    (project / "stack.yaml").write_text(
        HEAD + "  a: {image: a, context: own}\n  b: {image: b, context: own}\n"
    )
    for number, code in ((2, 130), (15, 143)):
        (project / "started").unlink(missing_ok=True)
        (project / "calls").unlink(missing_ok=True)
        child = cli("build")
        while not (project / "started").exists():
            assert child.poll() is None
        child.send_signal(number)
        assert b"a: stopped, not built" in child.communicate(timeout=60)[1]
        assert (child.returncode, (project / "calls").read_text()) == (
            code,
            "build --tag a:latest own\n",
        )


def test_ctrl_c_elsewhere_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt while the file is read ends quietly."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("faas_cache.__main__.Stack.load", interrupted)
    assert main(["plan"]) == 130


def test_a_reader_that_has_gone_is_no_traceback(project: Path) -> None:
    """`faas-cache plan | head -1` ends quietly."""
    (project / "stack.yaml").write_text(
        HEAD + "".join(f"  f{i}: {{image: a}}\n" for i in range(3000))
    )
    child = cli("plan", stdout=subprocess.PIPE)
    child.stdout.read(10)  # type: ignore[union-attr]  # it is a pipe
    child.stdout.close()  # type: ignore[union-attr]  # the same
    child.stdout = None
    assert (child.communicate(timeout=60)[1], child.returncode) == (b"", 1)


# check and registries.

SHARED = (
    "  a: {image: x/a, build_cache: {to: [x/c]}}\n  b: {image: x/b, build_cache: {to: [x/c]}}\n"
)
E5 = (
    "stack.yaml:5:38: functions.b.build_cache.to[0]: error: `a` and `b` export their caches to one place,"
    " type=registry docker.io/x/c:latest: each overwrites the other's [E5]\n"
    "    write `type=registry,ref=x/c:buildcache-a,mode=max` for `a` and `type=registry,ref=x/c:buildcache-b,mode=max` for `b`,"
    " and import from the same\n    https://docs.docker.com/build/cache/backends/\n"
)
TYPO = "  fn: {image: x/fn, build_cache: {to: ['type=local,dest=/c,mode=medium']}}\n"


def test_check_says_it_on_stdout(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is found is the result; the count is for people."""
    (project / "stack.yaml").write_text(HEAD + SHARED)
    assert main(["check"]) == 2
    assert tuple(capsys.readouterr()) == (E5, "1 error, 0 warnings, 0 notes\n")


def test_check_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A good stack is exit 0 and an empty result."""
    assert main(["check"]) == 0
    assert tuple(capsys.readouterr()) == ("", "0 errors, 0 warnings, 0 notes\n")


def test_check_reports_faults_too(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stack file that cannot be read, or a function at fault, is a result like any other."""
    (project / "stack.yaml").write_text(HEAD + "  fn: {image: a/b, build_cache: Max}\n")
    assert main(["check", "--format", "json"]) == 2
    (found,) = json.loads(capsys.readouterr().out)["diagnostics"]
    assert (found["code"], found["place"]["line"], found["place"]["column"]) == ("B3", 4, 20)
    assert main(["check", "-f", "missing.yaml"]) == 2
    assert "[stack-file]" in capsys.readouterr().out


def test_check_for_github(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Workflow commands with file, line, column and title; what would end a property or a line is escaped."""
    (project / "a,b:%.yaml").write_text(HEAD + TYPO)
    assert main(["check", "-f", "a,b:%.yaml", "--format", "github"]) == 0
    assert capsys.readouterr().out == (
        "::warning file=a%2Cb%3A%25.yaml,line=4,col=40,title=bad-mode::functions.fn.build_cache.to[0]%0A"
        "`mode=medium` is no mode: BuildKit takes it for `min`, and says nothing%0A"
        "write `mode=max` for the layers of every stage%0Ahttps://docs.docker.com/build/cache/backends/\n"
    )


def test_a_note_is_a_notice(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GitHub's word for a note is notice, and what speaks of no file has no file."""
    docker(project, monkeypatch, ENGINE.replace("0.13.1", "unknown"))
    assert main(["check", "--inspect", "--format=github"]) == 0
    assert capsys.readouterr().out.startswith(
        "::notice title=F2::the version of buildx is not known"
    )


def test_strict_makes_warnings_errors(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--strict` stops check, plan and build at a warning, before anything runs."""
    docker(project, monkeypatch, ENGINE)
    (project / "stack.yaml").write_text(HEAD + TYPO)
    assert main(["check"]) == main(["plan"]) == 0
    for command in ("check", "plan", "build"):
        assert main([command, "--strict"]) == 2
    assert "error: `mode=medium`" in capsys.readouterr().err
    assert not (project / "calls").exists()


def test_strict_stops_at_what_only_the_builder_tells(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warning that needs the builder's version stops a strict build, too."""
    docker(project, monkeypatch, ENGINE)
    (project / "build" / "fn").mkdir(parents=True)
    (project / "stack.yaml").write_text(HEAD + TYPO.replace("mode=medium", "reset=true"))
    assert main(["build", "--strict"]) == 2
    assert main(["plan", "--strict", "--inspect"]) == 2
    assert main(["build"]) == 0


def test_check_inspects(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3 where the builder cannot do it, with the place of the function."""
    docker(project, monkeypatch, DOCKER20)
    assert main(["check", "--inspect"]) == 3
    assert capsys.readouterr().out.startswith(
        "stack.yaml:4:3: functions.fn: error: buildx is missing"
    )


@pytest.mark.parametrize("command", ["plan", "build"])
def test_what_is_lost_stops_a_build(
    command: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """E5: settings are judged over the whole file, also where one function alone is built."""
    docker(project, monkeypatch, ENGINE)
    (project / "stack.yaml").write_text(HEAD + SHARED)
    for words in ([command], [command, "a"], [command, "--filter=b"]):
        assert main(words) == 2
        assert tuple(capsys.readouterr()) == ("", E5)
    assert not (project / "calls").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--no-build-cache"], 0),
        (["--build-cache=max"], 0),
        (["--no-cache-export"], 0),
        (["--cache-to=x/d", "a"], 0),
        (["--cache-to=x/d"], 2),
        (["--cache-from=x/d", "a"], 2),
    ],
)
def test_flags_are_judged_over_the_selection(words: list[str], code: int, project: Path) -> None:
    """E5: what a flag replaces is not judged, and a flag collides with nobody who is not built."""
    (project / "stack.yaml").write_text(HEAD + SHARED)
    assert main(["plan", *words]) == code


def test_a_function_at_fault_stops_no_other(project: Path) -> None:
    """A fault in a function that was not asked for is not judged, nor one that skips its build."""
    broken = "  broken: {image: A, build_cache: max}\n  off: {skip_build: true, image: ghcr.io/a/fn, build_cache: max}\n"
    (project / "stack.yaml").write_text(HEAD + FN + broken)
    assert main(["plan", "fn"]) == 0


def test_build_arguments_of_the_command_line_are_in_no_file(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A credential that a flag gives is not one that is written in the stack file."""
    flag = "--build-arg=http_proxy=http://me:hunter2@p"
    assert main(["check", flag]) == 0
    assert capsys.readouterr().out == ""
    (project / "stack.yaml").write_text(
        HEAD + FN + "    build_args: {http_proxy: 'http://me:hunter2@p'}\n"
    )
    assert main(["check"]) == 0
    assert "[secret-in-file]" in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["build/fn", "template/python"])
def test_dockerfiles_are_read_where_they_are(
    folder: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stages of a Dockerfile count, in the context or in the template."""
    (project / folder).mkdir(parents=True)
    (project / folder / "Dockerfile").write_text("FROM a AS b\nRUN x\nFROM c\nCOPY --from=b / /\n")
    (project / folder / "template.yml").write_text("")
    functions = "".join(
        f"  {name}: {{image: a/{name}, lang: python, build_cache: inline}}\n"
        for name in ("fn", "two")
    )
    (project / "stack.yaml").write_text(HEAD + functions)
    assert main(["plan"]) == 0
    said = capsys.readouterr().err
    assert said.count("`b` will be built again on every empty builder [inline-stages]") == (
        1 if folder == "build/fn" else 2
    )


def test_registries_for_people_and_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """The table, with what each needs, the evidence and its date."""
    assert main(["registries"]) == 0
    assert capsys.readouterr().out.startswith(
        "Amazon ECR: *.dkr.ecr.*.amazonaws.com, *.dkr.ecr.*.amazonaws.com.cn, *.dkr.ecr-fips.*.amazonaws.com,"
        " *.dkr-ecr.*.on.aws, *.dkr-ecr-fips.*.on.aws\n"
        "    image index: refuses; image manifest: takes; needs image-manifest=true,oci-mediatypes=true\n"
        "    the repository must exist; with immutable tags the second export is refused\n"
        "    https://github.com/aws/containers-roadmap/issues/876 (2023)\n"
    )
    assert main(["registries", "--json"]) == 0
    assert {row["name"] for row in json.loads(capsys.readouterr().out)} >= {
        "Quay",
        "Harbor",
        "gcr.io",
    }


# The codes of the command line: what raises each, and what nearly does.
CODES_HERE = {
    "context": (["build", "--no-build-cache", "fn"], ["build", "own", "--no-build-cache"]),
    "git": (["plan", "--tag=sha"], ["plan", "--tag=latest"]),
    "name": (["plan", "No_label"], ["plan", "own"]),
    "secret-file": (["build", "secret", "--no-build-cache"], ["plan", "secret"]),
    "template": (["build", "lang", "--no-build-cache"], ["plan", "lang"]),
    "lost": (["plan", "--front-end=docker_build"], ["plan", "--front-end=buildx_build"]),
    "no-function": (["plan", "fm"], ["plan", "fn"]),
    "stack-file": (["plan", "-f", "stuck.yaml"], ["plan", "-f", "stack.yaml"]),
    "usage": (["plan", "--no-build-cache", "--build-cache=max"], ["plan", "--no-build-cache"]),
}


@pytest.mark.parametrize("code", CODES_HERE)
def test_a_code_of_the_command_line(
    code: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is said where its case is, and not where it nearly is."""
    docker(project, monkeypatch, ENGINE)
    more = (
        "  own: {image: a/b, context: .}\n  No_label: {image: a/b}\n  lang: {image: a/b, lang: gone}\n"
        "  secret: {image: a/b, context: ., build_secrets: {a: gone}}\n"
    )
    (project / "stack.yaml").write_text(HEAD + FN + more)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
    for words, expected in zip(CODES_HERE[code], (True, False), strict=True):
        main(words)
        assert (f"[{code}]" in capsys.readouterr().err) is expected


# publish, push, several at once, templates.

TWO = "  one: {image: a/one, context: .}\n  two: {image: a/two, context: .}\n"


def calls(project: Path) -> list[str]:
    """What docker was asked, without the questions."""
    lines = (project / "calls").read_text().splitlines() if (project / "calls").exists() else []
    return sorted(
        line
        for line in lines
        if not line.startswith(("version", "info", "buildx version", "buildx inspect"))
    )


def test_publish_uses_what_is_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The builder `multiarch` where there is one, the named one, or none: and nothing is created."""
    (project / "stack.yaml").write_text(
        HEAD + "  fn: {image: a/b, context: ., platforms: 'linux/arm64,linux/amd64'}\n"
    )
    docker(project, monkeypatch, ENGINE)
    assert main(["publish"]) == 0
    (project / "bin" / "docker").write_text(
        (project / "bin" / "docker")
        .read_text()
        .replace('"buildx inspect")', '"buildx inspect") case "$3" in multiarch) exit 1;; esac;')
    )
    assert main(["publish", "--builder", "mine", "--platforms=linux/amd64"]) == 0
    assert main(["publish"]) == 0
    tail = "--tag a/b:latest ."
    assert calls(project) == [
        f"buildx build --platform linux/amd64 --push --builder=mine {tail}",
        f"buildx build --platform linux/arm64,linux/amd64 --push --builder=multiarch {tail}",
        f"buildx build --platform linux/arm64,linux/amd64 --push {tail}",
    ]


def test_publish_prints_the_command_that_makes_a_builder(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Several platforms on Docker's own builder without the containerd store: exit 3, and nothing is built."""
    (project / "stack.yaml").write_text(HEAD + "  fn: {image: a/b, context: .}\n")
    docker(
        project,
        monkeypatch,
        ENGINE.replace("io.containerd.snapshotter.v1", "x").replace(
            '"buildx inspect")', '"buildx inspect") test -z "$3" || exit 1;'
        ),
    )
    assert main(["publish", "--platforms=linux/amd64,linux/arm64"]) == 3
    assert (
        "docker buildx create --name multiarch --driver docker-container" in capsys.readouterr().err
    )
    assert calls(project) == []
    monkeypatch.setenv("PATH", str(project))
    assert main(["publish"]) == 3


def test_several_at_once_keep_their_output_together(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Each function's output comes whole, byte for byte; one that fails stops no other; `--quiet` shows that one alone."""
    (project / "stack.yaml").write_text(HEAD + TWO)
    docker(
        project,
        monkeypatch,
        'case "$*" in *two*) printf "\\377 two\\n"; exit 9;; esac; echo one; sleep 0.3; echo more >&2',
    )
    assert main(["build", "--parallel", "2"]) == 1
    said = capfdbinary.readouterr().err
    assert (
        b"one\nmore\n" in said,
        b"\xff two\n" in said,
        said.endswith(b"one: built\ntwo: failed\n"),
    ) == (True, True, True)
    assert main(["build", "--quiet"]) == 1
    said = capfdbinary.readouterr().err
    assert (b"more" in said, b"\xff two\n" in said) == (False, True)


@pytest.mark.parametrize(
    "words",
    [
        ["--parallel", "0"],
        ["--parallel", "x"],
        ["--parallel=1000"],
        ["--tag", "shah"],
        ["--build-arg", "A="],
    ],
)
def test_a_bad_value_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What makes no sense ends with exit 2 before anything runs."""
    with pytest.raises(SystemExit) as end:
        main(["build", *words])
    assert (end.value.code, words[-1].rpartition("=")[2] in capsys.readouterr().err) == (2, True)


def test_ctrl_c_stops_all_of_several(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal ends the builds that run, and none is begun after it."""
    (project / "stack.yaml").write_text(HEAD + TWO + "  three: {image: a/three, context: .}\n")
    docker(project, monkeypatch, f"touch {project}/started$$; exec sleep 60")
    child = cli("build", "--parallel", "2")
    while len(list(project.glob("started*"))) < 2:
        assert child.poll() is None
    child.send_signal(15)
    child.communicate(timeout=60)
    assert (child.returncode, len(list(project.glob("started*")))) == (143, 2)


def test_without_a_stack_file_flags_describe_the_function(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in faas-cli: all four, and never for publish; what a file holds wins."""
    docker(project, monkeypatch, ENGINE)
    (project / "fn").mkdir()
    described = ["--image=a/b", "--handler=fn", "--lang=dockerfile", "--name=x"]
    assert main(["plan", *described]) == 0
    assert capsys.readouterr().out.endswith(f"{TAIL}\n")
    assert main(["build", "-f", "", *described]) == 0
    assert calls(project) == ["build --build-arg ADDITIONAL_PACKAGE= --tag a/b:latest build/x"]
    (project / "stack.yaml").unlink()
    assert main(["build", *described]) == 0
    for words, said in (
        (["build", *described[:3]], "one needs --name too"),
        (["build", "-f", ""], "there is no function to build"),
        (["publish", *described], "'stack.yaml' cannot be read"),
    ):
        assert main(words) == 2
        assert said in capsys.readouterr().err


def test_templates_are_taken_from_where_the_stack_says(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A repository, one of its branches or commits, or a folder; what is there already stays."""
    for name in ("new", "other"):
        (project / "repo/template" / name).mkdir(parents=True)
        (project / "repo/template" / name / "template.yml").write_text("")
    shutil.copytree(project / "repo", project / "plain")
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        (*identity, "commit", "-qm", "one"),
        ("branch", "v2"),
    ):
        subprocess.run(["git", *words], check=True, cwd=project / "repo")
    sha = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        check=True,
        capture_output=True,
        text=True,
        cwd=project / "repo",
    ).stdout.strip()
    (project / "fn").mkdir()
    for source in ("repo", "repo#v2", f"repo#sha-{sha[:10]}", "plain"):
        stack = f"  fn: {{image: a, lang: new, handler: fn}}\nconfiguration: {{templates: [{{name: new, source: '{project}/{source}'}}]}}\n"
        (project / "stack.yaml").write_text(HEAD + stack)
        assert main(["build", "--shrinkwrap", "--disable-stack-pull"]) == 2
        assert "faas-cli template store pull new" in capsys.readouterr().err
        assert main(["build", "--shrinkwrap"]) == 0
        assert [path.name for path in (project / "template").iterdir()] == ["new"]
        assert main(["build", "--shrinkwrap"]) == 0
        assert "taken from" in capsys.readouterr().err
        shutil.rmtree(project / "template")
    (project / "stack.yaml").write_text(
        HEAD + stack.replace("lang: new", "lang: new@v2").replace("plain", "repo")
    )
    assert main(["build", "--shrinkwrap"]) == 0
    assert (project / "template/new@v2/template.yml").exists()
    (project / "stack.yaml").write_text(HEAD + stack.replace("plain", "gone"))
    assert main(["build", "--shrinkwrap"]) == 2
    assert "`git clone` failed: " in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(project))
    assert main(["build", "--shrinkwrap"]) == 2
    assert "git cannot be started" in capsys.readouterr().err


def test_tags_from_git(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The commit, the branch folded to what a tag may hold, and the description; E3 is said where inline looks elsewhere."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    for words in (
        ("init", "-q", "-b", "feature/x"),
        ("add", "-A"),
        (*identity, "commit", "-qm", "one"),
        ("tag", "v1+2"),
    ):
        subprocess.run(["git", *words], check=True, cwd=project)
    sha = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        check=True,
        capture_output=True,
        text=True,
        cwd=project,
    ).stdout.strip()
    for word, expected in (("sha", sha), ("BRANCH", f"feature-x-{sha}"), ("describe", "v1-2")):
        assert main(["plan", "--build-cache=inline", "--tag", word]) == 0
        out, err = capsys.readouterr()
        assert (
            out.endswith(f"--tag ghcr.io/a/fn:latest-{expected} build/fn\n"),
            "[E3]" in err,
        ) == (True, True)


def test_a_context_that_was_left_is_built_and_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `--shrinkwrap` wrote can be carried to another machine without handlers and templates."""
    docker(project, monkeypatch, ENGINE)
    (project / "build" / "fn").mkdir(parents=True)
    for line, cause in (
        ("image: a", "it has no `lang`"),
        ("image: a, lang: py, handler: gone", "its handler is not there"),
    ):
        (project / "stack.yaml").write_text(f"{HEAD}  fn: {{{line}}}\n")
        assert main(["build"]) == 0
        assert f"build/fn is built as it was left, for {cause}" in capsys.readouterr().err


def test_a_secret_that_a_variable_brings_is_in_no_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`${…}` in the file is the mechanism that the warning asks for; the value is masked all the same."""
    monkeypatch.setenv("KEY", "hunter2")
    entry = "type=s3,bucket=b,region=r,secret_access_key=%s"
    for value, expected in (("${KEY}", False), ("hunter2", True)):
        (project / "stack.yaml").write_text(
            f"{HEAD}  fn: {{image: a/b, build_cache: {{to: ['{entry % value}']}}}}\n"
        )
        assert main(["plan"]) == 0
        out, err = capsys.readouterr()
        assert ("[secret-in-file]" in err, "hunter2" in out + err) == (expected, False)


def test_a_stack_file_behind_a_url(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As faas-cli takes it; an answer that is none is an error, where faas-cli reads it as a stack file."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(project))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert main(["plan", "-f", f"{url}/stack.yaml"]) == 0
        assert capsys.readouterr().out.endswith(f"{TAIL}\n")
        assert main(["plan", "-f", f"{url}/gone.yaml"]) == 2
        server.shutdown()
    assert main(["plan", "-f", f"{url}/stack.yaml"]) == 2
    said = capsys.readouterr().err
    assert (
        "cannot be read: File not found" in said,
        "cannot be read: [Errno 111] Connection refused" in said,
    ) == (True, True)


def test_a_project_of_two_functions(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One template for both, packages from several flags, the handler's digest as a tag, a secret whose file is there."""
    docker(project, monkeypatch, ENGINE)
    for path, text in {
        "template/py/template.yml": "",
        "template/py/Dockerfile": "FROM a",
        "fn/handler": "x",
        "secret": "y",
    }.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)
    line = "lang: py, handler: ./fn"
    both = f"  one: {{image: a/one, {line}, build_secrets: {{s: secret}}}}\n  two: {{image: a/two, {line}}}\n"
    (project / "stack.yaml").write_text(HEAD + both)
    assert main(["publish", "--shrinkwrap"]) == 0
    assert sorted(
        str(path.relative_to(project)) for path in (project / "build").rglob("*") if path.is_file()
    ) == [
        f"build/{name}/{file}"
        for name in ("one", "two")
        for file in ("Dockerfile", "function/handler", "template.yml")
    ]
    assert (
        main(["build", "--tag=digest", "-b", "ADDITIONAL_PACKAGE=a", "-b", "ADDITIONAL_PACKAGE=b"])
        == 0
    )
    one, two = calls(project)
    assert (
        f"--build-arg ADDITIONAL_PACKAGE=a b --secret id=s,src={project}/secret --tag a/one:" in one
    )
    assert (one.split(":")[-1].split()[0], len(one.split(":")[-1].split()[0])) == (
        two.split(":")[-1].split()[0],
        32,
    )
    capsys.readouterr()
    assert main(["plan", "--filter=one", "--regex=two"]) == 2
    assert "--filter and --regex say both" in capsys.readouterr().err


# Watching and explaining.

STREAMS = Path(__file__).parents[1] / "vectors" / "streams"
WARM = f"cat {STREAMS}/buildx-0.13-warm.txt >&2"
BOTH = "  one: {image: a/one, context: ., build_cache: max}\n  two: {image: a/two, context: ., build_cache: max}\n"


def engine(script: str, version: str = "0.13.1") -> str:
    """An engine that builds with a script."""
    return ENGINE.replace("0.13.1", version).replace(
        '*) case "$*" in *broken*) exit 9;; esac;;', f"*) {script};;"
    )


def test_a_build_ends_with_a_table(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What each cache did, and the report where it was asked for, in place of the last one."""
    (project / "stack.yaml").write_text(HEAD + BOTH)
    docker(project, monkeypatch, engine(WARM))
    for _ in range(2):
        assert main(["build", "--report", "r.json"]) == 0
        assert capfd.readouterr().err.splitlines()[-5:] == [
            "function  cached  import  export  first step that ran",
            "one       4 of 5  found   0.2 s   [stage-1 4/4] COPY function/ /function/",
            "two       4 of 5  found   0.2 s   [stage-1 4/4] COPY function/ /function/",
            "one: built",
            "two: built",
        ]
        one, two = json.loads((project / "r.json").read_text())["functions"]
        assert (
            one["function"],
            one["hit_ratio"],
            one["outcome"],
            one["failure"],
            two["notes"],
        ) == (
            "one",
            0.8,
            "done",
            None,
            [],
        )
    assert sorted(path.name for path in project.glob("r*")) == ["r.json"]


def test_a_job_summary(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Markdown goes behind what the summary holds already, or to standard output."""
    (project / "stack.yaml").write_text(HEAD + BOTH)
    docker(project, monkeypatch, engine(WARM))
    (project / "summary").write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "summary"))
    assert main(["build", "--report-format", "github"]) == 0
    assert (project / "summary").read_text().startswith("before\n### Cache\n")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert main(["build", "--report-format", "github"]) == 0
    assert capsys.readouterr().out.startswith("### Cache\n")


def test_a_report_that_cannot_be_written(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Known before the builds where it can be, and else said after them."""
    docker(project, monkeypatch, engine(f"rm -rf {project}/out; {WARM}"))
    (project / "build" / "fn").mkdir(parents=True)
    for path in ("nowhere/r.json", "build"):
        assert main(["build", "--report", path]) == 2
        assert "a report cannot be written there" in capsys.readouterr().err
    (project / "out").mkdir()
    assert main(["build", "--report", "out/r.json"]) == 1
    said = capsys.readouterr().err
    assert (
        "the report could not be written to out/r.json: No such file or directory" in said,
        "fn: built" in said,
    ) == (
        True,
        True,
    )


def test_a_report_that_fails_leaves_the_last_one(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written whole or not at all, and nothing is left beside it."""
    docker(project, monkeypatch, engine(WARM))
    (project / "build" / "fn").mkdir(parents=True)
    (project / "r.json").write_text("last")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert main(["build", "--report", "r.json"]) == 1
    assert [(path.name, path.read_text()) for path in project.glob("r.json*")] == [
        ("r.json", "last")
    ]


def test_closed_streams_are_no_tracebacks(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a missing stderr nor a missing stdin stops a command."""
    docker(project, monkeypatch, engine(WARM))
    (project / "build" / "fn").mkdir(parents=True)
    command = f"{sys.executable} -m faas_cache"
    done = subprocess.run(
        ["sh", "-c", f"{command} build 2>&- && {command} explain <&-"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "the build did not fail, as far as the log tells\n",
        "",
    )


@pytest.mark.parametrize("how", ["no rawjson", "a progress of one's own", "a variable"])
def test_where_nothing_is_told_that_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    """An older buildx, and the user's own choice."""
    docker(project, monkeypatch, engine("true", "0.12.1" if how == "no rawjson" else "0.13.1"))
    (project / "build" / "fn").mkdir(parents=True)
    if how == "a variable":
        monkeypatch.setenv("BUILDKIT_PROGRESS", "quiet")
    assert (
        main(
            [
                "build",
                *(["--builder-flag", "--progress=plain"] if how.startswith("a progress") else []),
            ]
        )
        == 0
    )
    assert "no report of the cache" in capsys.readouterr().err


def test_a_terminal_is_read_back(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One build at a time on a terminal, with a buildx that has a history."""
    docker(
        project,
        monkeypatch,
        engine("""echo '{"buildx.build.ref": "b/n/1"}' > "$4" """, "0.29.1").replace(
            "*) echo", '"buildx history") cat "$STREAM";;\n*) echo'
        ),
    )
    monkeypatch.setenv("STREAM", str(STREAMS / "buildx-0.29-warm.txt"))
    (project / "build" / "fn").mkdir(parents=True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for chosen, drawn in (("", True), ("plain", False)):
        monkeypatch.setenv("BUILDKIT_PROGRESS", chosen)
        assert main(["build"]) == 0
        assert ("fn        4 of 5  found" in capsys.readouterr().err) is drawn
    assert calls(project)[-1].startswith("buildx history logs --builder b --progress rawjson 1")


@pytest.mark.parametrize(
    ("script", "code", "expected"),
    [
        ("echo 'ERROR: failed to solve: out of cheese' >&2; exit 1", 1, "error: fn: the build failed: for a reason that is not known here: out of cheese [G2]"),
        ("echo 'ERROR: Cannot connect to the Docker daemon at x' >&2; exit 1", 3, "error: fn: the Docker daemon could not do it: it cannot be reached: Cannot connect to the Docker daemon at x [G2]"),
    ],
)  # fmt: skip
def test_a_failure_is_explained(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: str,
    code: int,
    expected: str,
) -> None:
    """G1, G2: what failed and what to do, and where registries are spoken of; a daemon that is gone is exit 3."""
    docker(project, monkeypatch, engine(script))
    (project / "build" / "fn").mkdir(parents=True)
    assert main(["build"]) == code
    said = capsys.readouterr().err.splitlines()
    assert (expected in said, sum("[G1]" in line for line in said)) == (True, 1)
    assert said[-1] == "fn: failed"
    assert main(["build", "--no-build-cache"]) == code
    assert "[G1]" not in capsys.readouterr().err


def test_an_ignored_export_is_told(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The build is done, its cache was not written: a warning, and the table; a first build's missing cache is the table's."""
    docker(project, monkeypatch, engine(f"cat {STREAMS}/buildx-0.29-ignored-error.txt >&2"))
    (project / "build" / "fn").mkdir(parents=True)
    assert main(["build", "--ignore-cache-errors"]) == 0
    said = capfdbinary.readouterr().err.decode()
    assert (
        "warning: the cache could not be exported: it is not allowed, or the registry is read-only: "
        in said
    )
    assert "fn        5 of 5  -       failed  -" in said.splitlines()
    (project / "bin" / "docker").write_text(
        "#!/bin/sh\n" + engine(f"cat {STREAMS}/buildx-0.13-cold.txt >&2")
    )
    assert main(["build"]) == 0
    said = capfdbinary.readouterr().err.decode(errors="replace")
    assert ("[G2]" in said, "fn        0 of 5  missing  0.6 s   [deps 2/3] COPY requirements.txt /" in said.splitlines()) == (
        False, True
    )  # fmt: skip


def test_bake(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One call for the whole stack; refused without buildx and with flags that bake does not have."""
    (project / "stack.yaml").write_text(HEAD + BOTH)
    docker(project, monkeypatch, engine(f"cat >/dev/null; cat {STREAMS}/buildx-0.13-bake.txt >&2"))
    for command in ("build", "publish"):
        assert main([command, "--bake"]) == 0
        assert capsys.readouterr().err.splitlines()[-2:] == ["one: built", "two: built"]
    assert calls(project) == ["buildx bake --file -", "buildx bake --file - --builder=multiarch"]
    assert main(["build", "--bake", "--builder-flag", "--network=host"]) == 2
    assert "this front end cannot say the builder flag `--network=host`" in capsys.readouterr().err
    (project / "bin" / "docker").write_text("#!/bin/sh\n" + DOCKER20)
    for command in ("build", "publish"):
        assert main([command, "--bake", "--no-build-cache"]) == 3
        assert "buildx is missing: docker 20.10.24 has none" in capsys.readouterr().err


def test_time(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Time that is up is a failure that says so; what is no time is refused."""
    (project / "stack.yaml").write_text(HEAD + TWO)
    docker(project, monkeypatch, "exec sleep 60")
    assert main(["build", "--timeout", "1s"]) == 1
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "one: stopped, not built: the time was up",
        "two: not begun",
    ]
    for word in ("0", "soon", "", "-1", "1d"):
        with pytest.raises(SystemExit):
            main(["build", f"--timeout={word}"])
    docker20 = project / "bin" / "docker"
    docker20.write_text("#!/bin/sh\n" + DOCKER20)
    assert main(["push", "--timeout=1h30m"]) == 0


def test_a_reader_that_goes_stops_no_build(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nobody reading our stderr any more the builds go on, and nothing is a traceback."""
    (project / "stack.yaml").write_text(HEAD + BOTH)
    docker(project, monkeypatch, engine(f"sleep 0.5; {WARM}; touch {project}/ended-$$"))
    child = cli("build")
    assert child.stderr is not None
    assert child.stderr.readline().startswith(b"one: ")
    child.stderr.close()
    child.stderr = None
    assert (child.wait(60), len(list(project.glob("ended-*")))) == (0, 2)


def test_a_terminal_that_is_closed_before_we_speak(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where the first word is ours."""
    (project / "stack.yaml").write_text(HEAD + TWO)
    docker(project, monkeypatch, "exit 0")
    read, write = os.pipe()
    os.close(read)
    child = subprocess.Popen([sys.executable, "-m", "faas_cache", "build"], stderr=write)
    os.close(write)
    assert child.wait(60) == 0


def test_the_doctor(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The builder, with a stack file and without; a lack is exit 3."""
    docker(project, monkeypatch, engine("true"))
    known = [
        "docker: 26.1.5",
        "buildx: 0.13.1",
        "BuildKit: 0.13",
        "builder: default, driver docker, containerd image store",
    ]
    features = "buildkit, buildx, cache-export, gha, inline, local, registry, several-exports, several-platforms"
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        *known,
        f"can: {features}",
        "fn: can be built here",
    ]
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["builder"]["features"], found["functions"]) == (features.split(", "), {"fn": []})
    (project / "stack.yaml").unlink()
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines() == [*known, f"can: {features}"]
    (project / "stack.yaml").write_text(HEAD + FN)
    (project / "bin" / "docker").write_text("#!/bin/sh\n" + DOCKER20)
    assert main(["doctor"]) == 3
    out = capsys.readouterr().out.splitlines()
    assert (out[1], out[5], out[6].startswith("    error: buildx is missing")) == (
        "buildx: not there",
        "fn: cannot be built here",
        True,
    )
    (project / "bin" / "docker").write_text(
        "#!/bin/sh\n" + engine("true").replace("Driver: docker", "Name: far\\nDriver: remote")
    )
    assert main(["doctor"]) == 0
    assert "builder: far, driver remote" in capsys.readouterr().out.splitlines()
    monkeypatch.setenv("PATH", str(project))
    assert main(["doctor"]) == 3
    assert capsys.readouterr().out.splitlines()[:5] == [
        "docker: not there", "buildx: not there", "BuildKit: not there", "can: nothing", "fn: cannot be built here"
    ]  # fmt: skip


def test_explain(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log from standard input, for people and for programs; exit 0 whatever it says."""
    log = project / "log"
    miss = "#1 importing cache manifest from a/b:c\n#1 ERROR: a/b:c: not found\n"
    for text, step in (
        (miss, None),
        (miss + "ERROR: failed to solve: failed to push a/b:1: denied\n", "image-push"),
    ):
        log.write_text(text)
        for flags in (["--json"], []):
            with log.open() as file:
                monkeypatch.setattr("sys.stdin", file)
                assert main(["explain", *flags]) == 0
            out = capsys.readouterr().out
            if flags:
                found = json.loads(out)
                assert (found["step"], list(found)) == (
                    step,
                    ["step", "cause", "image_pushed", "message", "fix", "url", "notes"],
                )
                assert [note["step"] for note in found["notes"]] == ["cache-import"]
            else:
                assert out.startswith(
                    "note: no cache was imported: it is not there: a/b:c: not found [G2]\n"
                )
                assert ("the build did not fail" in out) is (step is None)
