"""`Project`: contexts, the steps before a build, and templates that are pulled."""

import io
import shutil
import subprocess
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from fake_docker import FakeDocker
from project_runs import build, errors_of, load, statuses
from stack_files import (
    CACHED,
    HANDLER,
    IDENTITY,
    PYTHON,
    TEMPLATE,
    TWO,
    builds,
    tree,
    write_files,
    write_project,
)

from faas_cache.contexts.locks import StopSignal, lock_context
from faas_cache.contexts.writer import ContextWriter
from faas_cache.model.errors import BuilderError, FaasCacheError, InvalidInput
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.options import BuildOptions
from faas_cache.project import Project
from faas_cache.render.front_ends import FRONT_ENDS
from faas_cache.runner.stop import Stop
from faas_cache.stack_plan import StackPlan

PACKAGES = "--build-arg ADDITIONAL_PACKAGE="
WRITTEN = {
    "fn/template.yml": TEMPLATE["template/py/template.yml"],
    "fn/Dockerfile": TEMPLATE["template/py/Dockerfile"],
    "fn/function/handler.py": HANDLER["fn/handler.py"],
}
BOTH = PYTHON + PYTHON.replace("fn: {image: a/fn", "two: {image: a/two")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a project, beside the fake docker."""
    return tmp_path / "project"


# Contexts.


def test_contexts_are_written(root: Path, fake_docker: FakeDocker) -> None:
    """Template and handler, in `build/NAME`; docker is not needed."""
    write_project(root, PYTHON, {**TEMPLATE, **HANDLER})
    project = load(root, fake_docker)
    plan = project.plan()
    assert project.write_contexts(plan) == plan
    assert (tree(root / "build"), fake_docker.calls) == (WRITTEN, [])


def test_extra_paths_are_copied(root: Path, fake_docker: FakeDocker) -> None:
    """Those of the options and those of the stack file."""
    after = "configuration: {copy: [b.txt]}\n"
    files = {**TEMPLATE, **HANDLER, "a.txt": "a", "b.txt": "b"}
    write_project(root, PYTHON, files, after=after)
    project = load(root, fake_docker)
    project.write_contexts(project.plan(options=BuildOptions(copy_extra=["a.txt"])))
    assert tree(root / "build") == WRITTEN | {"fn/function/a.txt": "a", "fn/function/b.txt": "b"}


@pytest.mark.parametrize(
    ("functions", "files", "name"),
    [
        (PYTHON, HANDLER, "missing-template"),
        (PYTHON, TEMPLATE, "invalid-context"),
        ("  fn: {image: a, context: gone}\n", {}, "missing-context"),
        ("  fn: {image: a, context: ., build_secrets: {s: gone}}\n", {}, "missing-secret-file"),
    ],
    ids=["template", "handler", "context", "secret"],
)
def test_nothing_is_written_before_the_errors_are_known(
    root: Path, fake_docker: FakeDocker, functions: str, files: dict[str, str], name: str
) -> None:
    """Of all functions: the others are not written either, and each error has its line."""
    other = "  other: {image: b, lang: dockerfile, handler: ./other}\n"
    write_project(root, other + functions, {**files, "other/Dockerfile": "FROM a\n"})
    project = load(root, fake_docker)
    before = tree(root)
    with pytest.raises(FaasCacheError) as caught:
        build(project)
    assert (errors_of(caught), tree(root)) == ([name], before)
    assert (caught.value.diagnostics[0].location.line, fake_docker.calls) == (5, [])


def test_an_error_while_sources_are_read_is_that_of_the_function(
    root: Path, fake_docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of the system, with the line of the function."""
    write_project(root, BOTH, {**TEMPLATE, **HANDLER})
    project = load(root, fake_docker)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(root / "fn"))

    monkeypatch.setattr("faas_cache.contexts.assembly.Contexts.tree", refuse)
    with pytest.raises(InvalidInput) as caught:
        project.write_contexts(project.plan())
    assert [(d.name, d.location.line) for d in caught.value.diagnostics] == [
        ("invalid-context", 4),
        ("invalid-context", 5),
    ]


def test_a_secret_that_exists_is_passed_on(root: Path, fake_docker: FakeDocker) -> None:
    """With its absolute path; `~` is the home folder of the environment."""
    functions = "  fn: {image: a, context: ., build_secrets: {s: ./s.txt, t: ~/t.txt}}\n"
    write_project(root, functions, {"s.txt": "x", "home/t.txt": "y"})
    project = Project.load(root=root, environ={**fake_docker.environ, "HOME": f"{root}/home"})
    assert statuses(build(project)) == [("fn", "built")]
    secrets = f"--secret id=s,src={root}/s.txt --secret id=t,src={root}/home/t.txt"
    assert builds(fake_docker) == [f"build {secrets} --tag a:latest ."]


