"""Public reports of builds that cached nothing, or the wrong thing: what `check` says before they run."""

from __future__ import annotations

from pathlib import Path

import pytest
from stack_files import write_files

from faas_cache import CacheFlags, Project

HEAD = "version: 1.0\nprovider: {name: openfaas}\nfunctions:\n"
SLOW = (
    "FROM base:1\nARG GIT_SHA=unknown\nENV GIT_SHA=${GIT_SHA}\nCOPY requirements.txt /r/\n"
    "RUN echo deps && sleep 1\nCOPY handler.sh /r/\n"
)
COMMIT = """\
  fn:
    lang: dockerfile
    handler: ./fn
    image: ghcr.io/acme/fn:latest
    build_args: {GIT_SHA: "${GIT_SHA}"}
    build_cache: max
"""
SECRET = """\
  fn:
    lang: dockerfile
    handler: ./fn
    image: ghcr.io/acme/fn:${ENV}
    build_secrets: {conf: "./conf.${ENV}"}
"""
TEMPLATE = """\
  slack:
    lang: python3-http
    handler: ./fn
    image: acme/slack:latest
    build_cache: max
    build_args:
      DOCKERFILE: .slack/dockerfile # the path of a Dockerfile
      ADDITIONAL_PACKAGE: "libpq-dev gcc python3-dev"
"""
BOT = "  bot-{0}: {{lang: dockerfile, handler: ./fn, image: ghcr.io/acme/ci:bot-{0}, build_cache: max}}\n"


def findings(folder: Path, *files: str, **environ: str) -> list[tuple[str, str]]:
    """Name and severity of what is found in the stack files of a folder."""
    project = Project.load(*files, root=folder, environ=environ)
    flags = CacheFlags.from_environ(project.environ)
    plan = project.plan(flags=flags)
    return [(d.name, d.severity) for d in plan.diagnostics]


def test_an_argument_with_the_commit_before_slow_steps(tmp_path: Path) -> None:
    """It names the argument and the step; without a value of the variable, that as well."""
    write_files(tmp_path, {"stack.yaml": HEAD + COMMIT, "fn/Dockerfile": SLOW})
    assert findings(tmp_path, GIT_SHA="abc1234") == [("volatile-build-arg", "warning")]
    assert findings(tmp_path) == [("unset-variable", "warning"), ("volatile-build-arg", "warning")]


@pytest.mark.parametrize("setting", ["max", "inline", "{from: [ghcr.io/acme/other:cache]}", "none"])
def test_a_secret_and_a_cache(tmp_path: Path, setting: str) -> None:
    """One warning for each setting that caches, and none without a cache."""
    text = f"{HEAD}{SECRET}    build_cache: {setting}\n"
    write_files(tmp_path, {"stack.yaml": text, "fn/Dockerfile": "FROM a\n"})
    expected = [] if setting == "none" else [("cached-secret", "warning")]
    assert findings(tmp_path, ENV="staging") == expected


def test_an_argument_that_the_template_does_not_read(tmp_path: Path) -> None:
    """A note on that one, and not on the packages of faas-cli."""
    dockerfile = "FROM python:3\nARG ADDITIONAL_PACKAGE\nRUN apk add ${ADDITIONAL_PACKAGE}\n"
    files = {
        "stack.yaml": HEAD + TEMPLATE,
        "template/python3-http/template.yml": "language: python3-http\n",
        "template/python3-http/Dockerfile": dockerfile,
    }
    write_files(tmp_path, files)
    assert findings(tmp_path) == [("unread-build-arg", "note")]


def test_one_repository_for_the_functions_of_many_files(tmp_path: Path) -> None:
    """A note in each file alone, and an error where several are checked together."""
    files = {f"bot-{name}.yml": HEAD + BOT.format(name) for name in "ab"}
    write_files(tmp_path, {**files, "fn/Dockerfile": "FROM a\n"})
    for file in files:
        assert findings(tmp_path, file) == [("shared-repository", "note")]
    together = findings(tmp_path, *files)
    assert together.count(("shared-cache-destination", "error")) == 1


