"""Which registries docker's configuration has credentials for; the credentials are not read."""

import json
import os
from pathlib import Path

import pytest

from faas_cache.runner import credentials
from faas_cache.runner.credentials import registries_with_credentials

AUTH = {"auth": "bWU6aHVudGVyMg=="}
CONFIGS: dict[str, tuple[object, set[str] | None]] = {
    "none": (None, set()),
    "empty": ({}, set()),
    "entries": ({"auths": {"ghcr.io": AUTH, "reg.test:5000": {}}}, {"ghcr.io", "reg.test:5000"}),
    "urls": ({"auths": {"https://ghcr.io/v2/": AUTH, "http://reg.test": AUTH}}, {"ghcr.io", "reg.test"}),
    "docker-hub": ({"auths": {"https://index.docker.io/v1/": AUTH}}, {"docker.io"}),
    "helper": ({"credHelpers": {"1.dkr.ecr.eu-west-1.amazonaws.com": "ecr-login"}}, {"1.dkr.ecr.eu-west-1.amazonaws.com"}),
    "both": ({"auths": {"a.test": {}}, "credHelpers": {"b.test": "x"}}, {"a.test", "b.test"}),
    "store": ({"auths": {"ghcr.io": {}}, "credsStore": "desktop"}, None),
    "no-store": ({"credsStore": ""}, set()),
    "other-types": ({"auths": ["ghcr.io"], "credHelpers": 1}, set()),
    "no-mapping": ([], None),
}  # fmt: skip


@pytest.mark.parametrize("case", CONFIGS)
def test_entries_and_helpers_are_credentials(tmp_path: Path, case: str) -> None:
    """By the name of the registry; one helper for all of them may know any."""
    config, expected = CONFIGS[case]
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
    registries = registries_with_credentials({"DOCKER_CONFIG": str(tmp_path)})
    assert (registries if registries is None else set(registries)) == expected


def test_the_configuration_is_that_of_the_environment(tmp_path: Path) -> None:
    """`DOCKER_CONFIG`, else `~/.docker` of the environment that is passed; else it is not known."""
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"auths": {"ghcr.io": {}}}')
    home = str(tmp_path)
    for environ in ({"HOME": home}, {"USERPROFILE": home}, {"DOCKER_CONFIG": f"{home}/.docker"}):
        assert registries_with_credentials(environ) == frozenset({"ghcr.io"})
    assert registries_with_credentials({"HOME": home, "DOCKER_CONFIG": home}) == frozenset()
    assert registries_with_credentials({}) is None


def test_a_variable_adds_entries(tmp_path: Path) -> None:
    """`DOCKER_AUTH_CONFIG`, as docker 28 reads it."""
    (tmp_path / "config.json").write_text('{"auths": {"ghcr.io": {}}}')
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    variable = '{"auths": {"reg.test": {"auth": "x"}}}'
    both = registries_with_credentials(environ | {"DOCKER_AUTH_CONFIG": variable})
    assert both == frozenset({"ghcr.io", "reg.test"})
    assert registries_with_credentials(environ | {"DOCKER_AUTH_CONFIG": "{"}) is None


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[" * 100_000, b" " * 200])
def test_what_cannot_be_read_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    """Text that is not JSON, too deep or too large; docker says what is wrong with it."""
    monkeypatch.setattr(credentials, "_MAX_SIZE", 100 if data == b" " * 200 else 2**20)
    (tmp_path / "config.json").write_bytes(data)
    assert registries_with_credentials({"DOCKER_CONFIG": str(tmp_path)}) is None


def test_only_a_file_is_read(tmp_path: Path) -> None:
    """A pipe would block, and a folder has no text."""
    os.mkfifo(tmp_path / "config.json")
    assert registries_with_credentials({"DOCKER_CONFIG": str(tmp_path)}) is None
    (tmp_path / "folder" / "config.json").mkdir(parents=True)
    assert registries_with_credentials({"DOCKER_CONFIG": str(tmp_path / "folder")}) is None
