"""The sentences shown for a failure, one written for each step and cause: a table only."""

from __future__ import annotations

from faas_cache.buildkit.cache_sentences import (
    CACHE_SENTENCES,
    CACHE_URL,
    DAEMON_URL,
    LIMIT_URL,
    LOGIN,
    PRUNE,
    READ,
    WRITE,
)
from faas_cache.buildkit.messages import Sentence
from faas_cache.model.frozen_map import FrozenMap

__all__ = ["PROVENANCE", "SENTENCES"]

# Texts that `advise` removes if the plan has them already.
PROVENANCE = "build with `--provenance=false`"

_LOGIN_URL = "https://docs.docker.com/reference/cli/docker/login/"
_FROM_URL = "https://docs.docker.com/reference/dockerfile/#from"
_DOCKERFILE_URL = "https://docs.docker.com/reference/dockerfile/"
_RUN_URL = "https://docs.docker.com/reference/dockerfile/#run"
_CONTEXT_URL = "https://docs.docker.com/build/concepts/context/"
_REMOTE_URL = "https://docs.docker.com/build/builders/drivers/remote/"
_BUILDX_URL = "https://docs.docker.com/build/install-buildx/"
_BUILDERS_URL = "https://docs.docker.com/build/builders/"
_BUILD_URL = "https://docs.docker.com/build/"

