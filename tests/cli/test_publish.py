"""`faas-cache publish` where buildx is missing."""

from pathlib import Path

import pytest
from fake_docker import FakeDocker
from stack_files import write_project

from faas_cache.cli.main import main

FUNCTION = "  fn: {image: a/fn, lang: dockerfile, handler: .}\n"


@pytest.mark.parametrize("words", [[], ["--build-cache", "max"], ["--parallel", "2"]])
def test_publish_needs_buildx(
    project: Path,
    fake_docker: FakeDocker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    """One sentence and exit code 3, before anything is built, with a cache or without."""
    fake_docker.describe(client="20.10.24", buildx="")
    for name in ("PATH", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, fake_docker.environ[name])
    write_project(project, FUNCTION)
    (project / "Dockerfile").write_text("FROM scratch\n")
    assert main(["publish", *words]) == 3
    errors = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    message = "buildx is not installed, but required to publish `fn` [missing-feature]"
    assert errors == [f"stack.yaml:4:3: functions.fn: error: {message}"]
    assert [call for call in fake_docker.calls if "build" in call.argv] == []


def test_publish_with_a_builder_asks_for_it(
    project: Path,
    fake_docker: FakeDocker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Instead of passing the flags of buildx to a docker without it."""
    fake_docker.describe(client="20.10.24", buildx="")
    for name in ("PATH", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, fake_docker.environ[name])
    write_project(project, FUNCTION)
    (project / "Dockerfile").write_text("FROM scratch\n")
    assert main(["publish", "--builder", "ci"]) == 3
    errors = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert errors == ["error: no builder named `ci` [unknown-builder]"]
    assert [call for call in fake_docker.calls if "build" in call.argv] == []
