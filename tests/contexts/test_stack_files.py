"""Patterns of stack files."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from stack_files import write_files

from faas_cache.contexts.stack_files import expand_names
from faas_cache.model.faults import FaultCollector


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with stack files, and a folder with the name of one."""
    write_files(tmp_path, dict.fromkeys(("b.yml", "a.yml", "c.yaml", "sub/d.yml", "[x].yml"), ""))
    (tmp_path / "z.yml").mkdir()
    return tmp_path


def expand(names: Iterable[str | Path], root: str | Path) -> tuple[str, ...]:
    """The files that names stand for, without a fault."""
    faults = FaultCollector()
    files = expand_names(names, root, faults)
    assert faults.diagnostics == []
    return files


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
    assert expand([name], root) == files


def test_an_absolute_pattern(root: Path) -> None:
    """It has absolute matches."""
    assert expand([f"{root}/[ab].yml"], "/") == (f"{root}/a.yml", f"{root}/b.yml")


def test_a_file_counts_once(root: Path) -> None:
    """However it is spelled; the first spelling stays."""
    names: list[str | Path] = ["./b.yml", "*.yml", "sub/../a.yml", Path("b.yml")]
    assert expand(names, root) == ("./b.yml", "[x].yml", "a.yml")


@pytest.mark.parametrize("name", ["*.json", "z*.yml", "*/*/*.yml"])
def test_a_pattern_without_a_match_is_an_error(root: Path, name: str) -> None:
    """It is not read as the name of a file."""
    faults = FaultCollector()
    assert expand_names([name, "a.yml"], root, faults) == ("a.yml",)
    (diagnostic,) = faults.diagnostics
    assert (diagnostic.name, diagnostic.message) == (
        "unreadable-stack-file",
        f"no stack file matches `{name}`",
    )
