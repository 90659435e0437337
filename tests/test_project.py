"""`Project`: loading and planning, which run nothing but git and write nothing."""

import os
import subprocess
import threading
from collections.abc import Mapping
from functools import partial
from hashlib import md5
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fake_docker import FakeDocker
from stack_files import (
    CACHE,
    CACHED,
    HANDLER,
    HEAD,
    IDENTITY,
    PYTHON,
    TEMPLATE,
    TWO,
    names,
    shells,
    tree,
    write_files,
    write_project,
)

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import BuilderError, InvalidStack
from faas_cache.model.flags import CacheFlags
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.options import BuildOptions
from faas_cache.project import Project, default_stack_file

STAGES = "FROM a AS b\nRUN x\nFROM c\nCOPY --from=b / /\n"


def load(folder: Path, environ: Mapping[str, str] | None = None) -> Project:
    """The project in a folder, with an environment of its own."""
    return Project.load(root=folder, environ=environ or {})


# Load.


def test_the_default_is_the_first_of_two_names(tmp_path: Path) -> None:
    """`stack.yaml`, then `stack.yml`, as faas-cli looks for them; without either, the first."""
    names = [default_stack_file(tmp_path)]
    for name in ("stack.yml", "stack.yaml"):
        write_files(tmp_path, {name: HEAD + CACHED})
        names.append(default_stack_file(tmp_path))
    assert names == ["stack.yaml", "stack.yml", "stack.yaml"]


def test_a_relative_file_is_in_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the current folder, and a location has the name as it was given."""
    write_files(tmp_path / "project", {"ci/my.yml": HEAD + "  fn: {context: .}\n"})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    project = Project.load("ci/my.yml", root=tmp_path / "project", environ={})
    (diagnostic,) = project.plan().diagnostics
    path = ("functions", "fn", "image")
    assert diagnostic.location == Location(file="ci/my.yml", line=4, column=3, path=path)


def test_an_absolute_file_is_where_it_is(tmp_path: Path) -> None:
    """Its functions belong to the root all the same."""
    file = write_project(tmp_path / "a", CACHED) / "stack.yaml"
    project = Project.load(file, root=tmp_path, environ={})
    assert (project.stack.file, list(project.stack.functions)) == (str(file), ["fn"])


def test_the_environment_replaces_variables(tmp_path: Path) -> None:
    """That of the project, not that of the process; `envsubst=False` replaces none."""
    write_project(tmp_path, "  fn: {image: 'a/${NAME}'}\n")
    images = [
        Project.load(root=tmp_path, environ={"NAME": "b"}, envsubst=envsubst)
        .stack.functions["fn"]
        .image
        for envsubst in (True, False)
    ]
    assert images == ["a/b", "a/${NAME}"]


def test_the_environment_is_a_copy_of_that_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later change of `os.environ` changes nothing."""
    write_project(tmp_path, CACHED)
    monkeypatch.setenv("FAAS_CACHE_SCOPE", "main")
    project = Project.load(root=tmp_path)
    monkeypatch.delenv("FAAS_CACHE_SCOPE")
    assert project.plan().request.flags.scope == "main"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (None, "unreadable-stack-file"),
        ("a:\n\tb: c", "invalid-yaml"),
        ("", "unsupported-provider"),
        ("provider: {name: faas}", "unsupported-provider"),
        ("version: 2.0\nprovider: {name: openfaas}", "unsupported-version"),
    ],
)
def test_without_a_stack_to_speak_of_load_raises(
    tmp_path: Path, text: str | None, name: str
) -> None:
    """A missing file, one that is not YAML, and one for another program."""
    if text is not None:
        write_files(tmp_path, {"stack.yaml": text})
    with pytest.raises(InvalidStack) as caught:
        load(tmp_path)
    assert [diagnostic.name for diagnostic in caught.value.diagnostics] == [name]


def test_faults_within_functions_are_data(tmp_path: Path) -> None:
    """All functions' faults are in the plan, and the others have one."""
    write_project(
        tmp_path,
        f"  a: {{context: .}}\n{CACHED}  b: {{image: x, context: ., build_cache: {{from: [gha]}}}}\n  c: 1\n",
    )
    plan = load(tmp_path).plan()
    assert (names(plan), [p.function for p in plan.plans]) == (
        ["invalid-type", "missing-image", "bare-keyword"],
        ["fn"],
    )


