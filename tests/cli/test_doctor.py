"""`faas-cache doctor`: the builder of this machine, and which functions it can build."""

import json
from pathlib import Path

import pytest
from fake_docker import FakeDocker
from stack_files import CACHED, HEAD, write_files, write_project

from faas_cache.cli.doctor import describe
from faas_cache.cli.main import main
from faas_cache.model.builders import Builder
from faas_cache.project import Project
from faas_cache.serialization import to_dict

KNOWN = [
    "docker: 28.5.2",
    "buildx: v0.29.1",
    "BuildKit: 0.25",
    "builder: default, driver docker, containerd image store",
]


def describe_old(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A docker without buildx."""
    fake.describe(client="20.10.24", buildx="")
    monkeypatch.setenv("PATH", fake.environ["PATH"])
    monkeypatch.setenv("DOCKER_CONFIG", fake.environ["DOCKER_CONFIG"])


@pytest.mark.usefixtures("docker")
def test_the_builder_comes_first(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Then each function."""
    write_project(project, CACHED)
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (lines[:4], lines[4].split()[:3], lines[5:]) == (
        KNOWN,
        ["features:", "buildkit,", "buildx,"],
        ["fn: can be built here"],
    )


@pytest.mark.usefixtures("docker")
def test_without_a_stack_file_the_builder_is_described(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing else."""
    assert list(project.iterdir()) == []
    assert main(["doctor"]) == 0
    out, err = capsys.readouterr()
    assert (out.splitlines()[:4], len(out.splitlines()), err) == (KNOWN, 5, "")


@pytest.mark.usefixtures("docker")
def test_an_invalid_stack_file_hides_no_builder(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its error is on stderr; faults of functions are beside the functions."""
    write_files(
        project,
        {"stack.yaml": "a: [", "other.yml": HEAD + CACHED + "  bad: {context: .}\n  b: 1\n"},
    )
    assert main(["doctor"]) == 2
    out, err = capsys.readouterr()
    assert (out.splitlines()[:4], "[invalid-yaml]" in err) == (KNOWN, True)
    assert main(["doctor", "-f", "other.yml", "--filter", "*", "bad", "nope", "b"]) == 2
    out, err = capsys.readouterr()
    assert [line for line in out.splitlines()[5:] if not line.startswith("    ")] == [
        "bad: cannot be built here",
        "b: cannot be built here",
    ]
    assert "[unknown-function]" in err


def test_what_a_function_lacks_is_below_it(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fake_docker: FakeDocker,
) -> None:
    """Exit code 3, as for a build."""
    describe_old(fake_docker, monkeypatch)
    write_project(project, CACHED + "  b: {image: b, context: .}\n")
    assert main(["doctor"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert (lines[1], lines[5], lines[-1]) == (
        "buildx: not found",
        "fn: cannot be built here",
        "b: can be built here",
    )
    assert lines[6].startswith("    stack.yaml:4:3: functions.fn: error: ")


@pytest.mark.usefixtures("docker")
def test_several_files_are_examined_together(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their functions are named by file."""
    write_files(project, {"a.yml": HEAD + CACHED, "b.yml": HEAD + CACHED.replace("a/fn", "b")})
    assert main(["doctor", "-f", "a.yml", "-f", "b.yml"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "a.yml: fn: can be built here",
        "b.yml: fn: can be built here",
    ]


def test_json_holds_the_same(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fake_docker: FakeDocker,
) -> None:
    """The forms of the builder and of the errors of each function."""
    describe_old(fake_docker, monkeypatch)
    write_project(project, CACHED)
    assert main(["doctor", "--json"]) == 3
    builder = Project.of().inspect_builder()
    errors = Project.load().plan().on(builder).errors
    expected = {
        "builder": to_dict(builder),
        "functions": {"fn": [to_dict(diagnostic) for diagnostic in errors]},
        "warnings": [],
    }
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(expected))


def test_without_docker_nothing_can_be_built(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3, with a stack file or without."""
    monkeypatch.setenv("PATH", str(project))
    assert main(["doctor"]) == 3
    assert capsys.readouterr().out.splitlines() == [
        "docker: not found",
        "buildx: not found",
        "BuildKit: not found",
        "features: none",
    ]


def test_a_builder_that_does_not_respond_is_an_error(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fake_docker: FakeDocker,
) -> None:
    """Exit code 3, with the words of docker."""
    fake_docker.describe(server="")
    monkeypatch.setenv("PATH", fake_docker.environ["PATH"])
    monkeypatch.setenv("DOCKER_CONFIG", fake_docker.environ["DOCKER_CONFIG"])
    write_project(project, CACHED)
    assert main(["doctor"]) == 3
    out, err = capsys.readouterr()
    assert (out, "[daemon-unreachable]" in err.splitlines()[0]) == ("", True)


@pytest.mark.parametrize(
    ("builder", "lines"),
    [
        (
            Builder(docker="", buildx="", driver="docker"),
            ["docker: unknown version", "buildx: unknown version"],
        ),
        (
            Builder(docker="28", buildx="0.29.1", driver="remote", name="far"),
            ["docker: 28", "buildx: 0.29.1"],
        ),
    ],
)
def test_a_builder_for_people(builder: Builder, lines: list[str]) -> None:
    """An unknown version is not one that is missing; the image store is that of docker's driver."""
    described = list(describe(builder))
    assert described[:2] == lines
    assert described[3] == (
        "builder: far, driver remote"
        if builder.driver == "remote"
        else "builder: default, driver docker, classic image store"
    )


@pytest.mark.parametrize(
    ("buildkit", "cause"),
    [
        (None, "until the first build starts it"),
        ("v0.0.0+unknown", "because the version of BuildKit is unknown"),
    ],
)
def test_features_of_an_unknown_version_are_unknown(buildkit: str | None, cause: str) -> None:
    """A builder that runs is not said to be started by the first build."""
    builder = Builder(docker="28", buildx="0.29.1", driver="remote", buildkit=buildkit)
    assert list(describe(builder))[-1] == f"features: unknown, {cause}"


def test_each_node_of_several_is_named() -> None:
    """And those that do not respond."""
    builder = Builder(
        docker="28", buildx="0.29.1", driver="remote", nodes=["a", "b"], silent_nodes=["b"]
    )
    assert list(describe(builder))[4:6] == ["node: a", "node: b, does not respond"]


LOGIN = [
    "stack.yaml:4:59: functions.fn.build_cache: warning: docker's configuration has no credentials for `ghcr.io`, to which the cache of `fn`, `b` is exported [missing-credentials]",
    "    run `docker login ghcr.io`, or build with `--no-cache-export`",
    "    https://docs.docker.com/reference/cli/docker/login/",
]


def test_a_registry_without_credentials_is_named(
    project: Path,
    docker: FakeDocker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Once for all functions, by `doctor`, `check --inspect` and `build`, and not by `check`; no secret is shown."""
    assert docker.calls == []
    setting = "lang: dockerfile, handler: ., build_cache: max}\n"
    write_project(
        project, "".join(f"  {name}: {{image: ghcr.io/a/{name}, {setting}" for name in ("fn", "b"))
    )
    (project / "Dockerfile").write_text("FROM scratch\n")
    config = project / "config.json"
    monkeypatch.setenv("DOCKER_CONFIG", str(project))
    for text in (None, '{"auths": {"quay.io": {"auth": "aHVudGVyMg=="}}}'):
        if text:
            config.write_text(text)
        assert main(["doctor"]) == 0
        out, err = capsys.readouterr()
        assert (out.splitlines()[5:], "aHVudGVyMg" in out + err) == (
            ["fn: can be built here", "b: can be built here", *LOGIN], False
        )  # fmt: skip
    assert main(["doctor", "--json"]) == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert warning["name"] == "missing-credentials"
    assert main(["check", "--inspect"]) == 0
    assert capsys.readouterr().out.splitlines() == LOGIN
    assert main(["check"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["build", "fn"]) == 0
    assert "no credentials for `ghcr.io`" in capsys.readouterr().err
    config.write_text('{"auths": {"https://ghcr.io": {}}}')
    assert main(["doctor"]) == 0
    assert "credentials" not in capsys.readouterr().out
