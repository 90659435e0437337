"""The sentences shown for a failure, one written for each step and cause: a table only."""

from __future__ import annotations

import attrs

from faas_cache.model.frozen_map import FrozenMap

__all__ = ["SENTENCES", "Sentence"]

_CACHE_URL = "https://docs.docker.com/build/cache/backends/"
_REGISTRY = f"{_CACHE_URL}registry/"
_LOGIN_URL = "https://docs.docker.com/reference/cli/docker/login/"
_FROM_URL = "https://docs.docker.com/reference/dockerfile/#from"
_DOCKERFILE_URL = "https://docs.docker.com/reference/dockerfile/"
_RUN_URL = "https://docs.docker.com/reference/dockerfile/#run"
_CONTEXT_URL = "https://docs.docker.com/build/concepts/context/"
_BUILDX_URL = "https://docs.docker.com/build/install-buildx/"
_BUILDERS_URL = "https://docs.docker.com/build/builders/"
_DAEMON_URL = "https://docs.docker.com/engine/daemon/troubleshoot/"
_BUILD_URL = "https://docs.docker.com/build/"
_LIMIT_URL = "https://docs.docker.com/docker-hub/usage/"

_LOGIN = "run `docker login` for this registry in the job that builds, and check the name"
_WRITE = "use credentials that may write to this repository, and a tag that is not immutable"
_NO_EXPORT = "build with `--no-cache-export` to use the cache without writing it"
_IGNORE = "pass `--ignore-cache-errors` to let such a build pass"
_PRUNE = "free disk space where the daemon keeps its data: `docker builder prune`"


@attrs.frozen
class Sentence:
    """What is shown for a failure: a message (`{cache}` stands for the caches), how to fix it, and a page to read."""

    message: str
    fix: str
    url: str


