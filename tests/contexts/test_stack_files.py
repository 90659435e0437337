"""Patterns of stack files."""

from pathlib import Path

import pytest
from stack_files import write_files

from faas_cache.contexts.stack_files import expand_names
from faas_cache.model.errors import InvalidStack


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with stack files, and a folder with the name of one."""
    write_files(tmp_path, dict.fromkeys(("b.yml", "a.yml", "c.yaml", "sub/d.yml", "[x].yml"), ""))
    (tmp_path / "z.yml").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("a.yml", ("a.yml",)),
        ("nowhere.yml", ("nowhere.yml",)),
        ("[ab].yml", ("a.yml", "b.yml")),
        ("?.y*ml", ("a.yml", "b.yml", "c.yaml")),
        ("sub/*.yml", ("sub/d.yml",)),
        ("**/[ad].yml", ("a.yml", "sub/d.yml")),
        ("[x].yml", ("[x].yml",)),
        ("http://host/*.yml", ("http://host/*.yml",)),
    ],
)
def test_a_pattern_stands_for_its_matches(root: Path, name: str, files: tuple[str, ...]) -> None:
    """In the order of their names; folders are none, and a file that exists is itself."""
    assert expand_names(name, root) == files


def test_an_absolute_pattern(root: Path) -> None:
    """It has absolute matches."""
    assert expand_names(f"{root}/[ab].yml", "/") == (f"{root}/a.yml", f"{root}/b.yml")


@pytest.mark.parametrize("name", ["*.json", "z*.yml", "*/*/*.yml"])
def test_a_pattern_without_a_match_is_an_error(root: Path, name: str) -> None:
    """It is not read as the name of a file."""
    with pytest.raises(InvalidStack) as caught:
        expand_names(name, root)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.name, diagnostic.message) == (
        "unreadable-stack-file",
        f"no stack file matches `{name}`",
    )
