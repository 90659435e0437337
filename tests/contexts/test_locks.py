"""Locks of contexts."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from context_projects import (
    FILES,
    SPEC,
    files_of,
    make_project,
    state_of,
    write,
    write_context,
)

from faas_cache.contexts import locks
from faas_cache.contexts.assembly import Contexts
from faas_cache.contexts.flock import FileLock
from faas_cache.contexts.locks import ContextLock, Holder, lock_context
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidFunction
from faas_cache.stack.templates import Template

project = pytest.fixture(make_project)
HOST = os.uname().nodename
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
IN_USE = f"the build context `build/fn` is in use by process {os.getpid()} on `{re.escape(HOST)}` since {TIME}"


@attrs.define
class Stop:
    """A stop signal that becomes true after some looks at it."""

    looks: int = 0

    @property
    def stopped(self) -> bool:
        """Whether to stop."""
        self.looks -= 1
        return self.looks < 0


def without_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform without `fcntl`."""
    monkeypatch.setitem(sys.modules, "fcntl", None)


def refused_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without flock."""

    def refuse(_: FileLock) -> bool:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(FileLock, "try_lock", refuse)


def with_flock(_: pytest.MonkeyPatch) -> None:
    """This platform."""


KINDS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "flock": with_flock,
    "no module": without_flock,
    "no support": refused_flock,
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each kind of lock."""
    KINDS[request.param](monkeypatch)
    return str(request.param)


@pytest.mark.usefixtures("kind")
def test_a_lock_is_held_by_one_and_leaves_nothing(tmp_path: Path) -> None:
    root = str(tmp_path)
    for _ in range(2):
        with lock_context(root, "fn") as lock, lock_context(root, "other"):
            assert lock == ContextLock(root=root, name="fn", waited=False)
            with pytest.raises(InvalidFunction), lock_context(root, "fn", wait=0):
                pass
        assert [*(tmp_path / "build").iterdir()] == []


def test_a_lock_in_use_names_its_holder(tmp_path: Path, kind: str) -> None:
    root = str(tmp_path)
    with lock_context(root, "fn"):
        with pytest.raises(InvalidFunction) as caught, lock_context(root, "fn", wait=0):
            pass
        with pytest.raises(InvalidFunction) as stopped, lock_context(root, "fn", stop=Stop()):
            pass
    (diagnostic,) = caught.value.diagnostics
    assert re.fullmatch(IN_USE, diagnostic.message)
    remove = "or remove `build/.faas-cache-fn.held` if it is no longer running"
    assert diagnostic == Diagnostic(
        name="context-locked",
        message=diagnostic.message,
        hint=f"wait until that run ends, {'or stop it' if kind == 'flock' else remove}",
        location=Location(path=("functions", "fn")),
    )
    words = IN_USE.replace("the build", "stopped waiting for the build").replace(
        " is", ", which is"
    )
    assert re.fullmatch(words, stopped.value.diagnostics[0].message)


def test_the_wait_ends_when_the_lock_is_released(tmp_path: Path, kind: str) -> None:
    root, holders, order = str(tmp_path), list[Holder](), list[str]()

    def hold() -> None:
        with lock_context(root, "fn"):
            ready.set()
            while not holders:
                time.sleep(0.001)
            order.append("first")

    ready = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait()
    with lock_context(root, "fn", wait=None, on_wait=holders.append) as lock:
        order.append("second")
    thread.join()
    assert (lock.waited, order, kind in KINDS) == (True, ["first", "second"], True)
    assert [(holder.pid, holder.host) for holder in holders] == [(str(os.getpid()), HOST)]


def test_the_wait_ends_after_a_time_and_by_a_stop(tmp_path: Path) -> None:
    root = str(tmp_path)
    with lock_context(root, "fn"):
        start = time.monotonic()
        with pytest.raises(InvalidFunction, match="is in use"), lock_context(root, "fn", wait=0.05):
            pass
        assert 0.05 <= time.monotonic() - start < 2
        with (
            pytest.raises(InvalidFunction, match="stopped"),
            lock_context(root, "fn", stop=Stop(2)),
        ):
            pass


def test_an_exception_releases_the_lock(tmp_path: Path) -> None:
    def interrupt() -> None:
        with lock_context(str(tmp_path), "fn"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    with lock_context(str(tmp_path), "fn", wait=0):
        pass


HOLD = """
import sys, time
from faas_cache.contexts.locks import lock_context
with lock_context(sys.argv[1], "fn"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_killed_process_is_free(project: Path) -> None:
    """Its file is used by the next one, and gone afterwards."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(project)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(InvalidFunction, match=f"in use by process {holder.pid} on"),
        lock_context(str(project), "fn", wait=0),
    ):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert state_of(project / "build") == [".faas-cache-fn.lock"]
    assert write_context(project) == FILES


def test_a_forked_process_does_not_keep_a_lock(tmp_path: Path) -> None:
    """Though it has the file open."""
    reader, writer = os.pipe()
    with lock_context(str(tmp_path), "fn"):
        child = os.fork()
        if child == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
    with lock_context(str(tmp_path), "fn", wait=0):
        pass
    os.close(writer)
    os.close(reader)
    os.waitpid(child, 0)


@pytest.mark.parametrize("name", ["../fn", "", ".faas-cache-x"])
def test_a_lock_has_the_name_of_a_folder(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(InvalidFunction, match="not a valid folder name"),
        lock_context(str(tmp_path), name),
    ):
        pass
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127])
def test_the_longest_names_have_locks_of_their_own(tmp_path: Path, name: str) -> None:
    other = f"{name[:-1]}y"
    with lock_context(str(tmp_path), name, wait=0), lock_context(str(tmp_path), other, wait=0):
        assert len(state_of(tmp_path / "build")) == 2