@pytest.mark.parametrize("lang", ["", "dockerfile"])
def test_what_an_earlier_run_left_is_not_built(
    root: Path, fake_docker: FakeDocker, lang: str
) -> None:
    """The hint says how to ask for it; without `--prebuilt`, it may be stale."""
    write_files(root, {"build/fn/Dockerfile": "FROM a\n"})
    function = FunctionSpec(name="fn", image="a", lang=lang, handler="gone")
    project = Project.of(function, root=root, environ=fake_docker.environ)
    with pytest.raises(InvalidInput, match="pass `--prebuilt` to build `build/fn` from"):
        project.prepare(project.plan())
    assert project.prepare(project.plan(options=BuildOptions(prebuilt=True))).plans


def test_a_function_of_a_program_needs_a_context(root: Path, fake_docker: FakeDocker) -> None:
    """Without a stack file nothing is only deployed."""
    project = Project.of(FunctionSpec(name="fn", image="a"), root=root, environ={})
    with pytest.raises(InvalidInput, match="the function has no `lang`"):
        project.prepare(project.plan())
    assert fake_docker.calls == []


def test_prebuilt_contexts_are_used_as_they_are(root: Path, fake_docker: FakeDocker) -> None:
    """Although the handler exists; neither templates nor handlers are needed."""
    write_project(root, PYTHON, {**HANDLER, "build/fn/Dockerfile": "FROM a\n"})
    result = build(load(root, fake_docker), options=BuildOptions(prebuilt=True))
    assert (statuses(result), builds(fake_docker), tree(root / "build")) == (
        [("fn", "built")],
        [f"build {PACKAGES} --tag a/fn:latest build/fn"],
        {"fn/Dockerfile": "FROM a\n"},
    )


def test_a_prebuilt_context_must_exist(root: Path, fake_docker: FakeDocker) -> None:
    """It is an error with the line of the function."""
    project = load(write_project(root, PYTHON, {**TEMPLATE, **HANDLER}), fake_docker)
    with pytest.raises(InvalidInput, match="`build/fn` does not exist") as caught:
        build(project, options=BuildOptions(prebuilt=True))
    assert caught.value.diagnostics[0].location.line == 4


def test_a_build_writes_what_is_not_prepared(root: Path, fake_docker: FakeDocker) -> None:
    """After `prepare` the context is that of then; after a build it is written again."""
    write_project(root, PYTHON, {**TEMPLATE, **HANDLER})
    project = load(root, fake_docker)
    plan = project.prepare(project.plan())
    contents = []
    for text in ("x = 2\n", "x = 3\n"):
        write_files(root, {"fn/handler.py": text})
        project.build(plan, output=io.BytesIO())
        contents.append((root / "build/fn/function/handler.py").read_text())
    assert contents == ["x = 1\n", "x = 3\n"]


def test_a_plan_with_other_options_is_not_prepared(root: Path, fake_docker: FakeDocker) -> None:
    """The context of one plan is not that of another."""
    write_project(root, PYTHON, {**TEMPLATE, **HANDLER, "a.txt": "a"})
    project = load(root, fake_docker)
    project.prepare(project.plan())
    build(project, options=BuildOptions(copy_extra=["a.txt"]))
    assert tree(root / "build") == WRITTEN | {"fn/function/a.txt": "a"}


