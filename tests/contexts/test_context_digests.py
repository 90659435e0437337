"""Digests of a build context, file by file."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from stack_files import write_files

from faas_cache.contexts import context_digests
from faas_cache.contexts.context_digests import digest_context, read_dockerfile
from faas_cache.contexts.sources import Limits
from faas_cache.model.inputs import BuildInputs, ContextFile


def digests(root: Path, **limits: int) -> BuildInputs:
    """The digests of the context `c` of a project."""
    return digest_context(
        str(root), "c", BuildInputs(), dockerfile="c/Dockerfile", limits=Limits(**limits)
    )


def digest(data: bytes) -> str:
    """The digest of a file with this content."""
    return f"sha256:{sha256(data).hexdigest()}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a context of two files, one of them in a folder."""
    write_files(tmp_path, {"c/a": "one", "c/d/b": "two"})
    for path, mode in {"a": 0o755, "d": 0o750, "d/b": 0o644}.items():
        (tmp_path / "c" / path).chmod(mode)
    return tmp_path


def test_each_file_has_its_mode_and_its_digest(root: Path) -> None:
    """Folders have a mode alone, and links where they lead; nothing follows them."""
    (root / "c" / "link").symlink_to("/nowhere")
    inputs = digests(root)
    assert dict(inputs.files) == {
        "a": ContextFile(mode="0755", digest=digest(b"one")),
        "d/": ContextFile(mode="0750"),
        "d/b": ContextFile(mode="0644", digest=digest(b"two")),
        "link": ContextFile(mode="link", digest=digest(b"/nowhere")),
    }
    assert list(inputs.files) == sorted(inputs.files)


def test_a_pipe_is_not_read(root: Path) -> None:
    """A builder does not send it with content either."""
    os.mkfifo(root / "c" / "pipe")
    assert digests(root).files["pipe"].digest == digest(b"")


def _nothing(_: Path) -> None:
    pass


def _touch(c: Path) -> None:
    os.utime(c / "a", (1, 1))


def _chmod(c: Path) -> None:
    (c / "a").chmod(0o644)


def _rename(c: Path) -> None:
    (c / "a").rename(c / "z")


def _edit(c: Path) -> None:
    (c / "d" / "b").write_text("TWO")


def _empty_folder(c: Path) -> None:
    (c / "e").mkdir()


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (_nothing, True),
        (_touch, True),
        (_chmod, False),
        (_rename, False),
        (_edit, False),
        (_empty_folder, False),
    ],
)
def test_the_digest_of_a_context(root: Path, change: Callable[[Path], None], *, same: bool) -> None:
    """Names, modes and contents count; times do not."""
    before = digests(root).context
    change(root / "c")
    assert (digests(root).context == before) is same


def test_many_files_are_recorded_together(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit, which folders do not count for."""
    monkeypatch.setattr(context_digests, "MAX_FILES", 2)
    recorded = digests(root)
    (root / "c" / "z").write_text("")
    together = digests(root)
    assert (len(recorded.files), len(together.files), together.context[:7]) == (3, 0, "sha256:")
    (root / "c" / "z").write_text("z")
    assert digests(root).context != together.context


@pytest.mark.parametrize("limits", [{"entries": 2}, {"depth": 0}, {"size": 5}])
def test_a_context_that_is_too_large_is_not_known(root: Path, limits: dict[str, int]) -> None:
    """The build is not stopped by it."""
    assert digests(root, **limits) == BuildInputs()


def test_a_missing_context_is_not_known(tmp_path: Path) -> None:
    """The builder says so."""
    assert digests(tmp_path) == BuildInputs()


def test_a_stop_ends_it(root: Path) -> None:
    """Between two entries, and within a file."""
    answers = iter([False] * 10)

    def stopped() -> bool:
        return next(answers, True)

    (root / "c" / "large").write_bytes(bytes(2**24))
    assert digest_context(str(root), "c", BuildInputs(), stopped=stopped) == BuildInputs()
    assert digest_context(str(root), "c", BuildInputs(), stopped=lambda: True) == BuildInputs()


@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore"])
def test_what_is_not_sent_is_not_recorded(root: Path, name: str) -> None:
    """What the ignore file excludes: a folder whose exceptions are sent, and a folder that is left out."""
    write_files(
        root, {"c/left/out": "", "c/d/kept": "", f"c/{name}": f"d\nleft\n!d/kept\n{name}\n"}
    )
    assert [*digests(root).files] == ["a", "d/kept"]


def test_the_ignore_file_of_the_dockerfile_counts_first(root: Path) -> None:
    """As for BuildKit."""
    ignored = {"c/.dockerignore": "d\n", "c/Dockerfile.dockerignore": "a\n*ignore\n"}
    write_files(root, ignored)
    assert [*digests(root).files] == ["d/", "d/b"]


def test_with_an_invalid_ignore_file_nothing_is_known(root: Path) -> None:
    """The build fails because of it."""
    write_files(root, {"c/.dockerignore": "[\n"})
    assert digests(root) == BuildInputs()


def test_a_dockerfile_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not a file, or cannot be read, is none."""
    os.mkfifo(root / "pipe")
    assert [read_dockerfile(str(root), path) for path in ("c/a", "pipe", "nowhere")] == [
        b"one",
        None,
        None,
    ]

    def fail(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("builtins.open", fail)
    assert read_dockerfile(str(root), "c/a") is None
