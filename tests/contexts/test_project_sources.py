"""What a plan reads from the files of a project."""

from pathlib import Path

import pytest

from faas_cache.contexts import project_sources
from faas_cache.contexts.project_sources import read_templates
from faas_cache.model.faults import FaultCollector
from faas_cache.model.specs import FunctionSpec


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