def test_a_stack_file_behind_a_url(tmp_path: Path) -> None:
    """Is fetched, from whatever root."""
    write_project(tmp_path, CACHED)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://u:hunter2@127.0.0.1:{server.server_port}/stack.yaml"
        project = Project.load(url.replace("u:hunter2@", ""), root="/nonexistent", environ={})
        server.shutdown()
    with pytest.raises(InvalidStack) as caught:
        Project.load(url, environ={})
    assert (list(project.stack.functions), "hunter2" in str(caught.value)) == (["fn"], False)


def test_functions_without_a_stack_file(tmp_path: Path) -> None:
    """`of` takes specs, in any root."""
    project = Project.of(FunctionSpec(name="fn", image="a/fn"), root=tmp_path, environ={})
    assert shells(project.plan()) == ["docker build --tag a/fn:latest build/fn"]


# Plan.


def test_a_plan_is_relative_to_the_root(tmp_path: Path) -> None:
    """Its commands run in the project's folder, with the context of faas-cli."""
    write_project(tmp_path, "  fn: {image: a/fn, lang: py}\n")
    (command,) = load(tmp_path).plan().commands()
    assert (command.shell(), command.cwd) == (
        "docker build --build-arg ADDITIONAL_PACKAGE= --tag a/fn:latest build/fn",
        str(tmp_path),
    )


@pytest.mark.parametrize(
    ("names", "arguments", "planned"),
    [
        ((), {}, ["one", "two"]),
        (("two",), {}, ["two"]),
        ((), {"filter": "o*"}, ["one"]),
        ((), {"regex": "w"}, ["two"]),
        (("off",), {}, []),
    ],
)
def test_functions_are_selected(
    tmp_path: Path, names: tuple[str, ...], arguments: dict[str, str], planned: list[str]
) -> None:
    """By name, glob or expression; one that skips its build is never planned."""
    write_project(tmp_path, f"{TWO}  off: {{image: a, skip_build: true}}\n")
    plan = load(tmp_path).plan(*names, filter=arguments.get("filter"), regex=arguments.get("regex"))
    assert [p.function for p in plan.plans] == planned


def test_flags_are_those_of_the_environment(tmp_path: Path) -> None:
    """Unless flags are given, which are taken as they are."""
    write_project(tmp_path, CACHED)
    project = load(tmp_path, {"FAAS_CACHE_EXPORT": "off"})
    plans = [project.plan(), project.plan(flags=CacheFlags())]
    assert [bool(plan.plans[0].cache_to) for plan in plans] == [False, True]


def test_an_invalid_variable_is_data(tmp_path: Path) -> None:
    """`plan` raises nothing for what a user wrote, in the environment neither."""
    write_project(tmp_path, CACHED)
    plan = load(tmp_path, {"FAAS_CACHE_EXPORT": "perhaps"}).plan()
    assert [(d.name, d.location.path) for d in plan.errors] == [
        ("invalid-type", ("FAAS_CACHE_EXPORT",))
    ]


def test_strict_makes_warnings_errors(tmp_path: Path) -> None:
    """So that a build stops at them."""
    write_project(tmp_path, "  Fn: {image: a, lang: py}\n")
    project = load(tmp_path)
    plans = [project.plan(), project.plan(strict=True)]
    assert [[d.name for d in plan.errors] for plan in plans] == [[], ["undeployable-name"]]


@pytest.mark.parametrize("folder", ["build/fn", "template/py"])
def test_dockerfiles_are_read(tmp_path: Path, folder: str) -> None:
    """That of the context, else that of the template."""
    files = {f"{folder}/Dockerfile": STAGES, "template/py/template.yml": ""}
    write_project(tmp_path, "  fn: {image: a/fn, lang: py, build_cache: inline}\n", files)
    assert names(load(tmp_path).plan()) == ["uncached-stages"]


