"""`Project` of several stack files: planned and checked together, built one by one."""

from pathlib import Path

import pytest
from stack_files import HANDLER, HEAD, PYTHON, TEMPLATE, names, shells, write_files

from faas_cache.model.diagnostics import path_text
from faas_cache.model.errors import InvalidInput, InvalidStack
from faas_cache.planning.options import BuildOptions
from faas_cache.project import Project

SHARED = "  {0}: {{image: x/{0}, context: ., build_cache: {{from: [x/c], to: [x/c]}}}}\n"


def load(root: Path, *files: str) -> Project:
    """The project of several files."""
    return Project.load(*files, root=root, environ={})


def write(root: Path, **functions: str) -> Path:
    """Writes one stack file for each argument."""
    return write_files(root, {f"{name}.yml": HEAD + text for name, text in functions.items()})


def test_functions_are_named_by_file(tmp_path: Path) -> None:
    """So that those of one name are different ones; a file that is given twice counts once."""
    write(tmp_path, a=PYTHON, b=PYTHON)
    project = load(tmp_path, "a.yml", "b.yml", "a.yml")
    assert [p.function for p in project.plan().plans] == ["a.yml: fn", "b.yml: fn"]


def test_rules_hold_between_functions_of_different_files(tmp_path: Path) -> None:
    """E5: two caches at one destination; the location is that in its own file."""
    write(tmp_path, a=SHARED.format("a"), b="  # a comment\n" + SHARED.format("b"))
    (diagnostic,) = load(tmp_path, "a.yml", "b.yml").plan().errors
    location = diagnostic.location
    assert (diagnostic.name, location.file, location.line, path_text(location.path)) == (
        "shared-cache-destination",
        "b.yml",
        5,
        "functions['b.yml: b'].build_cache.to[0]",
    )


@pytest.mark.parametrize("files", [("a.yml",), ("b.yml",), ("b.yml", "a.yml")])
def test_each_file_has_the_diagnostics_that_it_has_alone(
    tmp_path: Path, files: tuple[str, ...]
) -> None:
    """Faults of functions, of the file, of names and of templates, each where it is written."""
    write_files(tmp_path, {**TEMPLATE, **HANDLER})
    option = PYTHON[:-2] + ", build_options: [nope]}\n"
    write(
        tmp_path,
        a=f"  Bad_name: {{image: a, lang: py}}\n  b: {{context: .}}\n{option}",
        b="  x: {image: b, context: ., zz: 1}\nconfiguration: {coppy: []}\n",
    )
    together = {
        (d.name, d.location.file, d.location.line, d.location.column)
        for d in load(tmp_path, "a.yml", "b.yml").plan().diagnostics
        if d.location.file in files
    }
    alone = {
        (d.name, d.location.file, d.location.line, d.location.column)
        for file in files
        for d in load(tmp_path, file).plan().diagnostics
    }
    assert together == alone
    assert {name for name, *_ in alone} >= {
        *(
            ("undeployable-name", "missing-image", "unknown-build-option")
            if "a.yml" in files
            else ()
        ),
        *(("unknown-key",) if "b.yml" in files else ()),
    }


def test_a_default_is_located_in_the_file_that_it_is_written_in(tmp_path: Path) -> None:
    """It is the setting of every function of that file that has none of its own."""
    after = "configuration: {build_cache: {to: ['type=local,dest=/c,mode=medium']}}\n"
    write(tmp_path, a="  fn: {image: a, context: .}\n" + after, b="  fn: {image: b}\n")
    diagnostics = load(tmp_path, "a.yml", "b.yml").plan().diagnostics
    (location,) = (d.location for d in diagnostics if d.name == "invalid-mode")
    assert (location.file, location.line, path_text(location.path)) == (
        "a.yml",
        5,
        "functions['a.yml: fn'].build_cache.to[0]",
    )


@pytest.mark.parametrize("given", ["a.yml: fn", "fn"])
def test_names_may_be_short(tmp_path: Path, given: str) -> None:
    """A name without a file selects the functions of that name in every file."""
    write(tmp_path, a=PYTHON, b=PYTHON.replace("fn:", "other:"))
    plan = load(tmp_path, "a.yml", "b.yml").plan(given)
    assert [p.function for p in plan.plans] == ["a.yml: fn"]


def test_an_unknown_name_is_an_error(tmp_path: Path) -> None:
    """With the nearest one as a hint."""
    write(tmp_path, a=PYTHON, b=PYTHON)
    (diagnostic,) = load(tmp_path, "a.yml", "b.yml").plan("a.yml: fm").errors
    assert (diagnostic.name, diagnostic.hint) == ("unknown-function", "did you mean `a.yml: fn`?")


def test_a_filter_matches_the_names_in_the_files(tmp_path: Path) -> None:
    """As for one file; a function with an error is selected likewise."""
    write(tmp_path, a=PYTHON + "  bad: {}\n", b=PYTHON.replace("fn:", "other:"))
    project = load(tmp_path, "a.yml", "b.yml")
    plans = [project.plan(filter="f*"), project.plan(regex="^o"), project.plan(filter="bad")]
    assert [[p.function for p in plan.plans] for plan in plans] == [
        ["a.yml: fn"],
        ["b.yml: other"],
        [],
    ]


