"""What a builder remembers of a build."""

import json
from pathlib import Path

import pytest
from fake_docker import SLOW, FakeDocker

from faas_cache.runner import records
from faas_cache.runner.records import (
    Metadata,
    history,
    parse_metadata,
    push_digest,
    with_metadata,
)

DIGEST = "sha256:" + "a" * 64
BUILD = ("docker", "buildx", "build", ".")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"buildx.build.ref": "b/n/1", "containerimage.digest": DIGEST, "x": {}},
            {"": Metadata(ref="b/n/1", digest=DIGEST)},
        ),
        (
            {"one": {"buildx.build.ref": "b/n/1"}, "two": {"containerimage.digest": DIGEST}},
            {"one": Metadata(ref="b/n/1"), "two": Metadata(digest=DIGEST)},
        ),
        ({"containerimage.digest": "\x1b[1m"}, {}),
        ({"buildx.build.ref": 1}, {}),
        ([], {}),
    ],
)
def test_a_metadata_file(data: object, expected: dict[str, Metadata]) -> None:
    """Of one build, of a bake, and of nothing that is known."""
    assert parse_metadata(json.dumps(data).encode()) == expected


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b"9" * 5000])
def test_a_broken_metadata_file_is_empty(data: bytes) -> None:
    """Whatever it holds."""
    assert parse_metadata(data) == {}


@pytest.mark.parametrize(
    ("line", "digest"),
    [
        (f"latest: digest: {DIGEST} size: 1234", DIGEST),
        (f"v1: digest: {DIGEST} size: 1\r", DIGEST),
        (f"x latest: digest: {DIGEST} size: 1234", None),
        ("latest: digest: sha256:abc size: 1234", None),
    ],
)
def test_the_digest_of_a_push(line: str, digest: str | None) -> None:
    """Docker's last line about a tag."""
    assert push_digest(line.encode()) == digest


def test_a_record_is_read_by_its_builder_and_name(fake_docker: FakeDocker) -> None:
    """Its logs are on stderr."""
    fake_docker.answer("buildx history logs *", stderr="{}\n")
    assert history("far/far0/abc", environ=fake_docker.environ) == b"{}\n"
    assert [call.argv for call in fake_docker.calls] == [
        ("buildx", "history", "logs", "--builder", "far", "--progress", "rawjson", "abc")
    ]


def test_a_record_that_cannot_be_read_is_empty(fake_docker: FakeDocker, tmp_path: Path) -> None:
    """The command fails, takes too long, or does not exist."""
    fake_docker.answer("*slow", script=SLOW).answer("*", stdout="text", exit_code=1)
    environ = fake_docker.environ
    assert [
        history("b/n/slow", environ=environ, timeout=0.2),
        history("b/n/x", environ=environ),
        history("b/n/x", environ={"PATH": str(tmp_path)}),
    ] == [b""] * 3


def test_buildx_is_told_to_write_a_metadata_file() -> None:
    """In a folder that is removed afterwards; other programs, and who has a file already, are not."""
    calls: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...]) -> None:
        calls.append(argv)
        if "--metadata-file" in argv:
            Path(argv[4]).write_bytes(b"{}")

    own = (*BUILD, "--metadata-file=x")
    assert [with_metadata(argv, run) for argv in (BUILD, ("docker", "build", "."), own)] == [
        b"{}",
        b"",
        b"",
    ]
    assert calls[0][:4] == (*BUILD[:3], "--metadata-file")
    assert (calls[0][5:], calls[1:]) == ((".",), [("docker", "build", "."), own])
    assert not Path(calls[0][4]).parent.exists()
    assert with_metadata(BUILD, lambda _: None) == b""


@pytest.mark.parametrize("broken", ["TemporaryDirectory", "write_bytes"])
def test_a_full_temporary_folder_fails_no_build(
    monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Buildx fails where it cannot write the file, so it is not told to."""

    def full(*_: object, **__: object) -> object:
        raise OSError(28, "No space left on device")

    owner = records if broken == "TemporaryDirectory" else Path
    monkeypatch.setattr(owner, broken, full)
    calls: list[tuple[str, ...]] = []
    assert (with_metadata(BUILD, calls.append), calls) == (b"", [BUILD])