def test_a_context_of_another_run_is_written_again(
    root: Path, fake_docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its lock is held, just before its build."""
    write_project(root, PYTHON, {**TEMPLATE, **HANDLER})
    fake_docker.answer("build *", script=f"cp -r {root}/build/fn {root}/seen")
    project = load(root, fake_docker)
    plan = project.prepare(project.plan())

    hold = ContextWriter.hold

    def hold_late(
        writer: ContextWriter, plan: StackPlan, name: str, stop: StopSignal | None
    ) -> AbstractContextManager[None]:
        shutil.rmtree(root / "build" / "fn")
        return hold(writer, plan, name, stop)

    monkeypatch.setattr(ContextWriter, "hold", hold_late)
    project.build(plan, output=io.BytesIO())
    assert {f"fn/{name}": text for name, text in tree(root / "seen").items()} == WRITTEN


def test_a_context_is_locked_while_it_is_built(root: Path, fake_docker: FakeDocker) -> None:
    """A second run waits, and a `Stop` ends its wait."""
    write_project(root, PYTHON, {**TEMPLATE, **HANDLER})
    project, stop = load(root, fake_docker), Stop()
    plan = project.prepare(project.plan())
    with lock_context(str(root), "fn"):
        threading.Timer(0.2, stop.stop).start()
        with pytest.raises(FaasCacheError) as caught:
            project.build(plan, stop=stop, output=io.BytesIO())
    assert (errors_of(caught), fake_docker.calls) == (["context-locked"], [])


# The steps before a build.


def test_errors_of_a_plan_are_raised(root: Path, fake_docker: FakeDocker) -> None:
    """All of them, before anything else."""
    write_project(root, "  a: {context: .}\n  b: {context: .}\n")
    with pytest.raises(InvalidInput) as caught:
        build(load(root, fake_docker))
    assert errors_of(caught) == ["missing-image", "missing-image"]


@pytest.mark.parametrize("method", ["prepare", "write_contexts", "build", "push"])
def test_a_plan_of_another_root_raises(
    root: Path, tmp_path: Path, fake_docker: FakeDocker, method: str
) -> None:
    """It would build something else."""
    plan = load(write_project(tmp_path / "other", TWO), fake_docker).plan()
    project = load(write_project(root, TWO), fake_docker)
    with pytest.raises(InvalidInput, match="another project folder"):
        getattr(project, method)(plan)


def test_a_plan_of_another_project_of_the_same_root_is_built(
    root: Path, fake_docker: FakeDocker
) -> None:
    """It is the plan's stack that counts."""
    other = Project.of(FunctionSpec(name="x", image="a/x", context="."), root=root, environ={})
    project = load(write_project(root, TWO), fake_docker)
    assert statuses(project.build(other.plan(), output=io.BytesIO())) == [("x", "built")]


def test_without_functions_nothing_is_built(root: Path, fake_docker: FakeDocker) -> None:
    """It is an error; that all of them skip their build is none."""
    write_project(root, "  off: {image: a, skip_build: true}\n")
    assert statuses(build(load(root, fake_docker))) == []
    write_files(root, {"stack.yaml": "provider: {name: openfaas}\n"})
    with pytest.raises(InvalidInput, match="the stack has no functions"):
        build(load(root, fake_docker))


def test_the_builder_is_asked_once(root: Path, fake_docker: FakeDocker) -> None:
    """By `prepare`; a plan that has a builder is built without a question."""
    fake_docker.describe()
    project = load(write_project(root, CACHED), fake_docker)
    plan = project.prepare(project.plan())
    asked = len(fake_docker.calls)
    project.build(plan, output=io.BytesIO())
    assert (asked, len(fake_docker.calls)) == (4, 5)


@pytest.mark.parametrize(
    ("functions", "options", "asked"),
    [
        (TWO, BuildOptions(), False),
        (CACHED, BuildOptions(), True),
        (TWO, BuildOptions(publish=True), True),
        (TWO, BuildOptions(publish=True, builder="mine"), True),
        ("  off: {image: a, skip_build: true}\n", BuildOptions(publish=True), False),
    ],
)
def test_the_builder_is_asked_where_something_depends_on_it(
    root: Path, fake_docker: FakeDocker, functions: str, options: BuildOptions, *, asked: bool
) -> None:
    """A1: without caching, the command is the plain one, whatever the builder."""
    fake_docker.describe(inspect="Name: b\nDriver: docker-container\n\nNodes:\nName: b0\n")
    project = load(write_project(root, functions), fake_docker)
    project.prepare(project.plan(options=options))
    assert bool(fake_docker.calls) is asked


def test_what_the_builder_lacks_stops_a_build(root: Path, fake_docker: FakeDocker) -> None:
    """Before anything is written."""
    fake_docker.describe(client="20.10.24", buildx="")
    write_project(root, PYTHON[:-2] + ", build_cache: max}\n", {**TEMPLATE, **HANDLER})
    before = tree(root)
    with pytest.raises(BuilderError) as caught:
        build(load(root, fake_docker))
    assert (errors_of(caught), tree(root)) == (["missing-feature"], before)


def test_what_bake_does_not_support_stops_a_build(root: Path, fake_docker: FakeDocker) -> None:
    """Before anything is written."""
    fake_docker.describe()
    project = load(write_project(root, CACHED), fake_docker)
    with pytest.raises(InvalidInput) as caught:
        build(project, bake=True, options=BuildOptions(builder_flags=["--network=host"]))
    assert (errors_of(caught), builds(fake_docker)) == (["unsupported-by-front-end"], [])


# Templates that are pulled.


def repository(folder: Path, *names: str) -> str:
    """A repository with templates; returns its path."""
    for name in names:
        write_files(folder, {f"template/{name}/template.yml": TEMPLATE["template/py/template.yml"]})
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        (*IDENTITY, "commit", "-qm", "one"),
        ("branch", "v2"),
    ):
        subprocess.run(["git", *words], check=True, cwd=folder)
    return str(folder)


