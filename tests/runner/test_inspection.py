"""The builder as docker and buildx describe it."""

from pathlib import Path

import pytest
from fake_docker import SLOW, FakeDocker

from faas_cache.model.builders import Builder
from faas_cache.model.errors import BuilderError
from faas_cache.runner.inspection import Node, has_builder, inspect_builder, parse_nodes
from faas_cache.runner.stop import Stop

REMOTE = """Name: far
Driver: remote

Nodes:
Name:             far0
Endpoint:         tcp://10.0.0.1:1234
Status:           running
BuildKit version: v0.26.3
Platforms:        linux/amd64
GC Policy rule#0:
 All:              false
"""
INACTIVE = REMOTE.replace("running", "inactive").replace("BuildKit version: v0.26.3\n", "")
DEFAULT = """Name: default
Driver: docker
Last Activity: 2026-11-26 10:00:00 +0000 UTC

Nodes:
Name: default
Endpoint: default
Status: running
Buildkit: KIT
"""


def messages(fake: FakeDocker, builder: str | None = None, **environ: str) -> list[tuple[str, str]]:
    """The names and messages of the error of an inspection."""
    with pytest.raises(BuilderError) as caught:
        inspect_builder(environ=fake.environ | environ, builder=builder)
    return [(d.name, d.message) for d in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("client", "server", "kit", "expected"),
    [
        ("28.5.2", "28.5.2", "v0.25.1", "v0.25.1"),
        ("28.5.2", "26.1.5", "v0.0.0+unknown", "0.13"),
        ("28.5.2", "nonsense", "v0.0.0+unknown", "v0.0.0+unknown"),
        ("26.1.5", "26.1.5", "v0.0.0+unknown", "v0.0.0+unknown"),
    ],
)
def test_docker_itself_builds(
    fake_docker: FakeDocker, client: str, server: str, kit: str, expected: str
) -> None:
    """The version of another engine tells an unknown BuildKit's."""
    fake_docker.describe(client=client, server=server, inspect=DEFAULT.replace("KIT", kit))
    builder = inspect_builder(environ=fake_docker.environ)
    assert builder == Builder(
        docker=client, buildx="v0.29.1", buildkit=expected, driver="docker", containerd_store=True
    )
    assert builder.name == "default"


def test_the_environment_is_ours_if_none_is_given(
    fake_docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`BUILDX_BUILDER` counts in it."""
    monkeypatch.setenv("PATH", fake_docker.environ["PATH"])
    monkeypatch.setenv("DOCKER_CONFIG", fake_docker.environ["DOCKER_CONFIG"])
    monkeypatch.setenv("BUILDX_BUILDER", "far")
    fake_docker.describe(inspect=REMOTE, store="overlay2")
    assert inspect_builder() == Builder(
        docker="28.5.2", buildx="v0.29.1", buildkit="v0.26.3", driver="remote"
    )


def test_a_remote_builder_needs_no_daemon(fake_docker: FakeDocker) -> None:
    """It is asked for by its name."""
    fake_docker.describe(server="", inspect=REMOTE, store="")
    builder = inspect_builder(environ=fake_docker.environ, builder="far")
    assert (builder.driver, builder.name, builder.buildkit) == ("remote", "far", "v0.26.3")
    assert ("buildx", "inspect", "far") in [call.argv for call in fake_docker.calls]


def test_a_docker_without_buildx(fake_docker: FakeDocker) -> None:
    """Docker's own builder serves."""
    fake_docker.describe(client="20.10.24", buildx="", store="overlay2")
    assert inspect_builder(environ=fake_docker.environ) == Builder(docker="20.10.24")


def test_no_docker_is_a_builder_without_one(tmp_path: Path) -> None:
    """It is data, not an error; no builder has a name then."""
    environ = {"PATH": str(tmp_path)}
    assert inspect_builder(environ=environ) == Builder()
    assert not has_builder("x", environ=environ)


def test_a_docker_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    """It is there, so it is not "not installed"."""
    (tmp_path / "docker").write_bytes(b"\x7fELF nonsense")
    (tmp_path / "docker").chmod(0o755)
    with pytest.raises(BuilderError) as caught:
        inspect_builder(environ={"PATH": str(tmp_path)})
    assert [d.message for d in caught.value.diagnostics] == [
        "cannot start `docker`: exec format error"
    ]


def test_podman_under_the_name_of_docker(fake_docker: FakeDocker) -> None:
    """It is called podman."""
    fake_docker.answer("buildx version", stdout="buildah 1.39.3\n")
    fake_docker.answer("buildx inspect*", stderr="Error: unrecognized command\n", exit_code=125)
    assert messages(fake_docker) == [
        ("docker-not-found", "`docker` on PATH is podman (buildah 1.39.3), not Docker")
    ]


@pytest.mark.parametrize(
    "words",
    [
        "Error: unrecognized command `podman buildx version`\n",
        "Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg.\n",
    ],
)
def test_podman_4_under_the_name_of_docker(fake_docker: FakeDocker, words: str) -> None:
    """It has no `buildx version`; its script `docker` introduces itself."""
    fake_docker.answer("buildx *", stderr=words, exit_code=125).describe(client="4.3.1")
    assert messages(fake_docker) == [
        ("docker-not-found", "`docker` on PATH is podman 4.3.1, not Docker")
    ]


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        ('ERROR: no builder "nope" found\n', 'context "nope": context not found'),
        ("", 'context "nope": context not found'),
    ],
)
def test_a_docker_context_that_does_not_exist(
    fake_docker: FakeDocker, stderr: str, words: str
) -> None:
    """`DOCKER_CONTEXT=nope`: buildx uses it as the name of the current builder."""
    warnings = '\nWARNING: Error loading config file\ntime="now" level=warning\n'
    fake_docker.answer("version *", stderr=f"{warnings}Failed: {words}\n", exit_code=1)
    fake_docker.answer("buildx inspect*", stderr=stderr, exit_code=1).describe()
    assert messages(fake_docker) == [
        ("daemon-unreachable", f"cannot connect to the Docker daemon: Failed: {words}")
    ]


