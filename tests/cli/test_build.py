"""`faas-cache build`, `publish` and `push`: what they print, and their exit codes."""

import re
from pathlib import Path

import pytest
from fake_docker import FakeDocker
from stack_files import (
    CACHE,
    CACHED,
    HANDLER,
    HEAD,
    PYTHON,
    TEMPLATE,
    TWO,
    builds,
    tree,
    write_files,
    write_project,
)

from faas_cache.cli.main import main

STREAMS = Path(__file__).parents[1] / "vectors" / "streams"
WARM = (STREAMS / "buildx-0.29-warm.txt").read_bytes()
# How long a function took, and all of them; the times of steps are those of the recorded stream.
TIME = re.compile(r"(?<= in )\d+\.\d s|(?<=  )\d+\.\d s(?=  (?:built|failed|\d/\d ))")
BOTH = CACHED + CACHED.replace("fn", "two")


def messages(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on stderr, in which everything takes 0.1 s; stdout is empty."""
    out, err = capfd.readouterr()
    assert out == ""
    return [TIME.sub("0.1 s", line) for line in err.splitlines()]


def test_a_build_ends_with_what_became_of_each_function(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """And exits with 1 if one failed."""
    write_project(project, TWO)
    docker.answer("*a/two:*", stderr="oh no\n", exit_code=1)
    assert main(["build"]) == 1
    lines = messages(capfd)
    assert (lines[:5], lines[-1]) == (
        [
            "one: building",
            "[1/2] one  0.1 s  built",
            "two: building",
            "oh no",
            "[2/2] two  0.1 s  failed",
        ],
        "2 functions in 0.1 s: 1 built, 1 failed",
    )


def test_the_commands_are_shown_on_request(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without secrets, and before the output of each; so are all steps of the builder."""
    write_project(project, "  one: {image: a/one, context: ., build_args: {NPM_TOKEN: abc}}\n")
    docker.otherwise = "exit 0"
    for words in (["build", "-v"], ["push", "--verbose"]):
        assert main(words) == 0
    lines = [line for line in messages(capfd) if line.startswith("one: ")]
    assert lines == [
        "one: docker build --build-arg 'NPM_TOKEN=***' --tag a/one:latest .",
        "one: docker push a/one:latest",
    ]
    write_project(project, CACHED)
    docker.answer("buildx build *", stderr=WARM)
    shown = {}
    for flag in ("-v", "--progress=plain", "--progress=auto"):
        assert main(["build", flag]) == 0
        lines = messages(capfd)
        shown[flag] = ("DOCKER_BUILDKIT=1" in lines[0], any("[internal]" in line for line in lines))
    assert shown == {
        "-v": (True, True),
        "--progress=plain": (False, True),
        "--progress=auto": (False, False),
    }


def test_a_build_ends_with_a_table(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of what each cache did."""
    write_project(project, BOTH)
    docker.answer("buildx build *", stderr=WARM)
    assert main(["build", "--parallel", "2"]) == 0
    step = "the first step that ran is `[stage-1 4/4] COPY function/ /function/`"
    lines = messages(capfd)
    assert lines[-5:] == [
        "function  outcome  time   cached  import  export  reason",
        f"fn        built    0.1 s  4/5     found   0.3 s   {step}",
        f"two       built    0.1 s  4/5     found   0.3 s   {step}",
        "",
        "2 functions in 0.1 s: 2 built",
    ]
    ended = [line for line in lines if line.startswith("[")]
    assert sorted(line.split(maxsplit=1)[1] for line in ended) == [
        "fn   0.1 s  4/5 cached  built",
        "two  0.1 s  4/5 cached  built",
    ]
    assert [line.split()[0] for line in ended] == ["[1/2]", "[2/2]"]


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        (["build", "--push"], [f"buildx build --push {CACHE} --tag a/fn:latest ."]),
        (
            ["publish"],
            [f"buildx build --platform linux/amd64 --push {CACHE} --tag a/fn:latest ."],
        ),
        (["push"], ["push a/fn:latest"]),
        (["build", "--bake", "fn"], ["buildx bake --file -"]),
        (["build", "--no-build-cache", "fn"], ["build --tag a/fn:latest ."]),
        (["build", "--no-build-cache", "--fail-fast", "--timeout", "1h"], ["build --tag a/fn:latest ."]),
    ],
    ids=" ".join,
)  # fmt: skip
def test_flags_reach_the_builds(
    project: Path, docker: FakeDocker, words: list[str], commands: list[str]
) -> None:
    """Each command calls what its plan prints."""
    write_project(project, CACHED)
    assert (main(words), builds(docker)) == (0, commands)


def test_shrinkwrap_writes_contexts_alone(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """And names each; a publish does the same."""
    write_project(project, PYTHON, {**TEMPLATE, **HANDLER})
    for command in ("build", "publish"):
        assert main([command, "--shrinkwrap"]) == 0
        assert messages(capfd) == ["fn: context build/fn"]
    assert (sorted(tree(project / "build")), docker.calls) == (
        ["fn/Dockerfile", "fn/function/handler.py", "fn/template.yml"],
        [],
    )


def test_prebuilt_contexts_are_built_as_they_are(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without the flag, what cannot be written is an error."""
    write_project(project, PYTHON, {"build/fn/Dockerfile": "FROM a\n"})
    assert main(["build", "--prebuilt"]) == 0
    assert messages(capfd)[0] == "[1/1] fn  0.1 s  built"
    assert main(["build"]) == 2
    assert "[missing-template]" in messages(capfd)[0]
    assert len(builds(docker)) == 1


def test_pulling_of_templates_can_be_disabled(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """Then a missing one is an error."""
    after = f"configuration: {{templates: [{{name: py, source: '{project}/plain'}}]}}\n"
    files = {f"plain/{name}": text for name, text in TEMPLATE.items()}
    write_project(project, PYTHON, {**HANDLER, **files}, after=after)
    assert main(["build", "--disable-stack-pull"]) == 2
    assert "[missing-template]" in messages(capfd)[0]
    assert (main(["build"]), len(builds(docker))) == (0, 1)


def test_warnings_are_printed_once(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """Before the builds, and before a push."""
    write_project(project, "  Fn: {image: a/fn, context: ., zz: 1}\n")
    for command in ("build", "push"):
        assert main([command]) == 0
        lines = messages(capfd)
        assert [line.count("[unknown-key]") for line in lines].count(1) == 1
    assert len(builds(docker)) == 2


@pytest.mark.parametrize("command", ["build", "publish", "push"])
def test_errors_are_printed_and_nothing_runs(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    """Exit code 2."""
    write_project(project, "  fn: {context: .}\n")
    assert (main([command]), docker.calls) == (2, [])
    assert "[missing-image]" in messages(capfd)[0]


@pytest.mark.parametrize("command", ["build", "publish", "push"])
def test_strict_stops_at_a_warning(project: Path, docker: FakeDocker, command: str) -> None:
    """Before anything runs."""
    write_project(project, "  fn: {image: a/b, context: ., zz: 1}\n")
    assert (main([command, "--strict"]), docker.calls) == (2, [])


def test_a_strict_build_stops_at_warnings_about_the_builder(
    project: Path, docker: FakeDocker
) -> None:
    """Those need its version."""
    entry = "type=local,dest=/c,reset=true"
    write_project(project, f"  fn: {{image: a, context: ., build_cache: {{to: ['{entry}']}}}}\n")
    codes = [main(["build", "--strict"]), main(["plan", "--strict", "--inspect"])]
    assert (codes, builds(docker)) == ([2, 2], [])


@pytest.mark.parametrize(
    ("stderr", "code", "words"),
    [
        ("ERROR: failed to solve: out of cheese\n", 1, "unrecognized error"),
        ("ERROR: Cannot connect to the Docker daemon at unix:///x.\n", 3, "cannot connect"),
    ],
)
def test_a_failure_is_explained(
    project: Path,
    docker: FakeDocker,
    capfd: pytest.CaptureFixture[str],
    stderr: str,
    code: int,
    words: str,
) -> None:
    """G1, G2: with what to do; with a cache, where registries are described, if it can be that."""
    write_project(project, CACHED)
    docker.answer("buildx build *", stderr=stderr, exit_code=1)
    docker.answer("build *", stderr=stderr, exit_code=1)
    assert main(["build"]) == code
    lines = messages(capfd)
    assert any(words in line and "[build-failed]" in line for line in lines)
    assert sum("[cached-build-failed]" in line for line in lines) == (1 if code == 1 else 0)
    assert lines[-1] == "1 function in 0.1 s: 1 failed"
    assert main(["build", "--no-build-cache"]) == code
    assert not any("[cached-build-failed]" in line for line in messages(capfd))


def test_an_ignored_export_is_a_warning(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """The build is done, and its cache was not written."""
    write_project(project, CACHED)
    docker.answer("buildx build *", stderr=(STREAMS / "buildx-0.29-ignored-error.txt").read_bytes())
    assert main(["build", "--ignore-cache-errors"]) == 0
    lines = messages(capfd)
    assert sum("[export-failed]" in line for line in lines) == 1
    assert not any("to let such a build pass" in line for line in lines)  # it is given
    assert "[1/1] fn  0.1 s  5/5 cached  built" in lines


@pytest.mark.parametrize("parallel", ["1", "2"])
def test_a_strict_build_fails_without_its_cache_export(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str], parallel: str
) -> None:
    """The error that the builder ignored is reported once; other builds are not concerned."""
    write_project(project, CACHED + "  two: {image: a/two, context: .}\n")
    stream = (STREAMS / "buildx-0.29-ignored-error.txt").read_bytes()
    docker.answer("buildx build *a/fn:latest*", stderr=stream)
    words = ["build", "--ignore-cache-errors", "--parallel", parallel]
    assert (main(words), main([*words, "--strict"])) == (0, 1)
    lines = messages(capfd)
    assert sum("[export-failed]" in line for line in lines) == 1
    assert sum("[build-failed]" in line for line in lines) == 1
    assert lines[-1] == "2 functions in 0.1 s: 1 failed, 1 built"


def test_a_first_build_has_no_warning(
    project: Path, docker: FakeDocker, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Its missing cache is in the table, and one note says why; the log is not all text."""
    write_project(project, CACHED)
    docker.answer("buildx build *", stderr=(STREAMS / "buildx-0.29-cold.txt").read_bytes())
    assert main(["build"]) == 0
    lines = capfdbinary.readouterr().err.splitlines()
    assert not any(b"[import-failed]" in line for line in lines)
    assert lines[-2] == b"    the cache does not exist yet"


def test_quiet_shows_failures_only(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """And the end."""
    write_project(project, TWO)
    docker.answer("*a/two:*", stderr="oh no\n", exit_code=1)
    docker.otherwise = "echo hidden >&2"
    docker.answer("*never*")
    assert main(["build", "-q"]) == 1
    lines = messages(capfd)
    assert (lines[:3], "hidden" in "".join(lines)) == (
        ["[1/2] one  0.1 s  built", "two | oh no", "[2/2] two  0.1 s  failed"],
        False,
    )


def test_publish_has_no_function_without_a_stack_file(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """faas-cli publishes what is in a file; `build` takes a function from flags."""
    write_files(project, {"fn/Dockerfile": "FROM a\n"})
    words = ["--image=a/b", "--handler=fn", "--lang=dockerfile", "--name=x"]
    assert main(["publish", *words]) == 2
    assert "cannot read the stack file" in messages(capfd)[0]
    assert main(["build", *words]) == 0
    assert builds(docker) == ["build --build-arg ADDITIONAL_PACKAGE= --tag a/b:latest build/x"]


@pytest.mark.parametrize("command", ["build", "push"])
def test_without_functions_there_is_nothing_to_do(
    project: Path, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    """An error with the exit code of faas-cli."""
    write_files(project, {"stack.yaml": HEAD})
    assert main([command]) == 1
    assert messages(capfd)[0] == "error: the stack has no functions [no-functions]"


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        (["build", "--push"], [f"DOCKER_BUILDKIT=1 docker buildx build --push {CACHE} --tag a/fn:latest ."]),
        (["build", "--bake"], ["DOCKER_BUILDKIT=1 BUILDX_BAKE_ENTITLEMENTS_FS=0 docker buildx bake --file - <<'EOF'"]),
        (["build", "--no-build-cache", "--push"], ["docker build --tag a/fn:latest .", "docker push a/fn:latest"]),
        (["publish"], [f"DOCKER_BUILDKIT=1 docker buildx build --platform linux/amd64 --push {CACHE} --tag a/fn:latest ."]),
        (["push"], ["docker push a/fn:latest"]),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_dry_run_prints_the_commands_and_runs_none(
    project: Path,
    docker: FakeDocker,
    capfd: pytest.CaptureFixture[str],
    words: list[str],
    commands: list[str],
) -> None:
    """As `plan` does; nothing is written."""
    write_project(project, CACHED)
    assert main([*words, "--dry-run"]) == 0
    assert (capfd.readouterr().out.splitlines()[: len(commands)], docker.calls) == (commands, [])
    assert [path.name for path in project.iterdir()] == ["stack.yaml"]


@pytest.mark.parametrize("command", ["build", "publish", "push"])
def test_a_dry_run_fails_as_the_run_would(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    """Before it starts."""
    write_project(project, "  fn: {context: .}\n")
    assert (main([command, "--dry-run"]), docker.calls) == (2, [])
    assert "[missing-image]" in messages(capfd)[0]


@pytest.mark.parametrize("progress", ["quiet", "none"])
def test_the_progress_of_docker_may_be_quiet(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str], progress: str
) -> None:
    """As `--quiet`, with a report."""
    write_project(project, CACHED)
    docker.answer("buildx build *", stderr=WARM)
    assert main(["build", "--progress", progress]) == 0
    assert messages(capfd)[0] == "[1/1] fn  0.1 s  4/5 cached  built"


def test_raw_progress_is_that_of_the_builder(
    project: Path, docker: FakeDocker, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """To the byte, with a report behind it; it does not show which of several builds a line belongs to."""
    write_project(project, BOTH)
    docker.answer("buildx build *", stderr=WARM)
    assert main(["build", "--progress", "rawjson", "fn"]) == 0
    err = capfdbinary.readouterr().err
    assert err.startswith(WARM.rstrip() + b"\n[1/1] fn  ")
    assert main(["build", "--progress", "rawjson", "--parallel", "2"]) == 2
    assert b"`--progress rawjson` conflicts with `--parallel`" in capfdbinary.readouterr().err


@pytest.mark.parametrize(
    ("flag", "stderr"), [("--progress=plain", True), ("--progress=rawjson", True), ("--progress=quiet", False)]
)  # fmt: skip
def test_a_builder_flag_for_the_progress_keeps_the_report(
    project: Path,
    docker: FakeDocker,
    capfd: pytest.CaptureFixture[str],
    flag: str,
    stderr: bool,  # noqa: FBT001  # a column of the table
) -> None:
    """It is passed on; what cannot be read is said."""
    write_project(project, CACHED)
    docker.answer("buildx build *", stderr=WARM if stderr else "")
    assert main(["build", "--builder-flag", flag]) == 0
    assert [line.split()[-4:] for line in builds(docker)] == [[flag, "--tag", "a/fn:latest", "."]]
    lines = messages(capfd)
    assert ("[1/1] fn  0.1 s  4/5 cached  built" in lines) is stderr
    assert any(line.startswith("no cache report: ") for line in lines) is not stderr
