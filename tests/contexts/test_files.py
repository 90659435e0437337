"""Copying and removing files."""

import errno
import os
from pathlib import Path

import pytest
from context_projects import write

from faas_cache.contexts import files
from faas_cache.contexts.files import copy_rest, remove_tree, write_all
from faas_cache.contexts.tree import SourceFile


def copy(source: Path, target: Path, limit: int) -> None:
    """Copies a file from its third byte."""
    with source.open("rb", buffering=0) as origin, target.open("wb", buffering=0) as copy:
        origin.seek(3)
        copy_rest(origin.fileno(), copy.fileno(), limit)


def unsupported(*_: object) -> int:
    raise OSError(errno.EOPNOTSUPP, "Operation not supported")


@pytest.mark.parametrize("kernel", ["copies", "refuses", "has no such call"])
def test_the_rest_of_a_file_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: str
) -> None:
    if kernel == "refuses":
        monkeypatch.setattr(os, "copy_file_range", unsupported)
    elif kernel == "has no such call":
        monkeypatch.delattr(os, "copy_file_range")
    data = os.urandom(2**21 + 5)
    (tmp_path / "a").write_bytes(data)
    copy(tmp_path / "a", tmp_path / "b", 2**22)
    assert (tmp_path / "b").read_bytes() == data[3:]


def test_a_file_that_grows_beyond_the_limit_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    with pytest.raises(OSError, match="File too large"):
        copy(tmp_path / "a", tmp_path / "b", 97)


def test_an_error_of_both_ways_of_copying_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "copy_file_range", unsupported)
    monkeypatch.setattr(os, "read", unsupported)
    write(tmp_path, {"a": "abcdef"})
    with pytest.raises(OSError, match="Operation not supported"):
        copy(tmp_path / "a", tmp_path / "b", 100)


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_some = os.write
    monkeypatch.setattr(os, "write", lambda to, data: write_some(to, data[:2]))
    with (tmp_path / "a").open("wb", buffering=0) as file:
        write_all(file.fileno(), b"abcdef")
    assert (tmp_path / "a").read_bytes() == b"abcdef"


@pytest.mark.parametrize("kind", ["folder", "file", "link", "dead link", "nothing"])
def test_a_tree_is_removed_and_no_link_is_followed(tmp_path: Path, kind: str) -> None:
    write(tmp_path, {"kept/x": "x"})
    top = tmp_path / "top"
    if kind == "folder":
        write(top, {"a/b/c": "c", "d": "d"})
        (top / "l").symlink_to("../kept")
        (top / "a/m").symlink_to(tmp_path / "kept")
    elif kind == "file":
        top.write_text("x")
    elif kind != "nothing":
        top.symlink_to("kept" if kind == "link" else "gone")
    remove_tree(str(top))
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept/x").read_text() == "x"


def test_a_tree_of_any_depth_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deeper than recursion and the length of a path allow."""
    (tmp_path / "top").mkdir()
    monkeypatch.chdir(tmp_path / "top")
    for _ in range(1500):
        Path("folder-name").mkdir()
        Path("file").touch()
        monkeypatch.chdir("folder-name")
    monkeypatch.chdir(tmp_path)
    remove_tree(str(tmp_path / "top"))
    assert [*tmp_path.iterdir()] == []


def test_what_cannot_be_removed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"top/a": "a", "top/b": "b"})
    unlink = os.unlink

    def refuse(path: str) -> None:
        if path.endswith("/a"):
            raise PermissionError(errno.EPERM, "Operation not permitted", path)
        unlink(path)

    monkeypatch.setattr(os, "unlink", refuse)
    remove_tree(str(tmp_path / "top"))
    assert [path.name for path in (tmp_path / "top").iterdir()] == ["a"]


def test_times_are_set_by_path_where_they_cannot_be_by_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_BY_DESCRIPTOR", False)
    write(tmp_path, {"a": "a"})
    os.utime(tmp_path / "a", ns=(5, 5))
    status = (tmp_path / "a").stat()
    source = SourceFile(str(tmp_path / "a"), files.identity_of(status), 0o644, 5, cached=False)
    files.copy_file(source, str(tmp_path / "b"), {}, exact=True, limit=10)
    assert (tmp_path / "b").stat().st_mtime_ns == 5