# By step ("" where it is not known), cause and variant.
SENTENCES: FrozenMap[Sentence] = FrozenMap(
    {
        # The export of a cache.
        "cache-export refused": Sentence(
            "the registry rejected the cache manifest",
            "write `image-manifest=true,oci-mediatypes=true` into the `to` entry (BuildKit 0.12 or newer),"
            f" or keep the cache in another registry; {_IGNORE}",
            _REGISTRY,
        ),
        "cache-export refused image-manifest": Sentence(
            "the registry rejected the cache manifest, although it has the form of an image",
            f"keep the cache in another registry; {_IGNORE}",
            _REGISTRY,
        ),
        "cache-export refused service": Sentence(
            "the cache service refused to store the cache",
            "add `ignore-error=true` to the `to` entry to let such a build pass",
            f"{_CACHE_URL}gha/",
        ),
        "cache-export unauthorized": Sentence(
            "could not export the cache: authentication required",
            f"{_LOGIN}; a token may also have expired during a long build; {_NO_EXPORT}",
            _REGISTRY,
        ),
        "cache-export denied": Sentence(
            "could not export the cache: access denied", f"{_WRITE}; {_NO_EXPORT}", _REGISTRY
        ),
        "cache-export unreachable": Sentence(
            "could not export the cache: its registry or service cannot be reached",
            f"check that the address is reachable from the builder, and try again; {_IGNORE}",
            _REGISTRY,
        ),
        "cache-export unreachable late": Sentence(
            "the builder did not accept the build in time, probably because a cache service does not answer",
            "check that the cache service is reachable from the builder, and try again",
            _CACHE_URL,
        ),
        "cache-export timeout": Sentence(
            "could not export the cache: its registry or service timed out",
            f"try again; {_IGNORE}",
            _REGISTRY,
        ),
        "cache-export rate-limited": Sentence(
            "could not export the cache: too many requests",
            f"try again later, or build fewer functions at once; {_IGNORE}",
            _REGISTRY,
        ),
        "cache-export too-large": Sentence(
            "could not export the cache: a layer exceeds the size limit of the registry or of a proxy",
            "raise the limit for request bodies in the proxy in front of the registry",
            _REGISTRY,
        ),
        "cache-export conflict": Sentence(
            "could not export the cache: another job writes the same cache",
            "give each job a cache of its own (`--cache-scope`), or let only one job export it",
            _REGISTRY,
        ),
        "cache-export unsupported": Sentence(
            "this builder cannot export the cache",
            "turn on the containerd image store, or create a builder with `docker buildx create"
            f" --driver docker-container`; {_NO_EXPORT}",
            "https://docs.docker.com/go/build-cache-backends/",
        ),
        "cache-export unsupported backend": Sentence(
            "this builder does not support this cache backend",
            "create a builder with `docker buildx create --driver docker-container`, or use another"
            " type in the `to` entry",
            "https://docs.docker.com/go/build-cache-backends/",
        ),
        "cache-export unsupported several": Sentence(
            "this builder cannot export several caches at once",
            "keep one `to` entry, or use BuildKit 0.11 or newer",
            _CACHE_URL,
        ),
        "cache-export missing": Sentence(
            "could not export the cache: the repository or bucket does not exist",
            "create it first: some registries do not create repositories on push",
            _REGISTRY,
        ),
        "cache-export invalid": Sentence(
            "could not export the cache: its name or destination is invalid",
            "correct the destination in the `to` entry",
            _CACHE_URL,
        ),
        "cache-export disk-full": Sentence(
            "could not export the cache: no space left on device", _PRUNE, _DAEMON_URL
        ),
        "cache-export unknown": Sentence(
            "could not export the cache (unrecognized error)",
            f"read the error of the builder; {_IGNORE}",
            _REGISTRY,
        ),
        # The import of a cache: none of these fails a build, but `broken` does.
        "cache-import missing": Sentence(
            "no cache found at {cache}",
            "ignore this in the first build; later, compare `from` with what `to` writes",
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
            "could not read a layer of the cache {cache}: the connection failed",
            "try again, or build once with `--no-build-cache`",
            _REGISTRY,
        ),
        "cache-import unauthorized": Sentence(
            "could not import the cache {cache}: authentication required", _LOGIN, _REGISTRY
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
            "log in to raise the limit, or build fewer functions at once",
            _LIMIT_URL,
        ),
        "cache-import unsupported": Sentence(
            "this builder cannot import the cache {cache}",
            "create a builder with `docker buildx create --driver docker-container`, or use another"
            " type in the `from` entry",
            _CACHE_URL,
        ),
        "cache-import invalid": Sentence(
            "could not import the cache {cache}: the reference or the cache is invalid",
            "correct the `from` entry; `faas-cache check` shows what to write",
            _CACHE_URL,
        ),
        "cache-import disk-full": Sentence(
            "could not import the cache {cache}: no space left on device", _PRUNE, _DAEMON_URL
        ),
        "cache-import unknown": Sentence(
            "could not import the cache {cache} (unrecognized error)",
            "read the error of the builder",
            _REGISTRY,
        ),
        # The push of the image.
        "image-push refused": Sentence(
            "the registry rejected the manifest of the image",
            "build with `--provenance=false`, or push to another registry",
            _LOGIN_URL,
        ),
        "image-push unauthorized": Sentence(
            "could not push the image: authentication required", _LOGIN, _LOGIN_URL
        ),
        "image-push denied": Sentence(
            "could not push the image: access denied", _WRITE, _LOGIN_URL
        ),
        "image-push unreachable": Sentence(
            "could not push the image: the registry cannot be reached",
            "check that the registry is reachable from the builder, and try again",
            _LOGIN_URL,
        ),
        "image-push timeout": Sentence(
            "could not push the image: the registry timed out", "try again", _LOGIN_URL
        ),
        "image-push rate-limited": Sentence(
            "could not push the image: too many requests",
            "try again later, or push fewer functions at once",
            _LIMIT_URL,
        ),
        "image-push too-large": Sentence(
            "could not push the image: a layer exceeds the size limit of the registry or of a proxy",
            "raise the limit for request bodies in the proxy in front of the registry",
            _LOGIN_URL,
        ),
        "image-push conflict": Sentence(
            "could not push the image: another job pushes the same tag",
            "let only one job push this tag, and try again",
            _LOGIN_URL,
        ),
        "image-push missing": Sentence(
            "could not push the image: the repository does not exist",
            "create the repository first: some registries do not create it on push",
            _LOGIN_URL,
        ),
        "image-push missing local": Sentence(
            "there is no image to push", "build the image first: `faas-cache build`", _LOGIN_URL
        ),
        "image-push invalid": Sentence(
            "could not push the image: its name is invalid",
            "correct `image` in the stack file",
            "https://pkg.go.dev/github.com/distribution/reference",
        ),
        "image-push disk-full": Sentence(
            "could not push the image: no space left on device", _PRUNE, _DAEMON_URL
        ),
        "image-push unknown": Sentence(
            "could not push the image (unrecognized error)",
            "read the error of the builder",
            _LOGIN_URL,
        ),
        # The base image.
        "base-image missing": Sentence(
            "the base image does not exist",
            "check the name and the tag in `FROM`, and that the image exists for this platform",
            _FROM_URL,
        ),
        "base-image unauthorized": Sentence(
            "could not pull the base image: authentication required", _LOGIN, _FROM_URL
        ),
        "base-image denied": Sentence(
            "could not pull the base image: access denied",
            "use credentials that may read this repository",
            _FROM_URL,
        ),
        "base-image rate-limited": Sentence(
            "could not pull the base image: too many requests",
            "log in to raise the limit, or try again later",
            _LIMIT_URL,
        ),
        "base-image unreachable": Sentence(
            "could not pull the base image: the registry cannot be reached",
            "check that the registry is reachable from the builder, and try again",
            _FROM_URL,
        ),
        "base-image timeout": Sentence(
            "could not pull the base image: the registry timed out", "try again", _FROM_URL
        ),
        "base-image invalid": Sentence(
            "could not pull the base image: its name is invalid",
            "correct the name in `FROM`",
            _FROM_URL,
        ),
        "base-image disk-full": Sentence(
            "could not pull the base image: no space left on device", _PRUNE, _DAEMON_URL
        ),
        "base-image unknown": Sentence(
            "could not pull the base image (unrecognized error)",
            "read the error of the builder",
            _FROM_URL,
        ),
        # The Dockerfile and the context.
        "dockerfile missing": Sentence(
            "the Dockerfile, its target or the build context does not exist",
            "check the path in `handler`, `context` or the template",
            _DOCKERFILE_URL,
        ),
        "dockerfile invalid": Sentence(
            "the Dockerfile is invalid",
            "correct the line that the builder names",
            _DOCKERFILE_URL,
        ),
        "dockerfile unreachable": Sentence(
            "could not read the build context: the connection failed", "try again", _CONTEXT_URL
        ),
        "dockerfile denied": Sentence(
            "could not read the build context: permission denied",
            "make the files of the context readable",
            _CONTEXT_URL,
        ),
        "dockerfile disk-full": Sentence(
            "could not read the build context: no space left on device", _PRUNE, _DAEMON_URL
        ),
        "dockerfile unknown": Sentence(
            "could not read the Dockerfile or the build context (unrecognized error)",
            "read the error of the builder",
            _CONTEXT_URL,
        ),
        # A step of the Dockerfile.
        "build-step failed": Sentence(
            "a command of the Dockerfile failed",
            "read the output of the command, and correct it",
            _RUN_URL,
        ),
        "build-step missing": Sentence(
            "a file that a step of the Dockerfile needs does not exist",
            "check that the file is in the build context, and that no `.dockerignore` excludes it",
            _CONTEXT_URL,
        ),
        "build-step missing secret": Sentence(
            "a secret that a step of the Dockerfile needs was not passed",
            "add the secret to `build_secrets`",
            "https://docs.docker.com/build/building/secrets/",
        ),
        "build-step disk-full": Sentence(
            "a step of the Dockerfile failed: no space left on device", _PRUNE, _DAEMON_URL
        ),
        "build-step unreachable": Sentence(
            "a step of the Dockerfile failed: a connection failed",
            "check that the address is reachable from the builder, and try again",
            _RUN_URL,
        ),
        "build-step unknown": Sentence(
            "a step of the Dockerfile failed (unrecognized error)",
            "read the error of the builder",
            _RUN_URL,
        ),
        # Entries.
        "entry invalid": Sentence(
            "the builder rejected a cache entry",
            "run `faas-cache check`, which names the entry and shows what to write",
            _CACHE_URL,
        ),
        # The front end.
        "front-end missing": Sentence(
            "docker or its buildx plugin is not installed",
            "install docker and `docker-buildx-plugin`; `faas-cache doctor` shows what is installed",
            _BUILDX_URL,
        ),
        "front-end missing builder": Sentence(
            "the builder does not exist",
            "create it with `docker buildx create`, or check `--builder`, BUILDX_BUILDER and"
            " DOCKER_CONTEXT; `docker buildx ls` lists the builders",
            _BUILDERS_URL,
        ),
        "front-end missing file": Sentence(
            "a file that the build needs does not exist",
            "check the paths in `build_secrets` and in the builder flags",
            "https://docs.docker.com/build/building/secrets/",
        ),
        "front-end missing ssh": Sentence(
            "no SSH agent is running",
            "start an agent and set SSH_AUTH_SOCK: `eval $(ssh-agent)`",
            "https://docs.docker.com/build/building/secrets/#ssh-mounts",
        ),
        "front-end unsupported": Sentence(
            "this builder does not support an option of the build",
            "run `faas-cache doctor`, which shows what the builder supports",
            _BUILDX_URL,
        ),
        "front-end invalid": Sentence(
            "the builder rejected an argument of the build",
            "correct the argument that the builder names",
            "https://docs.docker.com/reference/cli/docker/buildx/build/",
        ),
        "front-end invalid context": Sentence(
            "the name given as builder is a docker context",
            "select it with `DOCKER_CONTEXT`, or create a builder for it with `docker buildx create`",
            _BUILDERS_URL,
        ),
        # The daemon.
        "daemon unreachable": Sentence(
            "cannot connect to the builder",
            "start it (`sudo systemctl start docker`, or Docker Desktop), or check DOCKER_HOST and"
            " `docker buildx ls`",
            _DAEMON_URL,
        ),
        "daemon timeout": Sentence(
            "the builder did not answer in time",
            "check that it is running: `docker buildx ls`",
            _DAEMON_URL,
        ),
        "daemon denied": Sentence(
            "permission denied while connecting to the Docker daemon",
            "add the user to the group `docker`, or use rootless docker",
            _DAEMON_URL,
        ),
        "daemon missing": Sentence(
            "the builder has lost a layer of the base image",
            "restart the builder: pruning its cache is not enough",
            _DAEMON_URL,
        ),
        "daemon invalid": Sentence(
            "the address of the builder is invalid",
            "correct DOCKER_HOST or the endpoint of the builder",
            _BUILDERS_URL,
        ),
        "daemon disk-full": Sentence(
            "no space left on the disk of the builder", _PRUNE, _DAEMON_URL
        ),
        "daemon unknown": Sentence(
            "the builder failed (unrecognized error)",
            "read the error of the builder, and its log",
            _DAEMON_URL,
        ),
        # Errors whose step is not known.
        " unauthorized": Sentence(
            "a registry or a service requires authentication", _LOGIN, _LOGIN_URL
        ),
        " denied": Sentence(
            "a registry or a service denied access", "use credentials that allow this", _LOGIN_URL
        ),
        " unreachable": Sentence(
            "a registry or a service cannot be reached",
            "check that the address is reachable from the builder, and try again",
            _BUILD_URL,
        ),
        " timeout": Sentence("a registry or a service timed out", "try again", _BUILD_URL),
        " rate-limited": Sentence(
            "a registry or a service received too many requests", "try again later", _LIMIT_URL
        ),
        " missing": Sentence(
            "something that the build needs does not exist",
            "check the name that the builder shows",
            _BUILD_URL,
        ),
        " invalid": Sentence(
            "the builder rejected a name or a value",
            "correct what the builder names",
            _BUILD_URL,
        ),
        " disk-full": Sentence("no space left on device", _PRUNE, _DAEMON_URL),
        " unknown": Sentence(
            "the build failed (unrecognized error)", "read the error of the builder", _BUILD_URL
        ),
    }
)