def test_contexts_are_those_of_the_function_in_its_file(tmp_path: Path) -> None:
    """Also that of a function with a context of its own."""
    write(tmp_path, a="  fn: {image: a, lang: py}\n", b="  fn: {image: b, context: ./x}\n")
    plan = load(tmp_path, "a.yml", "b.yml").plan()
    assert shells(plan) == [
        "docker build --build-arg ADDITIONAL_PACKAGE= --tag a:latest build/fn",
        "docker build --tag b:latest ./x",
    ]


def test_a_tag_of_the_handler_is_that_of_each(tmp_path: Path) -> None:
    """Handlers are relative to the root, not to the file."""
    write_files(tmp_path, {**TEMPLATE, **HANDLER})
    write(tmp_path, a=PYTHON, b=PYTHON)
    plan = load(tmp_path, "a.yml", "b.yml").plan(options=BuildOptions(tag="digest"))
    tags = [p.tags for p in plan.plans]
    assert (names(plan), tags[0] == tags[1], tags[0][0].startswith("a/fn:")) == ([], True, True)


@pytest.mark.parametrize("method", ["prepare", "write_contexts", "build", "push"])
def test_one_file_is_built_at_a_time(tmp_path: Path, method: str) -> None:
    """Contexts of functions with one name would be one folder."""
    write(tmp_path, a=PYTHON, b=PYTHON)
    project = load(tmp_path, "a.yml", "b.yml")
    with pytest.raises(InvalidInput, match="build one stack file at a time"):
        getattr(project, method)(project.plan())


def test_every_unreadable_file_is_reported(tmp_path: Path) -> None:
    """Not the first alone."""
    write(tmp_path, a=PYTHON)
    with pytest.raises(InvalidStack) as caught:
        load(tmp_path, "gone.yml", "a.yml", "lost.yml")
    messages = [d.message.partition(":")[0] for d in caught.value.diagnostics]
    assert messages == [
        f"cannot read the stack file `{tmp_path}/{name}.yml`" for name in ("gone", "lost")
    ]


def test_a_file_without_errors_is_planned_beside_one_with_errors(tmp_path: Path) -> None:
    """The faults of one file are data."""
    write(tmp_path, a="  fn: {context: .}\n", b="  fn: {image: b, context: .}\n")
    plan = load(tmp_path, "a.yml", "b.yml").plan()
    assert (names(plan), [p.function for p in plan.plans]) == (["missing-image"], ["b.yml: fn"])


def test_sources_are_those_of_each_file(tmp_path: Path) -> None:
    """The paths to copy, and the sources of templates; what is only deployed is noted."""
    write_files(tmp_path, {**HANDLER, "x.txt": "x"})
    copied = "configuration: {copy: [gone], templates: [{name: py, source: ./templates}]}\n"
    write(tmp_path, a=PYTHON + copied, b=PYTHON + "  redis: {image: redis}\n")
    project = load(tmp_path, "a.yml", "b.yml")
    plan = project.check_sources(project.plan())
    assert [(d.name, d.location.file, path_text(d.location.path)) for d in plan.diagnostics] == [
        ("deploy-only", "b.yml", "functions['b.yml: redis']"),
        ("invalid-context", "a.yml", "configuration.copy[0]"),
        ("missing-template", "b.yml", "functions['b.yml: fn'].lang"),
    ]


def test_each_file_has_the_findings_about_its_files_that_it_has_alone(tmp_path: Path) -> None:
    """Of Dockerfiles and contexts: the sources are read, not what an earlier run left in `build`."""
    dockerfile = "FROM a\nARG GIT_SHA\nRUN make\nCOPY . /\nRUN npm ci\n"
    function = (
        "  {0}: {{lang: dockerfile, handler: ./{0}, image: x/{0}, build_cache: max,"
        " build_args: {{GIT_SHA: a, OTHER: b}}}}\n"
    )
    for name in ("one", "two"):
        files = {f"{name}/Dockerfile": dockerfile, f"{name}/.git/HEAD": "", f"{name}/.env": ""}
        write_files(tmp_path, files)
    write_files(
        tmp_path, {"build/one/Dockerfile": "FROM stale\n", "build/one/.dockerignore": "[\n"}
    )
    copied = "configuration: {copy: [Dockerfile.dockerignore]}\n"
    write_files(tmp_path, {"Dockerfile.dockerignore": ".env\n"})
    write(tmp_path, a=function.format("one"), b=function.format("two") + copied)

    def findings(*names: str) -> set[tuple[str, str, str, str | None]]:
        plan = load(tmp_path, *names).plan()
        return {
            (d.name, d.message, d.hint, d.location.file)
            for d in plan.diagnostics
            if d.name != "shared-repository"
        }

    alone = findings("a.yml") | findings("b.yml")
    assert {name for name, *_ in alone} >= {
        "volatile-file",
        "late-install",
        "unread-build-arg",
    }
    assert findings("a.yml", "b.yml") == alone