def from_source(source: str, lang: str = "py") -> str:
    """What a stack file says about the source of a template."""
    return f"configuration: {{templates: [{{name: {lang}, source: '{source}'}}]}}\n"


def test_missing_templates_are_pulled(root: Path, tmp_path: Path, fake_docker: FakeDocker) -> None:
    """Only the one that is needed; then the plan is made again, with its build options."""
    source = repository(tmp_path / "repository", "py", "other")
    write_project(root, PYTHON, HANDLER, after=from_source(source))
    project = load(root, fake_docker)
    plan = project.prepare(project.plan(options=BuildOptions(build_options=["dev"])))
    assert [dict(p.build_args) for p in plan.plans] == [{"ADDITIONAL_PACKAGE": "gcc make"}]
    assert sorted(path.name for path in (root / "template").iterdir()) == ["py"]


def test_a_template_of_a_branch_is_pulled(
    root: Path, tmp_path: Path, fake_docker: FakeDocker
) -> None:
    """`lang: NAME@REF` is the template NAME at that reference, under the whole name."""
    source = repository(tmp_path / "repository", "py")
    write_project(root, PYTHON.replace("py", "py@v2"), HANDLER, after=from_source(source))
    project = load(root, fake_docker)
    project.write_contexts(project.plan())
    assert (root / "template" / "py@v2" / "template.yml").is_file()


def test_a_plan_for_a_builder_keeps_it(root: Path, tmp_path: Path, fake_docker: FakeDocker) -> None:
    """And its front end, when it is made again."""
    fake_docker.describe()
    source = repository(tmp_path / "repository", "py")
    write_project(root, PYTHON, HANDLER, after=from_source(source))
    project = load(root, fake_docker)
    plan = project.plan().using(FRONT_ENDS["buildx_build"]).on(project.inspect_builder())
    prepared = project.prepare(plan)
    assert (prepared.builder, prepared.front_end) == (plan.builder, plan.front_end)


def test_an_unknown_build_option_of_a_pulled_template(
    root: Path, tmp_path: Path, fake_docker: FakeDocker
) -> None:
    """Is an error before contexts are written."""
    source = repository(tmp_path / "repository", "py")
    write_project(root, PYTHON, HANDLER, after=from_source(source))
    project = load(root, fake_docker)
    with pytest.raises(InvalidInput) as caught:
        build(project, options=BuildOptions(build_options=["nope"]))
    assert (errors_of(caught), (root / "build").exists()) == (["unknown-build-option"], False)


def test_pulling_can_be_forbidden(root: Path, tmp_path: Path, fake_docker: FakeDocker) -> None:
    """Then a missing template is an error."""
    source = repository(tmp_path / "repository", "py")
    write_project(root, PYTHON, HANDLER, after=from_source(source))
    project = load(root, fake_docker)
    for method in (project.prepare, project.write_contexts):
        with pytest.raises(InvalidInput) as caught:
            method(project.plan(), pull_templates=False)
        assert (errors_of(caught), (root / "template").exists()) == (["missing-template"], False)


def test_if_one_source_cannot_be_cloned_no_template_is_installed(
    root: Path, tmp_path: Path, fake_docker: FakeDocker
) -> None:
    """The first of two is not left behind."""
    source = repository(tmp_path / "repository", "py")
    after = f"configuration:\n  templates: [{{name: py, source: '{source}'}}, {{name: no, source: /gone}}]\n"
    write_project(root, BOTH.replace("a/two, lang: py", "a/two, lang: no"), HANDLER, after=after)
    with pytest.raises(InvalidInput) as caught:
        build(load(root, fake_docker))
    assert (errors_of(caught), (root / "template").exists()) == (["git-failed"], False)


def test_a_missing_handler_is_known_before_a_template_is_pulled(
    root: Path, tmp_path: Path, fake_docker: FakeDocker
) -> None:
    """And so is a missing secret: nothing is cloned in vain."""
    source = repository(tmp_path / "repository", "py")
    functions = PYTHON[:-2] + ", build_secrets: {s: gone}}\n"
    write_project(root, functions, HANDLER, after=from_source(source))
    with pytest.raises(InvalidInput) as caught:
        build(load(root, fake_docker))
    assert (errors_of(caught), (root / "template").exists()) == (["missing-secret-file"], False)
