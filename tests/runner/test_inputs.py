"""What a build records of its inputs."""

import io
from pathlib import Path
from typing import Any

import pytest
from fake_docker import FakeDocker
from stack_files import write_project

from faas_cache.model.inputs import BuildInputs
from faas_cache.planning.options import BuildOptions
from faas_cache.project import Project
from faas_cache.runner.results import FunctionResult
from faas_cache.runner.stop import Stop

FUNCTIONS = """\
  one: {image: r.test/one, context: ./one, build_cache: max, build_args: {SHA: abc, A_TOKEN: s3cr3t}}
  two: {image: r.test/two, context: ./two, build_cache: max}
"""
LOG = f"""\
#1 [1/2] FROM r.test/base:1@sha256:{64 * "1"}
#1 CACHED
#2 [2/2] COPY a /a
#2 DONE 0.1s
"""


@pytest.fixture
def project(tmp_path: Path, fake_docker: FakeDocker) -> Project:
    """A project with two functions, whose docker is the fake."""
    fake_docker.describe().answer("buildx build*", stderr=LOG)
    dockerfile = "FROM r.test/base:1\nARG SHA\nCOPY a /a\n"
    files = {f"{name}/{file}": text for name in ("one", "two") for file, text in
             {"Dockerfile": dockerfile, "a": name}.items()}  # fmt: skip
    root = write_project(tmp_path / "project", FUNCTIONS, files)
    return Project.load(root=root, environ=fake_docker.environ)


def build(project: Project, **arguments: Any) -> tuple[FunctionResult, ...]:  # noqa: ANN401  # those of `build`
    """Builds without showing the output."""
    options = arguments.pop("options", BuildOptions())
    plan = project.plan(options=options)
    return project.build(plan, **({"output": io.BytesIO()} | arguments)).functions


@pytest.mark.parametrize("arguments", [{}, {"parallel": 2}, {"bake": True}])
def test_digests_are_recorded(
    project: Project, fake_docker: FakeDocker, arguments: dict[str, Any]
) -> None:
    """Of each function; the values of its build arguments are in none of them."""
    fake_docker.answer("buildx bake*", stderr=LOG)
    one, two = build(project, inputs=True, **arguments)
    assert one.inputs is not None
    assert two.inputs is not None
    assert (
        [*one.inputs.files],
        [*one.inputs.build_args],
        one.inputs.masked_args,
        one.inputs.exports,
        two.inputs.files["a"] != one.inputs.files["a"],
        two.inputs.dockerfile == one.inputs.dockerfile == one.inputs.files["Dockerfile"].digest,
        "s3cr3t" in repr(one) or "abc'" in repr(one),
    ) == (["Dockerfile", "a"], ["SHA"], ("A_TOKEN",), ("r.test/one:buildcache",), True, True, False)


def test_base_images_are_those_that_the_builder_resolved(project: Project) -> None:
    """And the first step that ran has its inputs."""
    one, _ = build(project, inputs=True)
    assert one.inputs is not None
    assert dict(one.inputs.base_images) == {"r.test/base:1": f"sha256:{64 * '1'}"}
    assert one.reason == (
        "the first step that ran is `[2/2] COPY a /a`; it depends on the file `a`,"
        " and the base image `r.test/base:1`"
    )


def test_without_a_request_nothing_is_digested(project: Project) -> None:
    """The Dockerfile is read all the same."""
    one, _ = build(project)
    assert (one.inputs, len(one.report.first_miss_inputs)) == (None, 2)


def test_a_dockerfile_that_does_not_exist(project: Project, tmp_path: Path) -> None:
    """Docker says so."""
    (tmp_path / "project" / "one" / "Dockerfile").unlink()
    one, _ = build(project, inputs=True)
    assert one.inputs is not None
    assert (one.inputs.dockerfile, one.report.first_miss_inputs) == ("", ())


def test_arguments_of_builder_flags_are_in_scope(project: Project, tmp_path: Path) -> None:
    """As those of the stack file."""
    dockerfile = tmp_path / "project" / "one" / "Dockerfile"
    dockerfile.write_text("FROM r.test/base:1\nARG X\nCOPY a$X /a\n")
    one, _ = build(project, options=BuildOptions(builder_flags=["--build-arg=X=s3cr3t"]))
    assert one.report.first_miss_inputs == (
        "the file `a${X}`",
        "the build argument `X`",
        "the base image `r.test/base:1`",
    )


def test_a_context_that_is_not_a_folder_is_not_digested(
    tmp_path: Path, fake_docker: FakeDocker
) -> None:
    """The builder fetches it."""
    fake_docker.describe()
    functions = "  fn: {image: r.test/fn, context: 'https://host/r.git', build_cache: max}\n"
    root = write_project(tmp_path / "project", functions)
    (function,) = build(Project.load(root=root, environ=fake_docker.environ), inputs=True)
    cache = ("r.test/fn:buildcache",)
    assert function.inputs == BuildInputs(imports=cache, exports=cache)


def test_what_was_not_started_has_no_inputs(project: Project) -> None:
    """Not even those that are known."""
    stop = Stop()
    stop.stop()
    assert [function.inputs for function in build(project, inputs=True, stop=stop)] == [None, None]


def test_an_equal_build_has_the_inputs_of_the_first(
    tmp_path: Path, fake_docker: FakeDocker
) -> None:
    """E8: one build, two results."""
    fake_docker.describe()
    functions = "".join(f"  {n}: {{image: r.test/fn, context: .}}\n" for n in ("one", "two"))
    root = write_project(tmp_path / "project", functions, {"Dockerfile": "FROM a\n"})
    one, two = build(Project.load(root=root, environ=fake_docker.environ), inputs=True)
    assert (two.same_as, two.inputs == one.inputs, one.inputs is None) == ("one", True, False)
