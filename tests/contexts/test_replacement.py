"""`replace_file`: a file as a whole or not at all."""

import os
from pathlib import Path

import pytest

from faas_cache.contexts.replacement import replace_file
from faas_cache.model.errors import InvalidInput


def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    """That of the umask."""
    umask = os.umask(0o027)
    try:
        replace_file(str(tmp_path / "f"), b"x")
    finally:
        os.umask(umask)
    assert ((tmp_path / "f").read_bytes(), (tmp_path / "f").stat().st_mode & 0o7777) == (
        b"x",
        0o640,
    )


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    """Whatever the umask; nothing is left beside it."""
    file = tmp_path / "f"
    file.write_bytes(b"old")
    file.chmod(0o604)
    replace_file(str(file), b"new", expected=b"old")
    assert (file.read_bytes(), file.stat().st_mode & 0o7777, list(tmp_path.iterdir())) == (
        b"new",
        0o604,
        [file],
    )


def test_a_link_is_followed(tmp_path: Path) -> None:
    """The file that it names is replaced, and the link stays."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "f").write_bytes(b"old")
    (tmp_path / "link").symlink_to("folder/f")
    replace_file(str(tmp_path / "link"), b"new")
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "folder" / "f").read_bytes()) == (
        True,
        b"new",
    )


@pytest.mark.parametrize("content", [b"other", b"old and more", b""])
def test_a_file_that_changed_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """Somebody else was faster."""
    file = tmp_path / "f"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match="changed while it was being edited"):
        replace_file(str(file), b"new", expected=b"old")
    assert (file.read_bytes(), list(tmp_path.iterdir())) == (content, [file])


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """It is not written again."""
    with pytest.raises(FileNotFoundError):
        replace_file(str(tmp_path / "f"), b"new", expected=b"old")
    assert list(tmp_path.iterdir()) == []


def test_what_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old file stays; that the rest cannot be removed hides no error."""
    file = tmp_path / "f"
    file.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        replace_file(str(file), b"new")
    assert (file.read_bytes(), list(tmp_path.iterdir())) == (b"old", [file])
    monkeypatch.setattr("os.unlink", refuse)
    with pytest.raises(OSError, match="No space left"):
        replace_file(str(file), b"new")
    assert file.read_bytes() == b"old"


def test_a_link_beside_the_file_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file beside it must be a new one."""
    (tmp_path / ".faas-cache-x").symlink_to(tmp_path / "victim")
    monkeypatch.setattr("secrets.token_hex", lambda _: "x")
    with pytest.raises(FileExistsError):
        replace_file(str(tmp_path / "f"), b"new")
    assert not (tmp_path / "victim").exists()


def test_what_is_not_a_file_is_written_to(tmp_path: Path) -> None:
    """A device or a pipe stays what it is, and gets what is written."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        replace_file(str(pipe), b"new")
        assert (os.read(reader, 9), pipe.is_fifo()) == (b"new", True)
    finally:
        os.close(reader)


def test_the_longest_name_can_be_replaced(tmp_path: Path) -> None:
    """The name of the new file beside it does not depend on it."""
    file = tmp_path / ("x" * 255)
    replace_file(str(file), b"new")
    assert (file.read_bytes(), list(tmp_path.iterdir())) == (b"new", [file])
