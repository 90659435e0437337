"""`inspect_builder`: the builder of this machine, from what docker and buildx print about it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

import attrs

from faas_cache.model.builders import Builder, embedded_buildkit
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import BuilderError
from faas_cache.model.text import first_line, printable
from faas_cache.model.versions import at_least
from faas_cache.runner.credentials import registries_with_credentials
from faas_cache.runner.processes import Answer, ProgramNotFound, ask, ask_all
from faas_cache.runner.records import parse_json, text_at
from faas_cache.runner.stop import Stop

__all__ = ["INSPECTION_TIMEOUT", "Node", "has_builder", "inspect_builder", "parse_nodes"]

# How long docker and buildx may take to describe a builder, in seconds.
INSPECTION_TIMEOUT = 30.0
# The questions that describe a builder, asked at the same time.
_QUESTIONS: dict[str, tuple[str, ...]] = {
    "version": ("docker", "version", "--format", "{{json .}}"),
    "info": ("docker", "info", "--format", "{{json .DriverStatus}}"),
    "buildx": ("docker", "buildx", "version"),
    "inspect": ("docker", "buildx", "inspect"),
}
_BUILDX_VERSION = re.compile(r"^\S*docker/buildx (?P<value>\S+)", re.MULTILINE)
# What podman prints as `docker buildx version`: podman 5, and podman 4 or its script `docker`.
_BUILDAH_VERSION = re.compile(r"^buildah (?P<value>\S+)", re.MULTILINE)
_PODMAN = re.compile(r"`podman buildx|Emulate Docker CLI using podman")
_CONTAINERD = "io.containerd.snapshotter.v1"
# A builder of these drivers that does not run is started by the first build.
_STARTED_ON_DEMAND = frozenset({"docker-container", "kubernetes"})
# The answer of a cluster without a builder, which the first build starts.
_NO_POD = re.compile(r"no (?:running )?buildkit pods? found|no builder pods are running")
# What docker and buildx print before an error.
_WARNINGS = ("WARNING: ", "time=")
_NO_BUILDER = re.compile(r"no builder .* found")
_NO_BUILDX = re.compile(r"'buildx' is not a docker command|unknown command: docker buildx")


@attrs.frozen(kw_only=True)
class Node:
    """One node of a buildx builder; `error` is why it cannot be used, empty if it can."""

    name: str = ""
    endpoint: str = ""
    status: str = ""
    error: str = ""
    buildkit: str | None = None
    platforms: str = ""


def inspect_builder(
    *,
    environ: Mapping[str, str] | None = None,
    builder: str | None = None,
    timeout: float = INSPECTION_TIMEOUT,
    stop: Stop | None = None,
) -> Builder:
    """Describes the buildx builder of that name, else the current one (`BUILDX_BUILDER` counts).

    `timeout` is in seconds and holds for each of the questions, which are asked at the same time.
    Returns a `Builder` without docker where `docker` is not installed; raises `BuilderError` where
    the builder does not exist or does not respond.
    """
    questions = _QUESTIONS | {"inspect": (*_QUESTIONS["inspect"], *((builder,) if builder else ()))}
    try:
        answers = ask_all(questions, environ=environ, timeout=timeout, stop=stop)
    except ProgramNotFound:
        return Builder()
    versions = parse_json(answers["version"].stdout)
    client, server = (text_at(versions, side, "Version") for side in ("Client", "Server"))
    _check_is_docker(answers["buildx"], client)
    buildx = _search(_BUILDX_VERSION, answers["buildx"].stdout)
    fields, nodes = _parse_inspect(answers["inspect"].stdout)
    asked = builder or (os.environ if environ is None else environ).get("BUILDX_BUILDER", "")
    if not server and (fields.get("Driver") == "docker" or not (asked or fields.get("Driver"))):
        raise BuilderError(_no_daemon(answers["version"]))
    name = asked or fields.get("Name", "default")
    if buildx is not None or asked:
        _check_exists(name, answers["inspect"])
        _check_responds(name, answers["inspect"], fields, nodes)
    context = text_at(versions, "Client", "Context")
    if fields.get("Driver") == "docker" and context and asked not in ("", "default", context):
        raise BuilderError(_is_context(asked))
    if fields.get("Driver") == "kubernetes" and all(node.status == "inactive" for node in nodes):
        usage = ("docker", "buildx", "du", "--builder", name)
        _check_cluster(name, ask(usage, environ=environ, timeout=timeout, stop=stop))
    described = _described(client, server, buildx, answers, fields, nodes)
    registries = registries_with_credentials(os.environ if environ is None else environ)
    return attrs.evolve(described, registries=registries)


def _described(  # noqa: PLR0913  # the parts of a builder
    client: str,
    server: str,
    buildx: str | None,
    answers: Mapping[str, Answer],
    fields: Mapping[str, str],
    nodes: tuple[Node, ...],
) -> Builder:
    """The builder; its BuildKit version is that of the engine, not of the client."""
    driver = fields.get("Driver") or "docker"
    buildkit = next((node.buildkit for node in nodes if node.buildkit), None)
    unknown = not at_least(buildkit, "0", unknown=False)
    if driver == "docker" and unknown and server != client:
        buildkit = embedded_buildkit(server) or buildkit
    return Builder(
        docker=client,
        buildx=buildx,
        buildkit=buildkit,
        driver=driver,
        name=fields.get("Name", ""),
        containerd_store=_CONTAINERD in answers["info"].stdout,
        nodes=tuple(node.name for node in nodes) if len(nodes) > 1 else (),
        node_platforms=tuple(node.platforms for node in nodes) if len(nodes) > 1 else (),
        silent_nodes=tuple(node.name for node in nodes if _words_of(node, driver)),
        daemon_error="" if server else _words_of_daemon(answers["version"]),
    )


def has_builder(
    name: str,
    *,
    environ: Mapping[str, str] | None = None,
    timeout: float = INSPECTION_TIMEOUT,
    stop: Stop | None = None,
) -> bool:
    """Whether buildx has a builder of that name; `False` without an answer in time, too."""
    argv = ("docker", "buildx", "inspect", name)
    try:
        return ask(argv, environ=environ, timeout=timeout, stop=stop).ok
    except BuilderError:
        return False


def parse_nodes(text: str) -> tuple[Node, ...]:
    """The nodes in what `docker buildx inspect` prints."""
    return _parse_inspect(text)[1]


def _parse_inspect(text: str) -> tuple[dict[str, str], tuple[Node, ...]]:
    """The fields of a builder, and its nodes."""
    head, _, body = text.partition("\nNodes:")
    nodes: list[dict[str, str]] = []
    for key, value in _fields(body):
        if key == "Name" or not nodes:
            nodes.append({})
        nodes[-1].setdefault(key, value)
    return dict(_fields(head)), tuple(
        Node(
            name=node.get("Name", ""),
            endpoint=node.get("Endpoint", ""),
            status=node.get("Status", ""),
            error=node.get("Error", ""),
            buildkit=node.get("BuildKit version") or node.get("Buildkit") or node.get("BuildKit"),
            platforms=node.get("Platforms", "").replace(" ", ""),
        )
        for node in nodes
    )


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """The `Key: value` lines; indented ones belong to lists that are not read."""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and not line[:1].isspace():
            yield key, value.strip()


def _check_is_docker(buildx: Answer, client: str) -> None:
    """Raises for podman under the name of docker."""
    if buildah := _search(_BUILDAH_VERSION, buildx.stdout):
        raise BuilderError(_is_podman(f"podman (buildah {printable(buildah)})"))
    if _PODMAN.search(buildx.stderr):
        raise BuilderError(_is_podman(f"podman {printable(client)}".rstrip()))


def _check_cluster(name: str, answer: Answer) -> None:
    """Raises if the cluster of a builder that does not run yet does not respond.

    `docker buildx inspect` says the same of a cluster without the builder and of a dead one.
    """
    if not answer.ok and not _NO_POD.search(answer.stderr):
        raise BuilderError(_does_not_respond(name, _words_in(answer)))


def _check_exists(name: str, answer: Answer) -> None:
    """Raises if buildx has no builder of that name, or is not installed."""
    if _NO_BUILDER.search(answer.stderr) or _NO_BUILDX.search(answer.stderr):
        raise BuilderError(_no_builder(name))


def _check_responds(
    name: str, answer: Answer, fields: Mapping[str, str], nodes: tuple[Node, ...]
) -> None:
    """Raises if buildx could not describe the builder, or no node responds.

    A node that the first build starts is not expected to.
    """
    if not answer.ok or fields.get("Error"):
        words = answer.problem or fields.get("Error") or _words_in(answer)
        raise BuilderError(_does_not_respond(name, words))
    silent = [_words_of(node, fields.get("Driver", "")) for node in nodes]
    if silent and all(silent):
        raise BuilderError(_does_not_respond(name, silent[0]))


def _words_of(node: Node, driver: str) -> str:
    """Why a node cannot be used; empty if nothing is known against it."""
    silent = node.status == "inactive" and driver not in _STARTED_ON_DEMAND
    return node.error or (f"node `{node.name}` is inactive" if silent else "")


def _words_in(answer: Answer) -> str:
    """Why there was no answer: the first line that is an error and not a warning before it."""
    lines = filter(str.strip, answer.stderr.splitlines())
    errors = (line for line in lines if not line.startswith(_WARNINGS))
    return answer.problem or first_line(next(errors, answer.stderr))


def _search(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match["value"] if match else None


# The errors, each with one sentence.

_LIST_BUILDERS = "run `docker buildx ls` to list the builders and their nodes"


def _no_builder(name: str) -> Diagnostic:
    return Diagnostic(
        name="unknown-builder",
        message=f"no builder named `{printable(name)}`",
        hint="run `docker buildx ls` to list the builders, or unset BUILDX_BUILDER",
    )


def _is_context(name: str) -> Diagnostic:
    name = printable(name)
    return Diagnostic(
        name="unknown-builder",
        message=f"`{name}` is a Docker context, not a builder",
        hint=f"set `DOCKER_CONTEXT={name}`, or name a builder of `docker buildx ls`",
    )


def _does_not_respond(name: str, words: str) -> Diagnostic:
    words = first_line(words.removeprefix("ERROR: "))
    return Diagnostic(
        name="daemon-unreachable",
        message=f"the builder `{printable(name)}` does not respond"
        + (f": {words}" if words else ""),
        hint=_LIST_BUILDERS,
    )


def _words_of_daemon(answer: Answer) -> str:
    """Why `docker version` failed; empty if it did not."""
    return "" if answer.ok else _words_in(answer) or f"exit code {answer.exit_code}"


def _no_daemon(answer: Answer) -> Diagnostic:
    words = _words_in(answer)
    return Diagnostic(
        name="daemon-unreachable",
        message="cannot connect to the Docker daemon" + (f": {words}" if words else ""),
        hint=(
            "start it (`sudo systemctl start docker`, or Docker Desktop),"
            " or check DOCKER_HOST and `docker context ls`"
        ),
    )


def _is_podman(program: str) -> Diagnostic:
    return Diagnostic(
        name="docker-not-found",
        message=f"`docker` on PATH is {program}, not Docker",
        hint="install Docker, or put its `docker` before podman's on PATH",
    )