def test_a_file_without_the_tag_in_the_environment(tmp_path: Path) -> None:
    """`fa:` is not valid YAML there: the error names the variable."""
    write_files(tmp_path, {"stack.yaml": f"{HEAD}  fa:\n    image: fa:${{TAG}}\n    lang: x\n"})
    with pytest.raises(ValueError, match="because the variable `TAG` has no value"):
        Project.load(root=tmp_path, environ={})


def test_a_cache_that_all_branches_share_by_mistake(tmp_path: Path) -> None:
    """Without the variable, the tag ends in a dash; with a `/` in it, the tag is invalid."""
    cache = "'ghcr.io/acme/fn:cache-${BRANCH}'"
    text = f"{HEAD}  fn: {{context: ., image: ghcr.io/acme/fn:1, build_cache: {{from: [{cache}], to: [{cache}]}}}}\n"
    write_files(tmp_path, {"stack.yaml": text})
    assert findings(tmp_path) == [("unset-variable", "warning")] * 2
    assert findings(tmp_path, BRANCH="main") == []
    assert findings(tmp_path, BRANCH="feature/x") == [("invalid-reference", "error")] * 2


def test_published_templates_are_quiet(tmp_path: Path) -> None:
    """Their order: manifests of template and handler, installation, then the code of the handler."""
    node = (
        "FROM node:20-alpine AS ship\nRUN apk --no-cache add curl\nARG NPM_CONFIG_LOGLEVEL\n"
        "COPY package.json ./\nRUN npm i --omit=dev\nWORKDIR /home/app/function\n"
        "COPY function/*.json ./\nRUN npm i --omit=dev\nCOPY function/ ./\nRUN npm test || :\n"
    )
    python = (
        "ARG PYTHON_VERSION=3.12\nFROM watchdog AS watchdog\nFROM python:${PYTHON_VERSION}-alpine AS build\n"
        "COPY --from=watchdog /fwatchdog /usr/bin/fwatchdog\nARG UPGRADE_PACKAGES\nARG ADDITIONAL_PACKAGE\n"
        "RUN apk --no-cache add ${ADDITIONAL_PACKAGE}\nCOPY requirements.txt .\n"
        "RUN pip install --user -r requirements.txt\nCOPY function/requirements.txt ./function/\n"
        "RUN pip install --user -r function/requirements.txt\nCOPY function/ ./function/\n"
        "FROM build AS test\nARG TEST_COMMAND=tox\nRUN eval $TEST_COMMAND\nFROM build AS ship\n"
    )
    golang = (
        "FROM golang:1.24 AS build\nARG TARGETARCH\nARG GO111MODULE\nARG GOPROXY\nCOPY . .\n"
        "RUN go test ./... && go build -o handler .\nFROM alpine:3.22\nRUN apk add ca-certificates\n"
        "COPY --from=build /handler .\n"
    )
    arguments = {
        "node": "NPM_CONFIG_LOGLEVEL: error",
        "python": "PYTHON_VERSION: '3.13', TEST_COMMAND: 'true', UPGRADE_PACKAGES: 'true'",
        "golang": "GO111MODULE: 'on', GOPROXY: direct",
    }
    files = {f"template/{n}/template.yml": f"language: {n}\n" for n in arguments}
    for name, dockerfile in (("node", node), ("python", python), ("golang", golang)):
        files[f"template/{name}/Dockerfile"] = dockerfile
    functions = (
        f"  {n}: {{lang: {n}, handler: ./fn, image: acme/{n}:1, build_cache: max, build_args: {{{text}}}}}\n"
        for n, text in arguments.items()
    )
    write_files(tmp_path, {"stack.yaml": HEAD + "".join(functions), **files})
    assert findings(tmp_path) == []
