"""Walking the sources of a context."""

import os
from pathlib import Path

import pytest
from context_projects import FILES, make_project, write, write_context

from faas_cache.contexts import sources
from faas_cache.contexts.files import SourceChanged, identity_of
from faas_cache.contexts.sources import (
    Ancestor,
    SourceWalker,
    is_within,
    list_folder,
    relative_path,
)
from faas_cache.contexts.tree import ContextTree

project = pytest.fixture(make_project)


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("/a/b", "/a", True),
        ("/a", "/a", True),
        ("/ab", "/a", False),
        ("/a", "/a/b", False),
        ("/a", "/", True),
        ("/", "/", True),
    ],
)
def test_a_path_is_inside_of_a_folder(
    path: str,
    folder: str,
    expected: bool,  # noqa: FBT001  # a column
) -> None:
    assert is_within(path, folder) is expected


def test_a_message_shows_paths_relative_to_the_project() -> None:
    assert relative_path("/p/a/b", "/p") == "a/b"
    assert relative_path("/p/../x", "/p") == "../x"
    assert relative_path("/q/x", "/p") == "/q/x"


def test_a_folder_is_its_own_ancestor_in_a_cycle() -> None:
    top = Ancestor((1, 1), None, 0)
    below = Ancestor((1, 2), top, 1)
    assert not below.is_cycle()
    assert Ancestor((1, 1), below, 2).is_cycle()


def test_a_listing_is_that_of_the_folder_that_was_checked(tmp_path: Path) -> None:
    write(tmp_path, {"a/y": "", "a/x": "", "b/z": ""})
    identity = identity_of((tmp_path / "a").stat())
    assert [name for name, _ in list_folder(str(tmp_path / "a"), identity, 10)] == ["x", "y"]
    assert len(list_folder(str(tmp_path / "a"), identity, 0)) == 1
    with pytest.raises(SourceChanged):
        list_folder(str(tmp_path / "b"), identity, 10)


def test_a_folder_on_the_way_that_became_a_link_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at a link and the look at what it leads to."""
    write(tmp_path, {"proj/a/b/x": "mine", "secret/b/x": "hidden"})
    (tmp_path / "proj/link").symlink_to("a/b/x")
    realpath = os.path.realpath

    def swapped(path: str, *, strict: bool = False) -> str:
        real = realpath(path, strict=strict)
        (tmp_path / "proj/a").rename(tmp_path / "old")
        (tmp_path / "proj/a").symlink_to("../secret")
        return real

    root = str(tmp_path / "proj")
    monkeypatch.setattr(os.path, "realpath", swapped)
    with pytest.raises(NotADirectoryError):
        SourceWalker(root=root, allowed=(root,)).follow(f"{root}/link")


def test_where_folders_have_no_descriptors_paths_are_used(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows."""
    (project / "fn/l").symlink_to("lib/x.sh")
    monkeypatch.setattr(os, "supports_fd", set())
    monkeypatch.setattr(os, "supports_dir_fd", set())
    assert write_context(project) == FILES | {"function/l": "x"}


def test_small_files_of_a_template_are_cached_up_to_a_limit(tmp_path: Path) -> None:
    write(tmp_path, {"a": "x" * 60, "b": "x" * 60, "c": "x" * 2**16, "d": ""})
    root = str(tmp_path)
    tree = ContextTree()
    SourceWalker(root=root, allowed=(root,), cached=True, cache_size=100).add(root, "", tree)
    cached = {name: source.cached for name, source in tree.files.items()}
    assert cached == {"a": True, "b": False, "c": False, "d": True}
    assert tree.size == 60 + 60 + 2**16


def test_a_project_without_build_has_no_folder_to_avoid(tmp_path: Path) -> None:
    assert sources._identity(str(tmp_path / "build")) is None  # noqa: SLF001  # a helper