# By step ("" where it is not known), cause and variant.
SENTENCES: FrozenMap[Sentence] = CACHE_SENTENCES | {
    # The push of the image.
    "image-push refused": Sentence(
        "the registry rejected the manifest of the image",
        f"{PROVENANCE}, or push to another registry",
        _LOGIN_URL,
    ),
    "image-push unauthorized": Sentence(
        "could not push the image: authentication required",
        f"{LOGIN} in the job that pushes, and check the name of the image",
        _LOGIN_URL,
    ),
    "image-push denied": Sentence("could not push the image: access denied", WRITE, _LOGIN_URL),
    "image-push denied immutable": Sentence(
        "could not push the image: its tag is immutable",
        "push another tag, or make the tag mutable",
        _LOGIN_URL,
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
        "try again later",
        LIMIT_URL,
    ),
    "image-push too-large": Sentence(
        "could not push the image: a layer exceeds the size limit of the registry or a proxy",
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
        "could not push the image: it does not exist",
        "build first, with `faas-cache build`, or check the tag",
        "https://docs.docker.com/reference/cli/docker/image/push/",
    ),
    "image-push invalid": Sentence(
        "could not push the image: its name is invalid",
        "correct `image` in the stack file",
        "https://pkg.go.dev/github.com/distribution/reference",
    ),
    "image-push unknown": Sentence(
        "could not push the image (unrecognized error)",
        READ,
        _LOGIN_URL,
    ),
    # The base image.
    "base-image missing": Sentence(
        "the base image does not exist",
        "check the name and the tag in `FROM`, and that the image exists for this platform",
        _FROM_URL,
    ),
    "base-image unauthorized": Sentence(
        "could not pull the base image: authentication required, or it does not exist",
        f"check the name in `FROM`, and {LOGIN} in the job that builds",
        _FROM_URL,
    ),
    "base-image denied": Sentence(
        "could not pull the base image: access denied",
        "use credentials that may read this repository",
        _FROM_URL,
    ),
    "base-image rate-limited": Sentence(
        "could not pull the base image: too many requests",
        "try again later; log in to raise the limit",
        LIMIT_URL,
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
        "could not pull the base image: no space left on device", PRUNE, DAEMON_URL
    ),
    "base-image unknown": Sentence(
        "could not pull the base image (unrecognized error)",
        READ,
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
        "could not read the build context: network error", "try again", _CONTEXT_URL
    ),
    "dockerfile denied": Sentence(
        "could not read the build context: permission denied",
        "make the files of the context readable",
        _CONTEXT_URL,
    ),
    "dockerfile disk-full": Sentence(
        "could not read the build context: no space left on device", PRUNE, DAEMON_URL
    ),
    "dockerfile unknown": Sentence(
        "could not read the Dockerfile or the build context (unrecognized error)",
        READ,
        _CONTEXT_URL,
    ),
    # A step of the Dockerfile.
    "build-step failed": Sentence(
        "a command of the Dockerfile failed",
        "read the output of the command in the log, and correct it",
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
        "a step of the Dockerfile failed: no space left on device", PRUNE, DAEMON_URL
    ),
    "build-step unreachable": Sentence(
        "a step of the Dockerfile failed: network error",
        "check that the address is reachable from the builder, and try again",
        _RUN_URL,
    ),
    "build-step unknown": Sentence(
        "a step of the Dockerfile failed (unrecognized error)",
        READ,
        _RUN_URL,
    ),
    # Entries.
    "entry invalid": Sentence(
        "the builder rejected a cache entry",
        "run `faas-cache check`, which names the entry and shows what to write",
        CACHE_URL,
    ),
    # The front end.
    "front-end missing": Sentence(
        "docker or its buildx plugin is not installed",
        "install docker and its plugin buildx; `faas-cache doctor` shows what is installed",
        _BUILDX_URL,
    ),
    "front-end missing builder": Sentence(
        "the builder does not exist",
        "create it with `docker buildx create`, or check `--builder`, BUILDX_BUILDER and"
        " DOCKER_CONTEXT; `docker buildx ls` lists the builders",
        _BUILDERS_URL,
    ),
    "front-end missing context": Sentence(
        "the Docker context does not exist",
        "check DOCKER_CONTEXT; `docker context ls` lists the contexts",
        "https://docs.docker.com/engine/manage-resources/contexts/",
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
    "front-end unsupported tls": Sentence(
        "could not create a builder: buildx does not read TLS settings from the environment",
        "run `docker context create ci && docker buildx create --driver docker-container --use ci`",
        _BUILDERS_URL,
    ),
    "front-end invalid context": Sentence(
        "the name given as builder is a docker context",
        "set DOCKER_CONTEXT to it, or create a builder for it with `docker buildx create`",
        _BUILDERS_URL,
    ),
    "front-end invalid address": Sentence(
        "the address of the BuildKit daemon is not valid",
        "write it as `tcp://HOST:PORT` or `unix:///PATH`",
        _REMOTE_URL,
    ),
    # The daemon.
    "daemon unreachable": Sentence(
        "cannot connect to the builder",
        "start it (`sudo systemctl start docker`, or Docker Desktop), or check DOCKER_HOST and"
        " `docker buildx ls`",
        DAEMON_URL,
    ),
    "daemon unreachable address": Sentence(
        "cannot connect to the BuildKit daemon",
        "start it, or check its address: `--addr` or BUILDKIT_HOST for buildctl, `docker buildx ls`"
        " for a builder of buildx",
        _REMOTE_URL,
    ),
    "daemon denied": Sentence(
        "permission denied while connecting to the Docker daemon",
        "add the user to the group `docker`, or use rootless docker",
        DAEMON_URL,
    ),
    "daemon missing": Sentence(
        "the builder has lost a layer of the base image",
        "restart the builder: pruning its cache is not enough",
        DAEMON_URL,
    ),
    "daemon disk-full": Sentence("no space left on the disk of the builder", PRUNE, DAEMON_URL),
    "daemon unknown": Sentence(
        "the builder failed (unrecognized error)",
        "read the error message of the builder, and its log",
        DAEMON_URL,
    ),
    # Errors whose step is not known.
    " unauthorized": Sentence(
        "a registry or a service requires authentication",
        f"{LOGIN} in the job that builds",
        _LOGIN_URL,
    ),
    " denied": Sentence(
        "a registry or a service denied access", "use credentials that have access", _LOGIN_URL
    ),
    " unreachable": Sentence(
        "a registry or a service cannot be reached",
        "check that the address is reachable from the builder, and try again",
        _BUILD_URL,
    ),
    " timeout": Sentence("a registry or a service timed out", "try again", _BUILD_URL),
    " rate-limited": Sentence(
        "a registry or a service received too many requests", "try again later", LIMIT_URL
    ),
    " missing": Sentence(
        "something that the build needs does not exist",
        "check the name that the builder shows",
        _BUILD_URL,
    ),
    " invalid": Sentence(
        "the builder rejected a name or a value",
        "correct the value that the builder names",
        _BUILD_URL,
    ),
    " disk-full": Sentence("no space left on device", PRUNE, DAEMON_URL),
    " unknown": Sentence("the build failed (unrecognized error)", READ, _BUILD_URL),
}
