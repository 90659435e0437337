"""The records that a builder keeps of a build: its metadata file and `docker buildx history`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from faas_cache.model.errors import BuilderError
from faas_cache.runner.processes import ask
from faas_cache.runner.stop import Stop

__all__ = [
    "Metadata",
    "history",
    "parse_json",
    "parse_metadata",
    "push_digest",
    "text_at",
    "with_metadata",
]

# docker's last line about a tag: `latest: digest: sha256:… size: 1234`.
_PUSHED = re.compile(rb"^\S+: digest: (?P<digest>sha256:[0-9a-f]{64}) size: [0-9]+\s*$")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# A metadata file has some KiB for each target.
_MAX_METADATA = 2**24


@attrs.frozen(kw_only=True)
class Metadata:
    """What buildx writes about one image: the name of the build's record, and the digest."""

    ref: str = ""
    digest: str | None = None


def parse_json(text: str) -> object:
    """A JSON value; `None` for what is not JSON, or too large or too deep for Python."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def text_at(value: object, *path: str) -> str:
    """The string at a path of a JSON value; empty if there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def parse_metadata(data: bytes) -> dict[str, Metadata]:
    """What `--metadata-file` wrote: by target for a bake, else under an empty name."""
    value = parse_json(data.decode(errors="replace"))
    records = {"": _metadata(value)}
    if isinstance(value, dict):
        records |= {name: _metadata(value, name) for name in value}
    return {name: record for name, record in records.items() if record != Metadata()}


def _metadata(value: object, *path: str) -> Metadata:
    digest = text_at(value, *path, "containerimage.digest")
    return Metadata(
        ref=text_at(value, *path, "buildx.build.ref"),
        digest=digest if _DIGEST.fullmatch(digest) else None,
    )


def push_digest(line: bytes) -> str | None:
    """The digest in a line of `docker push`."""
    match = _PUSHED.match(line)
    return match["digest"].decode() if match else None


def history(
    ref: str,
    *,
    environ: Mapping[str, str] | None = None,
    timeout: float = 30.0,
    stop: Stop | None = None,
) -> bytes:
    """The recorded progress of a build as rawjson, empty if there is none.

    `ref` is that of `Metadata`.
    """
    builder, _, rest = ref.partition("/")
    name = rest.rpartition("/")[2]
    argv = ("docker", "buildx", "history", "logs", "--builder", builder, "--progress", "rawjson")
    try:
        answer = ask((*argv, name), environ=environ, timeout=timeout, stop=stop)
    except BuilderError:
        return b""
    return (answer.stdout + answer.stderr).encode(errors="replace") if answer.ok else b""


def with_metadata(argv: tuple[str, ...], run: Callable[[tuple[str, ...]], object]) -> bytes:
    """Calls `run` with the command, and returns the metadata file that buildx wrote.

    If the file cannot be written, the command runs without it.
    """
    given = any(argument.startswith("--metadata-file") for argument in argv)
    if argv[1:2] != ("buildx",) or given:
        run(argv)
        return b""
    folder = _folder()
    if folder is None:
        run(argv)
        return b""
    with folder as path:
        file = Path(path) / "metadata.json"
        run((*argv[:3], "--metadata-file", str(file), *argv[3:]))
        return _read(file)


def _folder() -> TemporaryDirectory[str] | None:
    """A folder with enough free space for the file: buildx fails if it cannot write it."""
    try:
        folder = TemporaryDirectory(prefix="faas-cache-", ignore_cleanup_errors=True)
    except OSError:
        return None
    probe = Path(folder.name) / "probe"
    try:
        probe.write_bytes(bytes(2**18))
        probe.unlink()
    except OSError:
        folder.cleanup()
        return None
    return folder


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_MAX_METADATA)
    except OSError:
        return b""
