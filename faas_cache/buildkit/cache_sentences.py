"""The sentences about the import and the export of a cache: a table only."""

from __future__ import annotations

from faas_cache.buildkit.messages import Sentence
from faas_cache.model.frozen_map import FrozenMap

__all__ = [
    "CACHE_SENTENCES",
    "CACHE_URL",
    "CREATE_BUILDER",
    "DAEMON_URL",
    "IGNORE_FIELD",
    "IGNORE_FLAG",
    "IMAGE_MANIFEST",
    "LIMIT_URL",
    "LOGIN",
    "PRUNE",
    "READ",
    "WRITE",
]

CACHE_URL = "https://docs.docker.com/build/cache/backends/"
_REGISTRY = f"{CACHE_URL}registry/"
DAEMON_URL = "https://docs.docker.com/engine/daemon/troubleshoot/"
LIMIT_URL = "https://docs.docker.com/docker-hub/usage/"

# Texts that `advise` replaces with those for the plan.
LOGIN = "run `docker login` for this registry"
IMAGE_MANIFEST = (
    "write `image-manifest=true,oci-mediatypes=true` into the `to` entry (BuildKit 0.12 or newer)"
)
IGNORE_FLAG = "pass `--ignore-cache-errors` to let such a build pass"
IGNORE_FIELD = "add `ignore-error=true` to the `to` entry to let such a build pass"
CREATE_BUILDER = (
    "create a builder with `docker buildx create --driver docker-container --use` (where"
    " DOCKER_TLS_VERIFY is set, run `docker context create tls` first, and add `tls` at the end)"
)

WRITE = f"{LOGIN} with credentials that may write to the repository"
READ = "read the error message of the builder"
PRUNE = "free disk space where the daemon keeps its data: `docker builder prune`"
_NO_EXPORT = "build with `--no-cache-export` to use the cache without writing it"
_OWN_REPOSITORY = "`build_cache: {mode: max, repository: REGISTRY/NAME}`"
_CREDENTIALS = "check the credentials of the cache service in the entry or in the environment"