def test_build_may_be_deleted_while_a_lock_is_held(tmp_path: Path) -> None:
    """The next holder's lock is another file, which the first one leaves alone."""
    root = str(tmp_path)
    with lock_context(root, "fn"):
        shutil.rmtree(tmp_path / "build")
        second = lock_context(root, "fn", wait=0)
        second.__enter__()
    with pytest.raises(InvalidFunction), lock_context(root, "fn", wait=0):
        pass
    second.__exit__(None, None, None)
    assert [*(tmp_path / "build").iterdir()] == []


def opening(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object], times: int) -> None:
    """Runs something before a lock file is opened, as often as said."""
    open_file, left = os.open, [times]

    def changing(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if str(path).endswith(".lock") and flags & os.O_CREAT and left[0]:
            left[0] -= 1
            change()
        return open_file(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", changing)


def test_build_may_be_deleted_while_a_lock_is_acquired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening(monkeypatch, lambda: shutil.rmtree(tmp_path / "build"), 2)
    with lock_context(str(tmp_path), "fn"):
        assert state_of(tmp_path / "build") == [".faas-cache-fn.lock"]


def test_build_that_is_deleted_again_and_again_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening(monkeypatch, lambda: shutil.rmtree(tmp_path / "build"), -1)
    with pytest.raises(InvalidFunction) as caught, lock_context(str(tmp_path), "fn"):
        pass
    message = "cannot write the build context `build/fn`: No such file or directory"
    assert caught.value.diagnostics[0].message == f"{message} (`build/.faas-cache-fn.lock`)"


def test_a_lock_file_that_is_removed_meanwhile_is_not_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its last holder does when it releases the lock."""
    try_lock, left = FileLock.try_lock, [1]

    def slower(lock: FileLock) -> bool:
        free = try_lock(lock)
        if left[0]:
            left[0] -= 1
            (tmp_path / "build/.faas-cache-fn.lock").unlink()
        return free

    monkeypatch.setattr(FileLock, "try_lock", slower)
    with lock_context(str(tmp_path), "fn"):
        assert state_of(tmp_path / "build") == [".faas-cache-fn.lock"]


def test_build_may_be_created_by_another_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir = os.mkdir

    def twice(path: str, mode: int) -> None:
        mkdir(path, mode)
        mkdir(path, mode)

    monkeypatch.setattr(os, "mkdir", twice)
    with lock_context(str(tmp_path), "fn"):
        assert (tmp_path / "build").is_dir()


def test_a_lock_is_not_followed_as_a_link(tmp_path: Path) -> None:
    write(tmp_path, {"build/x": "", "victim": "mine"})
    (tmp_path / "build/.faas-cache-fn.lock").symlink_to("../victim")
    with (
        pytest.raises(InvalidFunction, match="Too many levels of symbolic links"),
        lock_context(str(tmp_path), "fn"),
    ):
        pass
    assert (tmp_path / "victim").read_text() == "mine"


def test_what_cannot_be_restored_is_an_error_and_releases_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"build/.faas-cache-fn.previous/x": "old"})

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refuse)
        failed = pytest.raises(InvalidFunction, match="Input/output error")
        with failed, lock_context(str(tmp_path), "fn"):
            pass
    with lock_context(str(tmp_path), "fn", wait=0):
        assert files_of(tmp_path / "build/fn") == {"x": "old"}


HOLDERS = [
    ("12\nhost\n", True),
    ("12\nhost", True),
    ("", False),
    ("x\nhost\n", False),
    ("12\nho\x1b[2Jst\n", False),
]


@pytest.mark.parametrize(("text", "known"), HOLDERS)
def test_a_holder_is_named_by_what_it_wrote(
    tmp_path: Path,
    text: str,
    known: bool,  # noqa: FBT001  # a column
) -> None:
    write(tmp_path, {"lock": text})
    os.utime(tmp_path / "lock", (0, 0))
    words = "process 12 on `host` since 1970-01-01 00:00:00 UTC" if known else "another run"
    assert str(locks._read_holder(str(tmp_path / "lock"))) == words  # noqa: SLF001  # its text
    assert str(locks._read_holder(str(tmp_path / "gone"))) == "another run"  # noqa: SLF001  # the same


def test_a_host_without_uname_is_named_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "uname")
    monkeypatch.setenv("COMPUTERNAME", "PC")
    assert locks._describe_process(-1) == b"-1\nPC\n"  # noqa: SLF001  # what it writes


class Waiting(threading.Event):
    """A stop signal that never stops, and tells that somebody waits."""

    @property
    def stopped(self) -> bool:
        """Whether to stop."""
        self.set()
        return False


def test_a_context_is_read_again_if_its_lock_was_in_use(project: Path) -> None:
    """The sources may have changed while the run waited."""
    waiting = Waiting()
    contexts = Contexts(str(project))
    with lock_context(str(project), "fn"):
        thread = threading.Thread(
            target=contexts.write, args=(SPEC, Template(name="tiny"), None, waiting)
        )
        thread.start()
        waiting.wait()
        write(project, {"fn/new": "new"})
    thread.join()
    assert files_of(project / "build/fn") == FILES | {"function/new": "new"}


def test_a_stop_ends_the_wait_of_a_context(project: Path) -> None:
    with lock_context(str(project), "fn"), pytest.raises(InvalidFunction, match="stopped waiting"):
        Contexts(str(project)).write(SPEC, Template(name="tiny"), stop=Stop())


def test_a_lock_is_closed_once(tmp_path: Path) -> None:
    lock = FileLock(os.open(tmp_path, os.O_RDONLY))
    lock.close()
    lock.close()
    assert lock.descriptor == -1
