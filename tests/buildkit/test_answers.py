"""What the text of an error says by itself: the registry that it is about, and how to log in there."""

import pytest

from faas_cache.buildkit.answers import registry_of, with_login

LOGIN = "run `docker login` for this registry"


@pytest.mark.parametrize(
    ("error", "registry"),
    [
        ("unexpected status from HEAD request to https://ghcr.io/v2/a/manifests/1: 403", "ghcr.io"),
        ('Get "http://127.0.0.1:5000/v2/": EOF', "127.0.0.1:5000"),
        ("failed to push reg.test:5000/acme/fn:1: denied", "reg.test:5000"),
        ("failed to resolve source metadata for docker.io/library/x:1: no", "docker.io"),
        ("failed to push acme/fn:1: denied", None),
        ("https://login.test/token: 401", None),
        ("http://me:secret@reg.test/v2/", None),
        ("denied", None),
    ],
)
def test_an_error_may_name_its_registry(error: str, registry: str | None) -> None:
    """By the address of a request to it, or by a reference with a host; credentials are no part of it."""
    assert registry_of(error) == registry


@pytest.mark.parametrize(
    ("registry", "login"),
    [
        ("ghcr.io", "docker login ghcr.io"),
        ("docker.io", "docker login"),
        ("registry-1.docker.io", "docker login"),
        ("mydocker.io", "docker login mydocker.io"),
    ],
)
def test_the_login_names_the_registry(registry: str, login: str) -> None:
    """Docker Hub is the one that docker logs in to by default."""
    assert with_login(f"{LOGIN} first", registry) == f"run `{login}` first"
    assert with_login("try again", registry) == "try again"