def test_a_builder_that_does_not_exist(fake_docker: FakeDocker) -> None:
    """Named by the caller or by the environment: the default builder is not described in its place."""
    fake_docker.answer(
        "buildx inspect*", stderr='ERROR: no builder "nosuch" found\n', exit_code=1
    ).describe()
    expected = [("unknown-builder", "no builder named `nosuch`")]
    assert messages(fake_docker, "nosuch") == expected
    assert messages(fake_docker, BUILDX_BUILDER="nosuch") == expected
    assert not has_builder("nosuch", environ=fake_docker.environ)


def test_a_builder_of_a_docker_without_buildx_does_not_exist(fake_docker: FakeDocker) -> None:
    """There is no other."""
    fake_docker.describe(client="20.10.24", buildx="")
    assert messages(fake_docker, "far") == [("unknown-builder", "no builder named `far`")]


def test_a_builder_that_exists(fake_docker: FakeDocker) -> None:
    """Buildx says so by its exit code; one that is not answered in time does not."""
    fake_docker.answer("buildx inspect slow", script=SLOW)
    assert has_builder("far", environ=fake_docker.environ)
    assert not has_builder("slow", environ=fake_docker.environ, timeout=0.2)


def test_a_context_is_not_a_builder(fake_docker: FakeDocker) -> None:
    """Buildx describes the context of that name, but does not build with it unless it is the current one."""
    fake_docker.describe(
        inspect="Name: t26\nDriver: docker\n\nNodes:\nName: t26\nStatus: running\n"
    )
    assert messages(fake_docker, "t26") == [
        ("unknown-builder", "`t26` is a Docker context, not a builder")
    ]
    fake_docker.rules.clear()
    fake_docker.describe(context="t26")
    assert inspect_builder(environ=fake_docker.environ, builder="t26").driver == "docker"


@pytest.mark.parametrize("inspect", [DEFAULT, ""], ids=["described", "not described"])
def test_a_daemon_that_does_not_run(fake_docker: FakeDocker, inspect: str) -> None:
    """Its own words are in the message."""
    fake_docker.describe(server="", inspect=inspect)
    assert messages(fake_docker) == [
        (
            "daemon-unreachable",
            "cannot connect to the Docker daemon: Cannot connect to the Docker daemon at unix:///x.",
        )
    ]


def test_a_daemon_that_says_nothing(fake_docker: FakeDocker) -> None:
    """A docker that fails without a word, and one that is silent."""
    fake_docker.answer("*", exit_code=1)
    assert messages(fake_docker) == [("daemon-unreachable", "cannot connect to the Docker daemon")]
    fake_docker.rules.clear()
    fake_docker.answer("*", script=SLOW)
    with pytest.raises(BuilderError) as caught:
        inspect_builder(environ=fake_docker.environ, timeout=0.3)
    assert [d.message for d in caught.value.diagnostics] == [
        "cannot connect to the Docker daemon: no answer within 0.3 seconds"
    ]
    assert fake_docker.running() == set()


@pytest.mark.parametrize(
    ("inspect", "words"),
    [
        (INACTIVE, "node `far0` is inactive"),
        (REMOTE.replace("Status:  ", "Error:   "), "running"),
        ("Name: far\nDriver: \nError: no such \x1bhost\n", "no such \\x1bhost"),
    ],
    ids=["inactive", "a node with an error", "a dead context"],
)
def test_a_builder_that_does_not_respond(fake_docker: FakeDocker, inspect: str, words: str) -> None:
    """Buildx describes it with exit code 0 all the same."""
    fake_docker.describe(inspect=inspect)
    assert messages(fake_docker, "far") == [
        ("daemon-unreachable", f"the builder `far` does not respond: {words}")
    ]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'ERROR: no' >&2; exit 1", ": no"),
        ("exit 1", ""),
        (SLOW, ": no answer within 0.5 seconds"),
    ],
)
def test_a_builder_that_buildx_cannot_describe(
    fake_docker: FakeDocker, script: str, words: str
) -> None:
    """With its words, none, or after a limit."""
    fake_docker.answer("buildx inspect*", script=script).describe()
    with pytest.raises(BuilderError) as caught:
        inspect_builder(
            environ=fake_docker.environ,
            builder="far",
            timeout=0.5 if words[2:4] == "no" and script == SLOW else 30,
        )
    assert [d.message for d in caught.value.diagnostics] == [
        f"the builder `far` does not respond{words}"
    ]


