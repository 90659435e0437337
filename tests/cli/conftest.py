"""Fixtures of the tests of the command line."""

import os
from pathlib import Path

import pytest
from fake_docker import FakeDocker


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, which is the current folder; no variable of ours and no proxy is set."""
    for name in os.environ:
        if name.lower().endswith("_proxy") or name.startswith(("FAAS_CACHE_", "GITHUB_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def docker(project: Path, monkeypatch: pytest.MonkeyPatch, fake_docker: FakeDocker) -> FakeDocker:  # noqa: ARG001  # the folder comes first
    """A fake docker on PATH, which describes a current builder, its only one."""
    for name in ("BUILDX_BUILDER", "BUILDKIT_PROGRESS", "DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PATH", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, fake_docker.environ[name])
    fake_docker.answer("buildx inspect multiarch", exit_code=1)
    return fake_docker.describe()
