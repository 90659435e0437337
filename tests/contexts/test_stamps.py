"""Whether a context is still the one that was written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from context_projects import SPEC, make_project, write

from faas_cache.contexts.assembly import Contexts
from faas_cache.contexts.stamps import Stamp, current_stamp
from faas_cache.model.errors import InvalidFunction
from faas_cache.stack.templates import Template

project = pytest.fixture(make_project)
TINY = Template(name="tiny")


def rewrite(root: Path) -> Stamp:
    """Writes the context of `SPEC`."""
    return Contexts(str(root)).write(SPEC, TINY)


def replace_by_file(root: Path) -> None:
    shutil.rmtree(root / "build/fn")
    write(root, {"build/fn": ""})


def recreate(root: Path) -> None:
    """As faas-cli does."""
    shutil.rmtree(root / "build/fn")
    write(root, {"build/fn/Dockerfile": "FROM b\n"})


CHANGES: dict[str, Callable[[Path], object]] = {
    "written again": rewrite,
    "written by faas-cli": recreate,
    "removed": lambda root: shutil.rmtree(root / "build"),
    "replaced by a file": replace_by_file,
    "a file added": lambda root: write(root, {"build/fn/new": ""}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_context_that_another_has_changed_has_another_stamp(project: Path, change: str) -> None:
    root = str(project)
    assert current_stamp(root, "fn") is None
    stamp = rewrite(project)
    assert current_stamp(root, "fn") == stamp
    CHANGES[change](project)
    assert current_stamp(root, "fn") != stamp


def test_no_two_writings_have_the_same_stamp(project: Path) -> None:
    contexts = Contexts(str(project))
    stamps = {contexts.write(SPEC, TINY) for _ in range(50)}
    assert len(stamps) == 50


def test_a_stamp_is_that_of_one_context(project: Path) -> None:
    with pytest.raises(InvalidFunction, match="not a valid folder name"):
        current_stamp(str(project), "../fn")