@pytest.mark.parametrize("driver", ["docker-container", "kubernetes"])
def test_a_builder_that_the_first_build_starts(fake_docker: FakeDocker, driver: str) -> None:
    """Inactive is how it is before it."""
    fake_docker.describe(inspect=INACTIVE.replace("remote", driver))
    builder = inspect_builder(environ=fake_docker.environ)
    assert (builder.driver, builder.buildkit) == (driver, None)


UNAVAILABLE = 'ERROR: failed to call diskusage: Unavailable: connection error: desc = "transport: '


def test_a_cluster_without_a_builder(fake_docker: FakeDocker) -> None:
    """It responds, and the first build starts the builder there."""
    fake_docker.answer(
        "buildx du *",
        stderr=f'ERROR: no pod found for key ""\n{UNAVAILABLE}no running buildkit pods found"\n',
        exit_code=1,
    ).describe(inspect=INACTIVE.replace("remote", "kubernetes"))
    builder = inspect_builder(environ=fake_docker.environ, builder="far")
    assert (builder.driver, builder.buildkit, builder.nodes) == ("kubernetes", None, ())
    assert ("buildx", "du", "--builder", "far") in [call.argv for call in fake_docker.calls]


def test_a_cluster_that_does_not_respond(fake_docker: FakeDocker) -> None:
    """Buildx calls its builder inactive, as one that does not run yet."""
    fake_docker.answer("buildx du *", stderr=f'{UNAVAILABLE}refused"\n', exit_code=1)
    fake_docker.describe(inspect=INACTIVE.replace("remote", "kubernetes"))
    words = UNAVAILABLE.removeprefix("ERROR: ")
    assert messages(fake_docker, "far") == [
        ("daemon-unreachable", f'the builder `far` does not respond: {words}refused"')
    ]


def test_a_cluster_is_asked_only_about_a_builder_that_does_not_run(fake_docker: FakeDocker) -> None:
    """One node that runs is evidence enough."""
    nodes = INACTIVE.replace("remote", "kubernetes") + REMOTE.partition("Nodes:\n")[2]
    fake_docker.describe(inspect=nodes)
    assert inspect_builder(environ=fake_docker.environ).buildkit == "v0.26.3"
    assert not [call for call in fake_docker.calls if "du" in call.argv]


@pytest.mark.parametrize(
    ("stderr", "words"), [("Cannot connect\n", "Cannot connect"), ("", "exit code 1")]
)
def test_a_builder_without_a_daemon_says_why(
    fake_docker: FakeDocker, stderr: str, words: str
) -> None:
    """It builds, but cannot load."""
    fake_docker.answer("version *", stdout="{}", stderr=stderr, exit_code=1)
    fake_docker.describe(inspect=REMOTE)
    assert inspect_builder(environ=fake_docker.environ, builder="far").daemon_error == words


def test_one_of_several_nodes_may_be_dead(fake_docker: FakeDocker) -> None:
    """The others build."""
    nodes = INACTIVE + REMOTE.partition("Nodes:\n")[2]
    fake_docker.describe(inspect=nodes)
    assert inspect_builder(environ=fake_docker.environ).buildkit == "v0.26.3"
    assert parse_nodes(nodes) == (
        Node(
            name="far0",
            endpoint="tcp://10.0.0.1:1234",
            status="inactive",
            platforms="linux/amd64",
        ),
        Node(
            name="far0",
            endpoint="tcp://10.0.0.1:1234",
            status="running",
            buildkit="v0.26.3",
            platforms="linux/amd64",
        ),
    )
    assert inspect_builder(environ=fake_docker.environ).node_platforms == 2 * ("linux/amd64",)


@pytest.mark.parametrize("answer", ["[" * 100_000, "9" * 5000, '{"Client": []}'])
def test_strange_answers_count_as_none(fake_docker: FakeDocker, answer: str) -> None:
    """Deep brackets, long numbers, other types."""
    fake_docker.answer("version --format *", stdout=answer).describe(inspect=REMOTE)
    assert inspect_builder(environ=fake_docker.environ).docker == ""


def test_nothing_is_asked_after_a_stop(fake_docker: FakeDocker) -> None:
    """And nothing is known then."""
    stop = Stop()
    stop.stop()
    with pytest.raises(BuilderError):
        inspect_builder(environ=fake_docker.environ, stop=stop)
    assert fake_docker.calls == []
