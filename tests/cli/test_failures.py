"""What `build` and `push` print about a failure, from the words of docker to the block at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
from stack_files import write_project

from faas_cache.buildkit.explanations import Explanation
from faas_cache.cli.arguments import Arguments
from faas_cache.cli.failures import format_failures
from faas_cache.cli.main import main
from faas_cache.runner.results import BuildResult, FunctionResult

if TYPE_CHECKING:
    from pathlib import Path

    from fake_docker import FakeDocker

    from faas_cache.buildkit.messages import Cause, FailedStep
    from faas_cache.model.diagnostics import Severity

FUNCTION = "  {}: {{image: ghcr.io/acme/{}:1, lang: dockerfile, handler: ., build_cache: {}}}\n"
CACHE = "ghcr.io/acme/fn:buildcache"
REFUSED = (
    "#9 exporting to image\n#9 pushing manifest for ghcr.io/acme/fn:1@sha256:0 0.1s done\n#9 DONE 0.2s\n"
    "#10 exporting cache to registry\n#10 ERROR: error writing manifest blob: unknown: manifest invalid\n"
    "ERROR: failed to solve: error writing manifest blob: unknown: manifest invalid\n"
)
G1 = "warning: a build with cache entries failed"


def blocks(text: str) -> dict[str, list[str]]:
    """The lines of each explanation, by its first line."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.endswith("-failed]"):
            lines = found.setdefault(line, [])
        elif line.startswith("    "):
            lines.append(line)
        else:
            lines = []
    return found


def write(project: Path, *functions: tuple[str, str]) -> None:
    """A stack with these functions and modes."""
    write_project(project, "".join(FUNCTION.format(n, n, mode) for n, mode in functions))
    (project / "Dockerfile").write_text("FROM scratch\n")


