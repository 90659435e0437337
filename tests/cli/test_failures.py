"""What `build` and `push` print about a failure, from the words of docker to the block at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stack_files import write_project

from faas_cache.cli.main import main

if TYPE_CHECKING:
    import pytest
    from fake_docker import FakeDocker

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
