"""The registries that docker's configuration has credentials for; the credentials are not kept.

docker reads `config.json` in `DOCKER_CONFIG`, else in `~/.docker`, and `DOCKER_AUTH_CONFIG`. An
entry under `auths` or `credHelpers` is for one registry. A helper under `credsStore` may know any.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from faas_cache.runner.records import parse_json

__all__ = ["registries_with_credentials"]

# A configuration has some KiB.
_MAX_SIZE = 2**20
# The names under which docker keeps the credentials of Docker Hub.
_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


def registries_with_credentials(environ: Mapping[str, str]) -> frozenset[str] | None:
    """The hosts of these registries; `None` if a helper or an unreadable file leaves it open.

    >>> registries_with_credentials({"DOCKER_CONFIG": "/none", "DOCKER_AUTH_CONFIG": ""})
    frozenset()
    """
    home = environ.get("HOME") or environ.get("USERPROFILE")
    folder = environ.get("DOCKER_CONFIG") or (home and Path(home, ".docker"))
    if not folder:
        return None
    texts = [environ.get("DOCKER_AUTH_CONFIG", "")]
    try:
        with suppress(FileNotFoundError):
            texts.append(_read(Path(folder, "config.json")))
    except (OSError, ValueError):
        return None
    hosts: set[str] = set()
    for text in filter(None, texts):
        config = parse_json(text)
        if not isinstance(config, dict) or config.get("credsStore"):
            return None
        hosts |= set(_hosts(config))
    return frozenset(hosts)


def _read(path: Path) -> str:
    """The text of a regular file, up to a limit; a pipe must not block."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123  # it is open already
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("not a regular file")
        data = file.read(_MAX_SIZE + 1)
    if len(data) > _MAX_SIZE:
        raise ValueError("too large")
    return data.decode()


def _hosts(config: Mapping[str, object]) -> Iterator[str]:
    """The hosts that a configuration has an entry for, which is a host or a URL."""
    for key in ("auths", "credHelpers"):
        entries = config.get(key)
        for name in entries if isinstance(entries, dict) else ():
            host = str(name).partition("://")[2] or str(name)
            host = host.partition("/")[0]
            yield "docker.io" if host in _DOCKER_HUB else host
