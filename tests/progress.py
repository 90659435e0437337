"""Progress for the tests: recorded streams, and objects of rawjson made by hand."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

from faas_cache.buildkit.events import Event
from faas_cache.buildkit.reader import EventReader

STREAMS = Path(__file__).parent / "vectors" / "streams"
NAMES = sorted(path.stem for path in STREAMS.glob("*.txt"))
TARGETS = {"one": "fn-1", "two": "fn-2"}


def stream(name: str) -> bytes:
    """A recorded stream."""
    return (STREAMS / f"{name}.txt").read_bytes()


def read(
    data: bytes, targets: dict[str, str] | None = None, size: int | None = None
) -> list[Event]:
    """The events of a stream that comes in blocks of `size`."""
    reader = EventReader("fn", targets)
    size = size or len(data) or 1
    events = [e for at in range(0, len(data), size) for e in reader.feed(data[at : at + size])]
    return events + reader.close()


def status(**parts: object) -> bytes:
    """One object of rawjson."""
    return json.dumps(parts).encode() + b"\n"


def clock(second: float) -> str:
    """A time as BuildKit writes it."""
    return f"2026-01-01T00:{int(second) // 60:02}:{int(second) % 60:02}.500000000Z"


def epoch(second: float) -> float:
    """The same time as events hold it."""
    return 1767225600.5 + second


def vertex(digest: str, name: str, *run: float, **more: object) -> dict[str, object]:
    """A vertex that was started, and perhaps completed."""
    times = dict(zip(("started", "completed"), map(clock, run), strict=False))
    return {"digest": digest, "name": name, **times, **more}


def log(digest: str, data: bytes, second: float | None = None) -> dict[str, object]:
    """A block of the output of a vertex."""
    time = {} if second is None else {"timestamp": clock(second)}
    return {"vertex": digest, "data": b64encode(data).decode(), **time}
