"""What a plan reads from the files of a project."""

from pathlib import Path

import pytest

from faas_cache.contexts import project_sources
from faas_cache.contexts.project_sources import read_dockerfiles, read_templates
from faas_cache.model.faults import FaultCollector
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.options import BuildOptions
from faas_cache.planning.requests import PlanInputs
from faas_cache.stack.stack_file import Stack
from faas_cache.stack_plan import plan_stack


def test_templates_are_read_once_for_each_language(tmp_path: Path) -> None:
    """`dockerfile` needs no folder; a missing template and an own context have none."""
    (tmp_path / "template" / "py").mkdir(parents=True)
    (tmp_path / "template" / "py" / "template.yml").write_text("language: py\n")
    specs = [
        FunctionSpec(name="one", image="a/one", lang="py"),
        FunctionSpec(name="two", image="a/two", lang="py"),
        FunctionSpec(name="none", image="a/none", lang="go"),
        FunctionSpec(name="dockerfile", image="a/dockerfile", lang="dockerfile"),
        FunctionSpec(name="own", image="a/own", lang="py", context="."),
    ]
    faults = FaultCollector()
    templates = read_templates(str(tmp_path), specs, faults)
    assert (list(templates), faults.errors) == (["py", "dockerfile"], ())


def test_a_template_may_vanish_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then there is none, as if it had never been there."""
    monkeypatch.setattr(project_sources, "_is_missing", lambda _root, _lang: False)
    faults = FaultCollector()
    spec = FunctionSpec(name="one", image="a/one", lang="py")
    assert (read_templates(str(tmp_path), [spec], faults), faults.errors) == ({}, ())


STACK = """\
provider: {name: openfaas}
configuration: {build_cache: max}
functions:
  template: {lang: py, handler: ./code, image: a/1}
  own: {context: ./own, image: a/2}
  dockerfile: {lang: Dockerfile, handler: ./code, image: a/3}
  file: {lang: py, handler: ./code, image: a/4, builder_flags: [--progress=plain, --file=other]}
  left: {lang: gone, handler: ./code, image: a/5}
  nothing: {lang: gone, handler: ./code, image: a/6}
  missing: {lang: py, handler: ./code, image: a/8, builder_flags: [--file=missing]}
  uncached: {lang: py, handler: ./code, image: a/7, build_cache: none}
"""


@pytest.mark.parametrize("prebuilt", [False, True])
def test_the_dockerfiles_that_the_builds_read(tmp_path: Path, prebuilt: bool) -> None:  # noqa: FBT001  # an option
    """Of the template, the handler or the own context; what an earlier run left is the last choice."""
    places = ("template/py", "own", "code", *(f"build/{n}" for n in ("template", "left")))
    for place in places:
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / "Dockerfile").write_text(place)
    (tmp_path / "other").write_text("other")
    plan = plan_stack(
        Stack.loads(STACK, {}),
        options=BuildOptions(prebuilt=prebuilt),
        inputs=PlanInputs(root=str(tmp_path), environ={}),
    )
    assert read_dockerfiles(str(tmp_path), plan) == {
        "own": "own",
        "file": "other",
        "left": "build/left",
        **(
            {"template": "build/template"}
            if prebuilt
            else {"template": "template/py", "dockerfile": "code"}
        ),
    }