def test_the_checks_run_once_with_the_dockerfiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planning reads them before it checks."""
    write_project(
        tmp_path,
        "  fn: {image: a/fn, lang: py, build_cache: inline}\n",
        {**TEMPLATE, "template/py/Dockerfile": STAGES},
    )
    checked: list[dict[str, str]] = []

    def record(
        _plans: object, _builder: object, _environ: object, dockerfiles: Mapping[str, str]
    ) -> tuple[Diagnostic, ...]:
        checked.append(dict(dockerfiles))
        return ()

    monkeypatch.setattr("faas_cache.stack_plan.check_each", record)
    load(tmp_path).plan()
    assert checked == [{"fn": STAGES}]


def test_a_dockerfile_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    """A pipe would not end, and of a file without permission nothing is known."""
    write_project(tmp_path, "  fn: {image: a/fn, lang: py, build_cache: inline}\n", TEMPLATE)
    (tmp_path / "build" / "fn").mkdir(parents=True)
    os.mkfifo(tmp_path / "build" / "fn" / "Dockerfile")
    assert names(load(tmp_path).plan()) == []


def test_a_dockerfile_without_permission_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The builder will report it."""
    functions = "  fn: {image: a/fn, lang: py, build_cache: inline}\n"
    write_project(tmp_path, functions, {**TEMPLATE, "build/fn/Dockerfile": STAGES})
    project = load(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("faas_cache.contexts.project_sources.open", refuse, raising=False)
    assert names(project.plan()) == []


def test_without_caching_no_dockerfile_is_read(tmp_path: Path) -> None:
    """There is nothing to check in it."""
    write_project(tmp_path, PYTHON, {**TEMPLATE, "build/fn/Dockerfile": STAGES})
    assert dict(load(tmp_path).plan().inputs.dockerfiles) == {}


def test_templates_bring_their_packages(tmp_path: Path) -> None:
    """As `ADDITIONAL_PACKAGE`, with the build options of the flags; one template for all functions."""
    line = "lang: py, handler: ./fn"
    write_project(
        tmp_path, f"  one: {{image: a/one, {line}}}\n  two: {{image: a/two, {line}}}\n", TEMPLATE
    )
    plan = load(tmp_path).plan(options=BuildOptions(build_options=["dev"]))
    assert [dict(p.build_args) for p in plan.plans] == [{"ADDITIONAL_PACKAGE": "gcc make"}] * 2


def test_a_fault_of_a_template_names_its_file(tmp_path: Path) -> None:
    """And not a function that would have to be changed."""
    write_project(tmp_path, PYTHON, {"template/py/template.yml": "mount_ssh: []\n"})
    (diagnostic,) = load(tmp_path).plan().diagnostics
    assert (diagnostic.name, diagnostic.location.file, diagnostic.location.line) == (
        "invalid-type",
        "template/py/template.yml",
        1,
    )


def test_an_invalid_name_of_a_template_names_the_function(tmp_path: Path) -> None:
    """It is written there."""
    write_project(tmp_path, "  fn: {image: a, lang: ../x}\n")
    (diagnostic,) = load(tmp_path).plan().diagnostics
    assert (diagnostic.name, diagnostic.location.line, diagnostic.location.path) == (
        "invalid-template",
        4,
        ("functions", "fn", "lang"),
    )


def commit(folder: Path, *tags: str) -> str:
    """Commits everything in a folder; returns the short id of the commit."""
    steps = [
        ("init", "-q", "-b", "feature/x"),
        ("add", "-A"),
        (*IDENTITY, "commit", "-qm", "one"),
        *(("tag", tag) for tag in tags),
    ]
    for words in steps:
        subprocess.run(["git", *words], check=True, cwd=folder)
    argv = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, cwd=folder)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("kind", "tag"), [("sha", "SHA"), ("branch", "feature-x-SHA"), ("describe", "v1-2")]
)
def test_tags_of_git(tmp_path: Path, kind: str, tag: str) -> None:
    """The commit, the branch folded to what a tag may hold, and the description."""
    sha = commit(write_project(tmp_path, TWO), "v1+2")
    plan = load(tmp_path, os.environ).plan(options=BuildOptions(tag=kind))
    tag = tag.replace("SHA", sha)
    assert [p.tags for p in plan.plans] == [(f"a/one:latest-{tag}",), (f"a/two:latest-{tag}",)]


