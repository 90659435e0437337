"""The digest of a handler, as faas-cli computes it."""

import hashlib
import os
from pathlib import Path

import pytest
from context_projects import write

from faas_cache.contexts.digests import handler_digest
from faas_cache.contexts.names import quoted
from faas_cache.contexts.sources import Limits
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidFunction


def md5_of_md5s(*contents: bytes) -> str:
    """What faas-cli computes."""
    digests = "".join(hashlib.md5(content).hexdigest() for content in contents)
    return hashlib.md5(digests.encode()).hexdigest()


@pytest.fixture
def handler(tmp_path: Path) -> Path:
    """A handler with files whose order by path differs from that by folder."""
    write(tmp_path / "fn", {"lib/x": "1", "lib-x": "2", "h": "3", "é": "4"})
    return tmp_path / "fn"


def test_files_count_in_the_order_of_their_paths(handler: Path) -> None:
    assert handler_digest(str(handler)) == md5_of_md5s(b"3", b"2", b"1", b"4")
    assert handler_digest(f"{handler}/") == handler_digest(f"{handler}/../fn")


def test_modes_links_and_what_is_not_a_file_do_not_count(handler: Path) -> None:
    before = handler_digest(str(handler))
    (handler / "link").symlink_to("h")
    (handler / "folder").symlink_to("lib")
    os.mkfifo(handler / "fifo")
    (handler / "h").chmod(0o755)
    assert handler_digest(str(handler)) == before


def test_a_handler_that_is_a_link_has_no_files(handler: Path) -> None:
    (handler.parent / "link").symlink_to("fn")
    assert handler_digest(str(handler.parent / "link")) == md5_of_md5s()


def test_what_a_build_writes_into_the_project_does_not_count(tmp_path: Path) -> None:
    """Where the handler is the project itself, however it is written, and at its top only."""
    files = {"h": "1", "sub/build/x": "2"}
    write(tmp_path, files)
    before = handler_digest(".", root=str(tmp_path))
    write(tmp_path, {"build/fn/x": "3", "template/py/y": "4"})
    digests = [handler_digest(path, root=str(tmp_path)) for path in (".", "./", str(tmp_path))]
    assert digests == [before] * 3 == [md5_of_md5s(b"1", b"2")] * 3
    assert handler_digest("sub", root=str(tmp_path)) == md5_of_md5s(b"2")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "`--tag digest` needs a handler"),
        ("gone", "`--tag digest` needs the handler `gone`, which is not a folder"),
        ("fn/h", "`--tag digest` needs the handler `fn/h`, which is not a folder"),
    ],
)
def test_a_digest_needs_a_folder(handler: Path, path: str, message: str) -> None:
    with pytest.raises(InvalidFunction) as caught:
        handler_digest(path, root=str(handler.parent))
    assert [(d.name, d.message) for d in caught.value.diagnostics] == [("invalid-context", message)]


HINT = "remove generated or unreadable files from the handler"
LIMITS = [
    (Limits(entries=3), "the handler has more than 3 files and folders"),
    (Limits(depth=0), "the handler is nested more than 0 folders deep"),
    (Limits(size=3), "the files of the handler are too large for a digest"),
]


@pytest.mark.parametrize(("limits", "message"), LIMITS)
def test_a_digest_has_limits(handler: Path, limits: Limits, message: str) -> None:
    with pytest.raises(InvalidFunction) as caught:
        handler_digest(str(handler), limits)
    assert caught.value.diagnostics == (
        Diagnostic(
            name="invalid-context",
            message=message,
            hint=HINT,
            location=Location(path=("handler",)),
        ),
    )


def test_a_fifo_that_replaces_a_file_is_read_as_an_empty_one(
    handler: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_file = os.open

    def replacing(path: str, flags: int) -> int:
        if path.endswith("/h"):
            (handler / "h").unlink()
            os.mkfifo(handler / "h")
        return open_file(path, flags)

    monkeypatch.setattr(os, "open", replacing)
    assert handler_digest(str(handler)) == md5_of_md5s(b"", b"2", b"1", b"4")


def test_a_file_that_cannot_be_read_is_an_error(
    handler: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, _: int) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InvalidFunction) as caught:
        handler_digest(str(handler))
    message = f"cannot read the handler: Permission denied ({quoted(f'{handler}/h')})"
    assert caught.value.diagnostics[0].message == message
    assert caught.value.diagnostics[0].location == Location(path=("handler",))
