"""`Project`: a stack file that is edited."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from stack_files import (
    CACHED,
    HEAD,
    TWO,
    write_files,
    write_project,
)

from faas_cache.model.errors import FaasCacheError, InvalidInput
from faas_cache.project import Project


def load(folder: Path, environ: Mapping[str, str] | None = None) -> Project:
    """The project in a folder, with an environment of its own."""
    return Project.load(root=folder, environ=environ or {})


def test_set_cache_edits_the_file(tmp_path: Path) -> None:
    """And nothing else in it; the project keeps what it read."""
    project = load(write_project(tmp_path, TWO))
    edit = project.set_cache("max", "one")
    assert (edit.changed, (tmp_path / "stack.yaml").read_text()) == (
        True,
        HEAD + TWO.replace("{image: a/one", "{build_cache: max, image: a/one"),
    )


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """It returns the same edit."""
    project = load(write_project(tmp_path, TWO))
    edit = project.set_cache("max", dry_run=True)
    assert (edit.changed, (tmp_path / "stack.yaml").read_text()) == (True, HEAD + TWO)


def test_an_equal_setting_writes_nothing(tmp_path: Path) -> None:
    """The file is not touched."""
    project = load(write_project(tmp_path, CACHED))
    before = (tmp_path / "stack.yaml").stat()
    edit = project.set_cache("max", "fn")
    assert (edit.changed, (tmp_path / "stack.yaml").stat()) == (False, before)


@pytest.mark.parametrize("kind", ["none", "url", "several"])
def test_only_one_file_can_be_edited(tmp_path: Path, kind: str) -> None:
    """Not functions without a file, a file behind a URL, or several."""
    write_files(tmp_path, {"a.yml": HEAD + TWO, "b.yml": HEAD + CACHED})
    project = Project.of(root=tmp_path)
    if kind == "several":
        project = Project.load("a.yml", "b.yml", root=tmp_path, environ={})
    elif kind == "url":
        project = load(write_project(tmp_path, CACHED))
        project._file = "https://example.com/stack.yaml"  # noqa: SLF001  # what `load` notes
    with pytest.raises(InvalidInput, match="no single stack file"):
        project.set_cache("max")


def test_every_error_is_a_faas_cache_error(tmp_path: Path) -> None:
    """A root that does not exist included."""
    with pytest.raises(FaasCacheError):
        load(tmp_path / "gone")