def test_git_is_that_of_the_path(tmp_path: Path) -> None:
    """The environment of the project decides where programs are."""
    write_project(tmp_path, TWO)
    plan = load(tmp_path, {"PATH": str(tmp_path)}).plan(options=BuildOptions(tag="sha"))
    assert [(d.name, d.message) for d in plan.diagnostics] == [
        ("git-failed", "`git` not found on PATH")
    ]


def test_a_tag_of_the_handler(tmp_path: Path) -> None:
    """Is a digest of its files, for each function."""
    write_project(tmp_path, PYTHON, {**TEMPLATE, **HANDLER})
    (plan,) = load(tmp_path).plan(options=BuildOptions(tag="digest")).plans
    (content,) = HANDLER.values()
    digest = md5(md5(content.encode()).hexdigest().encode()).hexdigest()
    assert plan.tags == (f"a/fn:{digest}",)


def test_a_handler_without_a_digest_is_a_fault_of_its_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its location."""
    write_project(tmp_path, PYTHON, {**TEMPLATE, **HANDLER})

    def refuse(path: str, *_: object) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("faas_cache.contexts.digests._update", refuse)
    (diagnostic,) = load(tmp_path).plan(options=BuildOptions(tag="digest")).errors
    assert (diagnostic.name, diagnostic.location.line, diagnostic.location.path) == (
        "invalid-context",
        4,
        ("functions", "fn", "handler"),
    )


def test_a_plan_writes_and_runs_nothing(tmp_path: Path, fake_docker: FakeDocker) -> None:
    """Neither docker nor a context."""
    write_project(
        tmp_path / "p",
        CACHED + PYTHON.replace("fn: {image: a/fn", "py: {image: a/py"),
        {**TEMPLATE, **HANDLER},
    )
    before = tree(tmp_path / "p")
    load(tmp_path / "p", fake_docker.environ).plan().commands()
    assert (tree(tmp_path / "p"), fake_docker.calls) == (before, [])


# The builder.


def test_the_builder_of_a_plan(tmp_path: Path, fake_docker: FakeDocker) -> None:
    """The current one, or the one that is named."""
    fake_docker.describe(inspect="Name: b\nDriver: docker-container\n\nNodes:\nName: b0\n")
    project = load(write_project(tmp_path / "p", CACHED), fake_docker.environ)
    project.inspect_builder()
    project.inspect_builder(project.plan(options=BuildOptions(builder="mine")))
    asked = [call.argv for call in fake_docker.calls if call.argv[:2] == ("buildx", "inspect")]
    assert asked == [("buildx", "inspect"), ("buildx", "inspect", "mine")]


@pytest.mark.parametrize(
    ("exit_code", "expected"), [(0, "multiarch"), (1, None)], ids=["exists", "does not exist"]
)
def test_publish_uses_the_builder_of_faas_cli(
    tmp_path: Path, fake_docker: FakeDocker, exit_code: int, expected: str | None
) -> None:
    """Where it exists; none is created."""
    fake_docker.answer(
        "buildx inspect multiarch",
        stdout="Name: multiarch\nDriver: docker-container\n\nNodes:\nName: multiarch0\n",
        exit_code=exit_code,
    )
    fake_docker.describe()
    project = load(write_project(tmp_path / "p", CACHED), fake_docker.environ)
    plan = project.plan(options=BuildOptions(publish=True))
    plan = plan.on(project.inspect_builder(plan))
    builder = f"--builder={expected} " if expected else ""
    assert shells(plan) == [
        (
            f"DOCKER_BUILDKIT=1 docker buildx build --platform linux/amd64 --push {CACHE}"
            f" {builder}--tag a/fn:latest ."
        )
    ]


def test_a_builder_that_does_not_respond_raises(tmp_path: Path, fake_docker: FakeDocker) -> None:
    """It is not a fault of the stack."""
    fake_docker.describe(server="")
    project = load(write_project(tmp_path / "p", CACHED), fake_docker.environ)
    with pytest.raises(BuilderError) as caught:
        project.inspect_builder()
    assert [d.name for d in caught.value.diagnostics] == ["daemon-unreachable"]


def test_docker_is_that_of_the_path(tmp_path: Path) -> None:
    """The environment of the project decides where programs are."""
    builder = load(write_project(tmp_path, CACHED), {"PATH": ""}).inspect_builder()
    assert (builder.docker, builder.buildx) == (None, None)
