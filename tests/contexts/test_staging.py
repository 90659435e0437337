"""Staging folders, leftovers of killed runs, and the swap."""

import ctypes
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from context_projects import (
    FILES,
    SPEC,
    files_of,
    make_project,
    refusal,
    state_of,
    write,
    write_context,
)

from faas_cache.contexts import staging
from faas_cache.contexts.assembly import Contexts
from faas_cache.contexts.flock import FileLock
from faas_cache.contexts.locks import lock_context
from faas_cache.contexts.staging import remove_leftovers, staging_directory, swap
from faas_cache.stack.templates import Template

project = pytest.fixture(make_project)
TINY = Template(name="tiny")


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A project's `build` with a context, and a new one."""
    write(tmp_path, {"build/fn/x": "old", "build/.faas-cache-1/x": "new"})
    return tmp_path / "build"


def no_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel without renameat2."""
    monkeypatch.setattr(staging, "_renameat2", lambda: None)


# The swap.


@pytest.mark.parametrize("exchange", ["with", "without"])
@pytest.mark.parametrize("before", ["context", "nothing", "file", "link"])
def test_a_new_folder_takes_the_place_of_what_is_there(
    build: Path, monkeypatch: pytest.MonkeyPatch, exchange: str, before: str
) -> None:
    if exchange == "without":
        no_exchange(monkeypatch)
    if before != "context":
        shutil.move(build / "fn", build.parent / "kept")
    if before == "file":
        (build / "fn").write_text("old")
    elif before == "link":
        (build / "fn").symlink_to("../kept")
    swap(str(build.parent), "fn", str(build / ".faas-cache-1"))
    assert files_of(build / "fn") == {"x": "new"}
    assert not (build / "fn").is_symlink()
    if before != "context":
        assert files_of(build.parent / "kept") == {"x": "old"}
    if exchange == "without":
        assert state_of(build) == []


def interrupted(monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException) -> None:
    """Raises an error after the given number of renames."""
    rename, done = os.rename, [0]

    def counting(source: str, target: str) -> None:
        if done[0] == at:
            done[0] += 1
            raise error
        rename(source, target)
        done[0] += 1

    monkeypatch.setattr(os, "rename", counting)


ERRORS = [KeyboardInterrupt(), SystemExit(143), OSError(errno.EIO, "Input/output error")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_exception_between_two_renames_loses_nothing(
    build: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    no_exchange(monkeypatch)
    interrupted(monkeypatch, 1, error)
    with pytest.raises(type(error)):
        swap(str(build.parent), "fn", str(build / ".faas-cache-1"))
    assert files_of(build / "fn") == {"x": "old"}


def test_the_next_holder_of_the_lock_restores_what_a_killed_run_moved(build: Path) -> None:
    (build / "fn").rename(build / ".faas-cache-fn.previous")
    with lock_context(str(build.parent), "fn"):
        assert files_of(build / "fn") == {"x": "old"}
    (build / "fn").rename(build / ".faas-cache-fn.previous")
    write(build, {"fn/x": "newer"})
    with lock_context(str(build.parent), "fn"):
        assert files_of(build / "fn") == {"x": "newer"}
    assert state_of(build) == [".faas-cache-1"]


def test_a_context_that_is_deleted_meanwhile_is_written(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = staging._exchange  # noqa: SLF001  # what is watched

    def slower(one: str, other: str) -> bool:
        shutil.rmtree(build / "fn")
        return exchange(one, other)

    monkeypatch.setattr(staging, "_exchange", slower)
    swap(str(build.parent), "fn", str(build / ".faas-cache-1"))
    assert files_of(build / "fn") == {"x": "new"}


def test_a_context_that_comes_and_goes_for_ever_is_an_error(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(_: str, other: str) -> bool:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", other)

    monkeypatch.setattr(staging, "_exchange", vanish)
    with pytest.raises(FileNotFoundError):
        swap(str(build.parent), "fn", str(build / ".faas-cache-1"))


def test_a_folder_that_is_gone_cannot_be_swapped_in(build: Path) -> None:
    with pytest.raises(FileNotFoundError):
        swap(str(build.parent), "other", str(build / "gone"))


class Library:
    """A C library whose renameat2 fails."""

    def __init__(self, code: int) -> None:
        self.code = code

    def renameat2(self, *_: object) -> int:
        """Fails."""
        ctypes.set_errno(self.code)
        return -1


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL])
def test_a_kernel_that_cannot_exchange_is_not_an_error(
    build: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(staging, "_renameat2", lambda: Library(code).renameat2)
    swap(str(build.parent), "fn", str(build / ".faas-cache-1"))
    assert files_of(build / "fn") == {"x": "new"}


def test_an_error_of_the_exchange_is_raised(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "_renameat2", lambda: Library(errno.EIO).renameat2)
    with pytest.raises(OSError, match="Input/output error"):
        swap(str(build.parent), "fn", str(build / ".faas-cache-1"))
    assert files_of(build / "fn") == {"x": "old"}


@pytest.mark.parametrize("error", [TypeError(), OSError(), AttributeError()])
def test_a_platform_without_renameat2_has_none(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object, **__: object) -> Any:  # noqa: ANN401  # a library
        raise error

    staging._renameat2.cache_clear()  # noqa: SLF001  # asked anew
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    assert staging._renameat2() is None  # noqa: SLF001  # the look-up
    staging._renameat2.cache_clear()  # noqa: SLF001  # for the tests that follow


def test_the_last_context_stays_when_the_swap_fails(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_context(project)
    write(project, {"fn/h": "newer"})
    no_exchange(monkeypatch)
    interrupted(monkeypatch, 1, OSError(errno.EIO, "Input/output error"))
    assert refusal(project).message == (
        "cannot write the build context `build/fn`: Input/output error"
    )
    assert files_of(project / "build/fn") == FILES


def test_what_a_link_in_the_place_of_a_context_leads_to_stays(project: Path) -> None:
    write(project, {"kept/x": "x"})
    (project / "build").mkdir()
    (project / "build/fn").symlink_to("../kept")
    assert write_context(project) == FILES
    assert files_of(project / "kept") == {"x": "x"}


# Staging folders.


def test_a_staging_folder_is_gone_at_the_end(tmp_path: Path) -> None:
    with staging_directory(str(tmp_path)) as folder:
        write(Path(folder.path), {"a/b": "c"})
        assert state_of(tmp_path) == [Path(folder.path).name]
    assert [*tmp_path.iterdir()] == []


def test_a_staging_folder_is_gone_after_an_interrupt(tmp_path: Path) -> None:
    def interrupt() -> None:
        with staging_directory(str(tmp_path)) as folder:
            write(Path(folder.path), {"a/b": "c"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(("umask", "exact"), [(0o022, True), (0o002, True), (0o077, False)])
def test_a_staging_folder_tells_whether_modes_stay(
    tmp_path: Path,
    umask: int,
    exact: bool,  # noqa: FBT001  # a column
) -> None:
    before = os.umask(umask)
    try:
        with staging_directory(str(tmp_path)) as folder:
            assert folder.exact is exact
            assert Path(folder.path).stat().st_mode & 0o777 == 0o755
    finally:
        os.umask(before)


TAKEN: dict[str, Callable[[str], object]] = {"removed": os.rmdir, "locked": lambda _: None}


@pytest.mark.parametrize("taken", TAKEN)
def test_a_folder_that_another_takes_for_a_leftover_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    """In the moment before it is locked."""
    mkdir = os.mkdir
    locks: list[FileLock] = []

    def taking(path: str, mode: int) -> None:
        mkdir(path, mode)
        if not locks:
            locks.append(FileLock(os.open(path, os.O_RDONLY)))
            assert locks[0].try_lock()
            TAKEN[taken](path)

    monkeypatch.setattr(os, "mkdir", taking)
    with staging_directory(str(tmp_path)) as folder:
        assert Path(folder.path).is_dir()
    locks[0].close()


def test_folders_that_are_always_taken_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileLock, "try_lock", lambda _: False)
    with pytest.raises(FileNotFoundError), staging_directory(str(tmp_path)):
        pass


# Leftovers.


def test_leftovers_of_killed_runs_are_removed_and_live_folders_stay(tmp_path: Path) -> None:
    build = tmp_path / "build"
    write(
        build,
        {
            ".faas-cache-1/x": "",
            ".faas-cache-2": "a file that a context replaced",
            ".faas-cache-other.lock": "",
            ".faas-cache-kept.previous/x": "",
            ".faas-cache-kept.held": "",
            ".other/x": "",
            "fn/x": "",
        },
    )
    (build / ".faas-cache-3").symlink_to("fn")
    (build / ".faas-cache-4").symlink_to("gone")
    os.mkfifo(build / ".faas-cache-5")
    with staging_directory(str(build)) as live, lock_context(str(tmp_path), "fn"):
        remove_leftovers(str(build))
        assert sorted(path.name for path in build.iterdir()) == sorted(
            [
                ".faas-cache-fn.lock",
                ".faas-cache-kept.held",
                ".faas-cache-kept.previous",
                ".other",
                "fn",
                Path(live.path).name,
            ]
        )
    assert files_of(build / "fn") == {"x": ""}


def test_leftovers_are_removed_by_the_next_run_once(project: Path) -> None:
    contexts = Contexts(str(project))
    write(project, {"build/.faas-cache-1/x": ""})
    contexts.write(SPEC, TINY)
    assert state_of(project / "build") == []
    write(project, {"build/.faas-cache-1/x": ""})
    contexts.write(SPEC, TINY)
    assert state_of(project / "build") == [".faas-cache-1"]


def test_a_lock_that_another_run_acquires_meanwhile_is_not_a_leftover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {".faas-cache-fn.lock": "old"})
    try_lock = FileLock.try_lock

    def slower(lock: FileLock) -> bool:
        free = try_lock(lock)
        (tmp_path / ".faas-cache-fn.lock").unlink()
        write(tmp_path, {".faas-cache-fn.lock": "new"})
        return free

    monkeypatch.setattr(FileLock, "try_lock", slower)
    remove_leftovers(str(tmp_path))
    assert files_of(tmp_path) == {".faas-cache-fn.lock": "new"}


def test_where_there_is_no_flock_leftovers_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: FileLock) -> bool:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(FileLock, "try_lock", refuse)
    write(tmp_path, {".faas-cache-1/x": ""})
    remove_leftovers(str(tmp_path))
    assert state_of(tmp_path) == [".faas-cache-1"]