def test_a_refused_cache_has_the_setting_to_paste(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """The whole replacement of `max`, what to run next, and where the log is; then G1."""
    write(project, ("fn", "max"))
    docker.answer("buildx build *", stderr=REFUSED, exit_code=1)
    assert main(["build", "--push"]) == 1
    (first, second) = blocks(capfd.readouterr().err).items()
    assert first == (
        "fn: error: the registry rejected the cache manifest, although it is an image manifest; the image was already pushed [build-failed]",
        [
            "    error writing manifest blob: unknown: manifest invalid",
            ("    keep the cache in another registry with"
            " `build_cache: {mode: max, repository: REGISTRY/NAME}`;"
            " pass `--ignore-cache-errors` to let such a build pass"),
            "    then run `faas-cache build fn` again with the same flags",
            "    log: above",
            "    https://docs.docker.com/build/cache/backends/registry/",
        ],
    )  # fmt: skip  # a docker 28 writes image manifests by itself
    assert second[0].startswith(G1)


def test_an_old_buildkit_has_the_setting_to_paste(
    project: Path,
    fake_docker: FakeDocker,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Docker 26 writes an index, unless the entry says otherwise."""
    fake_docker.describe(client="26.1.5", buildx="v0.13.1")
    for name in ("PATH", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, fake_docker.environ[name])
    write(project, ("fn", "max"))
    fake_docker.answer("buildx build *", stderr=REFUSED, exit_code=1)
    assert main(["build"]) == 1
    (lines, _) = blocks(capfd.readouterr().err).values()
    setting = (
        f"build_cache: {{from: ['{CACHE}'], to: ['type=registry,ref={CACHE},mode=max,"
        "image-manifest=true,oci-mediatypes=true']}"
    )
    assert lines[1].startswith(f"    write `{setting}` in place of the mode, or keep")
    assert lines[2] == "    then run `faas-cache build fn` again"
    write(project, ("fn", setting.partition(": ")[2]))
    assert main(["build"]) == 1
    (lines, _) = blocks(capfd.readouterr().err).values()
    assert lines[1].startswith("    keep the cache in another registry")


def test_an_image_that_does_not_exist_is_built_first(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """`docker push` says so in several ways."""
    write(project, ("fn", "max"), ("other", "inline"))
    head = "The push refers to repository [ghcr.io/acme/fn]\n"
    docker.answer(
        "push *fn:1", stderr=f"{head}tag does not exist: ghcr.io/acme/fn:1\n", exit_code=1
    )
    assert main(["push"]) == 1
    assert blocks(capfd.readouterr().err) == {
        "fn: error: could not push the image: it does not exist [build-failed]": [
            "    tag does not exist: ghcr.io/acme/fn:1",
            "    build first, with `faas-cache build`, or check the tag",
            "    then run `faas-cache push fn` again",
            "    log: above, in the lines of `fn`",
            "    https://docs.docker.com/reference/cli/docker/image/push/",
        ]
    }


def test_a_function_without_a_cache_is_not_suspected(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """G1: though another function of the run has one."""
    write(project, ("fn", "max"), ("other", "none"))
    docker.answer("buildx build *other:1*", stderr="out of cheese\n", exit_code=1)
    assert main(["build"]) == 1
    (first,) = blocks(capfd.readouterr().err)
    assert first == "other: error: the build failed (unrecognized error) [build-failed]"


def test_the_log_of_a_run_is_explained_alike(
    project: Path, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    """`faas-cache build 2>&1 | tee build.log` and `faas-cache explain build.log` name the same functions."""
    write(project, ("fn", "max"), ("other", "none"), ("done", "max"))
    docker.answer("buildx build *fn:1*", stderr=REFUSED, exit_code=1)
    docker.answer(
        "buildx build *other:1*",
        stderr="ERROR: failed to solve: secret tok: not found\n",
        exit_code=1,
    )
    for words in (["build"], ["build", "--parallel", "3"], ["build", "-q"]):
        assert main(words) == 1
        output = capfd.readouterr()
        failed = [line.split(":")[0] for line in blocks(output.err) if "error:" in line]
        assert failed == ["fn", "other"]
        (project / "build.log").write_text(output.err)
        assert main(["explain", "build.log"]) == 0
        explained = blocks(capfd.readouterr().out)
        assert sorted(line.split(":")[0] for line in explained if "error:" in line) == failed


# The block, and the warning behind it.

BUILD = Arguments(command="build", has_flags=False)


def failed(
    name: str, step: FailedStep | None, cause: Cause = "unknown", exit_code: int | None = 1
) -> FunctionResult:
    """The result of a function that failed in this step."""
    explanation = Explanation(
        function=name,
        step=step,
        cause=cause,
        image_pushed=None,
        message="it failed",
        fix="try again",
        url="https://docs.example",
        error="no",
    )
    return FunctionResult(name=name, status="failed", exit_code=exit_code, explanation=explanation)


def printed(
    *functions: FunctionResult, arguments: Arguments = BUILD, cached: tuple[str, ...] = ()
) -> list[tuple[str, Severity]]:
    """What is printed about these results."""
    return list(format_failures(BuildResult(functions=functions), arguments, cached=cached))


def test_a_failure_is_one_block() -> None:
    """Function and cause, the error once, what to do, the next command, the log, a page."""
    built = FunctionResult(name="other", status="built")
    publish = Arguments(command="publish", has_flags=True)
    ((block, severity),) = printed(failed("fn", "build-step"), built, arguments=publish)
    assert severity == "error"
    assert block.splitlines() == [
        "fn: error: it failed [build-failed]",
        "    no",
        "    try again",
        "    then run `faas-cache publish fn` again with the same flags",
        "    log: above, in the lines of `fn`",
        "    https://docs.example",
    ]
    ((alone, _),) = printed(failed("fn", "build-step"))
    assert alone.splitlines()[3:5] == ["    then run `faas-cache build fn` again", "    log: above"]


def test_what_did_not_start_has_no_log() -> None:
    """It is not announced."""
    ((block, _),) = printed(failed("fn", "front-end", exit_code=None))
    assert "log:" not in block


def test_equal_builds_fail_in_one_block() -> None:
    """E8: that of the first."""
    first = failed("fn", "build-step")
    assert len(printed(first, attrs.evolve(first, name="fn2", same_as="fn"))) == 1


def test_what_is_not_explained_has_no_block() -> None:
    """Of a program that made the result; the cache is suspected."""
    result = FunctionResult(name="fn", status="failed")
    assert printed(result) == []
    assert [severity for _, severity in printed(result, cached=("fn",))] == ["warning"]


SUSPECTED = (
    "warning: a build with cache entries failed, and registries differ in what they support [cached-build-failed]\n"
    "    run `faas-cache registries` and read `docs/troubleshooting.md` (`faas-cache help troubleshooting`),"
    " or build with `--no-build-cache`\n"
    "    https://docs.docker.com/build/cache/backends/registry/"
)


@pytest.mark.parametrize(
    ("step", "cause", "warned"),
    [
        ("cache-export", "denied", True),
        ("cache-import", "missing", True),
        ("entry", "invalid", True),
        (None, "unknown", True),
        ("front-end", "unsupported", True),
        ("front-end", "missing", False),
        ("image-push", "denied", False),
        ("build-step", "failed", False),
        ("dockerfile", "invalid", False),
        ("base-image", "missing", False),
        ("daemon", "unreachable", False),
    ],
)
def test_g1_the_cache_is_suspected_where_it_can_be_the_cause(
    step: FailedStep | None,
    cause: Cause,
    warned: bool,  # noqa: FBT001  # a column of the table
) -> None:
    """G1: only of functions with cache entries, and once for all of them."""
    functions = [failed("fn", step, cause), failed("fn2", step, cause)]
    warnings = [item for item in printed(*functions, cached=("fn", "fn2")) if item[1] == "warning"]
    assert warnings == [(SUSPECTED, "warning")] * warned
    assert all(severity == "error" for _, severity in printed(*functions, cached=("other",)))
