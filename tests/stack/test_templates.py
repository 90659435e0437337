"""`Template`: what a `template.yml` says, and faults with its own file."""

import os
from pathlib import Path

import pytest

from faas_cache.model.errors import InvalidStack
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.stack.templates import Template

FULL = """\
language: py
handler_folder: code
mount_ssh: true
build_options:
  - {name: dev, packages: [a, ~, b]}
  - {name: dev, packages: [c]}
  - {name: none}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty template folder; the current folder is the project."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "template" / "py"
    path.mkdir(parents=True)
    return path


def test_a_full_template(folder: Path) -> None:
    """Of two build options with one name, the first counts."""
    (folder / "template.yml").write_text(FULL)
    assert Template.load("template/py", "py") == Template(
        name="py",
        handler_folder="code",
        build_options=FrozenMap({"dev": ("a", "b"), "none": ()}),
        mount_ssh=True,
    )


def test_an_empty_template(folder: Path) -> None:
    """An empty file has the defaults."""
    (folder / "template.yml").write_text("")
    assert Template.load("template/py", "py") == Template(name="py")


FAULTS = [
    (
        "build_options: [{name: [a]}, x]\nmount_ssh: maybe\n",
        ["1:18: build_options[0].name", "1:30: build_options[1]", "2:1: mount_ssh"],
    ),
    ("mount_ssh: no\n\tx", ["2:1"]),
    ("- a\n", ["1:1"]),
    ("a: 1\na: 2\n", ["2:1: a"]),
]


@pytest.mark.parametrize(("text", "locations"), FAULTS)
def test_faults_are_located_in_the_template(folder: Path, text: str, locations: list[str]) -> None:
    """The location is in `template.yml`, not at a function."""
    (folder / "template.yml").write_text(text)
    with pytest.raises(InvalidStack) as caught:
        Template.load("template/py", "py")
    assert [str(d.location) for d in caught.value.diagnostics] == [
        f"template/py/template.yml:{location}" for location in locations
    ]


def test_a_missing_template(folder: Path) -> None:
    """The message has the name of the template, the location its file."""
    assert folder.exists()
    with pytest.raises(InvalidStack) as caught:
        Template.load("template/py", "py")
    assert str(caught.value).splitlines()[0] == (
        "template/py/template.yml: error: cannot read the template `py`: no such file or directory"
        " [invalid-template]"
    )


def test_a_template_is_a_regular_file(folder: Path) -> None:
    """A named pipe would hang every check."""
    os.mkfifo(folder / "template.yml")
    with pytest.raises(InvalidStack, match="cannot read the template `py`: not a regular file"):
        Template.load("template/py", "py")