# By step, cause and variant: `service` is a cache in S3, Azure or GitHub Actions.
CACHE_SENTENCES: FrozenMap[Sentence] = FrozenMap(
    {
        # The export of a cache.
        "cache-export refused": Sentence(
            "the registry rejected the cache manifest",
            f"{IMAGE_MANIFEST}, or keep the cache in another registry with {_OWN_REPOSITORY};"
            f" {IGNORE_FLAG}",
            _REGISTRY,
        ),
        "cache-export refused image-manifest": Sentence(
            "the registry rejected the cache manifest, although it is an image manifest",
            f"keep the cache in another registry with {_OWN_REPOSITORY}; {IGNORE_FLAG}",
            _REGISTRY,
        ),
        "cache-export refused service": Sentence(
            "the cache service refused to store the cache",
            IGNORE_FIELD,
            f"{CACHE_URL}gha/",
        ),
        "cache-export unauthorized": Sentence(
            "could not export the cache: authentication required",
            f"{LOGIN} in the job that builds (a token may also expire during a long build);"
            f" {_NO_EXPORT}",
            _REGISTRY,
        ),
        "cache-export denied": Sentence(
            "could not export the cache: access denied", f"{WRITE}; {_NO_EXPORT}", _REGISTRY
        ),
        "cache-export denied immutable": Sentence(
            "could not export the cache: its tag is immutable",
            "make the tag mutable, or keep the cache in a repository of its own with"
            f" {_OWN_REPOSITORY}; {_NO_EXPORT}",
            _REGISTRY,
        ),
        "cache-export unreachable": Sentence(
            "could not export the cache: its registry or service cannot be reached",
            f"check that the address is reachable from the builder, and try again; {IGNORE_FLAG}",
            _REGISTRY,
        ),
        "cache-export unreachable service": Sentence(
            "could not export the cache: the cache service cannot be reached",
            f"check that the service is reachable from the builder, and try again; {IGNORE_FIELD}",
            CACHE_URL,
        ),
        "cache-export unreachable unresponsive": Sentence(
            "the builder did not accept the build in time: a cache service may not be responding",
            "check that the cache service is reachable from the builder, and try again",
            CACHE_URL,
        ),
        "cache-export timeout": Sentence(
            "could not export the cache: its registry or service timed out",
            f"try again; {IGNORE_FLAG}",
            _REGISTRY,
        ),
        "cache-export timeout service": Sentence(
            "could not export the cache: the cache service timed out",
            f"try again; {IGNORE_FIELD}",
            CACHE_URL,
        ),
        "cache-export rate-limited": Sentence(
            "could not export the cache: too many requests",
            f"try again later; {IGNORE_FLAG}",
            _REGISTRY,
        ),
        "cache-export rate-limited service": Sentence(
            "could not export the cache: the cache service received too many requests",
            f"try again later; {IGNORE_FIELD}",
            CACHE_URL,
        ),
        "cache-export too-large": Sentence(
            "could not export the cache: a layer exceeds the size limit of the registry or a proxy",
            "raise the limit for request bodies in the proxy in front of the registry",
            _REGISTRY,
        ),
        "cache-export conflict": Sentence(
            "could not export the cache: another job writes the same cache",
            "give each job a cache of its own (`--cache-scope`), or let only one job export it",
            _REGISTRY,
        ),
        "cache-export conflict service": Sentence(
            "could not export the cache: another job writes the same cache",
            "give each job a cache of its own (`scope` or `name` in the entry), or let only one job"
            f" export it; {IGNORE_FIELD}",
            CACHE_URL,
        ),
        "cache-export unsupported": Sentence(
            "this builder cannot export the cache",
            "write `build_cache: inline`; or turn on the containerd image store of Docker with"
            ' `{"features": {"containerd-snapshotter": true}}` in `/etc/docker/daemon.json` and a'
            f" restart of Docker; or {CREATE_BUILDER}; or {_NO_EXPORT}",
            "https://docs.docker.com/go/build-cache-backends/",
        ),
        "cache-export unsupported backend": Sentence(
            "this builder does not support this cache backend",
            f"use another type in the `to` entry, or {CREATE_BUILDER}",
            "https://docs.docker.com/go/build-cache-backends/",
        ),
        "cache-export unsupported several": Sentence(
            "this builder cannot export several caches at once",
            "keep one `to` entry, or use BuildKit 0.11 or newer",
            CACHE_URL,
        ),
        "cache-export missing": Sentence(
            "could not export the cache: the repository or bucket does not exist",
            "create it first: some registries do not create repositories on push",
            _REGISTRY,
        ),
        "cache-export invalid": Sentence(
            "could not export the cache: its name or destination is invalid",
            "correct the destination in the `to` entry",
            CACHE_URL,
        ),
        "cache-export unauthorized service": Sentence(
            "could not export the cache: the cache service rejected the credentials",
            f"{_CREDENTIALS}; {_NO_EXPORT}",
            CACHE_URL,
        ),
        "cache-export denied service": Sentence(
            "could not export the cache: the credentials do not allow writing to the cache service",
            f"use credentials that may write (a pull request from a fork has none); {_NO_EXPORT}",
            CACHE_URL,
        ),
        "cache-export denied local": Sentence(
            "could not write the local cache: permission denied",
            "set `dest` to a writable folder",
            f"{CACHE_URL}local/",
        ),
        "cache-export invalid local": Sentence(
            "could not write the local cache: a part of its path is not a folder",
            "correct `dest` in the `to` entry",
            f"{CACHE_URL}local/",
        ),
        "cache-export missing service": Sentence(
            "could not export the cache: the bucket or container does not exist",
            "create it, or correct its name in the `to` entry",
            CACHE_URL,
        ),
        "cache-export unsupported service": Sentence(
            "this version of BuildKit cannot use the cache service",
            "use BuildKit 0.20 and buildx 0.21, or newer",
            f"{CACHE_URL}gha/",
        ),
        "cache-export disk-full": Sentence(
            "could not export the cache: no space left on device", PRUNE, DAEMON_URL
        ),
        "cache-export unknown": Sentence(
            "could not export the cache (unrecognized error)",
            f"{READ}; {IGNORE_FLAG}",
            _REGISTRY,
        ),
        "cache-export unknown service": Sentence(
            "could not export the cache (unrecognized error)",
            f"{READ}; {IGNORE_FIELD}",
            CACHE_URL,
        ),
        # The import of a cache: none of these fails a build, but `broken` does.
        "cache-import missing": Sentence(
            "no cache found at {cache}",
            "ignore this in the first build; in later builds, compare `from` with `to`",
            _REGISTRY,
        ),
        "cache-import missing broken": Sentence(
            "the cache {cache} lists layers that no longer exist",
            "build once with `--no-cache`, which writes the cache again",
            _REGISTRY,
        ),
        "cache-import timeout broken": Sentence(
            "reading a layer of the cache {cache} timed out",
            "try again, or build once with `--no-build-cache`",
            _REGISTRY,
        ),
        "cache-import unreachable broken": Sentence(
            "could not read a layer of the cache {cache}: network error",
            "try again, or build once with `--no-build-cache`",
            _REGISTRY,
        ),
        "cache-import unauthorized": Sentence(
            "could not import the cache {cache}: authentication required", LOGIN, _REGISTRY
        ),
        "cache-import denied": Sentence(
            "could not import the cache {cache}: access denied",
            "use credentials that may read this repository",
            _REGISTRY,
        ),
        "cache-import unreachable": Sentence(
            "could not import the cache {cache}: its registry or service cannot be reached",
            "check that the address is reachable from the builder",
            _REGISTRY,
        ),
        "cache-import timeout": Sentence(
            "could not import the cache {cache}: its registry or service timed out",
            "check the connection between the builder and the registry",
            _REGISTRY,
        ),
        "cache-import rate-limited": Sentence(
            "could not import the cache {cache}: too many requests",
            "try again later; log in to raise the limit",
            LIMIT_URL,
        ),
        "cache-import unsupported": Sentence(
            "this builder cannot import the cache {cache}",
            f"use another type in the `from` entry, or {CREATE_BUILDER}",
            CACHE_URL,
        ),
        "cache-import unauthorized service": Sentence(
            "could not import the cache {cache}: the cache service rejected the credentials",
            _CREDENTIALS,
            CACHE_URL,
        ),
        "cache-import denied service": Sentence(
            "could not import the cache {cache}: the credentials do not allow reading it",
            _CREDENTIALS,
            CACHE_URL,
        ),
        "cache-import unsupported service": Sentence(
            "this version of BuildKit cannot use the cache service",
            "use BuildKit 0.20 and buildx 0.21, or newer",
            f"{CACHE_URL}gha/",
        ),
        "cache-import invalid": Sentence(
            "could not import the cache {cache}: the reference or the cache is invalid",
            "correct the `from` entry; `faas-cache check` shows what to write",
            CACHE_URL,
        ),
        "cache-import unknown": Sentence(
            "could not import the cache {cache} (unrecognized error)",
            READ,
            _REGISTRY,
        ),
    }
)
