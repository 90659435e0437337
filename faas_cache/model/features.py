"""The features that a plan can need, and what it means that a builder lacks one (rules F1, F2, F5).

There is one sentence for each feature and each situation in which it is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from faas_cache.model.backends import BACKENDS
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.frozen_map import EMPTY

__all__ = [
    "BUILDKIT",
    "BUILDX",
    "CACHE_EXPORT",
    "FEATURES",
    "MULTIPLE_EXPORTS",
    "MULTI_PLATFORM",
    "Situation",
    "create_builder",
    "describe_missing",
    "function_names",
]

# F1: each cache backend is a feature too.
BUILDKIT, BUILDX, CACHE_EXPORT = "buildkit", "buildx", "cache-export"
MULTIPLE_EXPORTS, MULTI_PLATFORM = "multiple-exports", "multi-platform"
FEATURES: frozenset[str] = frozenset(
    {BUILDKIT, BUILDX, CACHE_EXPORT, MULTIPLE_EXPORTS, MULTI_PLATFORM, *BACKENDS}
)

Situation: TypeAlias = Literal[
    "not inspected",
    "declared",
    "no buildx",
    "no buildx to publish",
    "old BuildKit",
    "docker driver",
    "classic image store",
    "other driver",
]

# More names of functions than this are counted in a message.
_MAX_NAMES = 10
_BACKEND = "backend"  # any cache backend, as a key of the table
_CACHES_URL = "https://docs.docker.com/build/cache/backends/"
_BUILDX_URL = "https://docs.docker.com/build/install-buildx/"
_STORE_URL = "https://docs.docker.com/engine/storage/containerd/"


# How Docker gets the containerd image store.
_STORE = (
    'enable the containerd image store (`{"features": {"containerd-snapshotter": true}}` in '
    "`/etc/docker/daemon.json`, and a restart of Docker)"
)


class _Sentence(NamedTuple):
    """What a missing feature means in one situation, and what to do: templates of `str.format`.

    An empty `url` means that of the diagnostic's name.
    """

    message: str
    hint: str
    url: str = ""
    name: str = "missing-feature"


# For a pair of a plan and a builder that this package does not make.
_OTHER = _Sentence(
    "the builder does not support `{need}`, needed by {functions}", "use another builder"
)
_SENTENCES: dict[tuple[str, Situation], _Sentence] = {
    (MULTI_PLATFORM, "not inspected"): _Sentence(
        "the image of {functions} has several platforms and is not pushed, "
        "which few builders support",
        "push the image with `--push`, or write it elsewhere with `--builder-flag=--output=…`",
        name="multi-platform-output",
    ),
    (BUILDX, "no buildx"): _Sentence(
        "buildx is not installed, but required for the cache of {functions}",
        "install the package `docker-buildx-plugin` (Docker) or `docker-buildx` (Debian), "
        "only import the cache with `--no-cache-export`, "
        "or build without a cache with `--no-build-cache`",
        _BUILDX_URL,
    ),
    (BUILDX, "no buildx to publish"): _Sentence(
        "buildx is not installed, but required to publish {functions}",
        "install the package `docker-buildx-plugin` (Docker) or `docker-buildx` (Debian), "
        "or build for the platform of this machine with `faas-cache build --push`",
        _BUILDX_URL,
    ),
    (BUILDKIT, "no buildx"): _Sentence(
        "buildx is not installed, but docker {docker} requires it for the cache of {functions}",
        "install the package `docker-buildx-plugin` (Docker) or `docker-buildx` (Debian), or build "
        "without a cache with `--no-build-cache` (`--no-cache-export` is not enough)",
        _BUILDX_URL,
    ),
    (MULTI_PLATFORM, "no buildx"): _Sentence(
        "buildx is not installed, but required for the platforms of {functions}",
        "install the package `docker-buildx-plugin` (Docker) or `docker-buildx` (Debian), "
        "or build for one platform without `--push`",
        _BUILDX_URL,
        name="multi-platform-output",
    ),
    (CACHE_EXPORT, "classic image store"): _Sentence(
        "Docker cannot export the cache of {functions} with its classic image store",
        "write `build_cache: inline`, {store}, create another builder with `{create}`, "
        "only import the cache with `--no-cache-export`, "
        "or build without a cache with `--no-build-cache`",
        _STORE_URL,
    ),
    (MULTI_PLATFORM, "classic image store"): _Sentence(
        "Docker cannot store {functions} for several platforms with its classic image store",
        "push the image with `--push`, or {store}",
        _STORE_URL,
        name="multi-platform-output",
    ),
    (MULTI_PLATFORM, "other driver"): _Sentence(
        "a builder with the driver `{driver}` cannot load {functions} for several platforms",
        "push the image with `--push`, or write it elsewhere with `--builder-flag=--output=…`",
        name="multi-platform-output",
    ),
    (MULTIPLE_EXPORTS, "old BuildKit"): _Sentence(
        "BuildKit {buildkit} supports one cache export per build, but {functions} needs several",
        "upgrade to BuildKit 0.11 or Docker 24, set the build argument `BUILDKIT_INLINE_CACHE` "
        "to `0` (the inline cache counts as an export), "
        "only import the cache with `--no-cache-export`, "
        "or build without a cache with `--no-build-cache`",
        f"{_CACHES_URL}#multiple-caches",
    ),
    (_BACKEND, "old BuildKit"): _Sentence(
        "BuildKit {buildkit} does not support `type={need}` caches, needed by {functions}",
        "upgrade to BuildKit {required} or later, leave out an export with `--no-cache-export`, "
        "or build without a cache with `--no-build-cache`",
        _CACHES_URL,
    ),
    (_BACKEND, "classic image store"): _Sentence(
        "Docker does not support `type={need}` caches with its classic image store, "
        "needed by {functions}",
        "{store}, create another builder with `{create}`, "
        "leave out an export with `--no-cache-export`, "
        "or build without a cache with `--no-build-cache`",
        _STORE_URL,
    ),
    (_BACKEND, "docker driver"): _Sentence(
        "the driver `docker` does not support `type={need}` caches, needed by {functions}",
        "create another builder with `{create}`, "
        "leave out an export with `--no-cache-export`, "
        "or build without a cache with `--no-build-cache`",
        _CACHES_URL,
    ),
    (CACHE_EXPORT, "declared"): _Sentence(
        "`{program}` cannot export the cache of {functions}",
        "use another builder, only import the cache with `--no-cache-export`, "
        "or build without a cache with `--no-build-cache`",
        _CACHES_URL,
    ),
    (MULTIPLE_EXPORTS, "declared"): _Sentence(
        "`{program}` supports one cache export per build, but {functions} needs several",
        "remove all but one, only import the cache with `--no-cache-export`, "
        "or build without a cache with `--no-build-cache`",
        _CACHES_URL,
    ),
    (MULTI_PLATFORM, "declared"): _Sentence(
        "`{program}` cannot store {functions} for several platforms",
        "push the image with `--push`, or build for one platform",
        name="multi-platform-output",
    ),
    (BUILDX, "declared"): _Sentence(
        "`{program}` has no buildx, which is required for the cache of {functions}",
        "use another builder, only import the cache with `--no-cache-export`, "
        "or build without a cache with `--no-build-cache`",
        _BUILDX_URL,
    ),
    (BUILDKIT, "declared"): _Sentence(
        "`{program}` has no BuildKit, which is required for the cache of {functions}",
        "use another builder, or build without a cache with `--no-build-cache` "
        "(`--no-cache-export` is not enough)",
    ),
    (_BACKEND, "declared"): _Sentence(
        "`{program}` does not support `type={need}` caches, needed by {functions}",
        "use another builder, leave out an export with `--no-cache-export`, "
        "or build without a cache with `--no-build-cache`",
        _CACHES_URL,
    ),
}


def create_builder(environ: Mapping[str, str] = EMPTY) -> str:
    """The command that creates a builder; buildx reads no TLS settings from the environment.

    >>> create_builder()
    'docker buildx create --driver docker-container --use'
    """
    command = "docker buildx create --driver docker-container --use"
    tls = environ.get("DOCKER_TLS_VERIFY")
    return f"docker context create tls && {command} tls" if tls else command


def describe_missing(
    need: str,
    situation: Situation,
    functions: Sequence[str],
    environ: Mapping[str, str] = EMPTY,
    **values: str,
) -> Diagnostic:
    """The error that the functions need a feature that the builder lacks.

    `values` are what the sentences mention: `program`, `docker`, `driver` and `buildkit`. Of
    `environ`, `DOCKER_TLS_VERIFY` is read.

    >>> describe_missing("cache-export", "declared", ["fn"], program="kaniko").message
    '`kaniko` cannot export the cache of `fn`'
    """
    backend = BACKENDS.get(need)
    sentence = _SENTENCES.get((_BACKEND if backend else need, situation), _OTHER)
    values |= {
        "need": need,
        "functions": function_names(functions),
        "required": backend.buildkit if backend else "",
        "store": _STORE,
        "create": create_builder(environ),
    }
    return Diagnostic(
        name=sentence.name,
        message=sentence.message.format(**values),
        hint=sentence.hint.format(**values),
        url=sentence.url or None,
    )


def function_names(functions: Sequence[str]) -> str:
    """The names of functions as a list; long lists are cut."""
    shown = ", ".join(f"`{name}`" for name in functions[:_MAX_NAMES])
    more = len(functions) - _MAX_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
